"""What the client asked, reduced to what the operation lists. Nothing in it is trusted.

A member, parameter or field that is not listed does not reach the vendor. One that names people is
counted as an attempt to say who is asking; one that names a conversation is refused, since a vendor
might go by it instead of by the one that was checked. Names are judged in their every spelling
(`names`, `guard`): in the query, in the fields, at the top level of a body and in the objects a
profile names or places a value in; never inside message content or tool arguments.
"""

from dataclasses import dataclass, field

from gateway.core import holding, mcp, mirror, pointer, strictjson
from gateway.core.errors import BadRequest, ConversationNotFound, SpoofedIdentity
from gateway.core.fields import Fields
from gateway.core.guard import Room, Verdict
from gateway.core.names import fold, meaning, names_conversation, names_people
from gateway.core.place import Body, Variable, bodies
from gateway.core.pointer import Tokens
from gateway.core.query import parse_query
from gateway.core.route import Match
from gateway.core.seal import Seal, handle
from gateway.core.spelled import canonical_id, shown
from gateway.core.strictjson import JsonObject, JsonValue
from gateway.core.vendor import Operation

__all__ = [
    "Call",
    "canonical_id",
    "fold",
    "names_conversation",
    "names_people",
    "parse_query",
    "read",
]

MAX_MEMBERS = 1000  # of an object whose names are judged
SELF = "me"  # what a client writes for a user variable

_KINDS = {"body": "member", "query": "parameter"}


@dataclass(frozen=True, slots=True)
class Call:
    """One request, reduced to what its operation lists."""

    match: Match
    method: str
    query: tuple[tuple[str, str], ...] = ()
    fields: tuple[tuple[bytes, bytes], ...] = ()
    body: JsonObject | None = None
    asked: mcp.Asked | None = None  # instead of a body, where bodies are messages of MCP
    conversations: tuple[str, ...] = ()  # every one it names, in one spelling
    dropped: tuple[str, ...] = ()  # "body:temperature", "body:metadata/email", "query:debug"
    spoofed: tuple[str, ...] = ()  # what names somebody else, written alike: "path:user"

    @property
    def operation(self) -> Operation:
        return self.match.operation


@dataclass(slots=True)
class Reading:
    """What comes out of one request while it is read."""

    operation: Operation
    own: frozenset[str]  # what the person and their org are called: who says it spoofs nobody
    dropped: list[str] = field(default_factory=list)
    spoofed: list[str] = field(default_factory=list)
    conversations: list[str] = field(default_factory=list)

    def drop(self, kind: str, name: str, value: object, verdict: Verdict) -> None:
        """Leave out what may not pass."""
        if verdict is Verdict.OTHER_CONVERSATION:
            raise BadRequest(f"This operation takes no {_KINDS[kind]} '{shown(name)}'")
        self.dropped.append(f"{kind}:{shown(name)}")
        if verdict is Verdict.PERSON:
            self.name_person(kind, name, value)

    def name_person(self, kind: str, name: str, value: object) -> None:
        """Count an attempt to be somebody else; null and the empty text name nobody."""
        if value is None or (isinstance(value, str) and value in self.own):
            return
        self.spoofed.append(f"{kind}:{shown(name)}")

    def name_conversation(self, value: object) -> None:
        named = handle(value) if self.operation.mcp else canonical_id(value)
        self.conversations.append(named)


def read(
    match: Match,
    *,
    method: str,
    raw_query: bytes,
    fields: Fields,
    content: bytes | None,
    user: str,
    subject: str,
    org: str = "",
    user_header: str = "",
    refuse_spoofs: bool = False,
    seal: Seal | None = None,
) -> Call:
    """Read a request as its operation allows.

    `content` is the body, None where the operation takes none. A client that names `user`,
    `subject` or `org` where people are named has said the truth. `seal` is on what the vendor gave
    this person to bring back.

    Raises:
        BadRequest, AmbiguousJson: it cannot be read in one way, or names a conversation where the
            operation has none.
        ConversationNotFound: it brings back what was somebody else's.
        SpoofedIdentity: it names somebody else, and `refuse_spoofs`.
    """
    reading = Reading(match.operation, frozenset({user, subject, org, ""}))
    _read_variables(reading, match)
    query = _read_query(reading, raw_query)
    listed = _read_fields(reading, fields, user_header)
    body, asked = None, None
    if match.operation.mcp:
        asked, listed = _read_mcp(reading, fields, listed, content, seal)
    elif content is not None:
        body = _read_body(reading, content)
    if refuse_spoofs and reading.spoofed:
        raise SpoofedIdentity
    return Call(
        match=match,
        method=method,
        query=query,
        fields=listed,
        body=body,
        asked=asked,
        conversations=tuple(dict.fromkeys(reading.conversations)),
        dropped=tuple(reading.dropped),
        spoofed=tuple(dict.fromkeys(reading.spoofed)),
    )


def _read_variables(reading: Reading, match: Match) -> None:
    for place in reading.operation.user:
        if isinstance(place, Variable) and match.variables[place.name] != SELF:
            reading.name_person("path", place.name, match.variables[place.name])
    for place in reading.operation.conversation:
        if isinstance(place, Variable):
            reading.name_conversation(match.variables[place.name])


def _read_query(reading: Reading, raw_query: bytes) -> tuple[tuple[str, str], ...]:
    guard = reading.operation.query_guard
    passed: list[tuple[str, str]] = []
    for name, value in parse_query(raw_query):
        verdict = guard.judge(name)
        if verdict is Verdict.USER:
            reading.name_person("query", name, value)
        elif verdict is Verdict.CONVERSATION:
            reading.name_conversation(value)
            passed.append((name, value))
        elif verdict is Verdict.LISTED:
            passed.append((name, value))
        else:
            reading.drop("query", name, value, verdict)
    return tuple(passed)


