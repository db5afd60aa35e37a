"""Event streams and JSON lines, incrementally: bytes in, whole events out, state in the object.

An event stream is split as WHATWG HTML section 9.2.6 says: lines end in CRLF, LF or CR, and in
nothing else (`str.splitlines`, and so httpx's `aiter_lines`, also split at U+2028, which is text);
a blank line ends an event. Bytes are never changed: the `raw` of all events, in order, is the
stream.
"""

import re
from typing import Protocol

import msgspec

_BOM = b"\xef\xbb\xbf"
# Two line ends in a row, and those behind: blank lines are no events of their own, or 256 KiB of
# them would be 200 ms. The group is atomic, or one CRLF would pass for CR and LF.
_END_OF_EVENT = re.compile(rb"(?>\r\n|\n|\r)[\r\n]+")
_LINE = re.compile(rb"[\r\n]*[^\n]*\n")  # and the blank ones before it, for the same reason
_END_OF_LINE = re.compile(rb"\r\n|\n|\r")
_BLANK_LINES = (b"\n\n", b"\r\n\r\n")
_LINE_ENDS = (b"\n", b"\r", b"")


class Event(msgspec.Struct, frozen=True):
    """One event as it came, and its data: the `data` lines joined by LF, empty for a comment."""

    raw: bytes
    data: bytes


class Splitter(Protocol):
    """Splits a stream into events. `pending` is how many bytes wait for the rest of their event."""

    @property
    def pending(self) -> int: ...
    def feed(self, chunk: bytes) -> list[Event]: ...
    def skip(self, chunk: bytes) -> bool:
        """Whether these bytes are whole events and nothing else: then they count as read.

        False in doubt; then nothing has changed, and `feed` has to be given them.
        """
        ...

    def tail(self, start: int) -> bytes:
        """The pending bytes from `start` on."""
        ...

    def rest(self) -> Event | None:
        """What is left at the end of the stream: an unfinished event, which some clients read."""
        ...

    def frame(self, data: bytes, name: str) -> bytes:
        """An event of ours, in the form the stream has; `data` is one line."""
        ...


class EventStreamSplitter:
    """Splits `text/event-stream`."""

    __slots__ = ("_begun", "_first", "_searched")

    def __init__(self) -> None:
        self._begun: bytearray | None = None  # what has come of an event that is not whole
        self._searched = 0
        self._first = True

    @property
    def pending(self) -> int:
        return 0 if self._begun is None else len(self._begun)

    def tail(self, start: int) -> bytes:
        return b"" if self._begun is None else bytes(self._begun[start:])

    def skip(self, chunk: bytes) -> bool:
        if self._begun is not None:
            return False
        size = 4 if chunk[-2:-1] == b"\r" else 2
        # A third line end before the two might have made the first event's end of one of them.
        if chunk[-size:] not in _BLANK_LINES or chunk[-size - 1 : -size] in _LINE_ENDS:
            return False
        self._first = False
        return True

    def feed(self, chunk: bytes) -> list[Event]:
        begun = self._begun
        if begun is not None:
            begun += chunk
        came = chunk if begun is None else begun
        events: list[Event] = []
        start = 0
        while found := _END_OF_EVENT.search(came, self._searched):
            events.append(self._event(bytes(came[start : found.end()])))
            start = self._searched = found.end()
        if begun is None:
            begun = bytearray(chunk[start:])
        else:
            del begun[:start]
        self._begun = begun or None
        # The longest end of an event has four bytes; three of them may be here already.
        self._searched = max(0, len(begun) - 3)
        return events

    def rest(self) -> Event | None:
        begun, self._begun = self._begun, None
        return self._event(bytes(begun)) if begun else None

    def frame(self, data: bytes, name: str) -> bytes:
        return event(data, name)

    def _event(self, raw: bytes) -> Event:
        text = raw
        if self._first:
            self._first = False
            text = text.removeprefix(_BOM)
        return Event(raw, _data(text))


def _data(text: bytes) -> bytes:
    lines = []
    for line in _END_OF_LINE.split(text) if b"\r" in text else text.split(b"\n"):
        if line.startswith(b"data:"):
            lines.append(line[5:].removeprefix(b" "))
        elif line == b"data":
            lines.append(b"")
    return b"\n".join(lines)


class JsonLinesSplitter:
    """Splits newline-delimited JSON, with or without `data:` before each text (GPTBots: both)."""

    __slots__ = ("_buffer", "_prefix")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._prefix = b""  # what the last text stood behind

    @property
    def pending(self) -> int:
        return len(self._buffer)

    def tail(self, start: int) -> bytes:
        return bytes(self._buffer[start:])

    def skip(self, chunk: bytes) -> bool:
        if self._buffer or chunk[-1:] != b"\n":
            return False
        last = chunk.rstrip()
        return bool(self._line(last[last.rfind(b"\n") + 1 :]).data)

    def feed(self, chunk: bytes) -> list[Event]:
        end = chunk.rfind(b"\n") + 1
        if not end:
            self._buffer += chunk
            return []
        whole = bytes(self._buffer) + chunk[:end]
        self._buffer[:] = chunk[end:]
        return [self._line(line) for line in _LINE.findall(whole)]

    def rest(self) -> Event | None:
        raw = bytes(self._buffer)
        self._buffer.clear()
        return self._line(raw) if raw else None

    def frame(self, data: bytes, name: str) -> bytes:
        return self._prefix + data + (b"\n\n" if self._prefix else b"\n")

    def _line(self, raw: bytes) -> Event:
        text = raw.strip()
        data = text.removeprefix(b"data:").lstrip()
        if data:
            self._prefix = b"data:" if len(data) < len(text) else b""
        return Event(raw, data)


def event(data: bytes, name: str = "") -> bytes:
    """One event of a stream we write ourselves; `data` is one line."""
    field = f"event: {name}\n".encode("ascii") if name else b""
    return field + b"data: " + data + b"\n\n"
