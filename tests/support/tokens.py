"""An issuer of tokens. It signs by `cryptography` alone, so that PyJWT is not its own judge."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature


class Absent(Enum):
    """A claim or header parameter to leave out; of one name in every process of the tests."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT
ASYMMETRIC = ("RS256", "PS256", "ES256", "ES384", "EdDSA")
HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
CURVES = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}
CURVE_NAMES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


@cache
def private_key(algorithm: str, name: str = "") -> PrivateKey:
    """A key for `algorithm`, made once a run for each name."""
    if algorithm.startswith(("RS", "PS")):
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    if algorithm.startswith("ES"):
        return ec.generate_private_key(CURVES[algorithm]())
    return ed25519.Ed25519PrivateKey.generate()


def sign(algorithm: str, key: PrivateKey | bytes, message: bytes) -> bytes:
    """A JWS signature (RFC 7518 section 3, RFC 8037 section 3.1); HMAC where the key is bytes."""
    if isinstance(key, bytes):
        digest = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}[algorithm]
        return hmac.new(key, message, getattr(hashlib, digest)).digest()
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    digest_ = HASHES[algorithm[2:]]()
    if isinstance(key, rsa.RSAPrivateKey):
        if algorithm.startswith("PS"):
            salted = padding.PSS(padding.MGF1(digest_), salt_length=digest_.digest_size)
            return key.sign(message, salted, digest_)
        return key.sign(message, padding.PKCS1v15(), digest_)
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(digest_)))
    size = (key.curve.key_size + 7) // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def compact(
    header: Mapping[str, Any] | bytes,
    payload: Mapping[str, Any] | bytes,
    *,
    algorithm: str,
    key: PrivateKey | bytes,
) -> str:
    """A compact JWS of any header and payload, however odd, with a true signature."""
    head, body = (
        part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, payload)
    )
    message = f"{b64(head)}.{b64(body)}"
    return f"{message}.{b64(sign(algorithm, key, message.encode('ascii')))}"


def jwk(algorithm: str, key: PrivateKey, *, kid: str | None = None) -> dict[str, Any]:
    """The public half as a JWK (RFC 7517, 7518 section 6, 8037 section 2)."""
    public = key.public_key()
    found: dict[str, Any] = {"use": "sig", "alg": algorithm}
    if kid is not None:
        found["kid"] = kid
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        size = (public.key_size + 7) // 8
        return found | {
            "kty": "RSA",
            "n": b64(numbers.n.to_bytes(size, "big")),
            "e": b64(numbers.e.to_bytes((numbers.e.bit_length() + 7) // 8, "big")),
        }
    if isinstance(public, ec.EllipticCurvePublicKey):
        point = public.public_numbers()
        size = (public.curve.key_size + 7) // 8
        return found | {
            "kty": "EC",
            "crv": CURVE_NAMES[algorithm],
            "x": b64(point.x.to_bytes(size, "big")),
            "y": b64(point.y.to_bytes(size, "big")),
        }
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return found | {"kty": "OKP", "crv": "Ed25519", "x": b64(raw)}


def pem(key: PrivateKey) -> str:
    """The public half as PEM, SubjectPublicKeyInfo."""
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode("ascii")
    )


class Issuer:
    """One issuer: a key for each asymmetric algorithm, and a secret for HMAC.

    `token()` is good for five minutes from `clock()`, unless claims say otherwise:
    `issuer.token("alice", aud=ABSENT, org_id="org_1")`.
    """

    def __init__(
        self,
        url: str = "https://id.acme.example/",
        *,
        audience: str = "chat",
        algorithm: str = "RS256",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.url = url
        self.audience = audience
        self.algorithm = algorithm
        self.clock = clock
        self.generation = 1
        self.secret = hashlib.sha256(url.encode()).hexdigest()  # 64 characters: fit for HS512

    def key(self, algorithm: str | None = None) -> PrivateKey | bytes:
        algorithm = algorithm or self.algorithm
        if algorithm.startswith("HS"):
            return self.secret.encode()
        return private_key(algorithm, f"{self.url} {self.generation}")

    def kid(self, algorithm: str | None = None) -> str:
        return f"{(algorithm or self.algorithm).lower()}-{self.generation}"

    def rotate(self) -> None:
        """From now on other keys, under other kids."""
        self.generation += 1

    def claims(self, sub: object = "alice", **claims: object) -> dict[str, Any]:
        now = int(self.clock())
        said = {"iss": self.url, "aud": self.audience, "sub": sub, "iat": now, "exp": now + 300}
        return {name: value for name, value in (said | claims).items() if value is not ABSENT}

    def header(self, algorithm: str | None = None, **parameters: object) -> dict[str, Any]:
        algorithm = algorithm or self.algorithm
        said: dict[str, object] = {"alg": algorithm, "typ": "JWT"}
        if not algorithm.startswith("HS"):
            said["kid"] = self.kid(algorithm)
        return {name: value for name, value in (said | parameters).items() if value is not ABSENT}

    def token(
        self,
        sub: object = "alice",
        *,
        algorithm: str | None = None,
        header: Mapping[str, object] | None = None,
        **claims: object,
    ) -> str:
        """A signed token; `header` adds parameters to its header, or takes them out."""
        return self.seal(self.claims(sub, **claims), algorithm=algorithm, header=header)

    def seal(
        self,
        payload: Mapping[str, Any] | bytes,
        *,
        algorithm: str | None = None,
        header: Mapping[str, object] | None = None,
    ) -> str:
        """A truly signed token of exactly this payload."""
        algorithm = algorithm or self.algorithm
        head = self.header(algorithm, **(header or {}))
        return compact(head, payload, algorithm=algorithm, key=self.key(algorithm))

    def jwk(self, algorithm: str | None = None) -> dict[str, Any]:
        algorithm = algorithm or self.algorithm
        key = private_key(algorithm, f"{self.url} {self.generation}")
        return jwk(algorithm, key, kid=self.kid(algorithm))

    def jwks(self, *algorithms: str) -> dict[str, Any]:
        """The JWK Set, of these algorithms or of the issuer's own one."""
        return {"keys": [self.jwk(algorithm) for algorithm in algorithms or (self.algorithm,)]}

    def jwks_text(self, *algorithms: str) -> str:
        return json.dumps(self.jwks(*algorithms))

    def pem(self, algorithm: str | None = None) -> str:
        return pem(private_key(algorithm or self.algorithm, f"{self.url} {self.generation}"))
