"""What a request says, noted while it is read; and the members of its body, judged.

Nothing in it is trusted. What may not pass is taken out, whom and what it names is noted.
"""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from gateway.core.errors import BadRequest
from gateway.core.formats import pointer
from gateway.core.formats.pointer import Tokens
from gateway.core.formats.strictjson import JsonObject, JsonValue
from gateway.core.people.seal import handle
from gateway.core.profile.guard import Room, Verdict
from gateway.core.profile.vendor import Operation
from gateway.core.request.holding import members_of
from gateway.core.request.spelled import canonical_id, shown

_KINDS = {"body": "member", "query": "parameter"}


class Reading(msgspec.Struct):
    """What comes out of one request while it is read."""

    operation: Operation
    own: Collection[str]  # what the person and their org are called: who says it spoofs nobody
    dropped: list[str] = []
    spoofed: list[str] = []
    conversations: list[str] = []

    def drop(self, kind: str, name: str, value: object, verdict: Verdict) -> None:
        """Leave out what may not pass."""
        self._left_out(_called(kind, name, verdict), value, verdict)

    def drop_members(
        self, where: Tokens, objects: Sequence[JsonObject], refused: Mapping[str, Verdict]
    ) -> None:
        """Leave the members of these names out of objects that stand at one place."""
        called = {
            name: _called("body", "/".join((*where, name)), verdict)
            for name, verdict in refused.items()
        }
        for members in objects:
            for name in [name for name in members if name in refused]:
                self._left_out(called[name], members.pop(name), refused[name])

    def name_person(self, kind: str, name: str, value: object) -> None:
        """Count an attempt to be somebody else."""
        self._name_person(f"{kind}:{shown(name)}", value)

    def _left_out(self, called: str, value: object, verdict: Verdict) -> None:
        self.dropped.append(called)
        if verdict is Verdict.PERSON:
            self._name_person(called, value)

    def _name_person(self, called: str, value: object) -> None:
        """Null and the empty text name nobody."""
        if value is None or (isinstance(value, str) and value in self.own):
            return
        self.spoofed.append(called)

    def name_conversation(self, value: object) -> None:
        named = handle(value) if self.operation.mcp else canonical_id(value)
        self.conversations.append(named)


def _called(kind: str, name: str, verdict: Verdict) -> str:
    """What is noted of something that is left out. Raises `BadRequest` where that will not do."""
    if verdict is Verdict.OTHER_CONVERSATION:
        raise BadRequest(f"This operation takes no {_KINDS[kind]} '{shown(name)}'")
    return f"{kind}:{shown(name)}"


def judge(reading: Reading, *documents: JsonObject) -> None:
    """Take out of a body what may not pass, and note whom and what it names.

    Several `documents` are the messages of one request.
    """
    operation = reading.operation
    shape = operation.shapes.of(documents)
    shape.holding.check(*documents)
    for tokens in shape.users:
        for value in _found(documents, tokens):
            reading.name_person("body", "/".join(tokens), value)
    if shape.refused:
        reading.drop_members((), documents, shape.refused)
    for room in shape.rooms:
        objects = [one for one in _found(documents, room.where) if isinstance(one, dict)]
        if objects:
            _clear(reading, room, objects)
    if shape.conversations:
        none = ((None, "") if operation.blank_opens else (None,)) if operation.opens else ()
        for document in documents:
            if shape.named:
                _read_named(reading, shape.named, document, none)
                continue
            if none:
                _leave_out_none(shape.conversations, document, none)
            _read_conversations(reading, shape.conversations, document)


def _found(documents: Sequence[JsonObject], tokens: Tokens) -> list[JsonValue]:
    if len(documents) == 1:
        return pointer.find(documents[0], tokens)
    return [value for document in documents for value in pointer.find(document, tokens)]


def _clear(reading: Reading, room: Room, objects: Sequence[JsonObject]) -> None:
    """Take out of the objects of a room what may not pass."""
    verdicts, listed, conversation = room.guard.verdicts, Verdict.LISTED, Verdict.CONVERSATION
    refused = {
        name: verdict
        for name in members_of(objects)
        if (verdict := verdicts[name]) is not listed and verdict is not conversation
    }
    if refused:
        reading.drop_members(room.where, objects, refused)


def _read_named(
    reading: Reading, names: tuple[str, ...], document: JsonObject, none: tuple[JsonValue, ...]
) -> None:
    """`_leave_out_none` and `_read_conversations`, of members at the top: one look at each."""
    for name in names:
        if name in document:
            if document[name] in none:
                del document[name]
            else:
                reading.name_conversation(document[name])


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
