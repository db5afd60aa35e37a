"""What a request says, noted while it is read; and the members of its body, judged.

Nothing in it is trusted. What may not pass is taken out, whom and what it names is noted.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from gateway.core import pointer
from gateway.core.errors import BadRequest
from gateway.core.guard import Room, Verdict
from gateway.core.pointer import Tokens
from gateway.core.seal import handle
from gateway.core.spelled import canonical_id, shown
from gateway.core.strictjson import JsonObject, JsonValue
from gateway.core.vendor import Operation

MAX_MEMBERS = 1000  # of an object whose names are judged

_KINDS = {"body": "member", "query": "parameter"}


@dataclass(slots=True)
class Reading:
    """What comes out of one request while it is read."""

    operation: Operation
    own: Collection[str]  # what the person and their org are called: who says it spoofs nobody
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


def judge(reading: Reading, document: JsonObject) -> None:
    """Take out of a body what may not pass, and note whom and what it names."""
    operation = reading.operation
    operation.holding.check(document)
    for tokens in operation.user_places.bodies:
        for value in pointer.find(document, tokens):
            reading.name_person("body", "/".join(tokens), value)
    for room in operation.rooms:
        for inner in pointer.find(document, room.where):
            if isinstance(inner, dict):
                _clear(reading, room, inner)
    ways = operation.conversation_places.bodies
    if operation.opens:
        _leave_out_none(ways, document, (None, "") if operation.blank_opens else (None,))
    _read_conversations(reading, ways, document)


def _clear(reading: Reading, room: Room, members: JsonObject) -> None:
    """Take out of an object what may not pass."""
    if len(members) > MAX_MEMBERS:
        raise BadRequest(f"An object in the body has more than {MAX_MEMBERS:,} members")
    verdicts, listed, conversation = room.guard.verdicts, Verdict.LISTED, Verdict.CONVERSATION
    refused = [
        name
        for name in members
        if (verdict := verdicts[name]) is not listed and verdict is not conversation
    ]
    for name in refused:
        reading.drop("body", "/".join((*room.where, name)), members.pop(name), verdicts[name])


def _leave_out_none(
    ways: tuple[Tokens, ...], document: JsonObject, none: tuple[JsonValue, ...]
) -> None:
    """Where a new conversation may be opened, null names none: clients write what they do not have
    yet that way, or as an empty text. The vendor never sees it, so cannot read it otherwise.
    """
    for tokens in ways:
        name = tokens[-1]
        for inner in pointer.find(document, tokens[:-1]):
            if isinstance(inner, dict) and name in inner and inner[name] in none:
                del inner[name]


def _read_conversations(reading: Reading, ways: tuple[Tokens, ...], document: JsonObject) -> None:
    for tokens in ways:
        for value in pointer.find(document, tokens):
            # OpenAI takes `conversation` as text or as an object with the id in it: two places.
            if not (isinstance(value, dict) and _has_deeper(ways, tokens, value)):
                reading.name_conversation(value)


def _has_deeper(ways: tuple[Tokens, ...], tokens: Tokens, value: JsonObject) -> bool:
    depth = len(tokens)
    return any(
        way[:depth] == tokens and pointer.find(value, way[depth:])
        for way in ways
        if len(way) > depth
    )
