"""What stands before vendors with `--stage=http2`: it records and answers as they do, over HTTP/2.

The client here is the product's own, as it is in every test that is run so.
"""

import asyncio
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.core.errors import UpstreamBrokeOff, UpstreamMalformed
from gateway.core.request.plan import VendorRequest
from gateway.net.http2.stream import WINDOW
from gateway.net.http2.transport import Http2Transport
from gateway.net.upstream.http1 import Http1Transport, render
from tests.support import config, over_http2
from tests.support.chatbase import Chatbase
from tests.support.http2_front import GOODBYE_AFTER, Front
from tests.support.reply import Reply
from tests.support.stage import Stage, gateway_of
from tests.support.tokens import Issuer
from tests.support.vendor import Handler, RecordingVendor, Request

pytestmark = pytest.mark.anyio

GET = VendorRequest("GET", "/a?b=%2f", ((b"accept", b"*/*"),), None)
POST = VendorRequest("POST", "/a", ((b"x-b", b"2"), (b"cookie", b"a"), (b"cookie", b"b")), b"abc")
Body = Callable[[], AsyncIterator[bytes]]


@pytest.fixture(autouse=True)
def _trusting() -> Any:
    with over_http2.trusted():
        yield


@asynccontextmanager
async def asked(
    handler: Handler, kind: type[Http1Transport] | type[Http2Transport] = Http2Transport
) -> AsyncIterator[tuple[RecordingVendor, Any]]:
    """A vendor, and what leads to its front."""
    async with RecordingVendor(handler) as vendor, Front("127.0.0.1", vendor.port) as front:
        transport = kind(origin=f"https://{front.own_authority}")
        try:
            yield vendor, transport
        finally:
            await transport.aclose()


async def answered(transport: Any, request: VendorRequest) -> tuple[int, Any, bytes]:
    async with transport.open(request) as response:
        body = b"".join([chunk async for chunk in response.chunks()])
        return response.status, tuple(response.fields), body


async def echo(request: Request, reply: Reply) -> None:
    await reply.head(200, [("X-A", "1"), ("x-a", "2"), ("Content-Length", str(len(request.body)))])
    await reply.raw(request.body)


@pytest.mark.parametrize("kind", [Http1Transport, Http2Transport])
async def test_the_vendor_records_what_it_would_have_recorded_without_it(kind: Any) -> None:
    async with asked(echo, kind) as (vendor, transport):
        assert vendor.saw_nothing()
        for request in (POST, GET, replace(POST, content=b"")):
            status, _, body = await answered(transport, request)
            assert (status, body) == (200, request.content or b"")
        authority = transport.authority
        if kind is Http2Transport:
            authority = f"127.0.0.1:{vendor.port}"
            assert [one.connection for one in vendor.requests] == [1, 2, 3]
            assert vendor.carriers == [1, 1, 1]
            assert vendor.configured_url == f"https://{transport.authority}"
        wanted = [render(one, authority) for one in (POST, GET, replace(POST, content=b""))]
        assert [one.raw for one in vendor.requests] == wanted
        assert not vendor.saw_nothing()
        vendor.forget()
        assert vendor.saw_nothing()


async def test_what_only_the_front_has_seen_was_seen() -> None:
    """Else a refusal that came too late would pass for one that came in time."""
    async with RecordingVendor() as vendor, Front("127.0.0.1", vendor.port) as front:
        host, port = front.own_authority.split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        assert not vendor.saw_nothing()
        async with asyncio.timeout(10):
            while not front.came:  # noqa: ASYNC110 - the loop tells nobody else
                await asyncio.sleep(0.01)
        assert not vendor.saw_nothing()
        writer.close()
        await writer.wait_closed()


async def test_a_large_content_and_a_stream_arrive_whole() -> None:
    content = bytes(range(256)) * 4000

    async def pieces() -> Any:
        for start in range(0, len(content), 50_000):
            yield content[start : start + 50_000]

    async with asked(echo) as (vendor, transport):
        for request in (replace(POST, content=content), replace(POST, stream=pieces())):
            assert (await answered(transport, request))[2] == content
            assert vendor.requests[-1].body == content
        assert vendor.requests[-1].values("transfer-encoding") == ["chunked"]


