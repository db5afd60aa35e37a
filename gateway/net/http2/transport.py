"""Our HTTP/2 client: the vendor's side of the wire, for one upstream of one org, over TLS.

As `http1` it follows no redirect, keeps no cookie, decodes nothing and asks no proxy. Exchanges
share one connection, as many as the upstream says it takes; then there is another. Whoever leaves
early ends their stream, and the upstream hears of it.

A request is sent again in two cases: the upstream said that it did nothing with it (RFC 9113
section 8.7), which may happen a few times; or, once, on a new connection, it is a GET on one that
had been used before, which ended before anything of an answer came. A chat that may have been heard
is not asked again.
"""

import asyncio
import ssl
from collections.abc import Collection
from itertools import takewhile
from types import TracebackType
from typing import Final, Self

from gateway.core.errors import Overloaded, UpstreamBrokeOff
from gateway.core.request.plan import VendorRequest
from gateway.net.http2.connection import Http2Connection
from gateway.net.http2.fields import write_block
from gateway.net.http2.stream import Stream
from gateway.net.upstream.clocks import DEFAULT, Clocks
from gateway.net.upstream.dial import Dialer, Origin, verifying_context
from gateway.net.upstream.line import Line
from gateway.net.upstream.reach import EgressProxy
from gateway.net.upstream.resting import Resting
from gateway.ports import Errand, Fields, Shortcut

MOST_REFUSALS: Final = 3  # after which a request is sent once more: one that goes on is no accident


class Http2Transport:
    """The `Transport` of `gateway.ports` for `origin`, written `https://host[:port]`.

    As `http1.Http1Transport`, but `max_connections` are exchanges at a time, and `pool_wait` and
    `max_waiters` are for those beyond. `ssl_context` offers "h2" by ALPN.
    """

    def __init__(
        self,
        *,
        origin: str,
        clocks: Clocks = DEFAULT,
        pool_wait: float = 1.0,
        max_connections: int = 1000,
        max_waiters: int = 256,
        ssl_context: ssl.SSLContext | None = None,
        resting: Resting | None = None,
        through: EgressProxy | None = None,
    ) -> None:
        place = Origin.parse(origin)
        if place.scheme != "https":
            raise ValueError("HTTP/2 is spoken over TLS alone")
        self.authority = place.authority
        self._clocks = clocks
        self._dialer = Dialer(place, ssl_context or verifying_context("h2"), clocks, through)
        self._resting = Resting() if resting is None else resting
        self._connections: dict[Http2Connection, None] = {}  # the oldest first
        self._free: dict[Http2Connection, None] = {}  # of these, what was not found to be full
        self._dialling: asyncio.Task[Http2Connection] | None = None
        self._most = max_connections
        self._running = 0  # exchanges, and places given to somebody who waited
        self._line: Line[None] = Line(
            most=max_waiters, patience=pool_wait, back=lambda _: self.give_back()
        )
        self._closed = False
        self._empty = asyncio.Event()

    @property
    def open_connections(self) -> int:
        """Connections that are open or being made, at rest or not."""
        return len(self._connections) + (self._dialling is not None)

    @property
    def idle_connections(self) -> int:
        return sum(one.rests for one in self._connections)

    @property
    def waiting(self) -> int:
        """Requests that wait for a place."""
        return len(self._line)

    def open(self, request: VendorRequest, errand: Errand | None = None, /) -> "Http2Exchange":
        """See `gateway.ports.Transport.open`."""
        return Http2Exchange(self, request, write_block(request, self.authority))

    async def aclose(self) -> None:
        """Close every connection, also those in use; nothing is opened any more."""
        self._closed = True
        self._line.close()
        if self._connections:
            for connection in list(self._connections):
                connection.abort()
            await self._empty.wait()

    # What exchanges call

    async def take_place(self) -> None:
        """Become one of those that run. Raises `Overloaded`."""
        if self._closed or self._running >= self._most:
            await self._line.stand()
        else:
            self._running += 1

    def give_back(self) -> None:
        if not self._line.pass_on(None):
            self._running -= 1

    def connections(self) -> list[Http2Connection]:
        """Those that are open."""
        return list(self._connections)

    async def connection(self, but: Collection[Http2Connection]) -> Http2Connection:
        """One with room for an exchange that is begun at once, and not one of these.

        Raises:
            Overloaded: the upstream takes no exchanges now.
            UpstreamUnreachable, UpstreamTimeout: a new one cannot be made.
        """
        while True:
            connection = self._fit(but)
            if connection is None:
                connection = await self._another()
            else:
                await connection.catch_up()
            if connection.has_room:
                self._resting.discard(connection)
                return connection

    def _fit(self, but: Collection[Http2Connection]) -> Http2Connection | None:
        """Full ones are not looked at again until they change: beside 8,000 streams to look at each
        of eighty took a fifth of all calls of a request.
        """
        for one in takewhile(lambda one: not one.has_room, list(self._free)):
            del self._free[one]
        if not self._free:  # one may have been told to take more
            self._free = {one: None for one in self._connections if one.has_room}
        return next((one for one in self._free if one.has_room and one not in but), None)

    async def _another(self) -> Http2Connection:
        """A new one. Whoever asks meanwhile gets the same, and may leave without ending it."""
        if self._closed:
            raise Overloaded
        if self._dialling is None:
            self._dialling = asyncio.ensure_future(self._dial())
            self._dialling.add_done_callback(self._dialled)
        return await asyncio.shield(self._dialling)

    async def _dial(self) -> Http2Connection:
        connection = await self._dialer.make(
            lambda: Http2Connection(self._clocks, self._changed), Http2Connection.greeted
        )
        if self._closed or not connection.has_room:
            connection.abort()
            raise Overloaded
        self._connections[connection] = self._free[connection] = None
        connection.rest()
        self._resting.add(connection)
        return connection

    def _dialled(self, task: asyncio.Task[Http2Connection]) -> None:
        self._dialling = None
        if not task.cancelled():
            task.exception()  # seen, though everybody may have left

    def _changed(self, connection: Http2Connection) -> None:
        """An exchange has ended, or the connection has."""
        if connection.lost:
            self._resting.discard(connection)
            self._connections.pop(connection, None)
            self._free.pop(connection, None)
            if self._closed and not self._connections:
                self._empty.set()
        elif connection.rests and not connection.has_room:
            connection.abort()
        else:
            self._free[connection] = None
            if connection.rests:
                self._resting.add(connection)


