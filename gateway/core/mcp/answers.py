"""What an MCP server answers: read as any answer is, and changed before it goes on.

- Tools that are not this person's to use are taken out of lists of tools.
- What the client is to bring back, a request state or the id of an event, goes out sealed.
- What decides that, or names what is somebody's, is not said twice: of two some take the first.

So events pass whole, and an answer in a form nobody can look into does not pass.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from gateway.core.answer.note import MAX_HELD, TWICE, Note, Reader, Stop
from gateway.core.answer.whole import Whole
from gateway.core.errors import UpstreamMalformed
from gateway.core.formats import strictjson
from gateway.core.formats.fields import MediaType
from gateway.core.formats.sse import EventStreamSplitter
from gateway.core.formats.strictjson import JsonValue
from gateway.core.mcp import messages as mcp
from gateway.core.people.seal import Seal

_LINE = re.compile(rb"\r\n|\n|\r")
_ID = re.compile(rb"[\x21-\x7e]{1,1024}")
_EDITED = frozenset({"result", "tools", "requestState"})  # what is changed, and where it stands


@dataclass(frozen=True, slots=True)
class Editing:
    """What is changed in an answer to one person. `tools` are those they may use; None: all."""

    seal: Seal
    session: str = ""
    tools: frozenset[str] | None = None

    def edit(self, document: JsonValue) -> bool:
        """Change a message, or each of a batch. Whether it is to be written anew."""
        edited = [self._edit(one) for one in (document if type(document) is list else [document])]
        return any(edited)

    def _edit(self, message: JsonValue) -> bool:
        result = message.get("result") if isinstance(message, dict) else None
        if not isinstance(result, dict):
            return False
        sealed = mcp.seal_state(result, self.seal)
        listed = result.get("tools")
        if self.tools is None or not isinstance(listed, list):
            return sealed
        result["tools"] = [one for one in listed if self._may_use(one)]
        if "cacheScope" in result:
            result["cacheScope"] = "private"  # another person's list is another one
        return True

    def _may_use(self, tool: JsonValue) -> bool:
        names = self.tools or frozenset()
        return (
            isinstance(tool, dict) and isinstance(tool.get("name"), str) and tool["name"] in names
        )

    def event(self, raw: bytes, data: bytes | None) -> bytes:
        """An event with its id sealed; `data` takes the place of its own, unless it is None."""
        lines = [line for line in _LINE.split(raw) if line]
        if data is None and not any(_names(line) == b"id" for line in lines):
            return raw
        kept = [line for line in map(self._line, lines) if line is not None]
        if data is not None:
            kept = [line for line in kept if _names(line) != b"data"]
            kept.append(b"data: " + data)
        return b"\n".join(kept) + b"\n\n"

    def _line(self, line: bytes) -> bytes | None:
        if _names(line) != b"id":
            return line
        value = line[3:].removeprefix(b" ")
        if not _ID.fullmatch(value):
            return None  # nothing that could be brought back
        kind = mcp.event_kind(self.session)
        return b"id: " + self.seal.close(kind, value.decode("ascii")).encode("ascii")


def _names(line: bytes) -> bytes:
    """The field of a line; of a comment the empty name (WHATWG HTML section 9.2.6)."""
    return line.removeprefix(b"\xef\xbb\xbf").partition(b":")[0]


def observe(
    reader: Reader, editing: Editing, media: MediaType | None, *, ok: bool
) -> "Whole | McpStream":
    """The observer of an answer; see `core.answer.observe`."""
    is_stream = media is not None and media.is_event_stream
    if is_stream:
        return McpStream(reader, editing)

    def said(document: JsonValue, content: bytes) -> Iterable[Note]:
        if _says_twice(reader, content):
            return (Stop(UpstreamMalformed(TWICE)),)
        notes = _read(reader, document)
        return (*notes, strictjson.dumps(document) if editing.edit(document) else content)

    return Whole(said, must_parse=ok)


def _read(reader: Reader, document: JsonValue) -> list[Note]:
    messages = document if isinstance(document, list) else [document]
    return [note for one in messages for note in reader.read(one)]


def _says_twice(reader: Reader, text: bytes) -> bool:
    names, written = _decisive(reader.sought.names)
    may = b"\\u00" in text or max(map(text.count, written)) > 1
    return may and strictjson.says_twice(text, names)


@cache
def _decisive(sought: frozenset[str]) -> tuple[frozenset[str], tuple[bytes, ...]]:
    """The names that must not stand twice, and how they are written."""
    names = _EDITED | sought
    return names, tuple(f'"{name}"'.encode() for name in names)


class McpStream:
    """A stream of messages, each an event; some have no data, and begin a stream."""

    holds = False

    def __init__(self, reader: Reader, editing: Editing) -> None:
        self._reader = reader
        self._editing = editing
        self._splitter = EventStreamSplitter()

    def passes(self, chunk: bytes) -> bool:
        return False  # each event may be changed

    def feed(self, chunk: bytes) -> Iterator[Note]:
        for event in self._splitter.feed(chunk):
            yield from self._event(event.raw, event.data)
        if self._splitter.pending > MAX_HELD:
            yield Stop(UpstreamMalformed("An event of the upstream's answer is larger than 4 MiB"))

    def end(self) -> Iterable[Note]:
        return ()  # an event without its end is none (WHATWG HTML section 9.2.6)

    def _event(self, raw: bytes, data: bytes) -> Iterator[Note]:
        if not data:
            yield self._editing.event(raw, None)
            return
        try:
            document = strictjson.loads_leniently(data)
        except ValueError:
            yield Stop(UpstreamMalformed("An event of the upstream's answer is not JSON"))
            return
        if _says_twice(self._reader, data):
            yield Stop(UpstreamMalformed(TWICE))
            return
        yield from _read(self._reader, document)
        edited = strictjson.dumps(document) if self._editing.edit(document) else None
        yield self._editing.event(raw, edited)

    def interject(self, data: bytes, name: str) -> bytes:
        return self._splitter.frame(data, name)
