"""Inbound and Outbound over ASGI: alone, under a mount, and behind uvicorn on a socket."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Iterable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from gateway.core.errors import BadPath, BadRequest, ContentTooLarge, RequestTimeout
from gateway.net.asgi.wire import AsgiInbound, AsgiOutbound
from gateway.ports import ClientLeft
from tests.net.recorder import Gone
from tests.support.serve import serving
from tests.support.wire import connected, raw_request, wire

pytestmark = pytest.mark.anyio

DISCONNECT = {"type": "http.disconnect"}


def scope(**changes: Any) -> dict[str, Any]:
    return {
        "type": "http",
        "method": "POST",
        "path": "/a",
        "raw_path": b"/a",
        "query_string": b"",
        "headers": [(b"host", b"gateway.test")],
        "scheme": "http",
        "client": ("192.0.2.1", 40000),
        **changes,
    }


def receiving(*messages: dict[str, Any]) -> Any:
    """A server that says these, and then nothing."""
    queue = list(messages)

    async def receive() -> dict[str, Any]:
        if not queue:
            await asyncio.Event().wait()
        return queue.pop(0)

    return receive


def part(content: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": content, "more_body": more}


def inbound(*messages: dict[str, Any], **changes: Any) -> AsgiInbound:
    return AsgiInbound(scope(**changes), receiving(*messages))


# What it says of itself


async def test_copies_the_fields_before_a_trailer_can_join_them() -> None:
    headers = [(b"host", b"gateway.test"), (b"X-A", b"b")]
    ask = inbound(headers=headers)
    headers.append((b"x-external-user-id", b"victim"))
    assert ask.fields == ((b"host", b"gateway.test"), (b"x-a", b"b"))


TRUSTED = (ipaddress.ip_network("192.0.2.0/24"),)
FORWARDED = [(b"x-forwarded-proto", b"https"), (b"x-forwarded-for", b"198.51.100.7")]


def test_believes_nobody_about_where_a_request_comes_from() -> None:
    ask = inbound(headers=[(b"host", b"Gateway.test"), *FORWARDED])
    assert (ask.scheme, ask.host, ask.peer) == ("http", "gateway.test", "192.0.2.1")


@pytest.mark.parametrize(
    ("client", "believed"), [("192.0.2.1", True), ("198.51.100.1", False), (None, False)]
)
def test_believes_the_proxies_it_is_told_to(client: str | None, believed: bool) -> None:
    ask = AsgiInbound(
        scope(
            headers=[(b"host", b"gateway.test"), *FORWARDED],
            client=(client, 40000) if client else None,
        ),
        receiving(),
        trusted_proxies=TRUSTED,
    )
    expected = ("https", "198.51.100.7") if believed else ("http", client or "")
    assert (ask.scheme, ask.peer) == expected


def test_can_be_made_of_a_request_that_is_malformed() -> None:
    """So that whoever answers for errors has something to answer to."""
    ask = inbound(headers=[(b"host", b"a"), (b"host", b"b")], raw_path=b"/x\xe9")
    for read in ("scheme", "host", "peer"):
        with pytest.raises(BadRequest):
            getattr(ask, read)
    with pytest.raises(BadPath):
        _ = ask.raw_path


# Its body


async def test_reads_the_whole_body() -> None:
    ask = inbound(part(b"ab", more=True), part(b"", more=True), part(b"c"))
    assert await ask.body(3) == b"abc"


async def test_refuses_an_announced_body_without_reading() -> None:
    async def receive() -> Any:
        raise AssertionError("read")

    ask = AsgiInbound(scope(headers=[(b"content-length", b"4")]), receive)
    with pytest.raises(ContentTooLarge):
        await ask.body(3)


@pytest.mark.parametrize("length", [b"1" * 19, b"9" * 5000])
async def test_refuses_an_absurd_length(length: bytes) -> None:
    with pytest.raises(ContentTooLarge):
        await inbound(headers=[(b"content-length", length)]).body(3)


@pytest.mark.parametrize(
    "length", [b"", b"+3", b"-3", b"3 ", b" 3", b"0x3", b"3_0", b"3,3", b"3\n", "٣".encode()]
)
async def test_refuses_a_length_that_is_no_number(length: bytes) -> None:
    with pytest.raises(BadRequest):
        await inbound(part(b""), headers=[(b"content-length", length)]).body(3)


async def test_refuses_two_lengths() -> None:
    twice = [(b"content-length", b"3")] * 2
    with pytest.raises(BadRequest):
        await inbound(part(b"abc"), headers=twice).body(3)


@pytest.mark.parametrize(
    "parts", [[part(b"abcd")], [part(b"ab", more=True), part(b"cd", more=True)]]
)
async def test_stops_reading_at_the_limit(parts: Iterable[dict[str, Any]]) -> None:
    with pytest.raises(ContentTooLarge):
        await inbound(*parts).body(3)


async def test_gives_a_body_its_time_and_no_more() -> None:
    ask = AsgiInbound(scope(), receiving(part(b"a", more=True)), body_timeout=0.05)
    with pytest.raises(RequestTimeout):
        await ask.body(3)


async def test_says_when_the_client_leaves_before_the_end_of_the_body() -> None:
    with pytest.raises(ClientLeft):
        await inbound(part(b"a", more=True), DISCONNECT).body(3)


async def test_waits_for_the_client_to_leave() -> None:
    await inbound(part(b""), part(b"", more=True), DISCONNECT).left()


async def test_tells_whoever_asked_that_the_client_has_left() -> None:
    gone = Gone()
    inbound(part(b""), DISCONNECT).on_leave(gone)
    await asyncio.wait_for(gone.told.wait(), 1)


async def test_tells_nobody_who_wants_to_know_no_more_and_leaves_no_task() -> None:
    ask, gone = inbound(part(b""), DISCONNECT), Gone()
    before = asyncio.all_tasks()
    ask.on_leave(gone)
    ask.on_leave(None)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    assert not gone.told.is_set()


async def test_a_body_that_is_repeated_does_not_hold_the_loop() -> None:
    async def receive() -> dict[str, Any]:
        return part(b"again")

    waiting = asyncio.create_task(AsgiInbound(scope(), receive).left())
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


# The answer


async def test_says_the_answer_in_asgi() -> None:
    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    answer = AsgiOutbound(send)
    assert not answer.started
    await answer.start(200, [(b"a", b"b")])
    assert answer.started
    await answer.chunk(b"one")
    await answer.end()
    assert said == [
        {"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]},
        {"type": "http.response.body", "body": b"one", "more_body": True},
        {"type": "http.response.body", "body": b"", "more_body": False},
    ]


async def test_nothing_follows_a_cut() -> None:
    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    answer = AsgiOutbound(send)
    await answer.start(200, [])
    await answer.cut()
    assert answer.was_cut
    for more in (lambda: answer.chunk(b"x"), answer.end):
        with pytest.raises(RuntimeError):
            await more()
    assert [message["type"] for message in said] == ["http.response.start", "http.response.body"]


async def test_a_server_that_closes_by_itself_is_told_nothing_of_a_cut() -> None:
    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    answer = AsgiOutbound(send, closes_unended=True)
    await answer.start(200, [])
    await answer.cut()
    answer.raise_if_cut()
    assert len(said) == 1


async def test_says_when_the_server_finds_the_client_gone() -> None:
    async def send(message: Any) -> None:
        raise OSError("gone")

    with pytest.raises(ClientLeft):
        await AsgiOutbound(send).start(200, [])


# Behind uvicorn


@pytest.mark.parametrize("http", ["httptools", "h11"])
@pytest.mark.parametrize("length", [None, b"100"], ids=["chunked", "length"])
async def test_a_cut_answer_looks_cut(http: str, length: bytes | None) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        answer = AsgiOutbound(send)
        await answer.start(200, [(b"content-length", length)] if length else [])
        await answer.chunk(b"half")
        await answer.cut()

    async with serving(app, http=http, lifespan="off") as url, httpx.AsyncClient() as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(url)


@pytest.mark.parametrize("http", ["httptools", "h11"])
@pytest.mark.parametrize("leave", ["close", "reset"])
async def test_notices_a_client_that_leaves_while_it_waits(http: str, leave: str) -> None:
    noticed = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        ask, answer = AsgiInbound(scope, receive), AsgiOutbound(send)
        assert await ask.body(10) == b"hello"
        await answer.start(200, [])
        await answer.chunk(b"first")
        await ask.left()
        noticed.set()

    async with serving(app, http=http, lifespan="off") as url, connected(url) as peer:
        await peer.send(raw_request("POST", "/", body=b"hello"))
        await peer.until(b"first")
        getattr(peer, leave)()
        async with asyncio.timeout(1):
            await noticed.wait()


async def test_notices_a_client_that_leaves_before_its_body_ends() -> None:
    reading, noticed = asyncio.Event(), asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        reading.set()
        with pytest.raises(ClientLeft):
            await AsgiInbound(scope, receive).body(10)
        noticed.set()

    async with serving(app, lifespan="off") as url, connected(url) as peer:
        await peer.send(raw_request("POST", "/", [b"Content-Length: 5"]) + b"he")
        async with asyncio.timeout(1):
            await reading.wait()
            peer.close()
            await noticed.wait()


@pytest.mark.parametrize("root_path", ["", "/outer"])
async def test_reads_the_raw_path_under_starlettes_mounts(root_path: str) -> None:
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(AsgiInbound(scope, receive).raw_path)
        answer = AsgiOutbound(send)
        await answer.start(204, [])
        await answer.end()

    host = Starlette(routes=[Mount("/v1", routes=[Mount("/ai", app)])])
    async with serving(host, root_path=root_path) as url:
        for target in ("/v1/ai/agents/a%2Fb", "/v1/ai/", "/v1/ai/v1/ai"):
            assert (await wire(url, raw_request("GET", target))).status == 204
    assert seen == ["/agents/a%2Fb", "/", "/v1/ai"]


# A body as it comes


async def test_gives_a_body_as_it_comes() -> None:
    ask = inbound(part(b"ab", more=True), part(b"", more=True), part(b"cd"))
    assert [chunk async for chunk in ask.chunks(4)] == [b"ab", b"cd"]


@pytest.mark.parametrize("headers", [[], [(b"content-length", b"4")]])
async def test_of_one_beyond_the_limit_it_gives_what_is_within(
    headers: list[tuple[bytes, bytes]],
) -> None:
    ask = inbound(part(b"ab", more=True), part(b"cd"), headers=headers)
    got: list[bytes] = []
    with pytest.raises(ContentTooLarge):
        await read_into(got, ask.chunks(3))
    assert got == ([] if headers else [b"ab"])


async def read_into(got: list[bytes], chunks: AsyncIterator[bytes]) -> None:
    async for chunk in chunks:
        got += [chunk]


async def test_each_piece_has_its_time() -> None:
    ask = AsgiInbound(scope(), receiving(part(b"a", more=True)), body_timeout=0.05)
    with pytest.raises(RequestTimeout):
        assert [chunk async for chunk in ask.chunks(3)] == [b"a"]


async def test_who_reads_the_body_hears_first_that_the_client_has_left() -> None:
    ask = inbound(part(b"a", more=True), DISCONNECT, DISCONNECT)
    watching = asyncio.create_task(ask.left())
    chunks = ask.chunks(3)
    assert await anext(chunks) == b"a"
    await asyncio.sleep(0)
    assert not watching.done()
    with pytest.raises(ClientLeft):
        await anext(chunks)
    await asyncio.wait_for(watching, 1)


async def test_where_nobody_reads_on_the_watcher_does() -> None:
    ask = inbound(part(b"a", more=True), part(b"b", more=True), DISCONNECT)
    chunks = ask.chunks(3)
    assert await anext(chunks) == b"a"
    watching = asyncio.create_task(ask.left())
    await asyncio.sleep(0)
    assert not watching.done()
    await chunks.aclose()
    await asyncio.wait_for(watching, 1)
