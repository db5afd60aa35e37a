"""Proofs for vendors' widgets of who sits before them. Each is of one person, and of one secret.

A hash never ends by itself, and an id proves nothing: for these the time says when the page has to
ask again. No proof lasts longer than the sign-in that it rests on.
"""

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping

import jwt

from gateway.core.people.identity import Identity
from gateway.ports import Clock, Inbound, Record
from gateway.ports.widgets import Shown

Prove = Callable[[str, int], Mapping[str, str]]  # of a user id, and the second at which it ends


class Proofs:
    """Keeps the `WidgetProofs` port. `lifetime` is in seconds, `clock` in those since the epoch."""

    def __init__(self, prove: Prove, *, lifetime: float, clock: Clock = time.time) -> None:
        self._prove = prove
        self._lifetime = lifetime
        self._clock = clock

    async def show(self, identity: Identity, user: str, ask: Inbound, record: Record) -> Shown:
        now = self._clock()
        end = now + self._lifetime
        if identity.expires_at is not None:
            end = min(end, identity.expires_at)
        return Shown(self._prove(user, int(end)), max(end - now, 0.0))


def by_jwt(secret: str) -> Prove:
    """Chatbase's: HS256, `user_id` and `exp`. What else its tokens may say, a contact says."""

    def prove(user: str, end: int) -> Mapping[str, str]:
        return {"token": jwt.encode({"user_id": user, "exp": end}, secret, "HS256")}

    return prove


def by_hash(secret: str) -> Prove:
    """Chatbase's and Bookbag's: HMAC-SHA-256 of the user id, in hex."""

    def prove(user: str, end: int) -> Mapping[str, str]:
        return {"user_hash": hmac.new(secret.encode(), user.encode(), hashlib.sha256).hexdigest()}

    return prove


def by_id(user: str, end: int) -> Mapping[str, str]:
    """AltaTech's, which takes an id for what it says."""
    return {}
