"""One exchange on an HTTP/2 connection: a request sent, an answer as it comes.

What comes and nobody takes is bounded by the stream's window: the upstream may send `WINDOW` bytes
and then waits until some were taken. What is sent waits for the upstream's windows in turn. A fault
of one answer ends its stream and no other: several people's answers share a connection.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from gateway.core.errors import GatewayError, UpstreamBrokeOff, UpstreamMalformed, UpstreamTimeout
from gateway.core.request.plan import VendorRequest
from gateway.net.http2.carrier import Carrier
from gateway.net.http2.fields import Head, judge
from gateway.net.http2.frames import CANCEL, REFUSED_STREAM
from gateway.ports import Shortcut
from gateway.system.deadline import Deadline

WINDOW: Final = 262_144  # bytes on the way or held; 64 KiB would be 640 kB/s at 100 ms
MAX_PIECES: Final = 1024  # that are held each by itself: of two bytes, one is 20 times its size
MAX_INTERIM: Final = 8  # 1xx answers before the one that counts


class Stream:
    """`used`: its connection had carried a request before. `heard`: something of an answer came.

    `unseen`: the upstream says that it did nothing with the request (RFC 9113 section 8.7).
    """

    __slots__ = (
        "_body",
        "_carrier",
        "_coming",
        "_deadline",
        "_error",
        "_head",
        "_interim",
        "_late",
        "_left",
        "_method",
        "_over",
        "_shortcut",
        "_waiters",
        "complete",
        "heard",
        "number",
        "sent",
        "unseen",
        "used",
        "window_in",
        "window_out",
    )

    def __init__(self, carrier: Carrier, method: str, *, used: bool) -> None:
        self.number = 0  # until it has begun
        self.used = used
        self.heard = self.unseen = False
        self.sent = False  # all of the request
        self.complete = False  # all of the answer has come
        self.window_in, self.window_out = WINDOW, 0
        self._carrier = carrier
        self._method = method
        self._head: Head | None = None
        self._left: int | None = None  # bytes to come, by Content-Length
        self._interim = 0
        self._body: list[bytes] = []
        self._error: GatewayError | None = None
        self._over = False  # nobody asks for more of it
        self._shortcut: Shortcut | None = None
        self._waiters: tuple[asyncio.Future[None], ...] = ()  # who asks, and what sends a stream
        self._coming: asyncio.Future[bytes] | None = None  # more of the body
        self._deadline = Deadline(self)
        self._late = ""

    @property
    def head(self) -> Head:
        if self._head is None:
            raise RuntimeError("there is no answer yet")
        return self._head

    async def ask(self, request: VendorRequest, block: bytes) -> None:
        """Send the request; return once the head of its answer is whole.

        Raises:
            UpstreamTimeout, UpstreamBrokeOff, UpstreamMalformed; and what a stream raises.
        """
        content = b"" if request.stream is not None else request.content or b""
        at = self._carrier.begin(self, block, content, more=request.stream is not None)
        if request.stream is not None:
            await self._send_stream(request.stream)
        elif at < len(content):
            await self._send(content[at:], last=True)
        self._expect(self._carrier.clocks.first_byte, "http_response_timeout")
        while self._head is None:
            await self._news()

    def more(self, shortcut: Shortcut | None = None) -> "asyncio.Future[bytes]":
        """See `gateway.net.upstream.connection.Connection.more`."""
        if self._over:
            raise RuntimeError("this exchange is over")
        if self.complete and not self._body:
            raise StopAsyncIteration
        coming = self._coming = asyncio.get_running_loop().create_future()
        self._shortcut = shortcut
        self._hand_over(coming)
        return coming

    def drop_fields(self) -> None:
        """Nobody asks for the fields of the answer any more."""
        self._head = replace(self.head, fields=())

    def leave(self, code: int = CANCEL) -> None:
        """End the exchange. The upstream hears of it where it is not at the end."""
        self._over = True
        self._error = self._coming = None  # who was told of it is in its traceback, and holds us
        self._deadline.close()
        self._carrier.leave(self, code)

    # What the connection calls

    def take_head(self, decoded: list[tuple[bytes, bytes]], *, last: bool) -> None:
        """Take an answer's head, an interim one, or trailers, which reach nobody.

        Raises:
            UpstreamMalformed: it is none of these.
        """
        self.heard = True
        if self._head is not None:
            if self.complete or not last:
                raise UpstreamMalformed
            self._end()
            return
        head = judge(decoded, self._method)
        if head.is_interim:
            self._interim += 1
            if last or self._interim > MAX_INTERIM:
                raise UpstreamMalformed
            return
        self._head = head
        self._left = head.length
        if last:
            self._end()
        self.wake()

    def take_data(self, content: bytes, *, last: bool) -> None:
        """Take some of the body; `pass_on` is called once all that came together is taken.

        Raises:
            UpstreamMalformed: it is more or less than was announced, or not where a body is.
        """
        if self._head is None or self.complete:
            raise UpstreamMalformed
        if self._left is not None:
            self._left -= len(content)
            if self._left < 0:
                raise UpstreamMalformed
        if content:
            self._body.append(content)
            if len(self._body) >= MAX_PIECES:
                self._body[:] = [b"".join(self._body)]
        if last:
            self._end()

    def pass_on(self) -> None:
        """Some of the body has come: it is on its way already, or whoever waits for it wakes."""
        if not self._is_taken():
            self.wake()

    def take_reset(self, code: int) -> None:
        """The upstream ends the stream. Once the answer is whole, it only wants no more of us."""
        if not self.complete:
            self.unseen = code == REFUSED_STREAM and not self.heard
            self.break_off()

    def break_off(self, cause: BaseException | None = None) -> None:
        error = UpstreamBrokeOff(proxy_error=None if self.heard else "connection_terminated")
        error.__cause__ = cause
        self.fail(error)

    def fail(self, error: GatewayError) -> None:
        if self._error is None and not self.complete:
            self._error = error
        self.wake()

    def wake(self) -> None:
        # Not when the waiter runs: a loop that was held up may let the deadline ring before that.
        self._deadline.clear()
        waiters, self._waiters = self._waiters, ()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
        if self._coming is not None:
            self._hand_over(self._coming)

    def _end(self) -> None:
        if self._left:
            raise UpstreamMalformed
        self.complete = True
        self.wake()

    def _is_taken(self) -> bool:
        """Whether what came is on its way already. Nothing that came before is held then."""
        if self._shortcut is None or self._coming is None or self._coming.done():
            return False
        try:
            is_taken = self._shortcut.take(b"".join(self._body))
        except Exception:  # noqa: BLE001 - it is the exchange's own, whose task will meet it again
            return False
        if is_taken:
            self._taken()
            self._deadline.set(self._carrier.clocks.idle)
        return is_taken

    def _hand_over(self, coming: "asyncio.Future[bytes]") -> None:
        """Give whoever waits for more of the body what there is, or wait for it from now on."""
        if coming.done():
            pass  # it is not waited for any more
        elif self._body:
            coming.set_result(self._taken())
        elif self.complete:
            coming.set_exception(StopAsyncIteration())
        elif self._error is not None:
            coming.set_exception(self._error)
        else:
            self._expect(self._carrier.clocks.idle, "connection_read_timeout")
            return
        self._coming = None

    def _taken(self) -> bytes:
        content = b"".join(self._body)
        self._body.clear()
        if not self.complete:
            self._carrier.taken(self)
        return content

    # Sending and waiting

    async def _send(self, content: bytes, *, last: bool) -> None:
        """Send it as the windows let it. An answer that comes meanwhile wants no more of it."""
        at = 0
        while self._head is None and at < len(content):
            self._check()
            room = self._carrier.room(self)
            if room <= 0:
                self._expect(self._carrier.clocks.write, "connection_write_timeout")
                await self._news()
                continue
            piece = content[at : at + room]
            at += len(piece)
            self._carrier.send(self, piece, last=last and at == len(content))
            await asyncio.sleep(0)  # the next stream's turn: the connection's window is for all

    async def _send_stream(self, stream: AsyncGenerator[bytes, None]) -> None:
        """Send what comes. The clock for writing stands while there is nothing to write."""
        sending = asyncio.ensure_future(self._send_pieces(stream))
        sending.add_done_callback(lambda _: self.wake())
        try:
            while self._head is None and not sending.done():
                await self._news()
        finally:
            sending.cancel()
            await asyncio.wait({sending})
            failed = None if sending.cancelled() else sending.exception()
        if failed is not None and self._head is None:
            try:
                raise failed
            finally:
                del failed, sending  # which hold this frame

    async def _send_pieces(self, stream: AsyncGenerator[bytes, None]) -> None:
        async with aclosing(stream):
            async for piece in stream:
                await self._send(piece, last=False)
        if self._head is None:
            self._carrier.send(self, b"", last=True)

    def _news(self) -> "asyncio.Future[None]":
        """The next thing that happens, to be waited for.

        Raises:
            GatewayError: what ended the exchange.
        """
        self._check()
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters += (waiter,)
        return waiter

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    def _expect(self, seconds: float, late: str) -> None:
        self._late = late
        self._deadline.set(seconds)

    def overdue(self) -> None:
        self.fail(UpstreamTimeout(proxy_error=self._late))
