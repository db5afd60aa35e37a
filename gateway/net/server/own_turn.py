"""A request for the gateway itself: `Inbound` and `Outbound` straight on the server's connection.

An exchange so costs no message, no scope, and no task that waits for its client to leave. What a
client gets is byte for byte what it gets over ASGI.

- The head goes out with the first chunk, where that comes in the same turn of the loop; one that
  says how long the content is waits for it, since that is at hand by then.
- Once the client has left nothing is written and nothing fails: `Inbound.on_leave` says so.
- An answer that is cut is never ended, and the connection closes.
"""

import logging
from collections.abc import Awaitable
from typing import Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from gateway.core.formats import fields as http
from gateway.net.server.head import Head
from gateway.net.server.served_request import ServedRequest
from gateway.net.server.turn import Connection
from gateway.net.upstream.field_lines import Remembered, field_lines
from gateway.ports import Fields, Outbound, Writer

LOG = logging.getLogger("gateway.server")

_WITHOUT_CONTENT = frozenset({204, 304})  # RFC 9110 section 6.4.1
_CUT = "the answer was cut: nothing can follow"
_server_fields = Remembered()


class Entry(Protocol):
    """Whoever answers."""

    def carry(self, ask: ServedRequest, answer: Outbound) -> Awaitable[None]: ...


class OwnTurn:
    """See `net.server.turn.Turn`, and `gateway.ports.Outbound`: the answer is this object."""

    __slots__ = (
        "_connection",
        "_entry",
        "_flow",
        "_has_content",
        "_head",
        "_is_chunked",
        "_left",
        "complete",
        "keep_alive",
        "request",
        "started",
        "was_cut",
    )

    def __init__(self, connection: Connection, head: Head, entry: Entry) -> None:
        self.request = ServedRequest(connection, head)
        self.keep_alive = False
        self.started = False
        self.complete = False
        self.was_cut = False
        self._connection = connection
        self._flow = connection.flow
        self._entry = entry
        self._head = b""  # waits for the first chunk
        self._has_content = True
        self._is_chunked = False
        self._left = 0  # bytes of the content that the head has announced, and that are to come

    # For the server

    @property
    def held(self) -> int:
        return self.request.held

    def take(self, content: bytes) -> None:
        self.request.take(content)

    def whole(self) -> None:
        self.request.whole()

    def leave(self) -> None:
        if not self.complete:
            self.request.leave()

    async def run(self) -> None:
        try:
            await self._entry.carry(self.request, self)
        except Exception as error:
            LOG.error("a request could not be answered", exc_info=error)
        finally:
            if not self.complete and not self.request.gone:
                self._close()
            self._connection.ended()

    # For whoever answers

    async def start(self, status: int, fields: Fields) -> None:
        if self.started:
            raise RuntimeError("the answer has begun: its head is out")
        self.started = True
        if self._flow.write_paused:
            await self._flow.drain()
        if not self.request.gone:
            self.request.answered()
            self._head = self._rendered(status, fields)
            if not self._left:
                self._connection.loop.call_soon(self._flush)

    async def chunk(self, content: bytes) -> None:
        if self.was_cut:
            raise RuntimeError(_CUT)
        if self._flow.write_paused:
            await self._flow.drain()
        if not self.request.gone:
            self._write(self._framed(content))

    async def end(self) -> None:
        if self.was_cut:
            raise RuntimeError(_CUT)
        if self._flow.write_paused:
            await self._flow.drain()
        if self.request.gone:
            return
        if self._left:
            raise RuntimeError("the content is shorter than was announced")
        if self._is_chunked:
            self._write(b"0\r\n\r\n")
            self._is_chunked = False  # no chunk follows
        elif self._head:
            self._flush()
        self.complete = True
        if not self.keep_alive:
            self._connection.transport.close()
        self._connection.on_answered()

    async def cut(self) -> None:
        self.was_cut = True
        self._is_chunked = False
        self._close()

    def writer(self) -> Writer:
        self._connection.rest()  # what is written so is a stream
        return self

    def write(self, content: bytes) -> bool:
        if not self._is_chunked or self._head or self._flow.write_paused or self.request.gone:
            return False
        self._connection.transport.write(b"%x\r\n%b\r\n" % (len(content), content))
        return True

    def _rendered(self, status: int, fields: Fields) -> bytes:
        """The head, and with it how the content is to be written."""
        length = http.first(fields, b"content-length")
        self._has_content = self.request.method != "HEAD" and status not in _WITHOUT_CONTENT
        self._is_chunked = self._has_content and length is None
        if self._has_content and length is not None:
            self._left = int(length)
        return b"".join(
            (
                STATUS_LINE[status],
                _server_fields.lines(self._connection.server_state.default_headers),
                field_lines(fields),
                b"" if self.keep_alive else b"connection: close\r\n",
                b"transfer-encoding: chunked\r\n" if self._is_chunked else b"",
                b"\r\n",
            )
        )

    def _framed(self, content: bytes) -> bytes:
        if not content or not self._has_content:
            return b""
        if self._is_chunked:
            return b"%x\r\n%b\r\n" % (len(content), content)
        if len(content) > self._left:
            raise RuntimeError("the content is longer than was announced")
        self._left -= len(content)
        return content

    def _write(self, content: bytes) -> None:
        head, self._head = self._head, b""
        if head or content:
            self._connection.transport.write(head + content)

    def _flush(self) -> None:
        if self._head and not self.request.gone:
            self._write(b"")

    def _close(self) -> None:
        self._flush()
        self._connection.transport.close()
