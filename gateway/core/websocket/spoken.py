"""What a client says over a WebSocket: one JSON object a message, of a type the profile lists.

A message is judged as a body is (`call`): what is not listed is left out, what names people is left
out and counted, what names a conversation is checked, and our user id is written where it belongs.
"""

from dataclasses import dataclass

from gateway.core.errors import BadRequest, ContentTooLarge, SpoofedIdentity
from gateway.core.formats import pointer, strictjson
from gateway.core.profile.operation import TYPE, Operation
from gateway.core.request.reading import Reading, judge


@dataclass(frozen=True, slots=True)
class Spoken:
    """One message as the vendor gets it, once `conversations` are known to be the person's."""

    content: bytes
    conversations: tuple[str, ...]
    dropped: tuple[str, ...]
    spoofed: tuple[str, ...]
    calls_tool: bool
    thinks: bool


def read(
    operation: Operation,
    content: bytes,
    *,
    limit: int,
    user: str,
    own: frozenset[str],
    refuse_spoofs: bool = False,
) -> Spoken:
    """Read a message as the operation allows. `own` is what the person and their org are called.

    Raises:
        ContentTooLarge: it has more than `limit` bytes.
        AmbiguousJson, BadRequest: it is none, or of no listed type.
        SpoofedIdentity: it names somebody else, and `refuse_spoofs`.
    """
    if len(content) > limit:
        raise ContentTooLarge
    document = strictjson.loads(content)
    if not isinstance(document, dict):
        raise BadRequest("A message is a JSON object")
    kind = document.get(TYPE)
    rules = operation.messages.get(kind) if isinstance(kind, str) else None
    if rules is None:
        raise BadRequest("No such message may be sent here")
    if pointer.is_disguised(document, (TYPE,)):
        raise BadRequest("The type of the message stands there in another spelling as well")
    reading = Reading(rules, own | {""})
    judge(reading, document)
    if refuse_spoofs and reading.spoofed:
        raise SpoofedIdentity
    for tokens in rules.user_places.bodies:
        pointer.put(document, tokens, user)
    return Spoken(
        content=strictjson.dumps(document),
        conversations=tuple(dict.fromkeys(reading.conversations)),
        dropped=tuple(reading.dropped),
        spoofed=tuple(dict.fromkeys(reading.spoofed)),
        calls_tool=rules.calls_tool,
        thinks=rules.thinks,
    )
