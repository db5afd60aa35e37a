"""Http1Transport over real sockets: what is sent, what comes back, and which connection carries it.

Connections are counted at the vendor: a client that never reuses one fails in no other way.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from gateway.core.errors import UpstreamBrokeOff, UpstreamMalformed
from gateway.core.plan import VendorRequest
from gateway.net.http1 import Http1Transport, render
from tests.support.reply import Reply
from tests.support.vendor import RecordingVendor, Request

pytestmark = pytest.mark.anyio

GET = VendorRequest("GET", "/a?b=c", ((b"accept", b"*/*"),), None)
POST = VendorRequest("POST", "/a", ((b"x-a", b"1"), (b"x-b", b"2")), b'{"a":1}')


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request):
    return "asyncio", {"use_uvloop": request.param}


@asynccontextmanager
async def transport_to(vendor: RecordingVendor, **settings) -> AsyncIterator[Http1Transport]:
    transport = Http1Transport(origin=vendor.url, **settings)
    try:
        yield transport
    finally:
        await transport.aclose()
        assert transport.open_connections == transport.idle_connections == transport.waiting == 0


async def ask(transport: Http1Transport, request: VendorRequest = GET) -> bytes:
    async with transport.open(request) as response:
        return b"".join([chunk async for chunk in response.chunks()])


def saying(raw: bytes, *, then_close: bool = False):
    """A handler that sends these bytes."""

    async def handler(request: Request, reply: Reply) -> None:
        await reply.raw(raw)
        if then_close:
            reply.close()

    return handler


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"


# What is sent


def test_renders_host_then_the_fields_in_order_then_the_length():
    assert render(POST, "vendor.example") == (
        b"POST /a HTTP/1.1\r\nhost: vendor.example\r\nx-a: 1\r\nx-b: 2\r\n"
        b'content-length: 7\r\n\r\n{"a":1}'
    )
    assert render(GET, "v:8080") == b"GET /a?b=c HTTP/1.1\r\nhost: v:8080\r\naccept: */*\r\n\r\n"


@pytest.mark.parametrize(
    ("method", "length"),
    [("POST", True), ("PUT", True), ("PATCH", True), ("GET", False), ("DELETE", False)],
)
def test_says_that_there_is_no_content_where_some_is_expected(method, length):
    sent = render(replace(GET, method=method), "v")
    assert (b"\r\ncontent-length: 0\r\n\r\n" in sent) is length


@pytest.mark.parametrize(
    "request_",
    [
        *(
            pytest.param(replace(GET, target=target), id=f"S-19 target {target!r}")
            for target in (
                "",
                "a",
                "*",
                "http://evil/",
                "/a b",
                "/a\r\nx: y",
                "/a#b",
                "/\u00e9",
                "/\x7f",
            )
        ),
        *(
            pytest.param(replace(GET, method=method), id=f"S-21 method {method!r}")
            for method in ("", "get", "GET /x HTTP/1.1\r\nx:", "G T", "GET\n")
        ),
        *(
            pytest.param(replace(GET, fields=((b"a", value),)), id=f"S-30 value {value!r}")
            for value in (b"b\r\nc: d", b"b\nc: d", b"b\rc", b"b\0c")
        ),
        pytest.param(replace(GET, fields=((b"a\r\nb", b"c"),)), id="S-30 name"),
        *(
            pytest.param(replace(GET, fields=((name, b"1"),)), id=f"ME-10 {name!r}")
            for name in (b"host", b"content-length", b"transfer-encoding", b"connection", b"expect")
        ),
    ],
)
def test_never_sends_a_request_that_is_another_one_on_the_wire(request_):
    with pytest.raises(ValueError, match=r"request"):
        render(request_, "v")


async def test_the_vendor_gets_exactly_what_render_shows():
    async with RecordingVendor() as vendor, transport_to(vendor) as transport:
        for request in (POST, GET, replace(POST, content=b"x" * 300_000)):
            await ask(transport, request)
            assert vendor.requests[-1].raw == render(request, transport.authority)
        assert len(vendor.connections) == 1