async def test_an_answer_comes_as_the_vendor_gave_it_without_its_framing() -> None:
    async def script(request: Request, reply: Reply) -> None:
        await reply.raw(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n")
        await reply.head(
            207,
            [("Set-Cookie", "a=1"), ("set-cookie", "b=2"), ("Transfer-Encoding", "chunked")],
        )
        await reply.chunk(b"abc")
        await reply.raw(b"3;x=y\r\ndef\r\n0\r\nset-cookie: c=3\r\n\r\n")

    async with asked(script) as (_, transport):
        fields = ((b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"))
        assert await answered(transport, GET) == (207, fields, b"abcdef")


@pytest.mark.parametrize(
    ("framing", "error"),
    [
        ([("content-length", "9")], UpstreamBrokeOff),
        ([("transfer-encoding", "chunked")], UpstreamBrokeOff),
        ([("x ", "1")], UpstreamBrokeOff),  # no field
        ([("x y", "1")], UpstreamMalformed),  # one, and the gateway's to judge
        ([], None),  # the end of the connection is the end of the answer
    ],
)
async def test_a_cut_is_a_cut(framing: list[tuple[str, str]], error: Any) -> None:
    async def script(request: Request, reply: Reply) -> None:
        await reply.head(200, framing)
        await reply.raw(b"2\r\nab\r\n")
        reply.close()

    async with asked(script) as (_, transport):
        if error is None:
            assert (await answered(transport, POST))[2] == b"2\r\nab\r\n"
            return
        with pytest.raises(error):
            await answered(transport, POST)


async def test_it_says_goodbye_in_the_midst_of_many_and_the_vendor_hears_each_once() -> None:
    each = [replace(POST, content=b"%d" % number) for number in range(5 * GOODBYE_AFTER)]
    async with asked(echo) as (vendor, transport):
        for start in range(0, len(each), 40):
            some = each[start : start + 40]
            answers = await asyncio.gather(*(answered(transport, one) for one in some))
            assert [body for _, _, body in answers] == [one.content for one in some]
        assert sorted(one.body for one in vendor.requests) == sorted(one.content for one in each)


async def test_the_vendor_hears_of_whoever_leaves() -> None:
    async def endless(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.event("a")
        await reply.hang()

    async with asked(endless) as (vendor, transport):
        async with transport.open(POST) as response:
            assert await anext(response.chunks()) == b"data: a\n\n"
            assert vendor.open_connections() == 1
        await vendor.connection_closed(1)


async def test_the_vendor_waits_for_whoever_does_not_read() -> None:
    async def script(request: Request, reply: Reply) -> None:
        replies.append(reply)
        await reply.head(200)
        for _ in range(1000):
            await reply.raw(b"x" * 65_536)

    replies: list[Reply] = []
    async with asked(script) as (vendor, transport), transport.open(GET) as response:
        await vendor.request_arrived()
        sent = -1
        while sent != replies[0].sent:  # until it stands
            sent = replies[0].sent
            await asyncio.sleep(0.2)
        assert WINDOW < sent < 16 * 2**20
        assert await anext(response.chunks())


async def test_a_stage_asks_its_vendor_over_http_2_and_by_no_other_way(tmp_path: Path) -> None:
    issuer = Issuer()
    async with Chatbase() as vendor:
        text = config.chatbase(vendor.url, issuer, store=tmp_path / "gateway.db")
        async with over_http2.fronted(text) as changed:
            upstream = tomllib.loads(changed)["upstreams"]["support"]
            assert upstream["http2"] is True
            assert upstream["base_url"].startswith("https://127.0.0.1:")
            assert vendor.url not in changed
            async with gateway_of(changed, tmp_path) as (gateway, url):
                stage = Stage(vendor, gateway, issuer, url, "/support/api/v2/agents/agent_1")
                answer = await stage.ask("alice", "POST", "/chat", {"message": "hi"})
                assert answer.status == 200, answer.raw
                assert vendor.requests[0].json()["userId"] == "alice"


async def test_every_upstream_here_is_asked_so_and_none_elsewhere() -> None:
    text = (
        '[upstreams.a]\nvendor = "chatbase"\nbase_url = "http://127.0.0.1:1024/v1"\n'
        '[upstreams.b]\nbase_url = "http://127.0.0.1:1024"\n'
        '[upstreams.c]\nbase_url = "http://127.0.0.1:1025"\n'
        '[upstreams.d]\nbase_url = "app:"\n'
        '[upstreams]\ne = { vendor = "chatbase", base_url = "http://127.0.0.1:1025/x" }\n'
        '[upstreams.f]\nbase_url = "https://vendor.example"\n'
        '[upstreams.g]\nbase_url = "http://127.0.0.1:9/away"\n'
        '[upstreams.h]\nbase_url = "http://localhost:1026"\n'
    )
    async with over_http2.fronted(text) as changed:
        found = tomllib.loads(changed.replace("[upstreams]\ne =", "[other]\ne ="))
    urls = {**found["upstreams"], **found["other"]}
    assert {name for name, one in urls.items() if one.get("http2")} == set("abcegh")
    assert urls["a"]["base_url"] == urls["b"]["base_url"] + "/v1"
    assert urls["c"]["base_url"] != urls["b"]["base_url"]
    assert urls["e"]["base_url"] == urls["c"]["base_url"] + "/x"
    assert urls["g"]["base_url"] == "https://127.0.0.1:9/away"
    assert urls["h"]["base_url"].startswith("https://localhost:")
    assert urls["f"] == {"base_url": "https://vendor.example"}
