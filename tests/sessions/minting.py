"""Sessions that nobody's app would write, truly signed: what a reader makes of them is its own.

Each takes the raw payload, and gives the cookies. `at` is in seconds since the epoch.
"""

import base64
import hashlib
import hmac
import time
import zlib
from typing import Any

import jwt
from django.core import signing
from itsdangerous import TimestampSigner
from joserfc import jwe
from joserfc.jwk import OctKey

from gateway.authn.sessions import authjs
from tests.support.host_apps import SECRET
from tests.support.mutations import Pair

PICKLE = base64.b64decode("gASVHQAAAAAAAAB9lIwHdXNlcl9pZJSMB2FsaWNllHMu")


def _signer(at: float, secret: str, **options: Any) -> TimestampSigner:
    class Wound(TimestampSigner):
        def get_timestamp(self) -> int:
            return int(at)

    return Wound(secret, **options)


def starlette(payload: bytes, *, at: float | None = None, secret: str = SECRET) -> list[Pair]:
    signer = _signer(time.time() if at is None else at, secret)
    return [(b"session", signer.sign(base64.b64encode(payload)))]


def flask(
    payload: bytes,
    *,
    at: float | None = None,
    secret: str = SECRET,
    salt: str = "cookie-session",
    packed: bool = False,
) -> list[Pair]:
    signer = _signer(time.time() if at is None else at, secret, salt=salt, key_derivation="hmac")
    return [(b"session", signer.sign(_written(payload, packed)))]


def django(
    payload: bytes,
    *,
    at: float | None = None,
    secret: str = SECRET,
    salt: str = "django.contrib.sessions.backends.signed_cookies",
    packed: bool = False,
) -> list[Pair]:
    signed_at = int(time.time() if at is None else at)
    value = f"{_written(payload, packed).decode()}:{signing.b62_encode(signed_at)}"
    signer = signing.Signer(key=secret, salt=salt, fallback_keys=[])
    return [(b"sessionid", signer.sign(value).encode())]


def _written(payload: bytes, packed: bool) -> bytes:
    raw = zlib.compress(payload) if packed else payload
    return (b"." if packed else b"") + base64.urlsafe_b64encode(raw).rstrip(b"=")


def express(payload: bytes, *, secret: str = SECRET, name: bytes = b"session") -> list[Pair]:
    value = base64.b64encode(payload)
    mac = hmac.digest(secret.encode(), b"session=" + value, hashlib.sha1)
    signature = base64.urlsafe_b64encode(mac).rstrip(b"=")
    return [(name, value), (name + b".sig", signature)]


def fastapi_users(
    payload: bytes, *, secret: str = SECRET, header: dict[str, Any] | None = None
) -> list[Pair]:
    token = jwt.api_jws.encode(payload, secret, "HS256", headers={"typ": "JWT", **(header or {})})
    return [(b"fastapiusersauth", token.encode())]


def encrypted(
    payload: bytes, *, enc: str, cookie: str, secret: str = SECRET, **header: Any
) -> list[Pair]:
    """A session of Auth.js, by `enc` of v5 or of v4."""
    key = OctKey.import_key(authjs.derived(enc, secret, cookie))
    head = {"alg": "dir", "enc": enc, **header}
    token = jwe.encrypt_compact(head, payload, key, algorithms=["dir", enc, "DEF"])
    return [(cookie.encode(), token.encode())]
