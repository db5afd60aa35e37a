"""Keys that verify tokens: where a sign-in gets them, and those that stand in the configuration.

A key is chosen by the sign-in, which is of one issuer, and by the token's `kid`; never by anything
else a token says. The algorithms a key may be used with are fixed when it is read.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.exceptions import InvalidKeyError

from gateway.authn.algorithms import family, implementation
from gateway.authn.publickey import algorithms_of
from gateway.authn.token import Token
from gateway.core.errors import CredentialsInvalid

# Secrets that documentation gives as an example and that are long enough to pass for one.
PUBLISHED_SECRETS = frozenset(
    {
        "a-string-secret-at-least-256-bits-long",
        "a-valid-string-secret-that-is-at-least-384-bits-long",
        "a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long",
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    }
)
MIN_DISTINCT = 8  # bytes: a line of one letter is no secret, however long

_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Key:
    """One key, and the algorithms it may be used with."""

    algorithms: frozenset[str]
    material: object = field(repr=False)  # as PyJWT's algorithms want it
    kid: str | None = None

    def verifies(self, algorithm: str, signed: bytes, signature: bytes) -> bool:
        """Whether the signature is by this key."""
        if algorithm not in self.algorithms:
            return False
        return implementation(algorithm).verify(signed, self.material, signature)


class KeySource(Protocol):
    """Where a sign-in gets its keys."""

    @property
    def algorithms(self) -> frozenset[str]:
        """What its keys may be used with, at most."""
        ...

    async def find(self, kid: str | None, algorithm: str) -> Sequence[Key]:
        """The keys a token may be signed by: one, or those in rotation where keys have no ids.

        Raises:
            CredentialsInvalid: there is none.
            KeysUnavailable: that cannot be known now.
        """
        ...


async def check_signature(token: Token, algorithms: Collection[str], keys: KeySource) -> None:
    """Whether a token is signed by one of these keys, with one of these algorithms.

    Raises:
        CredentialsInvalid: it is not.
        KeysUnavailable: that cannot be known now.
    """
    if token.algorithm not in algorithms:
        raise CredentialsInvalid("The token's algorithm is not one of this sign-in's")
    found = await keys.find(token.kid, token.algorithm)
    if not any(key.verifies(token.algorithm, token.signed, token.signature) for key in found):
        raise CredentialsInvalid("The token's signature is not its issuer's")


class GivenKeys:
    """A few keys without ids, all good at once while one takes over from another."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self._keys = tuple(keys)
        self.algorithms = frozenset().union(*(key.algorithms for key in keys))

    async def find(self, kid: str | None, algorithm: str) -> Sequence[Key]:
        del kid  # none of ours has one; the signature decides
        fitting = [key for key in self._keys if algorithm in key.algorithms]
        if not fitting:
            raise CredentialsInvalid("No key of this sign-in is for the token's algorithm")
        return fitting


def shared_secrets(secrets: Sequence[str], algorithms: Collection[str]) -> GivenKeys:
    """HMAC secrets: the first signs today, the rest still verify.

    Raises:
        ValueError: one is weak (RFC 7518 section 3.2), or is a public key.
    """
    if family(algorithms) != "symmetric":
        raise ValueError("a shared secret is for HS256, HS384 or HS512")
    if not secrets:
        raise ValueError("a sign-in by shared secret needs one")
    return GivenKeys([_secret(secret, frozenset(algorithms)) for secret in secrets])


def _secret(secret: str, algorithms: frozenset[str]) -> Key:
    material = secret.encode()
    shortest = max(int(name.removeprefix("HS")) // 8 for name in algorithms)
    if len(material) < shortest:
        raise ValueError(f"the secret is too short: {shortest} bytes at least")
    if len(set(material)) < MIN_DISTINCT or secret in PUBLISHED_SECRETS:
        raise ValueError("the secret can be guessed: take a random one")
    for name in algorithms:
        try:
            implementation(name).prepare_key(material)
        except InvalidKeyError:
            raise ValueError("the secret is a public key, a certificate or a JWK") from None
    return Key(algorithms, material)


def public_keys(pem: str) -> GivenKeys:
    """Public keys or certificates as PEM, one after the other.

    Raises:
        ValueError: there is none, one is weak, or one is private.
    """
    blocks = list(_PEM.finditer(pem))
    if not blocks:
        raise ValueError("no PEM: '-----BEGIN PUBLIC KEY-----' and so on")
    return GivenKeys([_public_key(block[0], block[1]) for block in blocks])


def _public_key(block: str, label: str) -> Key:
    if "PRIVATE" in label:
        raise ValueError("this is a private key: the gateway needs the public half alone")
    try:
        if label == "CERTIFICATE":
            material: object = x509.load_pem_x509_certificate(block.encode()).public_key()
        else:
            material = load_pem_public_key(block.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("the PEM holds no public key that can be read") from None
    return Key(algorithms_of(material), material)
