"""Inbound and Outbound over ASGI: what every server and every mount gives us.

- Fields are copied once, before the first `receive()`: under uvicorn's httptools the trailers of a
  chunked body are appended to the same list later.
- The path is the one that was sent: `scope["path"]` has decoded `%2F` and `%2e%2e`.
- An answer that is cut is never ended: the application returns, and the server closes.
"""

import asyncio
import re
from functools import cached_property
from typing import Any
from urllib.parse import quote

from starlette.types import Receive, Scope, Send

from gateway.core.errors import BadPath, BadRequest, ContentTooLarge, RequestTimeout
from gateway.core.fields import single
from gateway.core.forwarded import Network, forwarded_origin, is_trusted
from gateway.ports import ClientLeft, Fields

_LENGTH = re.compile(rb"[0-9]+")  # RFC 9110 section 8.6
_LONGEST_LENGTH = 18  # digits: an exabyte, and quick to read as a number
_PLAIN = "/:@~"  # beside letters, digits and "_.-", what a segment may have (gateway.core.route)


class AsgiInbound:
    """One request as an ASGI server hands it over.

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
        self.method: str = scope["method"]
        self.raw_query: bytes = scope.get("query_string", b"")
        self._scope = scope
        self._receive = receive
        self._trusted_proxies = trusted_proxies
        self._body_timeout = body_timeout
        self._mount: str = scope.get("root_path", "").rstrip("/") + prefix

    @cached_property
    def raw_path(self) -> str:
        return _below(_raw_path(self._scope), self._mount)

    @property
    def scheme(self) -> str:
        return self._origin[0]

    @property
    def host(self) -> str | None:
        return self._origin[1]

    @property
    def peer(self) -> str:
        return self._origin[2]

    @cached_property
    def _origin(self) -> tuple[str, str | None, str]:
        client = self._scope.get("client")  # absent on a UNIX socket
        peer: str = client[0] if client else ""
        scheme, host, forwarded_for = forwarded_origin(
            self.fields,
            scheme=self._scope.get("scheme", "http"),
            believed=bool(self._trusted_proxies) and is_trusted(peer, self._trusted_proxies),
        )
        return scheme, host, forwarded_for or peer

    async def body(self, limit: int) -> bytes:
        """The whole body, read once.

        Raises:
            ContentTooLarge: it has, or says it has, more than `limit` bytes.
            RequestTimeout: it did not arrive in time.
            BadRequest: Content-Length is no number.
            ClientLeft: the client left before its end.
        """
        if _announced(self.fields) > limit:
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

    async def left(self) -> None:
        """Return when the client has left. Only after `body`."""
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return
            await asyncio.sleep(0)  # a middleware that repeats the body must not hold the loop


class AsgiOutbound:
    """One answer as an ASGI server takes it.

    Each call returns once the client can take more. Raises `ClientLeft` where the server says so;
    many do not (ASGI before 2.4): watch `Inbound.left`.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False
        self.was_cut = False

    async def start(self, status: int, fields: Fields) -> None:
        self.started = True
        await self._pass({"type": "http.response.start", "status": status, "headers": list(fields)})

    async def chunk(self, content: bytes) -> None:
        await self._body(content, more=True)

    async def end(self) -> None:
        await self._body(b"", more=False)

    async def cut(self) -> None:
        """Never end this answer.

        The application then returns, and the server, which has seen no last message, closes the
        connection in the middle. `was_cut` tells an application that stands inside a middleware
        which would end it for us (Starlette's BaseHTTPMiddleware does) to raise instead.
        """
        self.was_cut = True

    async def _body(self, content: bytes, *, more: bool) -> None:
        if self.was_cut:
            raise RuntimeError("the answer was cut: nothing can follow")
        await self._pass({"type": "http.response.body", "body": content, "more_body": more})

    async def _pass(self, message: dict[str, Any]) -> None:
        try:
            await self._send(message)
        except OSError as error:  # ASGI 2.4: how a server says that the client has left
            raise ClientLeft from error


def _raw_path(scope: Scope) -> str:
    raw: bytes | None = scope.get("raw_path")
    if raw is None:  # it is optional in ASGI: then only a path that has one spelling will do
        path: str = scope["path"]
        if quote(path, safe=_PLAIN) != path:
            raise BadPath("The path has characters that have two spellings")
        return path
    try:
        return raw.decode("ascii")
    except UnicodeDecodeError as error:
        raise BadPath("The path has characters beyond ASCII") from error


def _below(path: str, mount: str) -> str:
    """The rest of `path` below `mount`, where that ends with a segment."""
    if not mount:
        return path
    if not path.startswith(mount):
        raise BadPath("The path is not below where the gateway is mounted")
    rest = path[len(mount) :]
    if rest and not rest.startswith("/"):
        raise BadPath("The path is not below where the gateway is mounted")
    return rest or "/"


def _announced(fields: Fields) -> int:
    length = single(fields, b"content-length")
    if length is None:
        return 0
    if not _LENGTH.fullmatch(length):
        raise BadRequest("Content-Length is no number")
    if len(length) > _LONGEST_LENGTH:
        raise ContentTooLarge
    return int(length)
