"""JWK Sets (RFC 7517), read strictly.

A key that is not for verifying signatures, or too weak to, is left out, as if it were not there. A
set that is ambiguous or dangerous as a whole is refused: with a secret in it (RFC 8725 section
2.1), with a private key, with two keys of one id, or with no key that is left.
"""

from collections.abc import Sequence
from typing import Any

import jwt
from jwt.exceptions import PyJWTError

from gateway.authn.keys import Key
from gateway.authn.publickey import algorithms_of
from gateway.authn.token import MAX_KID
from gateway.core.errors import AmbiguousJson, CredentialsInvalid
from gateway.core.formats import strictjson

MAX_KEYS = 100

_PUBLIC_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class KeySet:
    """The keys of one issuer at one time. Immutable."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self._keys = tuple(keys)
        self._by_kid = {key.kid: key for key in keys if key.kid is not None}
        self.algorithms = frozenset().union(*(key.algorithms for key in keys))

    def has(self, kid: str | None) -> bool:
        return kid is None or kid in self._by_kid

    async def find(self, kid: str | None, algorithm: str) -> Sequence[Key]:
        """The one key of this id; without an id, the one that fits."""
        return [self.choose(kid, algorithm)]

    def choose(self, kid: str | None, algorithm: str) -> Key:
        """As `find`.

        Raises:
            CredentialsInvalid: there is none, or several.
        """
        if kid is not None:
            key = self._by_kid.get(kid)
            if key is None:
                raise CredentialsInvalid("The token's key is none of its issuer's")
            if algorithm not in key.algorithms:
                raise CredentialsInvalid("The token's key is not for the token's algorithm")
            return key
        fitting = [key for key in self._keys if algorithm in key.algorithms]
        if len(fitting) != 1:
            raise CredentialsInvalid("The token names no key, and not exactly one would fit")
        return fitting[0]


def parse_set(raw: bytes) -> KeySet:
    """Read a JWK Set.

    Raises:
        ValueError: it cannot be used; the text says why and quotes nothing of it.
    """
    try:
        document = strictjson.loads(raw)
    except AmbiguousJson:
        raise ValueError("the JWK Set is not JSON, or JSON that parsers read differently") from None
    written = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(written, list):
        raise ValueError("a JWK Set is an object with a list of keys")
    if len(written) > MAX_KEYS:
        raise ValueError(f"the JWK Set has more than {MAX_KEYS} keys")
    keys = [key for item in written if isinstance(item, dict) and (key := _read(item)) is not None]
    if not keys:
        raise ValueError("the JWK Set has no key that verifies signatures")
    kids = [key.kid for key in keys if key.kid is not None]
    if len(set(kids)) != len(kids):
        raise ValueError("the JWK Set has two keys of one id")
    return KeySet(keys)


def _read(item: dict[str, Any]) -> Key | None:
    """One key; None where it is none of ours to use."""
    if item.get("kty") == "oct":
        raise ValueError("the JWK Set holds a shared secret: those go into `secret`")
    if not _PRIVATE_MEMBERS.isdisjoint(item):
        raise ValueError("the JWK Set holds a private key: it is public to whoever can read it")
    kid = item.get("kid")
    if not _is_for_signatures(item) or not (kid is None or _is_kid(kid)):
        return None
    try:
        material = _public_key(item)
        algorithms = algorithms_of(material)
    except (ValueError, PyJWTError):
        return None
    if "alg" in item:  # RFC 7517 section 4.4: the one algorithm the key is for
        algorithms = frozenset(name for name in algorithms if name == item["alg"])
    return Key(algorithms, material, kid) if algorithms else None


def _is_for_signatures(item: dict[str, Any]) -> bool:
    operations = item.get("key_ops", ["verify"])  # RFC 7517 section 4.3
    verifies = isinstance(operations, list) and "verify" in operations
    return verifies and item.get("use", "sig") == "sig"


def _is_kid(kid: object) -> bool:
    return isinstance(kid, str) and 0 < len(kid) <= MAX_KID


def _public_key(item: dict[str, Any]) -> object:
    names = _PUBLIC_MEMBERS.get(str(item.get("kty")))
    if names is None:
        raise ValueError("unknown kind of key")
    members = {name: item.get(name) for name in names}
    if not all(isinstance(one, str) for one in members.values()):
        raise ValueError("a member of the key is no string")
    return jwt.PyJWK({"kty": item["kty"], **members}).key
