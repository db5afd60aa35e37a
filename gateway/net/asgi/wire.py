"""Inbound and Outbound over ASGI: what every server and every mount gives us.

- Fields are copied once, before the first `receive()`: under uvicorn's httptools the trailers of a
  chunked body are appended to the same list later.
- The path is the one that was sent: `scope["path"]` has decoded `%2F` and `%2e%2e`.
- An answer that is cut is never ended: the application raises, and the server closes.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Coroutine
from functools import cached_property
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from gateway.core.errors import ContentTooLarge, RequestTimeout
from gateway.core.formats.fields import single
from gateway.core.formats.forwarded import Network, forwarded_origin, is_trusted
from gateway.core.profile.operation import HANDSHAKE
from gateway.net.asgi import mounted_path
from gateway.net.server.head import announced
from gateway.ports import ClientLeft, Fields, Watcher

# What a server says of itself in `extensions` that closes a connection whose answer has no end.
CLOSES_UNENDED = "gateway.closes_unended"
_HTTP = {"ws": "http", "wss": "https"}  # a handshake is HTTP, and so is the origin of its page


class AnswerCut(Exception):
    """An answer ended early, and is not to look whole: the exchange's record says why."""


class AsgiInbound:
    """One request as an ASGI server hands it over; a WebSocket's handshake is one too.

    Making one never fails, so that whoever answers for errors can make it first. `raw_path` raises
    `BadPath` where the path is not below our mount or has no one spelling; `scheme`, `host` and
    `peer` raise `BadRequest` where the Host or a believed forwarding field is not one of its kind.
    """

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        *,
        trusted_proxies: tuple[Network, ...] = (),
        body_timeout: float = 30.0,  # seconds, from the first reading to the last
        prefix: str = "",
    ) -> None:
        self.fields: Fields = tuple((name.lower(), value) for name, value in scope["headers"])
        self.method: str = scope.get("method", HANDSHAKE)
        self.raw_query: bytes = scope.get("query_string", b"")
        self.scope = scope  # what the application around us knows of the request
        self.going_on: list[asyncio.Task[None]] = []  # what the application does for it, if asked
        self._watching: asyncio.Task[None] | None = None
        self._arriving: asyncio.Event | None = None  # set once nobody reads the body any more
        self._receive = receive
        self._trusted_proxies = trusted_proxies
        self._body_timeout = body_timeout
        self._prefix = prefix

    @cached_property
    def raw_path(self) -> str:
        return mounted_path.raw_path(self.scope, self._prefix)

    @property
    def mount(self) -> str:
        return mounted_path.mount(self.scope, self._prefix)

    @property
    def scheme(self) -> str:
        return self._origin[0]

    @property
    def host(self) -> str | None:
        return self._origin[1]

    @property
    def peer(self) -> str:
        return self._origin[2]

    @property
    def from_proxy(self) -> bool:
        return bool(self._trusted_proxies) and is_trusted(self._address, self._trusted_proxies)

    @property
    def _address(self) -> str:
        client = self.scope.get("client")  # absent on a UNIX socket
        return client[0] if client else ""

    @cached_property
    def _origin(self) -> tuple[str, str | None, str]:
        scheme: str = self.scope.get("scheme", "http")
        scheme, host, forwarded_for = forwarded_origin(
            self.fields, scheme=_HTTP.get(scheme, scheme), believed=self.from_proxy
        )
        return scheme, host, forwarded_for or self._address

    async def body(self, limit: int) -> bytes:
        """The whole body, read once.

        Raises:
            ContentTooLarge: it has, or says it has, more than `limit` bytes.
            RequestTimeout: it did not arrive in time.
            BadRequest: Content-Length is no number.
            ClientLeft: the client left before its end.
        """
        if announced(single(self.fields, b"content-length")) > limit:
            raise ContentTooLarge
        try:
            async with asyncio.timeout(self._body_timeout):
                return await self._read(limit)
        except TimeoutError as error:
            raise RequestTimeout from error

    async def _read(self, limit: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientLeft
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > limit:
                raise ContentTooLarge
            more = message.get("more_body", False)
        return b"".join(parts)

    async def chunks(self, limit: int) -> AsyncGenerator[bytes, None]:
        """The body as it comes, read once; each piece within the time that the whole has in `body`.

        Raises: as `body` does.
        """
        if announced(single(self.fields, b"content-length")) > limit:
            raise ContentTooLarge
        self._arriving = asyncio.Event()
        try:
            size = 0
            more = True
            while more:
                message = await self._next()
                size += len(content := message.get("body", b""))
                if size > limit:
                    raise ContentTooLarge
                more = message.get("more_body", False)
                if content:
                    yield content
        finally:
            self._arriving.set()

    async def _next(self) -> Message:
        try:
            async with asyncio.timeout(self._body_timeout):
                message = await self._receive()
        except TimeoutError as error:
            raise RequestTimeout from error
        if message["type"] == "http.disconnect":
            raise ClientLeft
        return message

    def on_leave(self, watcher: Watcher | None) -> None:
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None  # what was cancelled holds all that it waited in
        if watcher is not None:
            self._watching = asyncio.create_task(self._watch(watcher))

    async def _watch(self, watcher: Watcher) -> None:
        await self.left()
        watcher.left()

    async def left(self) -> None:
        """Return when the client has left. Only after `body`, or beside `chunks`."""
        if self._arriving is not None:
            await self._arriving.wait()  # whoever reads the body is told
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return
            await asyncio.sleep(0)  # a middleware that repeats the body must not hold the loop


class AsgiOutbound:
    """One answer as an ASGI server takes it.

    Each call returns once the client can take more. Raises `ClientLeft` where the server says so;
    many do not (ASGI before 2.4): ask by `Inbound.on_leave`.
    """

    def __init__(self, send: Send, *, closes_unended: bool = False) -> None:
        self._send = send
        self._closes_unended = closes_unended
        self.started = False
        self.was_cut = False

    async def start(self, status: int, fields: Fields) -> None:
        self.started = True
        await self._pass({"type": "http.response.start", "status": status, "headers": list(fields)})

    def chunk(self, content: bytes) -> Coroutine[Any, Any, None]:
        return self._body(content, more=True)

    def end(self) -> Coroutine[Any, Any, None]:
        return self._body(b"", more=False)

    async def cut(self) -> None:
        """Never end this answer; the application then calls `raise_if_cut`.

        To raise is enough for a server, and too late for a middleware that reads us as a stream:
        Starlette's BaseHTTPMiddleware ends its own answer first, and raises then. But a chunk that
        is a message it passes on as that message, and then leaves the end to whoever sent it. So it
        is given one within itself, for as many of these middlewares as there are; and no server can
        write it.
        """
        self.was_cut = True
        if not self._closes_unended:
            message: dict[str, Any] = {"type": "http.response.body", "more_body": True}
            message["body"] = message
            with contextlib.suppress(Exception):
                await self._send(message)

    def writer(self) -> None:
        """Whether a message is taken at once is for the server to say."""

    def raise_if_cut(self) -> None:
        """Raises: AnswerCut."""
        if self.was_cut and not self._closes_unended:
            raise AnswerCut("an answer was cut off, so that half of it does not look whole")

    def _body(self, content: bytes, *, more: bool) -> Coroutine[Any, Any, None]:
        if self.was_cut:
            raise RuntimeError("the answer was cut: nothing can follow")
        return self._pass({"type": "http.response.body", "body": content, "more_body": more})

    async def _pass(self, message: dict[str, Any]) -> None:
        try:
            await self._send(message)
        except OSError as error:  # ASGI 2.4: how a server says that the client has left
            raise ClientLeft from error
