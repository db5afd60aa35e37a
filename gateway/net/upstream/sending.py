"""The sending half of a connection to an upstream, and how one waits for what happens on it.

A request goes as the other side takes it, until an answer comes that wants no more of it.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from gateway.core.errors import GatewayError, UpstreamBrokeOff, UpstreamTimeout
from gateway.net.upstream.answer import Answer
from gateway.net.upstream.clocks import Clocks
from gateway.system.deadline import Deadline

SLICE: Final = 65_536  # bytes of a request that are written before we ask whether they went


class Sending(asyncio.Protocol):
    """See `gateway.net.upstream.connection`, the other half."""

    __slots__ = (
        "_clocks",
        "_deadline",
        "_ended",
        "_error",
        "_late",
        "_loop",
        "_sent",
        "_transport",
        "_waiter",
        "_writable",
    )
    _transport: asyncio.Transport

    def __init__(self, clocks: Clocks) -> None:
        self._clocks = clocks
        self._loop = asyncio.get_running_loop()
        self._ended = True  # until it is made
        self._error: GatewayError | None = None  # what ended the exchange
        self._waiter: asyncio.Future[None] | None = None
        self._deadline = Deadline(self)
        self._late = ""  # the Proxy-Status type of what is late then
        self._writable = True
        self._sent = True

    @property
    def closed(self) -> bool:
        """Whether it has ended, or is about to."""
        return self._ended or self._transport.is_closing()

    def abort(self) -> None:
        """Close at once, whatever is on the way."""
        if not self._ended:
            self._transport.abort()

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        if not self._sent:
            self._wake()

    async def _send_slices(self, payload: bytes, answer: Answer) -> None:
        # An upstream may answer before it has read everything (RFC 9112 section 9.3), say 413.
        view = memoryview(payload)
        self._sent = False
        for start in range(0, len(payload), SLICE):
            await self._send(view[start : start + SLICE], answer)
            if answer.has_head:
                return
        self._sent = True

    async def _send_stream(self, stream: AsyncGenerator[bytes, None], answer: Answer) -> None:
        """RFC 9112 section 7.1. The clock for writing stands while there is nothing to write."""
        self._sent = False
        self._deadline.clear()
        async with aclosing(stream):
            while (piece := await self._next_of(stream, answer)) is not None:
                await self._send(b"%x\r\n%b\r\n" % (len(piece), piece), answer)
                self._deadline.clear()
        if not answer.has_head:
            await self._send(b"0\r\n\r\n", answer)
            self._sent = not answer.has_head

    async def _next_of(self, stream: AsyncGenerator[bytes, None], answer: Answer) -> bytes | None:
        """The next piece; None: there is none, or an answer has come that wants none."""
        coming: asyncio.Future[bytes | None] = asyncio.ensure_future(anext(stream, None))
        try:
            while not coming.done() and not answer.has_head:
                await self._news_or(coming)
        finally:
            coming.cancel()
            await asyncio.wait({coming})
            _see(coming)
        return None if answer.has_head else coming.result()

    async def _news_or(self, coming: "asyncio.Future[bytes | None]") -> None:
        """Wait for something to happen on the connection, or in front of it."""
        coming.add_done_callback(self._wake)
        try:
            await self._news()
        finally:
            coming.remove_done_callback(self._wake)

    async def _send(self, content: bytes | memoryview, answer: Answer) -> None:
        self._transport.write(content)
        self._expect(self._clocks.write, "connection_write_timeout")
        while not answer.has_head and (self.closed or not self._writable):
            await self._news()

    def _news(self) -> "asyncio.Future[None]":
        """The next thing that happens, to be waited for.

        Raises:
            GatewayError: what ended the exchange; once, and then that it has ended.
        """
        if self._error is not None or self._ended:
            error = self._reason()
            try:
                raise error  # holds this frame from now on, and so the connection
            finally:
                del error
        self._waiter = self._loop.create_future()
        return self._waiter

    def _reason(self) -> GatewayError:
        """What ended the exchange; once, and then that it has ended."""
        error, self._error = self._error, None
        return error or UpstreamBrokeOff()

    def _wake(self, _: object = None) -> None:
        # Not when the waiter runs: a loop that was held up may let the deadline ring before that.
        self._deadline.clear()
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _expect(self, seconds: float, late: str) -> None:
        self._deadline.set(seconds)
        self._late = late

    def overdue(self) -> None:
        self._fail(UpstreamTimeout(proxy_error=self._late))

    def _fail(self, error: GatewayError) -> None:
        if self._error is None:
            self._error = error
        self.abort()
        self._wake()


def _see(ended: "asyncio.Future[bytes | None]") -> None:
    """Look at how it ended: asyncio reports those that nobody looked at."""
    if not ended.cancelled():
        ended.exception()
