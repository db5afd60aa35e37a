"""Flask's own session: JSON with tags for what JSON lacks, compressed where that is shorter.

Of the tags only those are taken off under which a name or a list of names can stand; the rest
stays an object, and so nobody's name.
"""

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from gateway.authn.places import Cookie
from gateway.authn.sessions.encoding import base64url, inflated, json_object
from gateway.authn.sessions.format import Session, expiry
from gateway.authn.sessions.timed import Timed
from gateway.core.errors import CredentialsInvalid
from gateway.core.formats.strictjson import JsonValue

SALT = "cookie-session"
DERIVATION = "hmac"


class FlaskFormat:
    """Keeps `Format`. `max_age` in seconds."""

    def __init__(self, cookie: str, secrets: Sequence[str], *, max_age: float) -> None:
        self.places = (Cookie(cookie),)
        self._timed = Timed(secrets, salt=SALT, derivation=DERIVATION)
        self._max_age = max_age

    def open(self, text: str, *, now: float) -> Session:
        payload, signed_at = self._timed.open(text)
        expires = expiry(signed_at, max_age=self._max_age, now=now)
        packed = payload.startswith(".")
        raw = base64url(payload.removeprefix("."))
        tagged = json_object(inflated(raw) if packed else raw)
        claims = untagged(tagged)
        if not isinstance(claims, dict):
            raise CredentialsInvalid("The session is not a JSON object")
        return Session(claims, expires)


def untagged(value: JsonValue) -> JsonValue:
    """What Flask meant, from the inside out, as its `TaggedJSONSerializer` reads it.

    Raises:
        CredentialsInvalid: under a tag stands what cannot stand there.
    """
    if isinstance(value, list):
        return [untagged(item) for item in value]
    if not isinstance(value, dict):
        return value
    inner = {name: untagged(item) for name, item in value.items()}
    if len(inner) == 1:
        ((tag, item),) = inner.items()
        if tag in _TAGS:
            return _TAGS[tag](item)
    return inner


def _uuid(item: JsonValue) -> JsonValue:
    try:
        found = UUID(item if isinstance(item, str) else "")
    except ValueError as error:
        raise CredentialsInvalid("A UUID in the session is none") from error
    if found.hex != item:
        raise CredentialsInvalid("A UUID in the session is not in its one plain form")
    return str(found)


def _tuple(item: JsonValue) -> JsonValue:
    if not isinstance(item, list):
        raise CredentialsInvalid("A tuple in the session is none")
    return item


def _markup(item: JsonValue) -> JsonValue:
    if not isinstance(item, str):
        raise CredentialsInvalid("A markup in the session is none")
    return item


def _one_member(item: JsonValue) -> JsonValue:
    """An object whose only name looks like a tag: Flask writes two "_" after the name."""
    if not isinstance(item, dict) or len(item) != 1:
        raise CredentialsInvalid("An object in the session is none")
    return {name[:-2]: inner for name, inner in item.items()}


_TAGS: Mapping[str, Callable[[JsonValue], JsonValue]] = {
    " u": _uuid,
    " t": _tuple,
    " m": _markup,
    " di": _one_member,
}
