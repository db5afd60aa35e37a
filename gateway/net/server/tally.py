"""What a request weighs while it arrives, and what it may weigh. No clock, no socket."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

from gateway.core.errors import BadRequest, FieldsTooLarge, UriTooLong

_REQUEST_LINE = 32  # bytes of one beside its target: the longest method, spaces, version
# Go's net/http bounds what is not data in a chunked body in this way (CVE-2023-39326).
_CHUNK_LINE = 16  # bytes a chunk may cost beside its data
_CHUNK_SLACK = 512  # and all of them beside that


def _any() -> int:
    return sys.maxsize


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits:
    """What a client may ask of the server before anybody looks at its request."""

    max_header: int = 32 * 1024  # bytes of all field lines
    max_fields: int = 100
    max_target: int = 12 * 1024  # bytes
    max_pipelined: int = 100  # requests that wait for the answer to an earlier one
    header_timeout: float = 10.0  # seconds for a whole head, from the connection or the first byte
    body_timeout: float = 30.0  # seconds for a whole body
    min_body_rate: int = 1024  # bytes a second, over each
    body_window: float = 10.0  # seconds
    keep_alive: float = 15.0  # seconds between requests
    write_timeout: float = 60.0  # seconds a client may leave an answer unread
    linger: float = 1.0  # seconds in which the rest of a refused request is dropped
    max_connections: int = 10_000
    fits: Callable[[], int] = _any  # no more than these either: connections, at this moment


class Tally:
    """Counts one request after the other.

    llhttp keeps to itself what it has not finished (a field value without an end) and what it
    passes over (chunk extensions, zeros before a chunk's size). Those are the bytes of a request's
    segments less what it reported. A segment that two requests share is counted for neither.
    """

    __slots__ = ("_chunks", "_limits", "_wire", "body", "chunked", "fields", "head")

    def __init__(self, limits: ServerLimits) -> None:
        self._limits = limits
        self.begin()

    def begin(self) -> None:
        self.head = 0  # bytes of its target; and of its field lines, from their end on
        self.fields = 0  # bytes of the field lines that have come
        self.body = 0  # bytes, without the chunks' lines
        self.chunked = False
        self._chunks = 0
        self._wire = 0

    def target(self, size: int) -> None:
        """All of it that has come. Raises `UriTooLong`."""
        self.head = size
        if size > self._limits.max_target:
            raise UriTooLong

    def end_head(self) -> None:
        """All field lines have come. Raises `FieldsTooLarge`."""
        self.head += self.fields
        if self.fields > self._limits.max_header:
            raise FieldsTooLarge

    def chunk(self) -> None:
        self._chunks += 1

    def segment(self, size: int, *, in_head: bool) -> None:
        """A segment that was this request's alone, after it has been parsed.

        Raises:
            FieldsTooLarge: the head is not at its end, and larger than heads may be.
            BadRequest: the chunks' lines are out of proportion to the data.
        """
        self._wire += size
        if in_head and self._wire - self.head > self._limits.max_header + _REQUEST_LINE:
            raise FieldsTooLarge
        if self.chunked and not in_head:
            passed_over = self._wire - self.head - 3 * self.body - _CHUNK_LINE * self._chunks
            if passed_over > _CHUNK_SLACK:
                raise BadRequest("The chunks of the body carry more than its data")
