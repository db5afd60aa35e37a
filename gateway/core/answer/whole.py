"""An answer that is held whole, 4 MiB at most, and read at its end: one JSON text, or nothing."""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from gateway.core.answer.note import MAX_HELD, Note, Stop
from gateway.core.errors import UpstreamMalformed
from gateway.core.formats import strictjson
from gateway.core.formats.strictjson import JsonValue

# The notes on a document, and on the bytes that it was: what of it goes on is one of them.
Read: TypeAlias = Callable[[JsonValue, bytes], Iterable[Note]]


class Whole:
    """The `Observer` of such an answer; see `core.answer.observe`.

    `must_parse`: what is no JSON ends the exchange; else it goes on as it came.
    """

    __slots__ = ("_must_parse", "_parts", "_read", "_size")
    holds = True

    def __init__(self, read: Read, *, must_parse: bool) -> None:
        self._read = read
        self._must_parse = must_parse
        self._parts: list[bytes] = []
        self._size = 0

    def passes(self, chunk: bytes) -> bool:
        return False

    def feed(self, chunk: bytes) -> Iterable[Note]:
        self._parts.append(chunk)
        self._size += len(chunk)
        if self._size > MAX_HELD:
            return (Stop(UpstreamMalformed("The upstream's answer is larger than 4 MiB")),)
        return ()

    def end(self) -> Iterable[Note]:
        content = b"".join(self._parts)  # of one, that one
        if not content:
            return ()
        try:
            document = strictjson.loads_leniently(content)
        except ValueError:
            if self._must_parse:
                return (Stop(UpstreamMalformed("The upstream's answer is not JSON")),)
            return (content,)  # words of a server in front of the server
        return self._read(document, content)

    def interject(self, data: bytes, name: str) -> bytes:
        return b""
