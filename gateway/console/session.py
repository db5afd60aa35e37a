"""An operator's session: that somebody has shown the admin token, by a cookie that we signed.

It holds nothing, so every worker and a restarted gateway know it, and another token ends it. The
token itself is never in a cookie: browsers send those to every port of a host. Whoever listens
there could try tokens against the signature, so a key costs 0.1 s to make of one.
"""

import hashlib

from itsdangerous import BadSignature, TimestampSigner

COOKIE = "gateway_console"
LIFETIME = 12 * 3600  # seconds
_WHAT = b"operator"
_ROUNDS = 600_000  # of PBKDF2 (RFC 8018 section 5.2)


class Sessions:
    """Those of one admin token."""

    def __init__(self, token: str) -> None:
        self._signer = TimestampSigner(
            hashlib.pbkdf2_hmac("sha256", token.encode(), b"gateway.console", _ROUNDS),
            salt="gateway.console",
            key_derivation="hmac",
            digest_method=hashlib.sha256,
        )

    def begin(self, *, secure: bool) -> bytes:
        """The `set-cookie` of a new one; `secure`: the page came by TLS."""
        return self._cookie(self._signer.sign(_WHAT).decode("ascii"), LIFETIME, secure=secure)

    def end(self, *, secure: bool) -> bytes:
        """The `set-cookie` that lets a browser forget one."""
        return self._cookie("", 0, secure=secure)

    def is_one(self, cookie: str) -> bool:
        """Whether we made it, for this token, less than twelve hours ago."""
        try:
            return self._signer.unsign(cookie, max_age=LIFETIME) == _WHAT
        except BadSignature:
            return False

    def _cookie(self, value: str, age: int, *, secure: bool) -> bytes:
        parts = [f"{COOKIE}={value}", "Path=/console", f"Max-Age={age}", "HttpOnly"]
        parts += ["SameSite=Strict", *(["Secure"] if secure else [])]
        return "; ".join(parts).encode("ascii")
