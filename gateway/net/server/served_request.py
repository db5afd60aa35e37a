"""A request straight from the server's connection: an `Inbound` without messages or tasks.

What is in it was judged before (`head`). The body is taken as it comes; while nobody
takes it, the connection reads no more than a buffer of it.
"""

import asyncio
from collections.abc import AsyncGenerator

from gateway.core.errors import ContentTooLarge, RequestTimeout
from gateway.core.formats.forwarded import Network, forwarded_origin, is_trusted
from gateway.net.server.head import Head, announced
from gateway.net.server.turn import Connection
from gateway.ports import ClientLeft, Fields, Watcher

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class ServedRequest:
    """See `gateway.ports.Inbound`.

    Whoever answers says first what it believes of proxies, and how long a body may take.
    """

    __slots__ = (
        "_connection",
        "_expects",
        "_is_read",
        "_is_whole",
        "_length",
        "_origin",
        "_parts",
        "_waiter",
        "_watcher",
        "body_timeout",
        "fields",
        "gone",
        "held",
        "method",
        "raw_path",
        "raw_query",
        "trusted_proxies",
    )
    mount = ""

    def __init__(self, connection: Connection, head: Head) -> None:
        path, _, query = head.target.partition(b"?")
        self.method = head.method
        self.raw_path = path.decode("ascii")
        self.raw_query = query
        self.fields: Fields = head.fields
        self.trusted_proxies: tuple[Network, ...] = ()
        self.body_timeout = 30.0  # seconds, from the first reading to the last
        self.gone = False  # the client
        self.held = 0  # bytes of the body that have come and that nobody has taken yet
        self._connection = connection
        self._length = head.length
        self._expects = head.expects
        self._parts: list[bytes] | None = []  # None: nobody takes them
        self._is_whole = False
        self._is_read = False  # as it comes, by `chunks`
        self._waiter: asyncio.Future[None] | None = None
        self._watcher: Watcher | None = None
        self._origin: tuple[str, str | None, str | None] | None = None

    # Where it comes from

    @property
    def scheme(self) -> str:
        return (self._origin or self._find_origin())[0]

    @property
    def host(self) -> str | None:
        return (self._origin or self._find_origin())[1]

    @property
    def peer(self) -> str:
        return (self._origin or self._find_origin())[2] or self._address

    @property
    def from_proxy(self) -> bool:
        return bool(self.trusted_proxies) and is_trusted(self._address, self.trusted_proxies)

    def _find_origin(self) -> tuple[str, str | None, str | None]:
        proxies = self.trusted_proxies
        believed = bool(proxies) and is_trusted(self._address, proxies)
        scheme = self._connection.scheme
        self._origin = forwarded_origin(self.fields, scheme=scheme, believed=believed)
        return self._origin

    @property
    def _address(self) -> str:
        client = self._connection.client  # absent on a UNIX socket
        return client[0] if client else ""

    # What comes of it

    def take(self, content: bytes) -> None:
        """So much more of the body has come."""
        if self._parts is not None:
            self._parts.append(content)
            self.held += len(content)
            if self._waiter is not None:
                self._wake()

    def whole(self) -> None:
        """All of the body has come."""
        self._is_whole = True
        if self._waiter is not None:
            self._wake()

    def leave(self) -> None:
        """The client has left."""
        self.gone = True
        self._wake()
        if not self._is_read:  # whoever reads the body hears first
            self._say_so()

    def answered(self) -> None:
        """The answer begins: the client need not be told to go on, and nobody reads the head."""
        self._expects = False
        self.fields = ()  # a token, cookies: of a stream they might be the most of what it takes
        self.raw_path, self.raw_query = "", b""
        self._length = self._origin = None

    # For whoever answers

    async def body(self, limit: int) -> bytes:
        """The whole body, read once.

        Raises:
            ContentTooLarge: it has, or says it has, more than `limit` bytes.
            RequestTimeout: it did not arrive in time.
            ClientLeft: the client left before its end.
        """
        if announced(self._length) > limit:
            raise ContentTooLarge
        if self._is_whole and not self.gone:  # as most are, that come with the head
            self._go_on()
            content = self._taken()
        else:
            content = await self._all(limit)
        if len(content) > limit:
            raise ContentTooLarge
        return content

    async def _all(self, limit: int) -> bytes:
        """No more of it than shows whether it is within the limit."""
        content = b""
        try:
            async with asyncio.timeout(self.body_timeout):
                while len(content) <= limit and (part := await self._next()):
                    content += part
        except TimeoutError as error:
            raise RequestTimeout from error
        return content

    async def chunks(self, limit: int) -> AsyncGenerator[bytes, None]:
        """The body as it comes, read once; each piece within the time that the whole has in `body`.

        Raises: as `body` does.
        """
        if announced(self._length) > limit:
            raise ContentTooLarge
        self._is_read = True
        try:
            size = 0
            while part := await self._next_in_time():
                size += len(part)
                if size > limit:
                    raise ContentTooLarge
                yield part
        finally:
            self._is_read = False
            if self._watcher is not None:
                self._let_by()
            if self.gone:
                asyncio.get_running_loop().call_soon(self._say_so)

    def on_leave(self, watcher: Watcher | None) -> None:
        if watcher is not None:
            if self.gone:
                raise ClientLeft
            if not self._is_read:
                self._let_by()
        self._watcher = watcher

    def _say_so(self) -> None:
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.left()

    def _let_by(self) -> None:
        """Nobody takes the body any more; but only a connection that is read shows its end."""
        self._parts = None
        self.held = 0
        self._go_on()

    def _go_on(self) -> None:
        connection = self._connection
        if self._expects:
            self._expects = False
            if not connection.transport.is_closing():
                connection.transport.write(_CONTINUE)
        if connection.flow.read_paused:
            connection.flow.resume_reading()

    async def _next(self) -> bytes:
        """What has come by now, or comes next; nothing at the end."""
        self._go_on()
        while not self._parts and not self._is_whole and not self.gone:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if self.gone:
            raise ClientLeft
        return self._taken()

    def _taken(self) -> bytes:
        """What has come by now."""
        if not self._parts:
            return b""
        content = b"".join(self._parts)
        self._parts.clear()
        self.held = 0
        return content

    async def _next_in_time(self) -> bytes:
        try:
            async with asyncio.timeout(self.body_timeout):
                return await self._next()
        except TimeoutError as error:
            raise RequestTimeout from error

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
