"""The load generator: requests one after the other on many connections, and streams, many at once.

It reads what comes with llhttp and does nothing more, so that one core of it keeps a peer busy.
"""

import asyncio
import itertools
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import httptools

AT = b'"at":'
FINISH = b'"type":"finish"'


class Connection(asyncio.Protocol):
    """One connection: `ask` sends a request, and returns when the answer has ended.

    `first` is when the first event came, and `delays` what each took from the vendor to here.
    """

    def __init__(self) -> None:
        self.status = 0
        self.first = 0.0
        self.delays: list[int] = []  # ns
        self.finished = False
        self.body = b""
        self._ended: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    async def ask(self, request: bytes) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._ended = asyncio.get_running_loop().create_future()
        self.first, self.finished, self.body = 0.0, False, b""
        self._transport.write(request)
        await self._ended

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        if AT in body:
            now = time.monotonic_ns()
            self.first = self.first or now / 1e9
            for part in body.split(AT)[1:]:
                self.delays.append(now - int(part.partition(b"}")[0]))
        elif not self.delays:
            self.body += body
        if FINISH in body:
            self.finished = True

    def on_message_complete(self) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_exception(ConnectionError("the peer closed before the answer's end"))

    @property
    def streams(self) -> bool:
        """Whether events of an answer come, and neither it nor the connection has ended."""
        return bool(self.first) and self._ended is not None and not self._ended.done()

    def close(self) -> None:
        self._transport.close()


@asynccontextmanager
async def connected(port: int, count: int) -> AsyncIterator[list[Connection]]:
    loop = asyncio.get_running_loop()
    open_: list[Connection] = []
    try:
        for _ in range(count):
            _, one = await loop.create_connection(Connection, "127.0.0.1", port)
            open_.append(one)
        yield open_
    finally:
        for one in open_:
            one.close()


@dataclass
class Asked:
    """What came of a round of requests."""

    requests: int = 0
    seconds: float = 0.0
    took: list[float] = field(default_factory=list)  # seconds, each
    firsts: list[float] = field(default_factory=list)  # seconds to the first event, of streams
    held: list[float] = field(default_factory=list)  # seconds of it from the vendor to here

    @property
    def median(self) -> float:
        return statistics.median(self.took)


async def ask_all(port: int, requests: Sequence[bytes], *, connections: int, times: int) -> Asked:
    """Send `times` requests, the given ones in turn, on so many connections at once."""
    asked = Asked(requests=times)
    left = itertools.islice(itertools.cycle(requests), times)

    async def keep_asking(one: Connection) -> None:
        for request in left:
            began = time.perf_counter()
            await one.ask(request)
            if one.status != 200:
                raise SystemExit(f"port {port} answered {one.status}: {one.body[:300]!r}")
            asked.took.append(time.perf_counter() - began)

    async with connected(port, connections) as open_:
        began = time.perf_counter()
        await asyncio.gather(*map(keep_asking, open_))
        asked.seconds = time.perf_counter() - began
    return asked


async def ask_at_pace(port: int, requests: Sequence[bytes], *, rate: float, times: int) -> Asked:
    """Send `times` requests, so many a second whatever the answers take."""
    asked = Asked(requests=times)
    async with connected(port, 16) as resting:

        async def once(request: bytes, one: Connection) -> None:
            began = time.perf_counter()
            at = time.monotonic()
            await one.ask(request)
            if one.status != 200:
                raise SystemExit(f"port {port} answered {one.status}: {one.body[:300]!r}")
            asked.took.append(time.perf_counter() - began)
            if one.first:
                asked.firsts.append(one.first - at)
                asked.held.append(one.delays[0] / 1e9)
                one.delays.clear()
            resting.append(one)

        loop, due, began = asyncio.get_running_loop(), time.perf_counter(), time.perf_counter()
        running = []
        for request in itertools.islice(itertools.cycle(requests), times):
            due += 1 / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            if resting:
                running.append(loop.create_task(once(request, resting.pop(0))))
        await asyncio.gather(*running)
        asked.seconds = time.perf_counter() - began
    return asked


@asynccontextmanager
async def open_streams(
    port: int,
    requests: Sequence[bytes],
    *,
    count: int,
    opening: float,  # seconds over which they are opened
) -> AsyncIterator[list[Connection]]:
    """Streams that have all begun; hung up at the end, whatever they have yet to say."""
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        open_, asking = [], []
        for request in itertools.islice(itertools.cycle(requests), count):
            _, one = await loop.create_connection(Connection, "127.0.0.1", port)
            stack.callback(one.close)
            task = asyncio.create_task(one.ask(request))
            stack.callback(task.cancel)
            open_.append(one)
            asking.append(task)
            await asyncio.sleep(opening / count)
        await begun(port, open_, asking)
        yield open_


async def begun(
    port: int, open_: Sequence[Connection], asking: Sequence[asyncio.Task[None]]
) -> None:
    """Return once each stream has had its first event."""
    while not all(one.first for one in open_):
        for one, task in zip(open_, asking, strict=True):
            if task.done() and not one.first:
                raise SystemExit(f"port {port}: no stream: {one.status} {one.body[:300]!r}")
        await asyncio.sleep(0.05)


@dataclass
class Streamed:
    """What came of streams that were open together."""

    events: int = 0
    first: list[float] = field(default_factory=list)  # seconds from asking to the first event
    delays: list[int] = field(default_factory=list)  # ns of each event, from the vendor to here


async def stream_all(
    port: int,
    requests: Sequence[bytes],
    *,
    count: int,
    opening: float,  # seconds over which they are opened
    while_open: Callable[[Sequence[Connection]], Awaitable[None]] | None = None,
) -> Streamed:
    """Open so many streams, do something once all have begun, and read each to its end."""
    streamed = Streamed()
    began: list[float] = []
    async with connected(port, count) as open_:
        tasks = []
        for one, request in zip(open_, itertools.cycle(requests), strict=False):
            began.append(time.monotonic())
            tasks.append(asyncio.create_task(one.ask(request)))
            await asyncio.sleep(opening / count)
        if while_open is not None:
            await begun(port, open_, tasks)
            await while_open(open_)
        await asyncio.gather(*tasks)
        for one, then in zip(open_, began, strict=True):
            if one.status != 200 or not one.finished:
                raise SystemExit(f"port {port}: a stream ended early ({one.status})")
            streamed.first.append(one.first - then)
            streamed.delays += one.delays
    streamed.events = len(streamed.delays)
    return streamed
