"""What an answer tells while it passes: the conversation it opens, whom it names, what it cost.

The hold-back rule. An id must not leave before it is owned, and another person's name not at all.

rule 1: A JSON answer in which either may stand is held whole (4 MiB at most), read, then passed.
    So is every error that is no stream: one that quotes our key must not have begun.
rule 2: Of a stream only whole events pass until the conversation is known, the event that names it
    waiting until it is claimed. From then on bytes pass as they come; but to its end only whole
    events where an answer opens several or none and names people, or tells what only we have asked
    for.
rule 3: An answer that names another user than the one we wrote ends there, unless the person had
    that name before they became who they are.
rule 4: An answer that is an error opens nothing.
rule 5: Where an id must be looked for, an answer in a form nobody can look into does not pass; nor
    does such an event that may hold one.
rule 6: Where streams are JSON lines, a first line that is JSON by itself begins one, whatever the
    media type says; else the answer is one JSON text.
rule 7: A JSON answer that says what it cost, and nothing else we look for, passes as it comes but
    for its last chunk: that waits until the cost is read. One beyond 4 MiB is not read.

An observer decides; whoever drives it acts. After `Opens` the next note is asked for only once the
conversation is claimed, after `Names` only once it is known whose name that is.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

from gateway.core.answer.note import MAX_HELD, Costs, Names, Note, Opens, Reader, Stop
from gateway.core.answer.whole import Whole
from gateway.core.errors import UpstreamMalformed
from gateway.core.formats import strictjson
from gateway.core.formats.fields import MediaType
from gateway.core.formats.sse import EventStreamSplitter, JsonLinesSplitter, Splitter
from gateway.core.mcp import answers as mcp_answer
from gateway.core.mcp.answers import Editing
from gateway.core.profile.metered import Metered
from gateway.core.profile.vendor import Operation

__all__ = ["MAX_HELD", "Costs", "Names", "Note", "Observer", "Opens", "Stop", "observe"]


class Observer(Protocol):
    """Reads one answer as it passes."""

    @property
    def holds(self) -> bool:
        """Whether the answer is held whole, so that its head waits as well."""
        ...

    def interject(self, data: bytes, name: str) -> bytes:
        """An event of ours, where one may stand; nothing in no stream, and in half an event."""
        ...

    def passes(self, chunk: bytes) -> bool:
        """Whether `feed` would only say that these bytes may go on: then it is not given them.

        False in doubt; then nothing has changed, and `feed` has to be given them.
        """
        ...

    def feed(self, chunk: bytes) -> Iterable[Note]:
        """Notes on the next bytes, in the order they must be acted upon."""
        ...

    def end(self) -> Iterable[Note]:
        """Notes on the end of the answer."""
        ...


def observe(
    operation: Operation,
    media: MediaType | None,
    *,
    ok: bool,
    user: str,
    known: tuple[str, ...] = (),
    hidden: Metered | None = None,
    editing: Editing | None = None,
) -> Observer:
    """The observer of an answer of this media type; `ok` says that its status is a success.

    `user` is the id we wrote; `known` are the conversations the request named: theirs already. What
    is `hidden` the client has not asked for. `editing` is what an answer of an MCP server is
    changed by.

    Raises:
        UpstreamMalformed: rule 5.
    """
    reader = Reader(operation, user, known, hidden, ok=ok)
    if editing is not None:
        return mcp_answer.observe(reader, editing, media, ok=ok)
    if media is not None and (media.is_event_stream or media.is_json_lines):
        lines = operation.json_lines or media.is_json_lines
        return _Stream(reader, JsonLinesSplitter() if lines else EventStreamSplitter())
    if ok and operation.json_lines:
        return _FirstLine(reader)
    if not ok:
        return Whole(reader.read_whole, must_parse=False)
    is_document = media is None or media.is_json
    if not reader.sought.checks:
        return _Costed(reader) if reader.sought.signs and is_document else _Blind()
    if not is_document:
        raise UpstreamMalformed("The upstream's answer is neither JSON nor a stream of events")
    return Whole(reader.read_whole, must_parse=True)


class _Blind:
    """Nothing is looked for: bytes pass as they come."""

    holds = False

    def passes(self, chunk: bytes) -> bool:
        return True

    def feed(self, chunk: bytes) -> Iterable[Note]:
        return (chunk,)

    def end(self) -> Iterable[Note]:
        return ()

    def interject(self, data: bytes, name: str) -> bytes:
        return b""


class _Costed:
    """Rule 7."""

    __slots__ = ("_last", "_parts", "_reader", "_size")
    holds = False

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._parts: list[bytes] = []
        self._size = 0
        self._last = b""

    def passes(self, chunk: bytes) -> bool:
        return False

    def feed(self, chunk: bytes) -> Iterable[Note]:
        ready, self._last = self._last, chunk
        self._size += len(chunk)
        if self._size <= MAX_HELD:
            self._parts.append(chunk)
        else:
            self._parts.clear()
        return (ready,) if ready else ()

    def end(self) -> Iterable[Note]:
        rest = (self._last,) if self._last else ()
        try:
            document = strictjson.loads_leniently(b"".join(self._parts))
        except ValueError:
            return rest
        return (*self._reader.read(document), *rest)

    def interject(self, data: bytes, name: str) -> bytes:
        return b""


class _Stream:
    """Rule 2."""

    __slots__ = ("_passed", "_reader", "_sought", "_splitter")
    holds = False

    def __init__(self, reader: Reader, splitter: Splitter) -> None:
        self._reader = reader
        self._sought = reader.sought
        self._splitter = splitter
        self._passed = 0  # bytes of the unfinished event that are out already

    def interject(self, data: bytes, name: str) -> bytes:
        return b"" if self._passed else self._splitter.frame(data, name)

    def passes(self, chunk: bytes) -> bool:
        # So most events come, each in a chunk: 1 µs in place of 10.
        return not self._sought.may_stand_in(chunk) and self._splitter.skip(chunk)

    def feed(self, chunk: bytes) -> Iterable[Note]:
        return (chunk,) if self.passes(chunk) else self._by_event(chunk)

    def _by_event(self, chunk: bytes) -> Iterator[Note]:
        ready: list[bytes] = []  # goes out as one write, unless a note must be acted upon between
        for event in self._splitter.feed(chunk):
            notes = self._reader.read_event(event.data)
            if notes and ready:
                yield b"".join(ready)
                ready.clear()
            yield from notes
            if not self._reader.leaves_out:
                ready.append(event.raw[self._passed :])
            self._passed = 0
        pending = self._splitter.pending
        if pending > MAX_HELD:
            yield Stop(UpstreamMalformed("An event of the upstream's answer is larger than 4 MiB"))
            return
        if not self._reader.waits and pending > self._passed:
            ready.append(self._splitter.tail(self._passed))
            self._passed = pending
        if ready:
            yield b"".join(ready)

    def end(self) -> Iterator[Note]:
        event = self._splitter.rest()
        if event is None:
            return
        yield from self._reader.read_event(event.data)
        if (
            not self._passed and not self._reader.leaves_out
        ):  # whatever was to pass before the end has passed
            yield event.raw


class _FirstLine:
    """Rule 6."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._held = bytearray()
        self._lines = JsonLinesSplitter()
        self._form: Observer | None = None

    @property
    def holds(self) -> bool:
        return self._form is None or self._form.holds

    def passes(self, chunk: bytes) -> bool:
        return self._form is not None and self._form.passes(chunk)

    def feed(self, chunk: bytes) -> Iterable[Note]:
        if self._form is not None:
            return self._form.feed(chunk)
        self._held += chunk
        self._form = self._tell(chunk)
        return () if self._form is None else self._form.feed(bytes(self._held))

    def end(self) -> Iterable[Note]:
        if self._form is not None:
            return self._form.end()
        self._form = Whole(self._reader.read_whole, must_parse=True)
        return (*self._form.feed(bytes(self._held)), *self._form.end())

    def interject(self, data: bytes, name: str) -> bytes:
        return b"" if self._form is None else self._form.interject(data, name)

    @property
    def _is_full(self) -> bool:
        return len(self._held) > MAX_HELD

    def _tell(self, chunk: bytes) -> Observer | None:
        lines = (event.data for event in self._lines.feed(chunk))
        first = next((line for line in lines if line), None)
        if first is not None and _is_json(first):
            return _Stream(self._reader, JsonLinesSplitter())
        return (
            Whole(self._reader.read_whole, must_parse=True)
            if first is not None or self._is_full
            else None
        )


def _is_json(line: bytes) -> bool:
    try:
        strictjson.loads_leniently(line)
    except ValueError:
        return False
    return True
