"""What one HTTP/2 connection knows: settings, windows, and whose stream is which (RFC 9113).

Bytes go in by `feed`, and out by the function it is given; there is no socket and no clock here.
Anything that makes the bytes doubtful ends the connection; a fault of one answer ends its stream
alone. After GOAWAY no stream is begun, and those there are go on to their end.

The connection's own window is as wide as can be: each stream's window bounds what it holds, and one
client that does not read stops nobody else's answer.
"""

from collections.abc import Callable
from itertools import takewhile
from typing import Final

from gateway.core.errors import UpstreamMalformed
from gateway.net.http2 import frames
from gateway.net.http2.fields import MAX_HEAD, NO_TABLE, Blocks
from gateway.net.http2.frames import Cutter, Frame, Violation
from gateway.net.http2.stream import WINDOW, Stream
from gateway.net.upstream.clocks import Clocks

# Frames in a row that bring no answer on: pings, settings, resets, empty ones, heads without end
# (CVE-2019-9512, 9514, 9515, 9518, CVE-2023-44487, CVE-2024-27316).
MAX_BARREN: Final = 1000
MAX_SETTINGS: Final = 1000  # of a connection, in all: each may change the windows of all streams

_SETTINGS: Final = (
    (frames.ENABLE_PUSH, 0),
    (frames.INITIAL_WINDOW_SIZE, WINDOW),
    (frames.MAX_HEADER_LIST_SIZE, MAX_HEAD),
)
_LOW: Final = 2**30  # of the connection's window


