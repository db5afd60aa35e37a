"""Notes on an answer, and the reader that makes them of one JSON document.

Liberal in what is read: a place may stand in an answer or not, and what is no id names nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.core import pointer, strictjson
from gateway.core.errors import BadRequest, UpstreamMalformed
from gateway.core.metered import Metered
from gateway.core.pointer import Tokens
from gateway.core.seal import handle
from gateway.core.strictjson import JsonValue
from gateway.core.vendor import Body, Operation

MAX_HELD = 4 * 1024 * 1024  # bytes of an answer, or of one event
# Written in JSON as it stands; a quote or a slash may be escaped, an index is not written at all.
_PLAIN = re.compile("[A-Za-z_][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Pass:
    """These bytes may go to the client."""

    content: bytes


@dataclass(frozen=True, slots=True)
class Opens:
    """The answer names this conversation: it must be the person's before anything else passes."""

    conversation: str


@dataclass(frozen=True, slots=True)
class Names:
    """The answer names this user, who is not the one we wrote: it ends, unless both are one."""

    user: str


@dataclass(frozen=True, slots=True)
class Costs:
    """What the vendor says the answer cost, so far."""

    usage: dict[str, float]


@dataclass(frozen=True, slots=True)
class Stop:
    """The answer must not go on."""

    error: UpstreamMalformed


Note = Pass | Opens | Names | Costs | Stop


class Reader:
    """Finds in one JSON document what the operation says may stand there."""

    def __init__(
        self, operation: Operation, user: str, known: tuple[str, ...], hidden: Metered | None = None
    ) -> None:
        self.leaves_out = False  # the event that was read last: it says what only we asked for
        self._hidden = hidden
        self._whole = operation.opens_more or hidden is not None
        self._users = {user}
        self._opens = _bodies(operation.opens)
        self._names = operation.answers_user
        self._usage = operation.usage
        self._are_secrets = operation.mcp
        self.known = set(known)
        self._unknown = bool(self._opens) and not known
        self.checks = bool(self._opens or self._names)
        self._look = _search_for((*self._opens, *self._names, *self._usage))

    @property
    def waits(self) -> bool:
        """Whether whole events may pass, and nothing less."""
        return self._whole or self._unknown

    def read_event(self, data: bytes) -> Iterator[Note]:
        self.leaves_out = False
        # Looking before parsing: 5.5 µs an event instead of 16 for the many that hold only text.
        if self._look is None or not self._look.search(data):
            return
        try:
            document = strictjson.loads_leniently(data)
        except ValueError:
            return
        yield from self.read(document)

    def read(self, document: JsonValue) -> Iterator[Note]:
        for named in _ids(document, self._names):
            if named not in self._users:
                self._users.add(named)
                yield Names(named)
        for named in _ids(document, self._opens):
            conversation = self._kept_as(named)
            if conversation is not None and conversation not in self.known:
                self.known.add(conversation)
                yield Opens(conversation)
            self._unknown = False
        usage = _amounts(document, self._usage)
        if usage:
            yield Costs(usage)
            self.leaves_out = self._hidden is not None and self._hidden.tells_nothing_else(document)

    def _kept_as(self, named: str) -> str | None:
        """The name under which the ledger has a conversation; None: nobody can ask for it."""
        if not self._are_secrets:
            return named
        try:
            return handle(named)
        except BadRequest:
            return None


def _bodies(places: tuple[object, ...]) -> tuple[Body, ...]:
    return tuple(place for place in places if isinstance(place, Body))


def _search_for(places: tuple[Body, ...]) -> re.Pattern[bytes] | None:
    """What a document holds if it holds any of `places`: the last name on the way to each."""
    names = {_last_name(place.tokens).encode() for place in places}
    if not names:
        return None
    # "\u" because JSON can write a letter of a name as an escape.
    return re.compile(rb"\\u|" + b"|".join(re.escape(name) for name in sorted(names)))


def _last_name(tokens: Tokens) -> str:
    """As it is written; an item of a list has no name in the text, and "" stands everywhere."""
    name = next((token for token in reversed(tokens) if _PLAIN.fullmatch(token)), "")
    return f'"{name}"' if name else ""


def _ids(document: JsonValue, places: tuple[Body, ...]) -> Iterator[str]:
    """The ids at these places: strings, and integers in their text form; null names nothing."""
    for place in places:
        for value in pointer.find(document, place.tokens):
            if (isinstance(value, str) and value) or type(value) is int:
                yield str(value)


def _amounts(document: JsonValue, places: tuple[Body, ...]) -> dict[str, float]:
    amounts: dict[str, float] = {}
    for place in places:
        for value in pointer.find(document, place.tokens):
            _add_amounts(amounts, place.tokens[-1], value)
    return amounts


def _add_amounts(amounts: dict[str, float], name: str, value: JsonValue) -> None:
    if isinstance(value, dict):
        for inner, amount in value.items():
            _add_amounts(amounts, inner, amount)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        amounts[name] = value
