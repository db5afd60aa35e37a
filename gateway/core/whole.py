"""An answer that is held whole, 4 MiB at most, and read at its end: one JSON text, or nothing."""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from gateway.core import strictjson
from gateway.core.errors import UpstreamMalformed
from gateway.core.note import MAX_HELD, Note, Stop
from gateway.core.strictjson import JsonValue

# The notes on a document, and on the bytes that it was: what of it goes on is one of them.
Read: TypeAlias = Callable[[JsonValue, bytes], Iterable[Note]]


class Whole:
    """The `Observer` of such an answer; see `core.observe`.

    `must_parse`: what is no JSON ends the exchange; else it goes on as it came.
    """

    holds = True

    def __init__(self, read: Read, *, must_parse: bool) -> None:
        self._read = read
        self._must_parse = must_parse
        self._held = bytearray()

    def passes(self, chunk: bytes) -> bool:
        return False

    def feed(self, chunk: bytes) -> Iterable[Note]:
        self._held += chunk
        if len(self._held) > MAX_HELD:
            return (Stop(UpstreamMalformed("The upstream's answer is larger than 4 MiB")),)
        return ()

    def end(self) -> Iterable[Note]:
        content = bytes(self._held)
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