class Http2Exchange:
    """One request and its answer: what `open` gives, and what it enters with."""

    __slots__ = ("_block", "_request", "_shortcut", "_stream", "_transport")

    _stream: Stream

    def __init__(self, transport: Http2Transport, request: VendorRequest, block: bytes) -> None:
        self._transport = transport
        self._request = request
        self._block = block
        self._shortcut: Shortcut | None = None

    @property
    def status(self) -> int:
        return self._stream.head.status

    @property
    def fields(self) -> Fields:
        return self._stream.head.fields

    def chunks(self, shortcut: Shortcut | None = None, /) -> "Http2Exchange":
        if shortcut is not None:  # a stream: its fields might be the most of what it takes
            self._shortcut = shortcut
            self._stream.drop_fields()
        return self

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> "asyncio.Future[bytes]":
        return self._stream.more(self._shortcut)

    async def __aenter__(self) -> Self:
        await self._transport.take_place()
        try:
            await self._ask_safely()
        except BaseException:
            self._transport.give_back()
            raise
        del self._request, self._block  # of a stream they might be the most of what it takes
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.leave()
        self._transport.give_back()

    async def _ask_safely(self) -> None:
        """Ask, and again where nothing can come of asking twice."""
        tried: list[Http2Connection] = []
        for _ in range(MOST_REFUSALS):
            try:
                await self._ask(tried)
                return
            except UpstreamBrokeOff:
                if self._may_be_stale():
                    tried = self._transport.connections()
                    break
                # What was sent as it came is gone.
                if not self._stream.unseen or self._request.stream is not None:
                    raise
        await self._ask(tried)

    def _may_be_stale(self) -> bool:
        """Whether all that may be wrong is the connection, and asking twice does no harm."""
        stream = self._stream
        silent = stream.used and not stream.heard and not stream.unseen
        return silent and self._request.method == "GET"

    async def _ask(self, tried: list[Http2Connection]) -> None:
        connection = await self._transport.connection(but=tried)
        tried.append(connection)
        self._stream = connection.open(self._request.method)
        try:
            await self._stream.ask(self._request, self._block)
        except BaseException:
            self._stream.leave()
            raise
