"""One connection to an upstream, for one exchange at a time.

It is fit for another exchange only when the answer ended by its own framing, all of it was taken,
and nothing else came. Any doubt closes it. There is no task and no queue: whoever waits for the
answer waits on a future, and what nobody takes is soon left to the kernel.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable
from typing import Final, cast

from gateway.core.errors import UpstreamBrokeOff, UpstreamMalformed
from gateway.net.upstream.answer import Answer
from gateway.net.upstream.clocks import Clocks
from gateway.net.upstream.sending import SLICE, Sending
from gateway.ports import Shortcut

MAX_HELD: Final = 65_536  # bytes that came and nobody took


class Connection(Sending):
    """`used`: it has carried a request. `on_lost` is called once, when it is closed."""

    __slots__ = (
        "_answer",
        "_coming",
        "_held",
        "_on_lost",
        "_reading",
        "_retires_at",
        "_shortcut",
        "descriptor",
        "used",
    )

    def __init__(self, clocks: Clocks, on_lost: Callable[["Connection"], None]) -> None:
        super().__init__(clocks)
        self.used = False
        self.descriptor = -1  # until it has been fit
        self._on_lost = on_lost
        self._retires_at = self._loop.time() + clocks.max_age
        self._answer: Answer | None = None  # while an exchange runs
        self._coming: asyncio.Future[bytes] | None = None  # more of its body
        self._held = 0
        self._shortcut: Shortcut | None = None
        self._reading = True

    @property
    def heard(self) -> bool:
        """Whether any byte of an answer has come in this exchange."""
        return self._answer is not None and self._answer.started

    async def ask(
        self, method: str, payload: bytes, stream: AsyncGenerator[bytes, None] | None = None
    ) -> Answer:
        """Send one request; the answer, once its head is whole.

        `stream` is the rest of it, sent in chunks as it comes.

        Raises:
            UpstreamTimeout, UpstreamBrokeOff, UpstreamMalformed; and what `stream` raises. It is
            closed then.
        """
        self.used = True
        answer = self._answer = Answer(method)
        try:
            if len(payload) <= SLICE:
                self._transport.write(payload)
            else:
                await self._send_slices(payload, answer)
            if stream is not None and not answer.has_head:
                await self._send_stream(stream, answer)
            self._expect(self._clocks.first_byte, "http_response_timeout")
            while not answer.has_head:
                await self._news()
        except BaseException:
            self.abort()
            raise
        return answer

    def more(self, answer: Answer, shortcut: Shortcut | None = None) -> "asyncio.Future[bytes]":
        """What has come of the body of `answer`, at least a byte: the step of an async iterator.

        What comes while that is waited for goes to `shortcut` first, and what that takes wakes
        nobody. A future and no coroutine: a stream waits for it most of the time.

        Raises:
            StopAsyncIteration: it is complete.
            UpstreamTimeout, UpstreamBrokeOff, UpstreamMalformed: after all that came before.
        """
        if answer is not self._answer:
            raise RuntimeError("this exchange is over")
        if answer.complete and not answer.body:
            raise StopAsyncIteration
        coming = self._coming = self._loop.create_future()
        self._shortcut = shortcut
        self._hand_over(answer, coming)
        return coming

    def finish(self) -> bool:
        """End the exchange. True: fit for another one. False: closed."""
        answer = self._answer
        self._answer = self._shortcut = self._coming = None
        fit = (
            answer is not None
            and answer.complete
            and answer.reusable
            and not answer.body
            and self._sent
            and not self.closed
            and self._transport.get_write_buffer_size() == 0
            and self._loop.time() < self._retires_at
        )
        if not fit:
            if answer is not None:
                answer.let_go()
            self.abort()
        elif self.descriptor < 0:
            self.descriptor = int(self._transport.get_extra_info("socket").fileno())
        return fit

    def rest(self) -> None:
        """Wait for the next exchange, as long as an unused connection may."""
        left = self._retires_at - self._loop.time()
        self._expect(min(self._clocks.keepalive, left), "")

    # What the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=SLICE)  # over TLS it is 512 KiB otherwise
        self._ended = False

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        if answer is None:
            self.abort()  # nobody asked
            return
        try:
            answer.feed(data)
        except UpstreamMalformed as error:
            self._fail(error)
            return
        if self._shortcut is not None and self._is_taken(answer, self._shortcut):
            return
        self._held += len(data)
        if answer.has_head:  # else the clock goes on
            self._wake()
        if self._held > MAX_HELD:
            self._pause(answer)

    def eof_received(self) -> None:
        if self._answer is not None and self._ended_in_order():
            self._answer.end()
        self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        answer = self._answer
        if answer is not None:
            answer.let_go()
            if not answer.complete and self._error is None:
                proxy_error = None if answer.started else "connection_terminated"
                self._error = UpstreamBrokeOff(proxy_error=proxy_error)
                self._error.__cause__ = exc
        self._wake()
        self._deadline.close()
        self._on_lost(self)

    def _ended_in_order(self) -> bool:
        # Anybody on the way can end TCP (RFC 8446 section 6.1), so without TLS's own close_notify
        # the end is a cut. asyncio reports both alike; OpenSSL answers differently.
        tls: ssl.SSLObject | None = self._transport.get_extra_info("ssl_object")
        if tls is None:
            return True
        try:
            return tls.read(1) == b""
        except ssl.SSLError:
            return False

    def _wake(self, _: object = None) -> None:
        if self._coming is None or self._answer is None:
            super()._wake()
        else:
            self._hand_over(self._answer, self._coming)

    def _hand_over(self, answer: Answer, coming: "asyncio.Future[bytes]") -> None:
        """Give whoever waits for more of the body what there is, or wait for it from now on."""
        if coming.done():
            pass  # it is not waited for any more
        elif answer.body:
            coming.set_result(self._taken(answer))
        elif answer.complete:
            coming.set_exception(StopAsyncIteration())
        elif self._error is not None or self._ended:
            coming.set_exception(self._reason())
        else:
            self._expect(self._clocks.idle, "connection_read_timeout")
            return
        self._coming = None
        self._deadline.clear()

    def _taken(self, answer: Answer) -> bytes:
        body = answer.body
        content = body[0] if len(body) == 1 else b"".join(body)
        body.clear()
        self._held = 0
        if not self._reading and not self.closed:
            self._transport.resume_reading()
            self._reading = True
        return content

    def _is_taken(self, answer: Answer, shortcut: Shortcut) -> bool:
        """Whether what came is on its way already. Nothing that came before is held then."""
        coming, body = self._coming, answer.body
        if coming is None or coming.done() or answer.complete or not body:
            return False
        if not shortcut.take(body[0] if len(body) == 1 else b"".join(body)):
            return False
        body.clear()
        self._deadline.set(self._clocks.idle)
        return True

    def _pause(self, answer: Answer) -> None:
        if answer.body and self._reading and not self.closed:
            self._transport.pause_reading()
            self._reading = False
