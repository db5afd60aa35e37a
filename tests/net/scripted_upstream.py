"""An upstream on a real socket that does what a test says, to the byte, and counts connections.

    async def script(peer: Peer) -> None:   # for each connection; when it returns, it closes
        await peer.request()
        peer.send(b"HTTP/1.1 200 OK\\r\\n...")

It speaks to half a request too, which `tests.support.vendor` does not.
"""

import asyncio
import os
import socket
import ssl as tls
import struct
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from gateway.core.request.plan import VendorRequest
from gateway.net.upstream.http1 import Http1Transport

PATIENCE = 10.0  # seconds a wait may take before the test fails

OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = OK + b"content-length: 3\r\n\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"
GET = VendorRequest("GET", "/a?b=c", ((b"accept", b"*/*"),), None)
POST = VendorRequest("POST", "/a", ((b"x-a", b"1"), (b"x-b", b"2")), b'{"a":1}')


class Peer:
    """One connection, as the upstream has it; numbered from 1."""

    def __init__(
        self, upstream: "Upstream", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.gone = False
        self._upstream = upstream
        upstream.peers.append(self)
        self.number = len(upstream.peers)

    async def head(self) -> bytes:
        """The head of the next request."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        self._upstream.requests.append(head)
        self._upstream.changed()
        return head

    async def request(self) -> bytes:
        """The next request, whole."""
        head = await self.head()
        _, _, length = head.rpartition(b"content-length: ")
        size = int(length.strip() or b"0") if b"content-length: " in head else 0
        whole = head + await self.reader.readexactly(size)
        if b"\r\ntransfer-encoding: chunked\r\n" in head:
            whole += await self.reader.readuntil(b"\r\n0\r\n\r\n")
        self._upstream.requests[-1] = whole
        return whole

    def send(self, raw: bytes) -> None:
        if not self.writer.is_closing():  # uvloop raises, asyncio warns
            self.writer.write(raw)

    async def closed(self) -> None:
        """Wait until the other side closes."""
        while await self.reader.read(65_536):
            pass

    def cut(self) -> None:
        """End TCP without a word, of TLS's either."""
        self.writer.transport.abort()

    def reset(self) -> None:
        """Leave by RST."""
        descriptor = self.writer.get_extra_info("socket").fileno()
        with socket.socket(fileno=os.dup(descriptor)) as twin:
            twin.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Script = Callable[[Peer], Awaitable[None]]


class Upstream:
    """See the module. `transport(...)` makes a client to it, which is closed with it."""

    def __init__(
        self, script: Script, *, ssl: tls.SSLContext | None = None, host: str = "127.0.0.1"
    ) -> None:
        self.script = script
        self._host = host
        self.peers: list[Peer] = []
        self.requests: list[bytes] = []
        self._ssl = ssl
        self._transports: list[Http1Transport] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._change = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, self._host, 0, ssl=self._ssl, backlog=1024
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
        await self.until(lambda: not self._tasks)
        await self._server.wait_closed()
        for transport in self._transports:
            assert (transport.open_connections, transport.idle_connections) == (0, 0)
            assert transport.waiting == 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        peer = Peer(self, reader, writer)
        self.changed()
        try:
            await self.script(peer)
            if not writer.is_closing():
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            peer.gone = True
            if writer.transport is not None and not writer.is_closing():
                writer.close()
            self._tasks.discard(task)
            self.changed()

    @property
    def url(self) -> str:
        return f"{'https' if self._ssl else 'http'}://127.0.0.1:{self.port}"

    def transport(self, *, origin: str | None = None, **settings) -> Http1Transport:
        transport = Http1Transport(origin=origin or self.url, **settings)
        self._transports.append(transport)
        return transport

    def is_gone(self, number: int) -> bool:
        """Whether the connection of this number has been there, and has ended."""
        return len(self.peers) >= number and self.peers[number - 1].gone

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until what arrives or closes here makes `condition` true."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await self._change.wait()

    def changed(self) -> None:
        self._change.set()
        self._change = asyncio.Event()


def answering(*answers: bytes) -> Script:
    """A script that gives these answers on each connection, the last one again and again."""

    async def script(peer: Peer) -> None:
        for answer in answers:
            await peer.request()
            peer.send(answer)
        while True:
            await peer.request()
            peer.send(answers[-1])

    return script


async def ask(transport: Http1Transport, request: VendorRequest = GET) -> bytes:
    """The whole body of the answer."""
    async with transport.open(request) as response:
        return b"".join([chunk async for chunk in response.chunks()])


async def settled(condition: Callable[[], bool]) -> None:
    """Let the loop run until something on our side is so."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0)
