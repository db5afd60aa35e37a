"""One request that came over HTTP/2: to the vendor in HTTP/1.1, and its answer back again.

The vendor's answer is read no further than it has to be: fields go on as they are, bodies without
their framing, and what ends too early, or is no HTTP/1.1, ends by a reset.
"""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import h2.errors
import h2.exceptions

from tests.support.message import HEAD_END, Malformed, parse_head, values

if TYPE_CHECKING:
    from tests.support.http2_front import Connection

SLICE = 16_384
MAX_LINE = 1_048_576  # bytes of a head of the vendor's: what is too long is the gateway's to say
OF_CONNECTIONS = frozenset({"connection", "keep-alive", "proxy-connection", "transfer-encoding"})


class Stream:
    """One request, and the connection to the vendor that it has for itself."""

    task: asyncio.Task[None]

    def __init__(
        self, connection: "Connection", number: int, fields: list[tuple[bytes, bytes]]
    ) -> None:
        self.connection = connection
        self.number = number
        self.content: asyncio.Queue[tuple[bytes, int] | None] = asyncio.Queue()
        self.room = asyncio.Event()  # set when there may be more of it
        self.whole = False  # all of the request has come
        self.left = False  # the gateway ended it
        self._named = dict(fields[:4])
        self._fields = fields[4:]

    async def run(self) -> None:
        writer = None
        sending = None
        try:
            reader, writer = await asyncio.open_connection(
                self.connection.front.host, self.connection.front.port, limit=MAX_LINE
            )
            chunked = not self.whole and b"content-length" not in dict(self._fields)
            writer.write(self._head(chunked=chunked))
            sending = asyncio.ensure_future(self._send(writer, chunked=chunked))
            await self._answer(reader)
            if not self.whole:  # RFC 9113 section 8.1: it wants no more of it
                self._reset(h2.errors.ErrorCodes.NO_ERROR)
        except (OSError, EOFError, Malformed, asyncio.LimitOverrunError):
            self._reset(h2.errors.ErrorCodes.INTERNAL_ERROR)
        except h2.exceptions.StreamClosedError:
            pass  # the gateway has left
        except Exception as error:  # noqa: BLE001 - raised again when the front stops
            self.connection.front.failures.append(error)
            self._reset(h2.errors.ErrorCodes.INTERNAL_ERROR)
        finally:
            self.connection.streams.pop(self.number, None)
            if sending is not None:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
            if writer is not None:
                writer.transport.abort()

    def _reset(self, code: h2.errors.ErrorCodes) -> None:
        if not self.left:
            with suppress(h2.exceptions.ProtocolError):
                self.connection.h2.reset_stream(self.number, code)
            self.connection.flush()

    # To the vendor

    async def _send(self, writer: asyncio.StreamWriter, *, chunked: bool) -> None:
        while not self.whole:
            piece = await self.content.get()
            if piece is None:
                self.whole = True
                if chunked:
                    writer.write(b"0\r\n\r\n")
                break
            content, size = piece
            if content:
                writer.write(b"%x\r\n%b\r\n" % (len(content), content) if chunked else content)
            await writer.drain()
            self.connection.acknowledge(size, self.number)
        await writer.drain()

    def _head(self, *, chunked: bool) -> bytes:
        """As the gateway would write it, had it asked the vendor itself."""
        front = self.connection.front
        names = (b":method", b":scheme", b":authority", b":path")
        method, scheme, authority, path = (self._named[name] for name in names)
        if (scheme, authority.decode()) != (b"https", front.own_authority):
            raise AssertionError(f"who is asked is not {front.own_authority}: {self._named}")
        lines = [b"%b %b HTTP/1.1" % (method, path), b"host: " + front.authority.encode()]
        lines += [b"%b: %b" % (name, value) for name, value in self._fields]
        if chunked:
            lines.append(b"transfer-encoding: chunked")
        return b"\r\n".join(lines) + HEAD_END

    # To the gateway

    async def _answer(self, reader: asyncio.StreamReader) -> None:
        method = self._named[b":method"]
        while True:
            start, fields = parse_head(await reader.readuntil(HEAD_END))
            version, _, rest = start.partition(" ")
            status = rest[:3]
            if not version.startswith("HTTP/1."):
                raise Malformed(f"no status line: {start!r}")
            bodiless = method == b"HEAD" or status in {"204", "304"}
            lines = [(b":status", status.encode("latin-1"))]
            lines += [
                (name.encode("latin-1"), value.encode("latin-1"))
                for name, value in fields
                if name not in OF_CONNECTIONS
            ]
            self.connection.h2.send_headers(self.number, lines, end_stream=bodiless)
            self.connection.flush()
            if not status.startswith("1"):
                break
        if not bodiless:
            await self._send_body(reader, fields)

    async def _send_body(self, reader: asyncio.StreamReader, fields: list[tuple[str, str]]) -> None:
        if "chunked" in ",".join(values(fields, "transfer-encoding")).lower():
            await self._send_chunks(reader)
            return
        lengths = values(fields, "content-length")
        if not all(one.isascii() and one.isdigit() for one in lengths):
            raise Malformed(f"content-length is {lengths}")
        left = int(lengths[0]) if lengths else None
        while left is None or left > 0:
            content = await reader.read(SLICE if left is None else min(left, SLICE))
            if not content and left:
                raise EOFError
            if not content:
                break
            left = None if left is None else left - len(content)
            await self._send_data(content)
        self._end()

    async def _send_chunks(self, reader: asyncio.StreamReader) -> None:
        while size := _chunk_size(await reader.readuntil(b"\r\n")):
            while size:
                content = await reader.readexactly(min(size, SLICE))
                size -= len(content)
                await self._send_data(content)
            if await reader.readexactly(2) != b"\r\n":
                raise Malformed("a chunk is longer than it says")
        trailers = []
        while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
            name, _, value = line[:-2].partition(b":")
            trailers.append((name.lower(), value.strip(b" \t")))
        if trailers:
            self.connection.h2.send_headers(self.number, trailers, end_stream=True)
            self.connection.flush()
        else:
            self._end()

    async def _send_data(self, content: bytes) -> None:
        connection = self.connection.h2
        while content:
            room = min(
                connection.local_flow_control_window(self.number),
                connection.max_outbound_frame_size,
            )
            if room <= 0:
                self.room.clear()
                await self.room.wait()
                continue
            connection.send_data(self.number, content[:room])
            content = content[room:]
            self.connection.flush()

    def _end(self) -> None:
        self.connection.h2.end_stream(self.number)
        self.connection.flush()


def _chunk_size(line: bytes) -> int:
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError as error:
        raise Malformed(f"no chunk size: {line!r}") from error