class Multiplex:
    """`on_end` is called when a stream has ended. `clocks` are the streams'."""

    def __init__(
        self, clocks: Clocks, write: Callable[[bytes], None], on_end: Callable[[], None]
    ) -> None:
        self.clocks = clocks
        self.greeted = False  # the upstream's settings have come
        self.going = False  # and its goodbye
        self.used = False  # a stream has been begun
        self._write = write
        self._on_end = on_end
        self._cutter = Cutter()
        self._blocks = Blocks()
        self._streams: dict[int, Stream] = {}
        self._fresh: dict[Stream, None] = {}  # that got some of their body in this read
        self._next = 1  # the number of the next stream
        self._most = frames.MAX_WINDOW  # streams at a time, as the upstream says
        self._initial = frames.USUAL_WINDOW  # what a stream may send before it is told more
        self._window_out = frames.USUAL_WINDOW
        self._window_in = frames.MAX_WINDOW
        self._stray = 0  # bytes that may still come on streams that have ended
        self._writable = True
        self._blocked: dict[Stream, None] = {}  # in the order they began to wait
        self._barren = 0
        self._settings = 0  # that have come

    @property
    def streams(self) -> list[Stream]:
        return list(self._streams.values())

    @property
    def rests(self) -> bool:
        return not self._streams

    @property
    def has_room(self) -> bool:
        """Whether a stream may be begun."""
        return self.greeted and not self.going and len(self._streams) < self._most

    def greet(self) -> None:
        wider = frames.MAX_WINDOW - frames.USUAL_WINDOW
        self._write(
            frames.PREFACE
            + frames.write_settings(_SETTINGS)
            + frames.write_number(frames.WINDOW_UPDATE, 0, wider)
        )

    # What streams call

    def begin(self, stream: Stream, block: bytes, content: bytes, *, more: bool) -> int:
        stream.number = self._next
        stream.window_out = self._initial
        self._next += 2
        if not self.used:
            block = NO_TABLE + block
        self.used = True
        self._streams[stream.number] = stream
        raw = frames.write_head(stream.number, block, last=not content and not more)
        piece = content[: max(0, self.room(stream))] if content else b""
        stream.sent = not more and len(piece) == len(content)
        self._write(raw + self._data(stream, piece, last=stream.sent) if piece else raw)
        return len(piece)

    def room(self, stream: Stream) -> int:
        window = min(self._window_out, stream.window_out, frames.MAX_PAYLOAD)
        room = window if self._writable else 0
        if room <= 0 and stream.number in self._streams:
            self._blocked[stream] = None
        return room

    def send(self, stream: Stream, content: bytes, *, last: bool) -> None:
        if stream.number in self._streams:
            stream.sent = last
            self._write(self._data(stream, content, last=last))

    def taken(self, stream: Stream) -> None:
        if stream.window_in <= WINDOW // 2 and stream.number in self._streams:
            more = WINDOW - stream.window_in
            stream.window_in = WINDOW
            self._write(frames.write_number(frames.WINDOW_UPDATE, stream.number, more))

    def leave(self, stream: Stream, code: int) -> None:
        if stream.number in self._streams:
            if not (stream.complete and stream.sent):
                self._write(frames.write_number(frames.RST_STREAM, stream.number, code))
            self._forget(stream)

    # What the connection calls

    def set_writable(self, writable: bool) -> None:
        self._writable = writable
        self._wake_blocked()

    def feed(self, data: bytes) -> None:
        """Take what came.

        Raises:
            Violation: the connection has to end.
        """
        for frame in self._cutter.feed(data):
            self._take(frame)
        for stream in self._fresh:
            stream.pass_on()
        self._fresh.clear()

    def _data(self, stream: Stream, content: bytes, *, last: bool) -> bytes:
        self._window_out -= len(content)
        stream.window_out -= len(content)
        self._barren = 0  # the upstream will tell that it took it
        flags = frames.END_STREAM if last else 0
        return frames.write(frames.DATA, flags, stream.number, content)

    def _wake_blocked(self) -> None:
        if self._writable and self._window_out > 0:
            for stream in [one for one in self._blocked if one.window_out > 0]:
                self._unblock(stream)

    def _unblock(self, stream: Stream) -> None:
        del self._blocked[stream]
        stream.wake()

    def _stream_of(self, frame: Frame) -> Stream | None:
        """None: it has ended."""
        if frame.stream % 2 == 0 or frame.stream >= self._next:
            raise Violation(frames.PROTOCOL_ERROR)  # nobody asked
        return self._streams.get(frame.stream)

    def _forget(self, stream: Stream) -> None:
        del self._streams[stream.number]
        self._stray += WINDOW
        self._blocked.pop(stream, None)
        self._on_end()

    def _refuse(self, stream: Stream, code: int) -> None:
        """End a stream for what came on it."""
        stream.fail(UpstreamMalformed())
        self.leave(stream, code)

    # Frames

    def _take(self, frame: Frame) -> None:
        self._barren += 1
        if self._barren > MAX_BARREN:
            raise Violation(frames.ENHANCE_YOUR_CALM)
        if not self.greeted and frame.kind != frames.SETTINGS:
            raise Violation(frames.PROTOCOL_ERROR)
        if self._blocks.under_way != (frame.kind == frames.CONTINUATION):
            raise Violation(frames.PROTOCOL_ERROR)
        take = _TAKES.get(frame.kind)
        if take is not None:  # others are for extensions that nobody agreed on (section 5.5)
            take(self, frame)

    def _take_data(self, frame: Frame) -> None:
        stream = self._stream_of(frame)
        content = frames.content_of(frame)
        self._window_in -= len(frame.payload)
        if self._window_in < _LOW:
            more = frames.MAX_WINDOW - self._window_in
            self._window_in = frames.MAX_WINDOW
            self._write(frames.write_number(frames.WINDOW_UPDATE, 0, more))
        if stream is None:  # it may have been on its way when we ended the stream
            self._barren -= bool(content)
            self._stray = frames.narrowed(self._stray, len(frame.payload))
            return
        if content:
            self._barren = 0
            self._fresh[stream] = None
        stream.window_in -= len(frame.payload)
        if stream.window_in < 0:
            self._refuse(stream, frames.FLOW_CONTROL_ERROR)
            return
        try:
            stream.take_data(content, last=bool(frame.flags & frames.END_STREAM))
        except UpstreamMalformed:
            self._refuse(stream, frames.PROTOCOL_ERROR)

    def _take_head(self, frame: Frame) -> None:
        stream = self._stream_of(frame)
        block = self._blocks.feed(frame)
        if block is None or stream is None:
            return
        self._barren = 0
        try:
            stream.take_head(block.fields, last=block.last)
        except UpstreamMalformed:
            self._refuse(stream, frames.PROTOCOL_ERROR)

    def _take_reset(self, frame: Frame) -> None:
        code = frames.number_of(frame)
        stream = self._stream_of(frame)
        if stream is not None:
            stream.take_reset(code)
            self._forget(stream)

    def _take_settings(self, frame: Frame) -> None:
        if frame.stream:
            raise Violation(frames.PROTOCOL_ERROR)
        if frame.flags & frames.ACK:
            return
        for name, value in frames.settings_of(frame):
            self._settings += 1
            if self._settings > MAX_SETTINGS:
                raise Violation(frames.ENHANCE_YOUR_CALM)
            if name == frames.MAX_CONCURRENT_STREAMS:
                self._most = value
            elif name == frames.INITIAL_WINDOW_SIZE:
                self._set_initial(value)
        self.greeted = True
        self._write(frames.write(frames.SETTINGS, frames.ACK, 0))

    def _set_initial(self, value: int) -> None:
        """The windows there are follow it, below zero too (section 6.9.2)."""
        for stream in self._streams.values():
            stream.window_out += value - self._initial
        self._initial = value
        if max([value, *(one.window_out for one in self._streams.values())]) > frames.MAX_WINDOW:
            raise Violation(frames.FLOW_CONTROL_ERROR)
        self._wake_blocked()

    def _take_ping(self, frame: Frame) -> None:
        if frame.stream or len(frame.payload) != frames.PING_SIZE:
            raise Violation(frames.FRAME_SIZE_ERROR)
        if not frame.flags & frames.ACK:
            self._write(frames.write(frames.PING, frames.ACK, 0, frame.payload))

    def _take_goaway(self, frame: Frame) -> None:
        last = frames.last_of(frame)
        self.going = True
        unseen = list(takewhile(lambda number: number > last, reversed(self._streams)))
        for number in reversed(unseen):
            stream = self._streams[number]
            stream.take_reset(frames.REFUSED_STREAM)
            self._forget(stream)
        self._on_end()

    def _take_window_update(self, frame: Frame) -> None:
        """Wakes those alone who waited for this: others would be looked at with each."""
        more = frames.increment_of(frame)
        if frame.stream:
            stream = self._stream_of(frame)
            if stream is not None:
                stream.window_out = frames.widened(stream.window_out, more)
                if stream in self._blocked and self.room(stream) > 0:
                    self._unblock(stream)
        else:
            was_shut = self._window_out <= 0
            self._window_out = frames.widened(self._window_out, more)
            if was_shut:
                self._wake_blocked()

    def _take_promise(self, frame: Frame) -> None:
        raise Violation(frames.PROTOCOL_ERROR)  # our settings forbid it


_TAKES: Final = {
    frames.DATA: Multiplex._take_data,
    frames.HEADERS: Multiplex._take_head,
    frames.RST_STREAM: Multiplex._take_reset,
    frames.SETTINGS: Multiplex._take_settings,
    frames.PUSH_PROMISE: Multiplex._take_promise,
    frames.PING: Multiplex._take_ping,
    frames.GOAWAY: Multiplex._take_goaway,
    frames.WINDOW_UPDATE: Multiplex._take_window_update,
    frames.CONTINUATION: Multiplex._take_head,
}
