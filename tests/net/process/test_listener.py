"""What is accepted sends at once, also without uvloop: these tests run on asyncio's own loop."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.net.process.listener import inherited, listen, sends_at_once, url_of

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def accepted(listener: socket.socket) -> AsyncIterator[asyncio.BaseTransport]:
    """The server's end of a connection to it."""
    made: asyncio.Future[asyncio.BaseTransport] = asyncio.get_running_loop().create_future()

    class Accepting(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            made.set_result(transport)

    async with await asyncio.get_running_loop().create_server(Accepting, sock=listener):
        with socket.socket(listener.family) as client:
            client.connect(listener.getsockname())
            transport = await made
            yield transport
            transport.close()


async def delays(listener: socket.socket) -> bool:
    async with accepted(listener) as transport:
        its = transport.get_extra_info("socket")
        return not its.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_sends_at_once() -> None:
    assert not await delays(listen("127.0.0.1", 0))


async def test_an_inherited_socket_sends_at_once() -> None:
    given = socket.create_server(("127.0.0.1", 0))
    assert not await delays(inherited(given.detach()))


async def test_a_unix_socket_may_be_inherited(tmp_path: Path) -> None:
    given = socket.socket(socket.AF_UNIX)
    given.bind(str(tmp_path / "s"))
    given.listen()
    async with accepted(inherited(given.detach())) as transport:
        assert transport


async def test_without_it_asyncio_would_delay() -> None:
    """The reason for all this: when it is gone, so may this module be."""
    assert await delays(socket.create_server(("127.0.0.1", 0)))
    assert not await delays(sends_at_once(socket.create_server(("127.0.0.1", 0))))


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("[::1]", "[::1]")])
async def test_says_what_to_type(host: str, shown: str) -> None:
    with listen(host, 0) as listener:
        assert url_of(listener) == f"http://{shown}:{listener.getsockname()[1]}"


async def test_says_the_path_of_a_unix_one(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        assert url_of(listener) == f"unix:{tmp_path}/s"
