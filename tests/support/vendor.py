"""A vendor on a real socket: records every byte that arrives, answers step by step as scripted.

    async def handler(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.event({"type": "start"})
        await gate.wait()                        # the test decides when the rest leaves
        await reply.end()

    async with RecordingVendor(handler) as vendor:
        ...                                      # point the gateway at vendor.url
        request = await vendor.request_arrived(1)
        await vendor.connection_closed(request.connection)

Requests and connections are numbered from 1. A handler is cancelled when its connection closes.
What a handler raises, and a request that is no HTTP/1.1, is raised when the vendor stops.
"""

import asyncio
import fcntl
import json
import select
import socket
import ssl as tls
import termios
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from tests.support import http2_front
from tests.support.message import HEAD_END, Malformed, parse_head, read_body, values
from tests.support.reply import Reply

PATIENCE = 10.0  # seconds a wait may take before the test fails


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came: `raw` is all of it, `body` is without transfer coding."""

    number: int
    connection: int
    raw: bytes
    head: bytes
    body: bytes
    start_line: str
    fields: list[tuple[str, str]] = field(repr=False)

    @property
    def method(self) -> str:
        return self.start_line.split(" ")[0]

    @property
    def target(self) -> str:
        return self.start_line.split(" ")[1]

    def values(self, name: str) -> list[str]:
        """Every value of a field, in order; `name` in lower case."""
        return values(self.fields, name)

    def json(self) -> Any:
        return json.loads(self.body)


Handler = Callable[[Request, Reply], Awaitable[None]]


class Connection(asyncio.Protocol):
    """One connection from the gateway: takes its requests one after another."""

    def __init__(self, vendor: "RecordingVendor") -> None:
        self.received = bytearray()
        self.closed = False
        self.number = 0
        self._vendor = vendor
        self._taken = 0  # bytes of `received` that whole requests have used
        self._waiting: asyncio.Queue[Request] = asyncio.Queue()
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._vendor.connections.append(self)
        self.number = len(self._vendor.connections)
        self.task = asyncio.get_running_loop().create_task(self._answer_all())
        self._vendor.changed()

    def data_received(self, data: bytes) -> None:
        self.received += data
        try:
            while request := self._next_request():
                self._vendor.requests.append(request)
                self._waiting.put_nowait(request)
        except Malformed as error:
            self._vendor.failures.append(error)
            self.transport.abort()
        self._vendor.changed()

    def _next_request(self) -> Request | None:
        raw = bytes(self.received[self._taken :])
        head_size = raw.find(HEAD_END) + len(HEAD_END)
        if head_size < len(HEAD_END):
            return None
        start_line, fields = parse_head(raw[:head_size])
        if start_line.count(" ") != 2:
            raise Malformed(f"no request line: {start_line!r}")
        body = read_body(fields, raw[head_size:], until_close=False)
        if not body.complete:
            return None
        size = head_size + body.used
        self._taken += size
        return Request(
            number=len(self._vendor.requests) + 1,
            connection=self.number,
            raw=raw[:size],
            head=raw[:head_size],
            body=body.content,
            start_line=start_line,
            fields=fields,
        )

    async def _answer_all(self) -> None:
        while True:
            request = await self._waiting.get()
            reply = Reply(self.transport, self._writable)
            try:
                await self._vendor.handler(request, reply)
            except Exception as error:  # noqa: BLE001 - raised again when the vendor stops
                self._vendor.failures.append(error)
                self.transport.abort()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self.task.cancel()
        self._vendor.changed()


def _brings_something(readable: int) -> bool:
    """A connection or bytes: not merely their end, as when a front has its answer and leaves."""
    try:
        return any(fcntl.ioctl(readable, termios.FIONREAD, bytes(4)))
    except OSError:  # it listens
        return True


async def answer_ok(request: Request, reply: Reply) -> None:
    await reply.json(200, {})


class RecordingVendor:
    """See the module. `handler` may be exchanged between requests."""

    at_port = 0  # any

    def __init__(self, handler: Handler = answer_ok, *, ssl: tls.SSLContext | None = None) -> None:
        self.handler = handler
        self.requests: list[Request] = []
        self.connections: list[Connection] = []
        self.failures: list[Exception] = []
        self._ssl = ssl
        self._change = asyncio.Event()
        self._seen = 0  # bytes and connections at the last `forget`

    async def __aenter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", self.at_port), backlog=1024)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port: int = self._socket.getsockname()[1]
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Connection(self), sock=self._socket, ssl=self._ssl
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        for connection in self.connections:
            connection.transport.abort()
        await self.until(lambda: all(connection.closed for connection in self.connections))
        await asyncio.gather(*(one.task for one in self.connections), return_exceptions=True)
        await self._server.wait_closed()
        if self.failures and error is None:
            raise ExceptionGroup("at the vendor", self.failures)

    @property
    def url(self) -> str:
        return f"{'https' if self._ssl else 'http'}://127.0.0.1:{self.port}"

    @property
    def configured_url(self) -> str:
        """As the gateway is told: its own, or that of what stands before it."""
        fronts = http2_front.before(self.port)
        return f"https://{fronts[0].own_authority}" if fronts else self.url

    @property
    def authority(self) -> str:
        """Host and port of `configured_url`."""
        return self.configured_url.partition("//")[2]

    # What it saw

    @property
    def carriers(self) -> list[int]:
        """On which of the gateway's connections each of `requests` came, numbered from 1."""
        fronts = http2_front.before(self.port)
        if not fronts:
            return [one.connection for one in self.requests]
        (front,) = fronts
        return front.carriers[len(front.carriers) - len(self.requests) :]

    def saw_nothing(self) -> bool:
        """No connection and no byte since the start, or since `forget`; not even on the way."""
        return self._amount() == self._seen and not self._on_the_way()

    def forget(self) -> None:
        """From here on, only what comes anew counts for `saw_nothing` and in `requests`."""
        self.requests.clear()
        self._seen = self._amount()

    def _amount(self) -> int:
        at_fronts = sum(front.came for front in http2_front.before(self.port))
        return at_fronts + sum(1 + len(one.received) for one in self.connections)

    def _on_the_way(self) -> bool:
        # The kernel completes a handshake, and takes bytes in, before our loop hears of it.
        sockets = [one.transport.get_extra_info("socket") for one in self.connections]
        for front in http2_front.before(self.port):
            sockets += front.sockets
        poll = select.poll()
        for one in (self._socket, *sockets):
            if one.fileno() >= 0:
                poll.register(one, select.POLLIN)
        return any(_brings_something(one) for one, _ in poll.poll(0))

    def open_connections(self) -> int:
        return sum(not connection.closed for connection in self.connections)

    # Waiting for it

    async def request_arrived(self, number: int = 1) -> Request:
        """The request of this number, once it is there whole."""
        await self.until(lambda: len(self.requests) >= number)
        return self.requests[number - 1]

    async def connection_closed(self, number: int = 1, *, within: float = PATIENCE) -> None:
        await self.until(lambda: self._is_closed(number), within=within)

    def _is_closed(self, number: int) -> bool:
        return len(self.connections) >= number and self.connections[number - 1].closed

    async def until(self, condition: Callable[[], bool], *, within: float = PATIENCE) -> None:
        """Wait until something that arrives or closes makes `condition` true.

        Raises:
            TimeoutError: it did not within so many seconds.
        """
        async with asyncio.timeout(within):
            while not condition():
                await self._change.wait()

    def changed(self) -> None:
        """Wake all that wait: something arrived or closed."""
        self._change.set()
        self._change = asyncio.Event()
