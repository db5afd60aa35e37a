"""A client's WebSocket over ASGI, and the answer to a handshake that is refused."""

from typing import Any

from starlette.types import Receive, Scope, Send

from gateway.core.errors import UnsupportedMediaType
from gateway.core.websocket.closing import NO_CODE, POLICY, Closing
from gateway.ports import Fields
from gateway.ports.socket import Closed

_RESPONSE = "websocket.http.response"
# The server's own: it writes them for the connection it keeps.
_FRAMING = frozenset({b"content-length", b"connection"})


class AsgiSocket:
    """One WebSocket, from its handshake on."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._closed = False

    async def accept(self, subprotocol: str | None, fields: Fields) -> None:
        headers = list(fields)
        await self._pass(
            {"type": "websocket.accept", "subprotocol": subprotocol, "headers": headers}
        )

    async def receive(self) -> bytes:
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self._closed = True
            raise Closed(message.get("code") or NO_CODE, message.get("reason") or "")
        text: str | None = message.get("text")
        if text is None:
            raise UnsupportedMediaType("Only text is said over this WebSocket")
        return text.encode("utf-8")

    async def send(self, content: bytes) -> None:
        await self._pass({"type": "websocket.send", "text": content.decode("utf-8")})

    async def close(self, closing: Closing) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            await self._pass(
                {"type": "websocket.close", "code": closing.code, "reason": closing.reason}
            )
        except Closed:
            return

    async def _pass(self, message: dict[str, Any]) -> None:
        try:
            await self._send(message)
        except (OSError, RuntimeError) as error:  # how servers say that the client has left
            self._closed = True
            raise Closed(NO_CODE) from error


class HandshakeAnswer:
    """An `Outbound` for a handshake that does not become a WebSocket.

    A server without the extension for that refuses it with 403, whatever we would say.
    """

    def __init__(self, scope: Scope, send: Send) -> None:
        self._speaks = _RESPONSE in scope.get("extensions", {})
        self._send = send
        self.started = False

    async def start(self, status: int, fields: Fields) -> None:
        self.started = True
        if self._speaks:
            headers = [field for field in fields if field[0] not in _FRAMING]
            start = {"type": f"{_RESPONSE}.start", "status": status, "headers": headers}
            await self._send(start)
        else:
            await self._send({"type": "websocket.close", "code": POLICY})

    async def chunk(self, content: bytes) -> None:
        if self._speaks:
            body = {"type": f"{_RESPONSE}.body", "body": content, "more_body": True}
            await self._send(body)

    async def end(self) -> None:
        if self._speaks:
            await self._send({"type": f"{_RESPONSE}.body", "body": b"", "more_body": False})

    async def cut(self) -> None:
        await self.end()

    def writer(self) -> None:
        """No answer to a handshake is a stream."""
