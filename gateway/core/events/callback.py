"""How a vendor tells of what happened: how it signs that, and where it says what and of whom.

An event is read by one reading only, and an id has one spelling: the conversation 7 is "7". Where a
vendor may name somebody in several places, all that are there must agree.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from gateway.core.errors import AmbiguousJson, BadRequest
from gateway.core.formats import strictjson
from gateway.core.formats.fields import VISIBLE
from gateway.core.formats.pointer import find
from gateway.core.formats.strictjson import JsonObject, JsonValue
from gateway.core.profile.place import Body

Signature = Literal["bearer", "hmac_sha1", "hmac_sha256", "standard_webhooks"]

LONGEST_KIND = 128  # characters
LONGEST_ID = 256


@dataclass(frozen=True, kw_only=True)
class Callback:
    """The events of one vendor.

    `field` and `prefix` are an HMAC's, as `core.events.signature` has them. `bearer` without a
    secret of its own is the key by which we are known to the vendor.
    """

    signature: Signature
    field: str = ""
    prefix: str = ""
    kind: tuple[Body, ...] = ()  # which event it is
    unnamed: str = "event"  # the kind of one that does not say
    id: tuple[Body, ...] = ()  # the vendor's own id of it: the same when it is sent again
    time: tuple[Body, ...] = ()  # when it happened: milliseconds since the epoch
    conversation: tuple[Body, ...] = ()
    user: tuple[Body, ...] = ()
    trial: tuple[Body, ...] = ()  # true there: the vendor only tries whether anybody answers

    def __post_init__(self) -> None:
        if self.signature.startswith("hmac") and not self.field:
            raise ValueError("field: an HMAC stands in a field")
        if not self.signature.startswith("hmac") and (self.field or self.prefix):
            raise ValueError(f"field: {self.signature} has its own place")
        for places in (self.kind, self.id, self.time, self.conversation, self.user, self.trial):
            for place in places:
                _ = place.tokens  # parsed now, and refused now


@dataclass(frozen=True, slots=True)
class Said:
    """What an event says. `source` is the same for the same event, however often it comes."""

    kind: str
    source: str
    time: float | None  # seconds since the epoch
    conversation: str | None
    user: str | None
    is_trial: bool
    body: JsonObject


def read(callback: Callback, content: bytes, signed_id: str | None = None) -> Said:
    """What an event says; `signed_id` is the id that was signed along with it.

    Raises:
        AmbiguousJson, BadRequest: it has more than one reading.
    """
    body = strictjson.loads(content)
    if not isinstance(body, dict):
        raise AmbiguousJson("An event is a JSON object")
    own_id = _id(body, callback.id, "ids")
    return Said(
        kind=_kind(body, callback),
        source=_source(signed_id or own_id, content),
        time=_time(body, callback.time),
        conversation=_id(body, callback.conversation, "conversations"),
        user=_id(body, callback.user, "people"),
        is_trial=any(one is True for one in _found(body, callback.trial)),
        body=body,
    )


def _source(own_id: str | None, content: bytes) -> str:
    """By which an event is known: its own id, else what it consists of."""
    if own_id is not None and len(own_id) <= LONGEST_ID and VISIBLE.fullmatch(own_id):
        return f"id:{own_id}"
    whole = content if own_id is None else own_id.encode("utf-8")
    return f"sha256:{hashlib.sha256(whole).hexdigest()}"


def _kind(body: JsonObject, callback: Callback) -> str:
    found = _only(_found(body, callback.kind), "kinds")
    if found is None:
        return callback.unnamed
    if not isinstance(found, str) or len(found) > LONGEST_KIND or not found.isprintable():
        raise BadRequest("The event's kind is no word")
    return found


def _time(body: JsonObject, places: Iterable[Body]) -> float | None:
    found = _only(_found(body, places), "times")
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        raise BadRequest("The event's time is no number")
    return found / 1000


def _id(body: JsonObject, places: Iterable[Body], what: str) -> str | None:
    ids = {id_text(one) for one in _found(body, places)}
    if len(ids) > 1:
        raise BadRequest(f"The event names two {what}")
    return ids.pop() if ids else None


def id_text(value: JsonValue) -> str:
    """An id as the ledger has it: `7` and "7" are one.

    Raises:
        BadRequest: it is neither text nor a whole number.
    """
    if type(value) is int:
        return str(value)
    if not isinstance(value, str):
        raise BadRequest("An id in the body is neither a string nor a whole number")
    return value


def _only(values: list[JsonValue], what: str) -> JsonValue:
    if len(values) > 1:
        raise BadRequest(f"The event has two {what}")
    return values[0] if values else None


def _found(body: JsonObject, places: Iterable[Body]) -> list[JsonValue]:
    found = [one for place in places for one in find(body, place.tokens)]
    return [one for one in found if one is not None and one != ""]
