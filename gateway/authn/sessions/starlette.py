"""Starlette's `SessionMiddleware`: base64 JSON, signed with its time by itsdangerous."""

from collections.abc import Sequence

from gateway.authn.places import Cookie
from gateway.authn.sessions.encoding import base64_padded, json_object
from gateway.authn.sessions.format import Session, expiry
from gateway.authn.sessions.timed import Timed


class StarletteFormat:
    """Keeps `Format`. `max_age` in seconds."""

    def __init__(self, cookie: str, secrets: Sequence[str], *, max_age: float) -> None:
        self.places = (Cookie(cookie),)
        self._timed = Timed(secrets)
        self._max_age = max_age

    def open(self, text: str, *, now: float) -> Session:
        payload, signed_at = self._timed.open(text)
        expires = expiry(signed_at, max_age=self._max_age, now=now)
        return Session(json_object(base64_padded(payload)), expires)
