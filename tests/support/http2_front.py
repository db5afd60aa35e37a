"""Stands before a vendor of ours and speaks HTTP/2 over TLS for it, as a load balancer would.

Each stream becomes a connection to the vendor, which records a request as if the gateway had
written it there, and whose answer goes back as it comes: its fields unjudged, its cuts as resets.
Where either side leaves, the other hears of it. Neither waits for more than the other takes. As in
service, a connection takes few streams at once, and after some it says goodbye (GOAWAY).
A client that asks for HTTP/1.1 by ALPN, as a WebSocket does, has its bytes passed on as they are.

HTTP/2 is spoken by the library h2, which the product does not use.
"""

import asyncio
import itertools
import socket
import ssl as tls
from contextlib import suppress
from functools import cache
from types import TracebackType
from typing import Self

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
import trustme
from hyperframe.frame import GoAwayFrame

from tests.support.message import HEAD_END, Malformed, parse_head, values

AUTHORITY = trustme.CA()
SLICE = 16_384
GOODBYE_AFTER = 60  # requests on a connection; nginx says it after 1000
MAX_LINE = 1_048_576  # bytes of a head of the vendor's: what is too long is the gateway's to say
OF_CONNECTIONS = frozenset({"connection", "keep-alive", "proxy-connection", "transfer-encoding"})
SETTINGS = {h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 15}  # few, that there be two of them

_FRONTS: dict[int, "Front"] = {}  # by the port of the vendor behind it


@cache
def _certified() -> tls.SSLContext:
    context = tls.SSLContext(tls.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["h2", "http/1.1"])
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
    return context


def before(port: int) -> "Front | None":
    """What stands before the vendor that listens at `port`."""
    return _FRONTS.get(port)


class Front:
    """See the module. `port` is the vendor's, `authority` how it is written in a URL."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self.authority = f"{host}:{port}"
        self.came = 0  # connections, heads of requests and bytes of their bodies
        self.carriers: list[int] = []  # the connection of each request, numbered from 1
        self.failures: list[Exception] = []
        self.writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._connections = itertools.count(1)

    async def __aenter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.own_authority = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = await asyncio.get_running_loop().create_server(
            self._accept, sock=self._socket, ssl=_certified()
        )
        _FRONTS[self.port] = self
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        del _FRONTS[self.port]
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.failures and error is None:
            raise ExceptionGroup("before the vendor", self.failures)

    @property
    def sockets(self) -> list[socket.socket]:
        """Where something may come from the gateway."""
        return [self._socket, *(one.get_extra_info("socket") for one in self.writers)]

    def next_number(self) -> int:
        return next(self._connections)

    def _accept(self) -> asyncio.StreamReaderProtocol:
        self.came += 1
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(), self._take)

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        try:
            if writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2":
                await _Connection(self, reader, writer).run()
            else:
                await self._pass_on(reader, writer)
        except (OSError, tls.SSLError):
            pass  # the gateway has left, or the vendor
        except Exception as error:  # noqa: BLE001 - raised again when the front stops
            self.failures.append(error)
        finally:
            self.writers.discard(writer)
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reader_behind, writer_behind = await asyncio.open_connection(self.host, self.port)
        both = {
            asyncio.ensure_future(_copy(reader, writer_behind)),
            asyncio.ensure_future(_copy(reader_behind, writer)),
        }
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
            writer_behind.transport.abort()


async def _copy(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    while content := await source.read(SLICE):
        to.write(content)
        await to.drain()


class _Connection:
    """One connection of the gateway's, and its streams."""

    def __init__(
        self, front: Front, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.front = front
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(
                client_side=False,
                header_encoding=False,
                normalize_inbound_headers=False,  # cookies would become one
                # What the vendor says goes on as it is, right or wrong.
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        self.streams: dict[int, _Stream] = {}
        self._number = front.next_number()
        self._begun = 0
        self._reader = reader
        self._writer = writer

    async def run(self) -> None:
        self.h2.initiate_connection()
        self.h2.update_settings(SETTINGS)
        self.flush()
        try:
            while came := await self._reader.read(65_536):
                for event in self.h2.receive_data(came):
                    self._take(event)
                self.flush()
                for stream in self.streams.values():
                    stream.room.set()
        finally:
            running = [stream.task for stream in self.streams.values()]
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def flush(self) -> None:
        if not self._writer.transport.is_closing():
            self._writer.write(self.h2.data_to_send())

    def _take(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            if self._begun == GOODBYE_AFTER:
                return  # it was told: it asks elsewhere
            self._begun += 1
            self.front.came += 1
            self.front.carriers.append(self._number)
            stream = _Stream(self, event.stream_id, list(event.headers))
            self.streams[event.stream_id] = stream
            if event.stream_ended is not None:
                stream.whole = True
            stream.task = asyncio.ensure_future(stream.run())
            if self._begun == GOODBYE_AFTER:
                self._say_goodbye(event.stream_id)
            return
        stream_or_none = self.streams.get(getattr(event, "stream_id", None) or 0)
        if isinstance(event, h2.events.DataReceived):
            self.front.came += len(event.data)
            if stream_or_none is None:  # answered, and it goes on
                self.acknowledge(event.flow_controlled_length, event.stream_id)
            else:
                stream_or_none.content.put_nowait((event.data, event.flow_controlled_length))
        elif isinstance(event, h2.events.StreamEnded) and stream_or_none is not None:
            stream_or_none.content.put_nowait(None)
        elif isinstance(event, h2.events.StreamReset) and stream_or_none is not None:
            stream_or_none.left = True
            stream_or_none.task.cancel()

    def _say_goodbye(self, last: int) -> None:
        """As written: to h2 the connection would be over by it (python-hyper/h2#1181)."""
        self.flush()
        self._writer.write(GoAwayFrame(last_stream_id=last).serialize())

    def acknowledge(self, size: int, number: int) -> None:
        with suppress(h2.exceptions.StreamClosedError):
            self.h2.acknowledge_received_data(size, number)
        self.flush()


class _Stream:
    """One request, and the connection to the vendor that it has for itself."""

    task: asyncio.Task[None]

    def __init__(
        self, connection: _Connection, number: int, fields: list[tuple[bytes, bytes]]
    ) -> None:
        self.connection = connection
        self.number = number
        self.content: asyncio.Queue[tuple[bytes, int] | None] = asyncio.Queue()
        self.room = asyncio.Event()  # set when there may be more of it
        self.whole = False  # all of the request has come
        self.left = False  # the gateway ended it
        self._ended = False  # our side
        self._named = dict(fields[:4])
        self._fields = fields[4:]

    async def run(self) -> None:
        writer = None
        sending = None
        try:
            reader, writer = await asyncio.open_connection(
                self.connection.front.host, self.connection.front.port, limit=MAX_LINE
            )
            sending = asyncio.ensure_future(self._send(writer))
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

    async def _send(self, writer: asyncio.StreamWriter) -> None:
        chunked = not self.whole and b"content-length" not in dict(self._fields)
        writer.write(self._head(chunked=chunked))
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
