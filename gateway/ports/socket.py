"""A WebSocket: the client's, and the vendor's. Text alone is said over either."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from gateway.core.request.plan import VendorRequest
from gateway.core.websocket.closing import Closing
from gateway.ports.upstream import Errand
from gateway.ports.wire import Fields


class Closed(Exception):
    """The other side has closed, or is gone."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.reason = reason


class Socket(Protocol):
    """One open WebSocket. Each call returns once the other side can take more."""

    async def receive(self) -> bytes:
        """The next message, UTF-8.

        Raises `Closed`; `UnsupportedMediaType` for a binary one, and of a vendor `UpstreamBrokeOff`
        and `ContentTooLarge`.
        """
        ...

    async def send(self, content: bytes) -> None:
        """Raises `Closed`."""
        ...

    async def close(self, closing: Closing) -> None:
        """Say why, and be done; quiet where it is closed already."""
        ...


class ClientSocket(Socket, Protocol):
    async def accept(self, subprotocol: str | None, fields: Fields) -> None:
        """Open it. Raises `Closed` where the client is gone."""
        ...


class VendorSocket(Socket, Protocol):
    @property
    def subprotocol(self) -> str | None: ...


class Sockets(Protocol):
    """WebSockets to one upstream of one org."""

    def open(
        self, request: VendorRequest, subprotocols: Sequence[str], errand: Errand, /
    ) -> AbstractAsyncContextManager[VendorSocket]:
        """Shake hands, for this errand. Leaving closes the connection.

        Raises `UpstreamError`, `UpstreamTimeout`, `Overloaded`.
        """
        ...
