"""Notes on an answer, and the reader that makes them of one JSON document.

Liberal in what is read: a place may stand in an answer or not, and what is no id names nothing.
"""

import msgspec

from gateway.core.errors import BadRequest, UpstreamMalformed
from gateway.core.formats import pointer, strictjson
from gateway.core.formats.pointer import Tokens
from gateway.core.formats.strictjson import JsonValue
from gateway.core.people.seal import handle
from gateway.core.profile.metered import Metered
from gateway.core.profile.vendor import Operation

MAX_HELD = 4 * 1024 * 1024  # bytes of an answer, or of one event
MAX_NAME = 64  # characters of what a cost is called: names are remembered (answer.usage)
# Of anything, for one answer: what is written of it is no page of digits. What is negative, or no
# number, is none either: it would take the place of what the answer has told before, or from it.
TOO_MUCH = 10**20

# By its media type an answer may be read otherwise than we do: lines as events, texts over lines.
_UNREADABLE = "An event of the upstream's answer may name a conversation, and is not JSON"
TWICE = "The upstream's answer says twice what it names"


class Opens(msgspec.Struct, frozen=True):
    """The answer names this conversation: it must be the person's before anything else passes."""

    conversation: str


class Names(msgspec.Struct, frozen=True):
    """The answer names this user, who is not the one we wrote: it ends, unless both are one."""

    user: str


class Costs(msgspec.Struct, frozen=True):
    """What the vendor says the answer cost, so far."""

    usage: dict[str, float]


class Stop(msgspec.Struct, frozen=True):
    """The answer must not go on."""

    error: UpstreamMalformed


Note = bytes | Opens | Names | Costs | Stop  # bytes: these may go to the client


class Reader:
    """Finds in one JSON document what the operation says may stand there.

    An answer that is not `ok` opens nothing.
    """

    __slots__ = (
        "_are_secrets",
        "_found",
        "_hidden",
        "_others",
        "_unknown",
        "_user",
        "_whole",
        "known",
        "leaves_out",
        "sought",
    )

    def __init__(
        self,
        operation: Operation,
        user: str,
        known: tuple[str, ...],
        hidden: Metered | None = None,
        *,
        ok: bool = True,
    ) -> None:
        self.sought = operation.sought if ok else operation.sought_in_error
        self.leaves_out = False  # the event that was read last: it says what only we asked for
        # A set is made when there is more: of most streams these stay what they are.
        self.known: tuple[str, ...] | set[str] = known
        self._user = user
        self._others: tuple[str, ...] | set[str] = ()  # users it has named
        self._hidden = hidden
        # A list of somebody else's, all in one event, would be out before its last name is read.
        ways = self.sought.ways
        names_alone = bool(ways.names) and not ways.opens
        self._whole = operation.opens_more or hidden is not None or names_alone
        self._unknown = bool(ways.opens) and not known
        self._are_secrets = operation.mcp
        self._found = 0  # values where a name may stand, in the document that was read last

    @property
    def waits(self) -> bool:
        """Whether whole events may pass, and nothing less."""
        return self._whole or self._unknown

    def read_event(self, data: bytes) -> list[Note]:
        self.leaves_out = False
        if not self.sought.may_stand_in(data):
            return []
        try:
            document = strictjson.loads_leniently(data)
        except ValueError:
            return [Stop(UpstreamMalformed(_UNREADABLE))] if self._unknown else []
        return self._read_as_written(document, data)

    def read(self, document: JsonValue) -> list[Note]:
        notes: list[Note] = []
        ways = self.sought.in_document(document)
        self._found = 0
        for tokens in ways.names:
            for value in pointer.find(document, tokens):
                self._found += 1
                named = value if type(value) is str else _id(value)
                if named and named != self._user and named not in self._others:
                    self._others = _with(self._others, named)
                    notes.append(Names(named))
        for tokens in ways.opens:
            for value in pointer.find(document, tokens):
                self._found += 1
                named = value if type(value) is str else _id(value)
                if named:
                    self._open(named, notes)
        if ways.usage and (usage := _amounts(document, ways.usage)):
            notes.append(Costs(usage))
            self.leaves_out = self._hidden is not None and self._hidden.tells_nothing_else(document)
        return notes

    def read_whole(self, document: JsonValue, content: bytes) -> list[Note]:
        """Notes on an answer that goes on as it came."""
        return [*self._read_as_written(document, content), content]

    def _read_as_written(self, document: JsonValue, text: bytes) -> list[Note]:
        """Notes on a document whose text may go on, to parsers that read it otherwise than ours."""
        notes = self.read(document)
        sought = self.sought
        if sought.may_be_hidden_in(text, self._found) and strictjson.says_twice(text, sought.names):
            return [Stop(UpstreamMalformed(TWICE))]
        return notes

    def _open(self, named: str, notes: list[Note]) -> None:
        conversation = self._kept_as(named) if self._are_secrets else named
        if conversation is not None and conversation not in self.known:
            self.known = _with(self.known, conversation)
            notes.append(Opens(conversation))
        self._unknown = False

    def _kept_as(self, named: str) -> str | None:
        """The name under which the ledger has a session; None: nobody can ask for it."""
        try:
            return handle(named)
        except BadRequest:
            return None


def _with(seen: tuple[str, ...] | set[str], one: str) -> set[str]:
    more = seen if isinstance(seen, set) else set(seen)
    more.add(one)
    return more


def _id(value: JsonValue) -> str:
    """An id that is no string: an integer in its text form; null, as the empty string, names
    nothing.
    """
    return str(value) if type(value) is int else ""  # no bool


def _amounts(document: JsonValue, ways: tuple[Tokens, ...]) -> dict[str, float]:
    amounts: dict[str, float] = {}
    for tokens in ways:
        for value in pointer.find(document, tokens):
            _add_amounts(amounts, tokens[-1], value)
    return amounts


def _is_amount(member: tuple[str, JsonValue]) -> bool:
    return type(member[1]) is not dict


def _add_amounts(amounts: dict[str, float], name: str, value: JsonValue) -> None:
    if type(value) is dict:
        # Parts first: of two amounts of one name the whole counts, wherever it stands.
        for inner, amount in sorted(value.items(), key=_is_amount):
            _add_amounts(amounts, inner, amount)
    elif (
        (type(value) is int or type(value) is float)  # no bool
        and len(name) <= MAX_NAME
        and 0 <= value < TOO_MUCH
    ):
        amounts[name] = value
