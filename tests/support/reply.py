"""What a scripted vendor may do with one answer: send it whole, piece by piece, or badly.

Each `await` returns once the kernel has room again, so a handler that sends feels back-pressure.
"""

import asyncio
import http
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

Fields = Iterable[tuple[str, str]]
Event = str | bytes | dict[str, Any]
Hold = Callable[[dict[str, Any]], Awaitable[None]]  # an emulator awaits it before each event


async def at_once(event: dict[str, Any]) -> None:
    """Hold no event of a stream back: what emulators do unless a test says otherwise."""


class Reply:
    """One answer on one connection. Nothing is added that the handler does not send."""

    def __init__(self, transport: asyncio.Transport, writable: asyncio.Event) -> None:
        self.sent = 0  # bytes handed to the socket
        self._transport = transport
        self._writable = writable

    async def raw(self, content: bytes) -> None:
        """Exactly these bytes."""
        self._transport.write(content)
        self.sent += len(content)
        await self._writable.wait()

    async def head(self, status: int, fields: Fields = ()) -> None:
        """The status line and exactly these fields; framing is the handler's to choose."""
        lines = [f"HTTP/1.1 {status} {_reason(status)}"]
        lines += [f"{name}: {value}" for name, value in fields]
        await self.raw("\r\n".join([*lines, "", ""]).encode("latin-1"))

    async def json(self, status: int, value: Any, fields: Fields = ()) -> None:
        """A whole JSON answer."""
        await self.body(status, json.dumps(value).encode(), "application/json", fields)

    async def body(
        self, status: int, content: bytes, content_type: str, fields: Fields = ()
    ) -> None:
        """A whole answer of any type."""
        framing = [("content-type", content_type), ("content-length", str(len(content)))]
        await self.head(status, [*framing, *fields])
        await self.raw(content)

    async def stream(self, events: Iterable[Event], fields: Fields = ()) -> None:
        """A whole event stream, an event a chunk."""
        await self.start_stream(fields)
        for event in events:
            await self.event(event)
        await self.end()

    async def start_stream(self, fields: Fields = (), *, status: int = 200) -> None:
        """The head of a chunked event stream."""
        framing = [("content-type", "text/event-stream"), ("transfer-encoding", "chunked")]
        await self.head(status, [*framing, *fields])

    async def event(self, content: Event, name: str = "") -> None:
        """One event (WHATWG HTML section 9.2), JSON where it is a dictionary, as one chunk."""
        if isinstance(content, dict):
            content = json.dumps(content)
        if isinstance(content, str):
            content = content.encode()
        field = f"event: {name}\n".encode() if name else b""
        await self.chunk(field + b"data: " + content + b"\n\n")

    async def chunk(self, content: bytes) -> None:
        """One chunk of a chunked body (RFC 9112 section 7.1)."""
        await self.raw(b"%x\r\n%b\r\n" % (len(content), content))

    async def end(self) -> None:
        """The last chunk: the body is complete."""
        await self.raw(b"0\r\n\r\n")

    def close(self) -> None:
        """Close the connection in order, once all is sent."""
        self._transport.close()

    def reset(self) -> None:
        """Reset the connection (RST), and drop what the kernel has not sent."""
        linger = struct.pack("ii", 1, 0)
        self._transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, linger
        )
        self._transport.abort()

    async def hang(self) -> None:
        """Send nothing more, until the other side closes the connection."""
        await asyncio.Event().wait()


def _reason(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return ""
