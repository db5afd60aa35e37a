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
from collections import defaultdict
from contextlib import suppress
from functools import cache
from types import TracebackType
from typing import Self

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import trustme
from h2.settings import SettingCodes
from hyperframe.frame import GoAwayFrame

from tests.support.http2_stream import Stream

AUTHORITY = trustme.CA()
GOODBYE_AFTER = 60  # requests on a connection; nginx says it after 1000
AT_ONCE = 15  # few, that there be several connections

_FRONTS: defaultdict[int, list["Front"]] = defaultdict(list)  # by the port of the vendor behind


@cache
def _certified() -> tls.SSLContext:
    context = tls.SSLContext(tls.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["h2", "http/1.1"])
    AUTHORITY.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


def before(port: int) -> "list[Front]":
    """What stands before the vendor that listens at `port`: one for each gateway."""
    return _FRONTS[port]


class Front:
    """See the module. `host` and `port` are the vendor's; the front has the same host."""

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
        self.own_authority = f"{self.host}:{self._socket.getsockname()[1]}"
        self._server = await asyncio.get_running_loop().create_server(
            self._accept, sock=self._socket, ssl=_certified()
        )
        _FRONTS[self.port].append(self)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _FRONTS[self.port].remove(self)
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
                await Connection(self, reader, writer).run()
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
    while content := await source.read(65_536):
        to.write(content)
        await to.drain()


class Connection:
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
        self.streams: dict[int, Stream] = {}
        self._number = front.next_number()
        self._begun = 0
        self._reader = reader
        self._writer = writer

    async def run(self) -> None:
        self.h2.initiate_connection()
        self.h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: AT_ONCE})
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
            stream = Stream(self, event.stream_id, list(event.headers))
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
