"""One HTTP/2 connection on a socket: chosen by ALPN, greeted, watched, and closed in time.

An upstream that vanishes without a word takes many people's exchanges with it, and would be given
new ones. So where somebody waits and nothing has come for `QUIET` seconds, it is asked whether it
lives (PING, RFC 9113 section 6.7).
"""

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import Final, cast

from gateway.core.errors import UpstreamMalformed, UpstreamTimeout, UpstreamUnreachable
from gateway.net.http2 import frames
from gateway.net.http2.frames import Violation
from gateway.net.http2.multiplex import Multiplex
from gateway.net.http2.stream import Stream
from gateway.net.server.arrived import Arrived
from gateway.net.upstream.clocks import Clocks
from gateway.net.upstream.sending import SLICE
from gateway.system.deadline import Deadline

MAX_UNSENT: Final = 1_048_576  # bytes that pile up for an upstream that does not read
QUIET: Final = 30.0
ANSWERS_PING: Final = 15.0  # seconds it has for that
# Of the loop, for what has come and was not read: bytes are read in the second, an end behind them
# in the third. An upstream that always has more is asked all the same.
TURNS: Final = 4

# At DEBUG, which an application we stand in may have set for all, hpack logs every field.
logging.getLogger("hpack").setLevel(logging.INFO)


class Http2Connection(asyncio.Protocol):
    """`on_change` is called when an exchange on it has ended, and once more when it is lost."""

    _transport: asyncio.Transport

    def __init__(self, clocks: Clocks, on_change: Callable[["Http2Connection"], None]) -> None:
        self._clocks = clocks
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        self._born = self._loop.time()
        self._greeted: asyncio.Future[None] = self._loop.create_future()
        self._ended = True  # until it is made
        self._asked = False  # whether it lives
        self._deadline = Deadline(self)
        self._arrived = Arrived()
        self._multiplex = Multiplex(clocks, self._write, self._one_less)

    @property
    def lost(self) -> bool:
        """Whether it is closed for good."""
        return self._ended

    @property
    def closed(self) -> bool:
        """Whether it has ended, or is about to."""
        return self._ended or self._transport.is_closing()

    @property
    def has_room(self) -> bool:
        """Whether it may carry one more exchange."""
        young = self._loop.time() < self._born + self._clocks.max_age
        return young and self._multiplex.has_room and not self.closed

    @property
    def rests(self) -> bool:
        return self._multiplex.rests

    async def greeted(self) -> None:
        """Wait for the upstream's settings: they say how many exchanges it takes.

        Raises:
            UpstreamUnreachable: it does not speak HTTP/2.
        """
        await self._greeted

    async def catch_up(self) -> None:
        """Have the loop read what has come at rest: it may be a goodbye, or the end.

        A request sent after that might have been heard, for all we know: not to be sent again.
        While others are answered something has come most of the time, and a goodbye says what it
        has heard.
        """
        for _ in range(TURNS):
            if self.closed or not self.rests or not self._arrived.at(self._descriptor):
                return
            await asyncio.sleep(0)

    def open(self, method: str) -> Stream:
        """An exchange, to be begun before anything else happens."""
        if self.rests:  # else it is heard already whether the upstream lives, or not
            self._listen()
        return Stream(self._multiplex, method, used=self._multiplex.used)

    def rest(self) -> None:
        """Wait for the next exchange, as long as an unused connection may."""
        left = self._born + self._clocks.max_age - self._loop.time()
        self._deadline.set(min(self._clocks.keepalive, left))

    def abort(self) -> None:
        """Close at once, whatever is on the way."""
        if not self._ended:
            self._transport.abort()

    # What the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=SLICE)  # over TLS it is 512 KiB otherwise
        self._ended = False
        self._descriptor: int = transport.get_extra_info("socket").fileno()
        tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        if tls is None or tls.selected_alpn_protocol() != "h2":
            self._not_greeted("tls_protocol_error")
            self.abort()
        else:
            self._multiplex.greet()

    def data_received(self, data: bytes) -> None:
        try:
            self._multiplex.feed(data)
        except Violation as violation:
            self._write(frames.write_goaway(violation.code))
            for stream in self._multiplex.streams:
                stream.fail(UpstreamMalformed())
            self.abort()
            return
        if self._multiplex.greeted and not self._greeted.done():
            self._greeted.set_result(None)
        if not self.rests:
            self._listen()

    def eof_received(self) -> None:
        self.abort()  # with much unsent, asyncio would keep it open for another half a minute

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._deadline.close()
        self._not_greeted("connection_terminated")
        for stream in self._multiplex.streams:
            stream.break_off(exc)
        self._on_change(self)

    def pause_writing(self) -> None:
        self._multiplex.set_writable(False)

    def resume_writing(self) -> None:
        self._multiplex.set_writable(True)

    def _write(self, raw: bytes) -> None:
        if not self.closed:
            self._transport.write(raw)
            # Contents wait for their turn; this is answers to pings, and requests that left.
            if self._transport.get_write_buffer_size() > MAX_UNSENT:
                self.abort()

    def _not_greeted(self, proxy_error: str) -> None:
        if not self._greeted.done():
            self._greeted.set_exception(UpstreamUnreachable(proxy_error=proxy_error))
            self._greeted.exception()  # seen, though nobody may wait for it

    def _one_less(self) -> None:
        if self.rests:
            self.rest()
        self._on_change(self)

    def _listen(self) -> None:
        self._asked = False
        self._deadline.set(QUIET)

    def overdue(self) -> None:
        if self.rests:
            self.abort()
        elif self._asked:
            for stream in self._multiplex.streams:
                stream.fail(UpstreamTimeout(proxy_error="connection_read_timeout"))
            self.abort()
        else:
            self._asked = True
            self._write(frames.write(frames.PING, 0, 0, bytes(frames.PING_SIZE)))
            self._deadline.set(ANSWERS_PING)
