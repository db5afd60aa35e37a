"""The keys of our own statements (`gateway.core.people.assertion`): Ed25519, anew every 30 days.

Key number N is made of the identity secret and N, and N of the date: so all replicas have the same
keys without a word between them, and none is ever stored. The set that is published holds the key
before and the key after as well: a service may keep it for days, and a clock may be wrong.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from functools import lru_cache

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core.formats.strictjson import JsonObject
from gateway.core.people import assertion
from gateway.core.people.identity import Identity
from gateway.ports import Clock

PERIOD = 30 * 24 * 3600  # seconds
KEPT = 8  # keys


class Assertions:
    """Signs statements, for one identity secret. `clock` is in seconds since the epoch."""

    def __init__(self, secret: bytes, *, clock: Clock = time.time) -> None:
        self._seed = hmac.digest(secret, b"assertions", "sha256")
        self._clock = clock
        self._key = lru_cache(KEPT)(self._make)

    def sign(
        self,
        identity: Identity,
        *,
        user: str,
        audience: str,
        conversation: str | None = None,
        tool: str | None = None,
    ) -> str:
        """A statement for the one who is at `audience`, good for a minute."""
        now = self._clock()
        kid, key = self._key(int(now // PERIOD))
        claims = assertion.claims(
            identity,
            user=user,
            audience=audience,
            now=now,
            jti=secrets.token_urlsafe(16),
            conversation=conversation,
            tool=tool,
        )
        return jwt.encode(claims, key, "EdDSA", headers={"kid": kid, "typ": assertion.TYPE})

    def jwk_set(self) -> JsonObject:
        """The keys to verify by (RFC 7517, RFC 8037): of the last period, of this and the next."""
        period = int(self._clock() // PERIOD)
        return {"keys": [self._jwk(number) for number in (period - 1, period, period + 1)]}

    def _jwk(self, number: int) -> JsonObject:
        kid, key = self._key(number)
        return {**_public(key), "kid": kid, "alg": "EdDSA", "use": "sig"}

    def _make(self, number: int) -> tuple[str, Ed25519PrivateKey]:
        seed = hmac.digest(self._seed, number.to_bytes(8, "big"), "sha256")
        key = Ed25519PrivateKey.from_private_bytes(seed)
        return _thumbprint(_public(key)), key


def _public(key: Ed25519PrivateKey) -> dict[str, str]:
    raw = key.public_key().public_bytes_raw()
    return {"crv": "Ed25519", "kty": "OKP", "x": _b64(raw)}


def _thumbprint(jwk: dict[str, str]) -> str:
    """RFC 7638: of the required members, in their order."""
    written = json.dumps(jwk, sort_keys=True, separators=(",", ":"))
    return _b64(hashlib.sha256(written.encode()).digest())


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")
