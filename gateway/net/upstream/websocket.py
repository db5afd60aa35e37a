"""WebSockets to vendors, by the `websockets` library: no compression.

A message has 4 MiB at most. The library reads no further than the message that is
being handed on, so a client that does not read slows the vendor.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from gateway.core.answer.note import MAX_HELD
from gateway.core.errors import (
    ContentTooLarge,
    Overloaded,
    UnsupportedMediaType,
    UpstreamBrokeOff,
    UpstreamCredentialsRefused,
    UpstreamMalformed,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from gateway.core.request.plan import VendorRequest
from gateway.core.websocket.closing import NO_CODE, Closing
from gateway.net.upstream.dial import Origin, proxy_error_of, verifying_context
from gateway.net.upstream.reach import EgressProxy, reach
from gateway.ports import Errand
from gateway.ports.socket import Closed

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

LOG = logging.getLogger("gateway.net.upstream.websocket")
LOG.setLevel(logging.WARNING)  # below, the library writes fields and messages

CLOSE_TIMEOUT = 2.0  # seconds a vendor has to close as well
PING = 20.0  # seconds between two, and until one must be answered
_HTTP_ONLY = frozenset({b"accept", b"accept-encoding", b"content-type"})
_TOO_LARGE = 1009


class WebSocketTransport:
    """`Sockets` to one upstream. `origin` is its scheme, host and port: `https://vendor.example`."""

    def __init__(
        self,
        *,
        origin: str,
        connect: float,  # seconds; as many again for the handshake
        max_open: int,
        through: EgressProxy | None = None,
    ) -> None:
        self._origin = Origin.parse(origin)
        self._connect = connect
        self._max_open = max_open
        self._through = through
        self._open = 0

    @asynccontextmanager
    async def open(
        self, request: VendorRequest, subprotocols: Sequence[str], errand: Errand | None = None, /
    ) -> AsyncIterator["VendorWebSocket"]:
        if self._open >= self._max_open:
            raise Overloaded
        self._open += 1
        try:
            connection = await self._shake_hands(request, subprotocols)
            try:
                yield VendorWebSocket(connection)
            finally:
                await connection.close(1001)
        finally:
            self._open -= 1

    async def _shake_hands(
        self, request: VendorRequest, subprotocols: Sequence[str]
    ) -> "ClientConnection":
        with _translated():
            async with asyncio.timeout(self._connect):
                reached = await reach(self._origin.host, self._origin.port, self._through)
            try:
                return await self._handshake(request, subprotocols, reached)
            except BaseException:
                reached.close()
                raise

    async def _handshake(
        self, request: VendorRequest, subprotocols: Sequence[str], reached: socket.socket
    ) -> "ClientConnection":
        from websockets.typing import Subprotocol

        from gateway.net.upstream.websocket_client import Straight, VendorConnection

        told = dict(request.fields)
        agent = told.pop(b"user-agent", b"").decode("ascii")
        secure = self._origin.scheme == "https"
        tls: dict[str, Any] = {"ssl": verifying_context(), "server_hostname": self._origin.host}
        return await Straight(
            f"{'wss' if secure else 'ws'}://{self._origin.authority}{request.target}",
            additional_headers=[
                (name.decode("ascii"), value.decode("latin-1"))
                for name, value in told.items()
                if name not in _HTTP_ONLY
            ],
            subprotocols=[Subprotocol(one) for one in subprotocols] or None,
            user_agent_header=agent,
            compression=None,
            proxy=None,
            sock=reached,
            open_timeout=self._connect,
            close_timeout=CLOSE_TIMEOUT,
            ping_interval=PING,
            ping_timeout=PING,
            max_size=MAX_HELD,
            max_queue=1,
            create_connection=VendorConnection,
            logger=LOG,
            **(tls if secure else {}),
        )


@contextmanager
def _translated() -> Iterator[None]:
    """What keeps a WebSocket from opening, as an error of ours."""
    from websockets.exceptions import InvalidHandshake, InvalidStatus

    try:
        yield
    except InvalidStatus as error:
        if error.response.status_code in {401, 403}:
            raise UpstreamCredentialsRefused(proxy_error="http_request_denied") from error
        raise UpstreamMalformed("The upstream did not open a WebSocket") from error
    except InvalidHandshake as error:
        raise UpstreamMalformed("The upstream did not open a WebSocket") from error
    except TimeoutError as error:
        raise UpstreamTimeout(proxy_error="connection_timeout") from error
    except EOFError as error:
        raise UpstreamBrokeOff from error
    except (OSError, UnicodeError) as error:
        raise UpstreamUnreachable(proxy_error=proxy_error_of(error)) from error


class VendorWebSocket:
    """One of a vendor's."""

    def __init__(self, connection: "ClientConnection") -> None:
        self._connection = connection

    @property
    def subprotocol(self) -> str | None:
        return self._connection.subprotocol

    async def receive(self) -> bytes:
        from websockets.exceptions import ConnectionClosed

        try:
            message = await self._connection.recv()
        except ConnectionClosed as error:
            sent, received = error.sent, error.rcvd
            if sent is not None and sent.code == _TOO_LARGE and not error.rcvd_then_sent:
                raise ContentTooLarge("A message of the upstream is too large") from error
            if received is None:
                raise UpstreamBrokeOff from error
            raise Closed(received.code or NO_CODE, received.reason) from error
        if isinstance(message, bytes):
            raise UnsupportedMediaType("The upstream sent a binary message")
        return message.encode("utf-8")

    async def send(self, content: bytes) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            await self._connection.send(content.decode("utf-8"))
        except ConnectionClosed as error:
            code, reason = NO_CODE, ""
            if error.rcvd is not None:
                code, reason = error.rcvd.code, error.rcvd.reason
            raise Closed(code, reason) from error

    async def close(self, closing: Closing) -> None:
        await self._connection.close(closing.code, closing.reason)
