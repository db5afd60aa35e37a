"""A line to a server on this machine that can be cut, and led to another server.

With `ssl`, TLS ends here.
"""

import asyncio
import ssl as tls
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Line:
    """Carries bytes both ways; `to` is the port that new connections lead to, None to nowhere."""

    def __init__(self, to: int | None) -> None:
        self.to = to
        self.port = 0
        self.made = 0  # connections
        self._ends: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """Reset what is connected."""
        for end in self._ends:
            end.transport.abort()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.made += 1
        self._ends.add(writer)
        with suppress(OSError):
            if self.to is not None:
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.to)
                self._ends.add(far_writer)
                await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer))
                self._ends.discard(far_writer)
        writer.close()
        self._ends.discard(writer)


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while content := await reader.read(65536):
            writer.write(content)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def line(to: int | None, *, ssl: tls.SSLContext | None = None) -> AsyncIterator[Line]:
    made = Line(to)
    server = await asyncio.start_server(made.connected, "127.0.0.1", 0, ssl=ssl)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        made.cut()
        await server.wait_closed()
