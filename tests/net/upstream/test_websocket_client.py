"""X-09: vendors that do not read, whatever they send, or send much at once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from gateway.core.errors import UpstreamBrokeOff
from gateway.core.websocket.closing import Closing
from gateway.net.server.slices import SLICE
from gateway.net.upstream import websocket_client
from gateway.net.upstream.websocket import VendorWebSocket
from gateway.ports.socket import Closed
from tests.net.upstream.test_websocket import ASK, to

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """What is relied upon of transports holds in both loops."""
    return "asyncio", {"use_uvloop": request.param}


PING = b"\x89\x7d" + b"x" * 125
TEXT = b"\x81\x02{}"
EMPTY = b"\x81\x00"
A_LOT = 20 * 1024 * 1024  # more than kernels hold


@asynccontextmanager
async def vendor(frames: bytes, *, then_ends: bool = False) -> AsyncIterator[str]:
    """One that shakes hands, sends these frames, and never reads."""
    sending: list[asyncio.Task[None]] = []
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(accepted(head))
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        sending.append(asyncio.create_task(send(writer)))

    async def send(writer: asyncio.StreamWriter) -> None:
        for at in range(0, len(frames), 65_536):
            writer.write(frames[at : at + 65_536])
            await writer.drain()
        if then_ends:
            writer.write_eof()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for one in sending:
            one.cancel()
        await asyncio.gather(*sending, return_exceptions=True)
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0)


def accepted(head: bytes) -> bytes:
    from websockets.utils import accept_key

    key = head.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0].decode()
    fields = f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept_key(key)}"
    return f"HTTP/1.1 101 x\r\n{fields}\r\n\r\n".encode()


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param(PING * (A_LOT // len(PING)), id="pings"),
        pytest.param((PING * 1000 + TEXT) * 150, id="pings between messages"),
    ],
)
async def test_what_a_vendor_does_not_read_is_bounded(frames: bytes) -> None:
    async with vendor(frames) as url, to(url).open(ASK, ()) as socket:
        transport = socket._connection.transport
        reading = asyncio.create_task(read(socket))
        most = 0
        async with asyncio.timeout(20):
            while transport.is_reading() or most == 0:
                most = max(most, transport.get_write_buffer_size())
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.5)
        assert max(most, transport.get_write_buffer_size()) < 2**20
        reading.cancel()
        transport.abort()


async def test_messages_in_one_segment_are_taken_slice_by_slice() -> None:
    """N-22: 256 KiB of empty ones held everybody up for most of a second."""
    async with vendor(EMPTY * 30_000 + TEXT) as url, to(url).open(ASK, ()) as socket:
        most = 0
        for _ in range(30_000):
            assert await socket.receive() == b""
            most = max(most, len(socket._connection.recv_messages.frames))
        assert await socket.receive() == b"{}"
        assert most <= SLICE // len(EMPTY)
        socket._connection.transport.abort()


async def test_what_came_before_the_end_is_heard() -> None:
    goodbye = b"\x88\x04\x0f\xa1ab"  # 4001

    frames = EMPTY * 20_000 + goodbye
    async with vendor(frames, then_ends=True) as url, to(url).open(ASK, ()) as socket:
        for _ in range(20_000):
            assert await socket.receive() == b""
        with pytest.raises(Closed) as closed:
            await socket.receive()
        assert (closed.value.code, closed.value.reason) == (4001, "ab")


async def read(socket: VendorWebSocket) -> None:
    while True:
        await socket.receive()


async def say(socket: VendorWebSocket) -> None:
    while True:
        await socket.send(b"x" * 100_000)


async def say_goodbye(socket: VendorWebSocket) -> None:
    speaking = asyncio.create_task(say(socket))
    while not socket._connection.paused:  # noqa: ASYNC110 - nobody tells of it
        await asyncio.sleep(0.01)
    speaking.cancel()
    await asyncio.gather(speaking, return_exceptions=True)
    await socket.close(Closing(1000))
    raise Closed(1000)


@pytest.mark.parametrize("does", [say, say_goodbye])
async def test_a_vendor_that_does_not_read_keeps_nobody_for_long(
    does: Callable[[VendorWebSocket], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_client, "WRITE", 0.3)
    transport = None
    async with vendor(b"") as url:
        transports = to(url, most=1)
        async with asyncio.timeout(10):
            async with transports.open(ASK, ()) as socket:
                transport = socket._connection.transport
                with pytest.raises((Closed, UpstreamBrokeOff)):
                    await does(socket)
            async with transports.open(ASK, ()) as socket:  # its place is free
                socket._connection.transport.abort()
    assert transport is not None
    assert transport.is_closing()
