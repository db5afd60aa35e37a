"""WebSockets to vendors; tests/test_websocket.py and tests/attacks drive the rest."""

import asyncio
import ssl as tls
from collections.abc import AsyncIterator

import pytest
import trustme
from websockets.asyncio.server import ServerConnection, serve

from gateway.core.errors import (
    ContentTooLarge,
    Overloaded,
    UnsupportedMediaType,
    UpstreamBrokeOff,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from gateway.core.request.plan import VendorRequest
from gateway.core.websocket.closing import Closing
from gateway.net.upstream.reach import EgressProxy
from gateway.net.upstream.websocket import WebSocketTransport
from gateway.ports.socket import Closed
from tests.support.reply import Reply
from tests.support.vendor import RecordingVendor, Request, answer_ok

pytestmark = pytest.mark.anyio
ASK = VendorRequest("CONNECT", "/live?x=1", ((b"authorization", b"Bearer k"),), None)


def to(url: str, *, seconds: float = 5.0, most: int = 10) -> WebSocketTransport:
    return WebSocketTransport(origin=url, connect=seconds, max_open=most)


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async def says(socket: ServerConnection) -> None:
        async for text in socket:
            match text:
                case "binary":
                    await socket.send(b"x")
                case "large":
                    await socket.send("x" * (5 * 1024 * 1024))
                case "break":
                    socket.transport.abort()
                case "close":
                    await socket.close(4001, "why")
                case _:
                    await socket.send(text)

    async with serve(says, "127.0.0.1", 0, max_size=None) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_what_is_said_comes_back(url: str) -> None:
    async with to(url).open(ASK, ()) as socket:
        assert socket.subprotocol is None
        await socket.send("grüß".encode())
        assert await socket.receive() == "grüß".encode()
        await socket.close(Closing(1000))
        with pytest.raises(Closed):
            await socket.send(b"x")


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (b"binary", UnsupportedMediaType),
        (b"large", ContentTooLarge),
        (b"break", UpstreamBrokeOff),
    ],
)
async def test_what_cannot_be_handed_on_is_an_error(
    url: str, said: bytes, error: type[Exception]
) -> None:
    async with to(url).open(ASK, ()) as socket:
        await socket.send(said)
        with pytest.raises(error):
            await socket.receive()


async def test_a_vendor_that_closes_says_how(url: str) -> None:
    async with to(url).open(ASK, ()) as socket:
        await socket.send(b"close")
        with pytest.raises(Closed) as closed:
            await socket.receive()
    assert (closed.value.code, closed.value.reason) == (4001, "why")


async def test_no_more_than_so_many_are_open(url: str) -> None:
    transport = to(url, most=1)
    async with transport.open(ASK, ()):
        with pytest.raises(Overloaded):
            async with transport.open(ASK, ()):
                pass
    async with transport.open(ASK, ()):
        pass


async def test_nobody_there_is_unreachable() -> None:
    with pytest.raises(UpstreamUnreachable):
        async with to("http://127.0.0.1:9").open(ASK, ()):
            pass


async def test_a_vendor_that_does_not_answer_is_late() -> None:
    async def silent(request: Request, reply: Reply) -> None:
        await asyncio.Event().wait()

    async with RecordingVendor(silent) as vendor:
        with pytest.raises(UpstreamTimeout):
            async with to(vendor.url, seconds=0.3).open(ASK, ()):
                pass
        assert vendor.requests[0].values("authorization") == ["Bearer k"]


async def test_what_an_environment_says_of_proxies_is_nothing(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with RecordingVendor(answer_ok) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "SOCKS_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        async with to(url).open(ASK, ()) as socket:
            await socket.send(b"x")
            assert await socket.receive() == b"x"
        assert proxy.saw_nothing()


async def test_an_egress_proxy_that_is_configured_is_gone_through(url: str) -> None:
    asked: list[bytes] = []
    port = int(url.rpartition(":")[2])

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(copy(reader, to_writer), copy(to_reader, writer))

    async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while content := await source.read(65536):
            sink.write(content)
        sink.close()

    async with await asyncio.start_server(tunnel, "127.0.0.1", 0) as proxy:
        through = EgressProxy("127.0.0.1", proxy.sockets[0].getsockname()[1], "u:p")
        transport = WebSocketTransport(
            origin="http://vendor.example", connect=5, max_open=1, through=through
        )
        async with transport.open(ASK, ()) as socket:
            await socket.send(b"x")
            assert await socket.receive() == b"x"
    assert asked[0].startswith(b"CONNECT vendor.example:80 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic dTpw" in asked[0]


async def test_a_certificate_that_nobody_vouches_for_is_refused() -> None:
    authority = trustme.CA()
    context = tls.SSLContext(tls.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with RecordingVendor(answer_ok, ssl=context) as vendor:
        with pytest.raises(UpstreamUnreachable) as refused:
            async with to(vendor.url).open(ASK, ()):
                pass
        assert refused.value.error_type == "tls_certificate_error"
        assert vendor.requests == []


async def test_one_that_is_vouched_for_is_spoken_to_encrypted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def says(socket: ServerConnection) -> None:
        await socket.send(str(socket.transport.get_extra_info("cipher") is not None))

    authority = trustme.CA()
    served, trusting = tls.SSLContext(tls.PROTOCOL_TLS_SERVER), tls.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(served)
    authority.configure_trust(trusting)
    monkeypatch.setattr("gateway.net.upstream.websocket.verifying_context", lambda: trusting)
    async with serve(says, "127.0.0.1", 0, ssl=served) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with to(url).open(ASK, ()) as socket:
            assert await socket.receive() == b"True"
