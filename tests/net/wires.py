"""One upstream on a real TLS socket, in HTTP/1.1 or in HTTP/2, scripted in the words both have.

    async def script(asked: Asked) -> None:     # for each request
        await asked.content()
        asked.head(200, [(b"x-a", b"1")])
        asked.body(b"abc", last=True)

HTTP/2 is spoken by the library h2, which the product does not use; HTTP/1.1 by asyncio's streams.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from types import TracebackType
from typing import Any, Self

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
import trustme

from gateway.core.request.plan import VendorRequest
from gateway.net.http2.transport import Http2Transport
from gateway.net.upstream.http1 import Http1Transport

PATIENCE = 10.0  # seconds a wait may take before the test fails
WIRES = ("http/1.1", "h2")
AUTHORITY = trustme.CA()
CERTIFICATE = AUTHORITY.issue_cert("localhost")

GET = VendorRequest("GET", "/a?b=c", ((b"accept", b"*/*"),), None)
POST = VendorRequest("POST", "/a", ((b"x-a", b"1"), (b"x-b", b"2")), b'{"a":1}')
Pairs = Sequence[tuple[bytes, bytes]]


@cache
def trusting(*protocols: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(list(protocols))
    AUTHORITY.configure_trust(context)
    return context


@cache
def serving(*protocols: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(list(protocols))
    CERTIFICATE.configure_cert(context)
    return context


class Asked:
    """One request, as it comes; what is answered to it."""

    def __init__(self, method: str, target: str, fields: Pairs) -> None:
        self.method = method
        self.target = target
        self.fields = list(fields)
        self.came = bytearray()
        self.whole = asyncio.Event()  # all of it has come
        self.gone = asyncio.Event()  # whoever asked has left, or has been answered
        self.left = False  # before the end of the answer

    async def content(self) -> bytes:
        await asyncio.wait_for(self.whole.wait(), PATIENCE)
        return bytes(self.came)

    async def until_gone(self) -> None:
        await asyncio.wait_for(self.gone.wait(), PATIENCE)

    def head(self, status: int, fields: Pairs = (), *, last: bool = False) -> None:
        raise NotImplementedError

    def body(self, content: bytes, *, last: bool = False) -> None:
        raise NotImplementedError

    async def drain(self) -> None:
        """Wait until what was given to `body` has gone."""
        raise NotImplementedError

    def cut(self) -> None:
        """End the answer where it stands."""
        raise NotImplementedError


Script = Callable[[Asked], Awaitable[None]]


class Wire:
    """An upstream that answers by `script`. `h2_settings` are what it says of itself in HTTP/2."""

    def __init__(
        self,
        script: Script,
        protocol: str,
        *,
        h2_settings: dict[int, int] | None = None,
    ) -> None:
        self.script = script
        self.protocol = protocol
        self.h2_settings = h2_settings or {}
        self.asked: list[Asked] = []
        self.connections = 0
        self.open: set[Any] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._transports: list[Http1Transport | Http2Transport] = []

    async def __aenter__(self) -> Self:
        build = _Http2 if self.protocol == "h2" else _Http1
        self._server = await asyncio.get_running_loop().create_server(
            lambda: build(self), "127.0.0.1", 0, ssl=serving(self.protocol), backlog=1024
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        for transport in self._transports:
            await transport.aclose()
        for task in self._tasks:
            task.cancel()
        await settled(lambda: not self._tasks and not self.open)
        for transport in self._transports:
            assert (transport.open_connections, transport.idle_connections) == (0, 0)
            assert transport.waiting == 0

    def transport(self, **settings: Any) -> Http1Transport | Http2Transport:
        kind = Http2Transport if self.protocol == "h2" else Http1Transport
        settings = {
            "origin": f"https://localhost:{self.port}",
            "ssl_context": trusting(self.protocol),
        } | settings
        transport = kind(**settings)
        self._transports.append(transport)
        return transport

    def shut(self) -> None:
        """End every connection in the kernel at once: no loop has come round to it yet."""
        for one in self.open:
            with socket.socket(fileno=os.dup(one.descriptor)) as twin:
                twin.shutdown(socket.SHUT_WR)

    def begin(self, asked: Asked) -> None:
        self.asked.append(asked)
        task = asyncio.ensure_future(self.script(asked))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Http2(asyncio.Protocol):
    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.requests: dict[int, _AskedByHttp2] = {}
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding=False)
        )

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.descriptor = transport.get_extra_info("socket").fileno()
        self.wire.connections += 1
        self.wire.open.add(self)
        self.h2.initiate_connection()
        if self.wire.h2_settings:
            self.h2.update_settings(self.wire.h2_settings)
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self.wire.open.discard(self)
        for asked in self.requests.values():
            asked.end(left=True)

    def data_received(self, data: bytes) -> None:
        for event in self.h2.receive_data(data):
            self.take(event)
        for asked in list(self.requests.values()):
            asked.push()
        self.flush()

    def take(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            named = dict(event.headers)
            asked = _AskedByHttp2(self, event.stream_id, named, list(event.headers))
            self.requests[event.stream_id] = asked
            self.wire.begin(asked)
        elif isinstance(event, h2.events.DataReceived):
            asked = self.requests.get(event.stream_id)
            if asked is not None:
                asked.came += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            asked = self.requests.get(event.stream_id)
            if asked is not None:
                asked.whole.set()
        elif isinstance(event, h2.events.StreamReset):
            asked = self.requests.pop(event.stream_id, None)
            if asked is not None:
                asked.end(left=True)

    def flush(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(self.h2.data_to_send())


class _AskedByHttp2(Asked):
    def __init__(
        self, connection: _Http2, number: int, named: dict[bytes, bytes], fields: Pairs
    ) -> None:
        own = [(bytes(name), bytes(value)) for name, value in fields if name[:1] != b":"]
        own.insert(0, (b"host", named[b":authority"]))
        super().__init__(named[b":method"].decode(), named[b":path"].decode(), own)
        self.connection = connection
        self.number = number
        self._waits = bytearray()
        self._last = False
        self._flushed = asyncio.Event()

    def end(self, *, left: bool) -> None:
        self.left = left
        self.gone.set()
        self._flushed.set()

    def head(self, status: int, fields: Pairs = (), *, last: bool = False) -> None:
        if self.number not in self.connection.requests:
            return  # whoever asked has left
        lines = [(b":status", b"%d" % status), *fields]
        self.connection.h2.send_headers(self.number, lines, end_stream=last)
        self.connection.flush()
        if last:
            self.end(left=False)

    def body(self, content: bytes, *, last: bool = False) -> None:
        self._waits += content
        self._last = last
        self.push()
        self.connection.flush()

    def push(self) -> None:
        connection = self.connection.h2
        while self._waits and self.number in self.connection.requests:
            room = min(
                connection.local_flow_control_window(self.number),
                connection.max_outbound_frame_size,
            )
            if room <= 0:
                self._flushed.clear()
                return
            connection.send_data(self.number, bytes(self._waits[:room]))
            del self._waits[:room]
        self._flushed.set()
        if self._last and self.number in self.connection.requests:
            connection.end_stream(self.number)
            del self.connection.requests[self.number]
            self.end(left=False)

    async def drain(self) -> None:
        await self._flushed.wait()

    def cut(self) -> None:
        self.connection.requests.pop(self.number, None)
        self.connection.h2.reset_stream(self.number, h2.errors.ErrorCodes.INTERNAL_ERROR)
        self.connection.flush()
        self.end(left=False)


class _Http1(asyncio.StreamReaderProtocol):
    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.asked: Asked | None = None
        reader = asyncio.StreamReader()
        super().__init__(reader, self._connected)

    def eof_received(self) -> bool | None:
        self._left()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.wire.open.discard(self)
        self._left()

    def _left(self) -> None:
        if self.asked is not None and not self.asked.gone.is_set():
            self.asked.left = True
            self.asked.gone.set()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.wire.connections += 1
        self.descriptor = writer.get_extra_info("socket").fileno()
        self.wire.open.add(self)
        try:
            while True:
                await self._exchange(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head[:-4].split(b"\r\n")
        method, target, _ = first.decode().split(" ")
        fields = [tuple(line.split(b": ", 1)) for line in lines]
        asked = _AskedByHttp1(writer, method, target, fields)
        self.wire.begin(asked)
        self.asked = asked
        reading = asyncio.ensure_future(asked.read(reader))
        await asked.gone.wait()
        if not reading.done():
            reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        if asked.left or not asked.whole.is_set():
            raise ConnectionError


class _AskedByHttp1(Asked):
    def __init__(self, writer: Any, method: str, target: str, fields: Pairs) -> None:
        super().__init__(method, target, fields)
        self.writer = writer
        self._chunked = False

    async def read(self, reader: asyncio.StreamReader) -> None:
        named = dict(self.fields)
        if b"transfer-encoding" in named:
            while size := int(await reader.readline(), 16):
                self.came += (await reader.readexactly(size + 2))[:-2]
            await reader.readexactly(2)
        else:
            left = int(named.get(b"content-length", b"0"))
            while left:
                piece = await reader.read(min(left, 65_536))
                if not piece:
                    raise ConnectionError
                self.came += piece
                left -= len(piece)
        self.whole.set()

    def head(self, status: int, fields: Pairs = (), *, last: bool = False) -> None:
        lines = [b"HTTP/1.1 %d x" % status, *(b"%b: %b" % pair for pair in fields)]
        sized = any(name == b"content-length" for name, _ in fields)
        self._chunked = status >= 200 and not last and not sized
        if self._chunked:
            lines.append(b"transfer-encoding: chunked")
        elif last and not sized and status not in {204, 304}:
            lines.append(b"content-length: 0")
        self.writer.write(b"\r\n".join(lines) + b"\r\n\r\n")
        if last:
            self.gone.set()

    def body(self, content: bytes, *, last: bool = False) -> None:
        if content:
            self.writer.write(
                b"%x\r\n%b\r\n" % (len(content), content) if self._chunked else content
            )
        if last:
            self.writer.write(b"0\r\n\r\n" if self._chunked else b"")
            self.gone.set()

    async def drain(self) -> None:
        await self.writer.drain()

    def cut(self) -> None:
        self.writer.transport.abort()


async def ask(transport: Http1Transport | Http2Transport, request: VendorRequest = GET) -> bytes:
    """The whole body of the answer."""
    async with transport.open(request) as response:
        return b"".join([chunk async for chunk in response.chunks()])


async def settled(condition: Callable[[], bool]) -> None:
    """Let the loop run until something is so."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.001)


def answering(content: bytes = b"abc", *, status: int = 200, fields: Pairs = ()) -> Script:
    """A script that reads the request and gives one answer."""

    async def script(asked: Asked) -> None:
        await asked.content()
        asked.head(status, fields)
        asked.body(content, last=True)

    return script
