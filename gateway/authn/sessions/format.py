"""What the format of one framework's session is: where it stands, and how it is opened."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gateway.authn.places import Place
from gateway.core.errors import CredentialsExpired, CredentialsInvalid
from gateway.core.formats.strictjson import JsonObject

# How far the host's clock may be ahead of ours: whoever has just signed in is not turned away.
AHEAD = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class Session:
    """A session whose signature is verified."""

    claims: JsonObject = field(repr=False)
    expires_at: float | None  # seconds since the epoch; None: nothing in it says


class Format(Protocol):
    """One framework's format, with one cookie and its secrets."""

    @property
    def places(self) -> Sequence[Place]: ...

    def open(self, text: str, *, now: float) -> Session:
        """The session of a cookie, `now` in seconds since the epoch.

        Raises:
            CredentialsExpired: it is signed, but its time is over.
            CredentialsInvalid: it is not signed by any of the secrets, or not as it should be.
        """
        ...


def expiry(signed_at: float, *, max_age: float, now: float) -> float:
    """When a session signed at this time expires; all in seconds, times since the epoch.

    Raises:
        CredentialsExpired: it has.
        CredentialsInvalid: it is signed in a time to come.
    """
    if signed_at > now + AHEAD:
        raise CredentialsInvalid("The session is signed in a time to come")
    expires = signed_at + max_age
    if now >= expires:
        raise CredentialsExpired
    return expires
