"""How an issuer is reached, by both loops: real sockets, and a resolver of the test's own."""

import asyncio
import gc
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trustme

from gateway.authn.fetch import MAX_BYTES, FetchFailed, get
from gateway.system.resolver import AT_ONCE
from tests.support.names import Names, names
from tests.support.ports import free_port
from tests.support.provider import JWKS, Provider, body

__all__ = ["names"]
pytestmark = pytest.mark.anyio


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request):
    return "asyncio", {"use_uvloop": request.param}


async def test_issuers_that_are_not_found_keep_no_other_from_being_asked(names: Names) -> None:
    """RF-52, N-11"""
    lost = [
        asyncio.create_task(get(f"https://id-{number}.silent/keys"))
        for number in range(AT_ONCE - 1)
    ]
    async with asyncio.timeout(10):
        while len(names.asked) < len(lost):  # noqa: ASYNC110 - threads tell nobody
            await asyncio.sleep(0.01)
        with Provider() as provider:
            url = provider.jwks_url.replace("127.0.0.1", "id.example")
            assert await get(url) == provider.issuer.jwks_text().encode()
    names.answered.set()
    for one in lost:
        with pytest.raises(FetchFailed, match="failed"):
            await one


async def test_an_issuer_is_asked_by_its_name_wherever_it_is_found(names: Names) -> None:
    with Provider() as provider:
        url = provider.jwks_url.replace("127.0.0.1", "id.example")
        await get(url)
        assert provider.requests[0][1]["host"] == f"id.example:{provider.address[1]}"
    assert names.asked == ["id.example"]


async def test_another_address_is_tried_where_one_is_not_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Provider() as provider:
        stream, port = (socket.SOCK_STREAM, socket.IPPROTO_TCP), provider.address[1]
        found = [
            (socket.AF_INET6, *stream, "", ("::1", free_port(), 0, 0)),
            (socket.AF_INET, *stream, "", ("127.0.0.1", port)),
        ]
        real = socket.getaddrinfo

        def resolve(host, *how, **more):
            if host == "id.example" and not more.get("flags"):
                return found
            return real(host, *how, **more)

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        assert await get(f"http://id.example:{port}{JWKS}")


@pytest.mark.parametrize("path", ["/keys;v=2?of=all", "/"])
async def test_an_issuer_is_asked_for_what_its_url_says(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its host as it stands there: an IPv6 address in brackets."""
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, port, **how: real("127.0.0.1" if host == "::1" else host, port, **how),
    )
    with Provider() as provider:
        provider.script(path.partition("?")[0], body(b"{}"))
        there = f"[::1]:{provider.address[1]}"
        assert await get(f"http://{there}{path.removesuffix('/')}") == b"{}"
    asked, fields = provider.requests[0]
    assert (asked, fields["host"]) == (path, there)


@pytest.mark.parametrize("name", ["a" * 64 + ".example", "a..example", "." * 9])
async def test_what_can_be_no_name_is_not_found(name: str) -> None:
    with pytest.raises(FetchFailed, match="failed"):
        await get(f"https://{name}/keys")


@asynccontextmanager
async def behind_tls(
    answer: bytes, authority: trustme.CA, name: str = "id.example"
) -> AsyncIterator[int]:
    """A server that says `answer` to whatever it is asked, and waits."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    gone = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await reader.read()
        gone.set()
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()
    if answer:
        async with asyncio.timeout(10):
            await gone.wait()


@pytest.fixture
def trusting() -> tuple[trustme.CA, ssl.SSLContext]:
    authority, context = trustme.CA(), ssl.create_default_context()
    authority.configure_trust(context)
    return authority, context


@pytest.mark.usefixtures("names")
async def test_over_tls_it_proves_the_name_and_is_left_at_the_answer_s_end(trusting) -> None:
    authority, context = trusting
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
    async with behind_tls(answer, authority) as port:
        assert await get(f"https://id.example:{port}/keys", tls=context) == b"{}"


@pytest.mark.usefixtures("names")
async def test_over_tls_a_large_answer_comes_whole(trusting) -> None:
    authority, context = trusting
    body = bytes(range(256)) * (MAX_BYTES // 256)
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body)
    async with behind_tls(head + body, authority) as port:
        assert await get(f"https://id.example:{port}/keys", tls=context) == body


@pytest.mark.usefixtures("names")
async def test_another_s_certificate_is_a_failure_and_nothing_is_left_open(trusting) -> None:
    authority, context = trusting
    async with behind_tls(b"", authority, "other.example") as port:
        with pytest.raises(FetchFailed, match="failed"):
            await get(f"https://id.example:{port}/keys", tls=context)
    gc.collect()  # a socket that is left open would be a warning, and so an error


@pytest.mark.usefixtures("names")
async def test_no_plain_answer_is_taken_for_one_over_tls(trusting) -> None:
    _, context = trusting
    with Provider() as provider:
        url = provider.jwks_url.replace("http://127.0.0.1", "https://id.example")
        with pytest.raises(FetchFailed, match="failed"):
            await get(url, tls=context)
        assert provider.requests == []
