"""HTTP/2 frames as bytes (RFC 9113 sections 4 and 6): cut out of what came, and written.

What they mean to a connection is not known here.
"""

import struct
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

DATA: Final = 0
HEADERS: Final = 1
RST_STREAM: Final = 3
SETTINGS: Final = 4
PUSH_PROMISE: Final = 5
PING: Final = 6
GOAWAY: Final = 7
WINDOW_UPDATE: Final = 8
CONTINUATION: Final = 9

END_STREAM: Final = 0x1
ACK: Final = 0x1
END_HEADERS: Final = 0x4
PADDED: Final = 0x8
PRIORITY: Final = 0x20

# Settings (section 6.5.2).
ENABLE_PUSH: Final = 2
MAX_CONCURRENT_STREAMS: Final = 3
INITIAL_WINDOW_SIZE: Final = 4
MAX_HEADER_LIST_SIZE: Final = 6

# Errors (section 7).
PROTOCOL_ERROR: Final = 1
FLOW_CONTROL_ERROR: Final = 3
FRAME_SIZE_ERROR: Final = 6
REFUSED_STREAM: Final = 7
CANCEL: Final = 8
COMPRESSION_ERROR: Final = 9
ENHANCE_YOUR_CALM: Final = 11

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
MAX_PAYLOAD: Final = 16_384  # bytes: what everybody must take, and nobody need exceed
MAX_WINDOW: Final = 2**31 - 1
PING_SIZE: Final = 8
USUAL_WINDOW: Final = 65_535  # until something else is said

_HEAD: Final = struct.Struct(">HBBBL")  # the length is three bytes
_SETTING: Final = struct.Struct(">HL")
_NUMBER: Final = struct.Struct(">L")


class Violation(Exception):
    """The other side does what ends a connection; `code` says so to it."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Frame(NamedTuple):
    kind: int
    flags: int
    stream: int
    payload: bytes


class Cutter:
    """Cuts what comes into frames, whatever the network cut it into."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are whole now; to be taken to the end, unless the connection ends.

        Raises:
            Violation: one is larger than frames may be.
        """
        data = self._rest + data
        start = 0
        while len(data) - start >= _HEAD.size:
            high, low, kind, flags, stream = _HEAD.unpack_from(data, start)
            size = high << 8 | low
            if size > MAX_PAYLOAD:
                raise Violation(FRAME_SIZE_ERROR)
            end = start + _HEAD.size + size
            if end > len(data):
                break
            yield Frame(kind, flags, stream & MAX_WINDOW, data[start + _HEAD.size : end])
            start = end
        self._rest = data[start:]


def content_of(frame: Frame) -> bytes:
    """What DATA, HEADERS or CONTINUATION carry, without padding and priority."""
    content = frame.payload
    if frame.kind != CONTINUATION and frame.flags & PADDED:
        if not content or content[0] >= len(content):
            raise Violation(PROTOCOL_ERROR)
        content = content[1 : len(content) - content[0]]
    if frame.kind == HEADERS and frame.flags & PRIORITY:
        if len(content) < 5:
            raise Violation(FRAME_SIZE_ERROR)
        content = content[5:]
    return content


def number_of(frame: Frame) -> int:
    """The error of RST_STREAM, or what WINDOW_UPDATE says."""
    if len(frame.payload) != _NUMBER.size:
        raise Violation(FRAME_SIZE_ERROR)
    (number,) = _NUMBER.unpack(frame.payload)
    return int(number)


def last_of(frame: Frame) -> int:
    """The last stream that GOAWAY says was looked at."""
    if len(frame.payload) < 2 * _NUMBER.size:
        raise Violation(FRAME_SIZE_ERROR)
    (last,) = _NUMBER.unpack_from(frame.payload)
    return int(last) & MAX_WINDOW


def settings_of(frame: Frame) -> Iterator[tuple[int, int]]:
    if len(frame.payload) % _SETTING.size:
        raise Violation(FRAME_SIZE_ERROR)
    return _SETTING.iter_unpack(frame.payload)


def increment_of(frame: Frame) -> int:
    """How much wider WINDOW_UPDATE makes a window."""
    more = number_of(frame) & MAX_WINDOW
    if not more:
        raise Violation(FLOW_CONTROL_ERROR)
    return more


def widened(window: int, more: int) -> int:
    if window + more > MAX_WINDOW:
        raise Violation(FLOW_CONTROL_ERROR)
    return window + more


def narrowed(window: int, less: int) -> int:
    if window < less:
        raise Violation(FLOW_CONTROL_ERROR)
    return window - less


def write(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    size = len(payload)
    return _HEAD.pack(size >> 8, size & 0xFF, kind, flags, stream) + payload


def write_settings(settings: Iterable[tuple[int, int]]) -> bytes:
    return write(SETTINGS, 0, 0, b"".join(_SETTING.pack(*setting) for setting in settings))


def write_head(stream: int, block: bytes, *, last: bool) -> bytes:
    """HEADERS, and CONTINUATIONs where the block is longer than a frame."""
    pieces = [block[at : at + MAX_PAYLOAD] for at in range(0, len(block), MAX_PAYLOAD)]
    frames = [write(CONTINUATION, 0, stream, piece) for piece in pieces[1:-1]]
    flags = END_STREAM if last else 0
    if len(pieces) == 1:
        return write(HEADERS, flags | END_HEADERS, stream, block)
    first = write(HEADERS, flags, stream, pieces[0])
    return b"".join([first, *frames, write(CONTINUATION, END_HEADERS, stream, pieces[-1])])


def write_number(kind: int, stream: int, number: int) -> bytes:
    """RST_STREAM or WINDOW_UPDATE."""
    return write(kind, 0, stream, _NUMBER.pack(number))


def write_goaway(code: int) -> bytes:
    """We let nobody open streams to us, so the last one was none."""
    return write(GOAWAY, 0, 0, _NUMBER.pack(0) + _NUMBER.pack(code))