def _read_fields(
    reading: Reading, fields: Fields, user_header: str
) -> tuple[tuple[bytes, bytes], ...]:
    guard = reading.operation.field_guard
    own = fold(user_header)
    passed: dict[bytes, bytes] = {}
    for raw_name, raw_value in fields:
        name = raw_name.decode("latin-1")
        verdict = guard.judge(name)
        if verdict is Verdict.CONVERSATION or verdict is Verdict.LISTED:
            if raw_name in passed:
                raise BadRequest("A field that may pass stands twice")
            passed[raw_name] = raw_value
        if verdict is Verdict.CONVERSATION:
            reading.name_conversation(raw_value.decode("latin-1"))
        elif verdict is Verdict.USER or verdict is Verdict.PERSON or own in meaning(name).forms:
            reading.name_person("field", name, raw_value.decode("latin-1"))
    for name, allowed in reading.operation.field_values.items():
        _leave_those(reading, passed, name, allowed)
    return tuple(passed.items())


def _leave_those(
    reading: Reading, passed: dict[bytes, bytes], name: str, allowed: frozenset[str]
) -> None:
    """Leave of the list in a field what the operation lets through."""
    written = passed.pop(name.encode("ascii"), None)
    if written is None:
        return
    items = [item.strip(" \t") for item in written.decode("latin-1").split(",")]
    left = [item for item in items if item in allowed]
    if left:
        passed[name.encode("ascii")] = ",".join(left).encode("ascii")
    if len(left) < len(items):
        reading.dropped.append(f"field:{name}")


def _read_mcp(
    reading: Reading,
    fields: Fields,
    listed: tuple[tuple[bytes, bytes], ...],
    content: bytes | None,
    seal: Seal | None,
) -> tuple[mcp.Asked | None, tuple[tuple[bytes, bytes], ...]]:
    """The messages, if any, and the fields that pass."""
    if content is None:
        return None, tuple(_unsealed(reading, name, value, seal) for name, value in listed)
    asked = mcp.parse(content)
    for message in asked.messages:
        judge(reading, message)
    repeating = mirror.mirrored(asked, fields)
    if seal is not None:
        mcp.unseal(asked, seal)
    return asked, (*listed, *repeating)


def _unsealed(
    reading: Reading, name: bytes, value: bytes, seal: Seal | None
) -> tuple[bytes, bytes]:
    """A field as the vendor gets it: the id of an event is one of a session of this person's."""
    if name != mcp.LAST_EVENT or seal is None:
        return name, value
    kinds = [mcp.event_kind(session) for session in reading.conversations]
    found = [seal.open(kind, value.decode("latin-1")) for kind in kinds]
    opened = next((one for one in found if one is not None), None)
    if opened is None:
        raise ConversationNotFound
    return name, opened.encode("latin-1")


def _read_body(reading: Reading, content: bytes) -> JsonObject:
    document = strictjson.loads(content)
    if not isinstance(document, dict):
        raise BadRequest("The body is not a JSON object")
    judge(reading, document)
    return document


def judge(reading: Reading, document: JsonObject) -> None:
    """Take out of a body what may not pass, and note whom and what it names."""
    operation = reading.operation
    holding.check(operation, document)
    for place in bodies(operation.user):
        for value in pointer.find(document, place.tokens):
            reading.name_person("body", "/".join(place.tokens), value)
    for room in operation.rooms:
        for inner in pointer.find(document, room.where):
            if isinstance(inner, dict):
                _clear(reading, room, inner)
    named = bodies(operation.conversation)
    if operation.opens:
        _leave_out_none(named, document, (None, "") if operation.blank_opens else (None,))
    _read_conversations(reading, named, document)


def _clear(reading: Reading, room: Room, members: JsonObject) -> None:
    """Take out of an object what may not pass."""
    if len(members) > MAX_MEMBERS:
        raise BadRequest(f"An object in the body has more than {MAX_MEMBERS:,} members")
    for name in list(members):
        verdict = room.guard.judge(name)
        if verdict is not Verdict.LISTED and verdict is not Verdict.CONVERSATION:
            reading.drop("body", "/".join((*room.where, name)), members.pop(name), verdict)


def _leave_out_none(
    places: tuple[Body, ...], document: JsonObject, none: tuple[JsonValue, ...]
) -> None:
    """Where a new conversation may be opened, null names none: clients write what they do not have
    yet that way, or as an empty text. The vendor never sees it, so cannot read it otherwise.
    """
    for place in places:
        *way, name = place.tokens
        for inner in pointer.find(document, tuple(way)):
            if isinstance(inner, dict) and name in inner and inner[name] in none:
                del inner[name]


def _read_conversations(reading: Reading, places: tuple[Body, ...], document: JsonObject) -> None:
    for place in places:
        for value in pointer.find(document, place.tokens):
            # OpenAI takes `conversation` as text or as an object with the id in it: two places.
            if not (isinstance(value, dict) and _has_deeper(places, place.tokens, value)):
                reading.name_conversation(value)


def _has_deeper(places: tuple[Body, ...], tokens: Tokens, value: JsonObject) -> bool:
    depth = len(tokens)
    return any(
        place.tokens[:depth] == tokens and any(True for _ in pointer.find(value, inner))
        for place in places
        if (inner := place.tokens[depth:])
    )
