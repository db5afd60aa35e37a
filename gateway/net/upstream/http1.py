"""Our HTTP/1.1 client: the vendor's side of the wire, for one upstream of one org.

It sends the bytes `render` shows and gives the answer as it comes. It follows no redirect, keeps no
cookie, decodes nothing, asks no proxy. httpx, which does all that, costs 1 to 7 ms of CPU a
request, loses the slots of cancelled ones (encode/httpcore#1093), and serves bytes left over on a
connection as the next caller's answer.

A request is sent again in one case only: a GET, on a connection that had been used before, which
ended before a byte of an answer came. A chat that may have been heard is not asked again.
"""

import asyncio
import re
import ssl
from operator import itemgetter
from types import TracebackType
from typing import Final, Self

from gateway.core.errors import UpstreamBrokeOff
from gateway.core.request.plan import VendorRequest
from gateway.net.upstream.answer import Answer
from gateway.net.upstream.clocks import DEFAULT, Clocks
from gateway.net.upstream.connection import Connection
from gateway.net.upstream.dial import Dialer, Origin, verifying_context
from gateway.net.upstream.pool import Pool
from gateway.net.upstream.reach import EgressProxy
from gateway.net.upstream.resting import Resting
from gateway.ports import Errand, Fields, Shortcut

_REQUEST_LINE: Final = re.compile(r"[A-Z]+ /[\x21-\x22\x24-\x7e]* HTTP/1\.1")
_OURS: Final = frozenset(
    {b"host", b"content-length", b"transfer-encoding", b"connection", b"upgrade", b"expect", b"te"}
)
_NAME_OF: Final = itemgetter(0)
_WITH_CONTENT: Final = frozenset({"POST", "PUT", "PATCH"})


def render(request: VendorRequest, authority: str) -> bytes:
    """Every byte that is sent: Host, the request's own fields in their order, our framing, content.

    Raises:
        ValueError: the request would be another one, or two, on the wire.
    """
    line = f"{request.method} {request.target} HTTP/1.1"
    if not _REQUEST_LINE.fullmatch(line):
        raise ValueError("the method or target of a request cannot stand in its first line")
    if not _OURS.isdisjoint(map(_NAME_OF, request.fields)):
        raise ValueError("a request brings a field that is the transport's to write")
    lines = [line.encode("ascii"), b"host: " + authority.encode("ascii")]
    lines += map(b": ".join, request.fields)
    content = request.content or b"" if request.stream is None else b""
    if request.stream is not None:
        lines.append(b"transfer-encoding: chunked")
    # A POST without content says so (RFC 9110 section 8.6); some servers answer 411 otherwise.
    elif content or request.method in _WITH_CONTENT:
        lines.append(b"content-length: %d" % len(content))
    head = b"\r\n".join(lines)
    breaks = len(lines) - 1
    if head.count(b"\n") != breaks or head.count(b"\r") != breaks or b"\0" in head:
        raise ValueError("a field of a request holds a line break")
    return b"%b\r\n\r\n%b" % (head, content)


class Http1Transport:
    """The `Transport` of `gateway.ports` for `origin`, written `https://host[:port]`.

    `pool_wait` is how long, in seconds, and `max_waiters` how many, may wait for a connection while
    `max_connections` are in use. `ssl_context` is for authorities of one's own: it verifies, or
    nothing does. `resting` bounds the connections at rest of all transports that share it.
    `through` is the proxy on the way, if any; then the origin is https.
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
        context = None if place.scheme == "http" else ssl_context or verifying_context()
        self.authority = place.authority
        self._pool = Pool(
            Dialer(place, context, clocks, through),
            size=max_connections,
            max_waiters=max_waiters,
            patience=pool_wait,
            everywhere=Resting() if resting is None else resting,
        )

    @property
    def open_connections(self) -> int:
        """Connections that are open or being made, at rest or not."""
        return self._pool.slots

    @property
    def idle_connections(self) -> int:
        return self._pool.resting

    @property
    def waiting(self) -> int:
        """Requests that wait for a connection."""
        return self._pool.waiting

    def open(self, request: VendorRequest, errand: Errand | None = None, /) -> "UpstreamExchange":
        """See `gateway.ports.Transport.open`."""
        return UpstreamExchange(self._pool, request, render(request, self.authority))

    async def aclose(self) -> None:
        """Close every connection, also those in use; nothing is opened any more."""
        await self._pool.aclose()


class UpstreamExchange:
    """One request and its answer: what `open` gives, and what it enters with."""

    __slots__ = (
        "_answer",
        "_connection",
        "_payload",
        "_pool",
        "_request",
        "_shortcut",
        "fields",
        "status",
    )

    def __init__(self, pool: Pool, request: VendorRequest, payload: bytes) -> None:
        self._pool = pool
        self._request = request
        self._payload = payload
        self._shortcut: Shortcut | None = None
        self._connection: Connection
        self._answer: Answer
        self.status: int
        self.fields: Fields

    def chunks(self, shortcut: Shortcut | None = None, /) -> "UpstreamExchange":
        if shortcut is not None:  # a stream: its fields might be the most of what it takes
            self._shortcut = shortcut
            del self.fields, self._answer.fields
        return self

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> "asyncio.Future[bytes]":
        return self._connection.more(self._answer, self._shortcut)

    async def __aenter__(self) -> Self:
        request, payload = self._request, self._payload
        del self._request, self._payload  # of a stream they might be the most of what it takes
        connection = self._pool.rested() or await self._pool.take_new()
        rested = connection.used
        try:
            answer = await connection.ask(request.method, payload, request.stream)
        except UpstreamBrokeOff:
            if not rested or request.method != "GET" or connection.heard:
                raise
            connection = await self._pool.take_new()
            answer = await connection.ask(request.method, payload, request.stream)
        self._connection, self._answer = connection, answer
        self.status, self.fields = answer.status, answer.fields
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._connection.abort()
        elif self._connection.finish():
            self._pool.put_back(self._connection)
