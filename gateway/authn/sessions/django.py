"""Django's `signed_cookies` sessions: JSON, signed with its time by `django.core.signing`.

Django lets an app choose a serializer. Only its own, JSON, is read here: a pickle runs whatever it
says, and a signature only tells that somebody had the secret.
"""

import re
from collections.abc import Sequence

from gateway.authn.places import Cookie
from gateway.authn.sessions.encoding import base64url, check_size, inflated, json_object
from gateway.authn.sessions.format import Session, expiry
from gateway.core.errors import CredentialsInvalid

SALT = "django.contrib.sessions.backends.signed_cookies"

# `payload:time:signature`; the time in base 62, the signature an HMAC-SHA256 of 32 bytes.
_SIGNED = re.compile(r"(\.?)([A-Za-z0-9_-]+):([0-9A-Za-z]{1,7}):([A-Za-z0-9_-]{43})")


class DjangoFormat:
    """Keeps `Format`. `max_age` in seconds."""

    def __init__(self, cookie: str, secrets: Sequence[str], *, max_age: float) -> None:
        from django.core import signing  # an extra, and heavy

        self.places = (Cookie(cookie),)
        self._signing = signing
        # `Signer` and not `TimestampSigner`, whose clock cannot be told.
        self._signer = signing.Signer(key=secrets[0], fallback_keys=list(secrets[1:]), salt=SALT)
        self._max_age = max_age

    def open(self, text: str, *, now: float) -> Session:
        check_size(text)
        parts = _SIGNED.fullmatch(text)
        if parts is None:
            raise CredentialsInvalid("The cookie is not a signed session: payload:time:signature")
        try:
            self._signer.unsign(text)
        except self._signing.BadSignature as error:
            raise CredentialsInvalid("The session is not signed by its app") from error
        signed_at = float(self._signing.b62_decode(parts[3]))
        expires = expiry(signed_at, max_age=self._max_age, now=now)
        raw = base64url(parts[2])
        json = inflated(raw) if parts[1] else raw
        # Django reads Latin-1 where we read UTF-8; what it writes is ASCII.
        if not json.isascii():
            raise CredentialsInvalid("The session is not JSON in ASCII, as Django writes it")
        return Session(json_object(json), expires)
