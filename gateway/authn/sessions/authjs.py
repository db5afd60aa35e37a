"""Auth.js v5 and NextAuth v4: a JWT that is encrypted and not signed (JWE, RFC 7516), in parts.

The key is derived from the app's secret (HKDF, RFC 5869): in v5 for the cookie's name too, so that
what stands in another cookie of Auth.js is no session; in v4 for all cookies alike.

joserfc decrypts; what a token must look like is decided here. `alg` is "dir" and nothing else: a
wrapped key, a password or a compressed text would make us work for whoever asks.
"""

import re
from collections.abc import Mapping, Sequence

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.authn.claim_set import END_OF_TIME
from gateway.authn.places import Chunks
from gateway.authn.sessions.encoding import base64url, check_size, json_object
from gateway.authn.sessions.format import AHEAD, Session
from gateway.core.errors import CredentialsExpired, CredentialsInvalid
from gateway.core.formats.strictjson import JsonObject, JsonValue

V5 = "A256CBC-HS512"
V4 = "A256GCM"

_PART = "([A-Za-z0-9_-]+)"
_JWE = re.compile(rf"{_PART}\.\.{_PART}\.{_PART}\.{_PART}")
# Bytes of the initialisation vector and of the tag (RFC 7518 sections 5.2.5 and 5.3): a shorter
# tag would be easier to guess.
_SIZES: Mapping[str, tuple[int, int]] = {V5: (16, 32), V4: (12, 16)}


class AuthJsFormat:
    """Keeps `Format`.

    The version is that of the cookie's name; a name that tells none may hold either.
    """

    def __init__(self, cookie: str, secrets: Sequence[str]) -> None:
        from joserfc import errors, jwe  # an extra
        from joserfc.jwk import OctKey, thumbprint

        self.places = (Chunks(cookie),)
        self._decrypt = jwe.decrypt_compact
        self._error = errors.JoseError
        made = {enc: [derived(enc, one, cookie) for one in secrets] for enc in versions(cookie)}
        self._keys = {enc: [OctKey.import_key(one) for one in keys] for enc, keys in made.items()}
        # RFC 7638; v4 writes no `kid`.
        self._by_kid = {
            thumbprint({"kty": "oct", "k": key.as_dict()["k"]}, "sha512"): [key]
            for key in self._keys.get(V5, ())
        }

    def open(self, text: str, *, now: float) -> Session:
        check_size(text)
        enc, kid = self._checked(text)
        keys = self._keys[enc] if kid is None else self._by_kid.get(kid, [])
        for key in keys:
            try:
                found = self._decrypt(text, key, algorithms=["dir", enc])
            except (self._error, ValueError):
                continue
            claims = json_object(found.plaintext or b"")
            return Session(claims, _expiry(claims, now))
        raise CredentialsInvalid("The session is not encrypted by its app")

    def _checked(self, text: str) -> tuple[str, str | None]:
        """How a token says it is encrypted, and by which key; None: it does not say."""
        parts = _JWE.fullmatch(text)
        if parts is None:
            raise CredentialsInvalid("The cookie is not an encrypted session of Auth.js")
        header = json_object(base64url(parts[1]))
        enc, kid = header.get("enc"), header.get("kid")
        vector, _, tag = (base64url(part) for part in parts.group(2, 3, 4))
        if (
            not isinstance(enc, str)
            or enc not in self._keys
            or header.get("alg") != "dir"
            or not header.keys() <= ({"alg", "enc", "kid"} if enc == V5 else {"alg", "enc"})
            or not isinstance(kid, (str, type(None)))
            or (len(vector), len(tag)) != _SIZES[enc]
        ):
            raise CredentialsInvalid("The session is not encrypted as Auth.js does it")
        return enc, kid


def versions(cookie: str) -> Sequence[str]:
    """The encryptions that a cookie of this name may have."""
    if "next-auth." in cookie:
        return (V4,)
    return (V5,) if "authjs." in cookie else (V5, V4)


def derived(enc: str, secret: str, cookie: str) -> bytes:
    """The key for one encryption, as `@auth/core` and `next-auth` derive it in their `jwt`."""
    if enc == V4:
        length, salt, info = 32, "", "NextAuth.js Generated Encryption Key"
    else:
        length, salt, info = 64, cookie, f"Auth.js Generated Encryption Key ({cookie})"
    derivation = HKDF(SHA256(), length=length, salt=salt.encode(), info=info.encode())
    return derivation.derive(secret.encode())


def _expiry(claims: JsonObject, now: float) -> float:
    """When the session expires (RFC 7519 section 4.1.4)."""
    expires = _date(claims.get("exp"))
    if now >= expires:
        raise CredentialsExpired
    if "nbf" in claims and _date(claims["nbf"]) > now + AHEAD:
        raise CredentialsInvalid("The session is not valid yet")
    return expires


def _date(value: JsonValue) -> float:
    seconds = None if isinstance(value, bool) or not isinstance(value, (int, float)) else value
    if seconds is None or not 0 <= seconds <= END_OF_TIME:
        raise CredentialsInvalid("The session does not say when it expires")
    return float(seconds)
