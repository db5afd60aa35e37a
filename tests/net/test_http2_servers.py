"""HTTP/2 with servers that are not ours: nginx, HAProxy and Envoy, each before a vendor.

They end connections as they do in service: nginx after `keepalive_requests`, Envoy after
`max_requests_per_connection`, each by GOAWAY and in the midst of other requests. Envoy is told to
remember no fields, and ends the connection of whoever does not say that they have understood.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from gateway.core.request.plan import VendorRequest
from gateway.net.http2.transport import Http2Transport
from gateway.net.upstream.dial import verifying_context
from tests.net.wires import ask
from tests.support import config
from tests.support.chatbase import Chatbase
from tests.support.proxies import PROXIES, in_front
from tests.support.reply import Reply
from tests.support.stage import Stage, adding, gateway_of
from tests.support.tokens import Issuer
from tests.support.vendor import Handler, RecordingVendor, Request
from tests.support.wire import connected

pytestmark = pytest.mark.anyio

LIVES = ("/livez", "/readyz")  # what is asked until the proxy answers, and of its health
POST = VendorRequest("POST", "/echo", ((b"content-type", b"text/plain"),), b"hello")
EDITS = {
    "nginx": (("access_log off;", "access_log off; keepalive_requests 20;"),),
    "haproxy": (),
    "envoy": (
        (
            "use_remote_address: true",
            "use_remote_address: true\n"
            "                common_http_protocol_options: { max_requests_per_connection: 20 }\n"
            "                http2_protocol_options: { hpack_table_size: 0 }",
        ),
    ),
}


@pytest.fixture(params=sorted(PROXIES))
def front(request) -> str:
    return request.param


@asynccontextmanager
async def before(
    name: str, folder: Path, vendor: RecordingVendor
) -> AsyncIterator[tuple[str, ssl.SSLContext]]:
    """Where a proxy of this name stands before the vendor, and what trusts it."""
    handler = vendor.handler

    async def answer(request: Request, reply: Reply) -> None:
        await (reply.json(200, {}) if request.target in LIVES else handler(request, reply))

    vendor.handler = answer
    proxy = replace(PROXIES[name], edits=(*PROXIES[name].edits, *EDITS[name]))
    async with in_front(name, vendor.url, folder, proxy) as one:
        one.ssl.set_alpn_protocols(["h2"])
        yield one.url, one.ssl


@asynccontextmanager
async def transport_to(name: str, folder: Path, handler: Handler) -> AsyncIterator[Http2Transport]:
    async with RecordingVendor(handler) as vendor, before(name, folder, vendor) as (url, context):
        transport = Http2Transport(origin=url, ssl_context=context)
        try:
            yield transport
        finally:
            await transport.aclose()


async def echo(request: Request, reply: Reply) -> None:
    await reply.head(200, [("content-length", str(len(request.body)))])
    await reply.raw(request.body)


async def test_every_request_has_its_own_answer_though_connections_are_ended(front, tmp_path):
    async def one(transport: Http2Transport, number: int) -> None:
        content = b"%d" % number * (number % 7 * 1000 + 1)
        assert await ask(transport, structs.replace(POST, content=content)) == content

    async with transport_to(front, tmp_path, echo) as transport:
        for start in range(0, 400, 40):
            await asyncio.gather(*(one(transport, start + number) for number in range(40)))


async def test_a_large_request_and_a_large_answer_arrive_whole(front, tmp_path):
    content = bytes(range(256)) * 3900  # just below what the configurations let by

    async def pieces():
        for start in range(0, len(content), 10_000):
            yield content[start : start + 10_000]

    async with transport_to(front, tmp_path, echo) as transport:
        assert await ask(transport, structs.replace(POST, content=content)) == content
        assert await ask(transport, structs.replace(POST, stream=pieces())) == content


async def test_a_stream_comes_as_it_is_sent_and_ends_when_whoever_asked_leaves(front, tmp_path):
    left = asyncio.Event()

    async def endless(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        try:
            for number in range(1_000_000):
                await reply.event(f"{number}")
                await asyncio.sleep(0.01)
        finally:
            left.set()

    async with transport_to(front, tmp_path, endless) as transport:
        async with transport.open(POST) as response:
            came = b""
            async for chunk in response.chunks():
                came += chunk
                if came.count(b"\n\n") > 5:
                    break
        assert came.startswith(b"data: 0\n\ndata: 1\n\n")
        await asyncio.wait_for(left.wait(), 10)


async def test_a_chat_goes_through_the_whole_gateway(front, tmp_path, monkeypatch):
    """With what the system trusts, as a vendor is reached."""
    issuer, vendor = Issuer(), Chatbase()
    async with vendor, before(front, tmp_path, vendor) as (url, context):
        trusted = tmp_path / "authority.pem"
        systems = ssl.create_default_context().get_ca_certs(True)
        (own,) = set(context.get_ca_certs(True)) - set(systems)
        trusted.write_text(ssl.DER_cert_to_PEM_cert(own))
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        verifying_context.cache_clear()
        text = config.chatbase(url, issuer, store=tmp_path / "gateway.db")
        text = adding("upstreams.support", "http2 = true")(text)
        async with gateway_of(text, tmp_path) as (gateway, base):
            path = "/support/api/v2/agents/agent_1"
            stage = Stage(vendor, gateway, issuer, base, path)
            said = {"message": "hi", "stream": False, "userId": "bob"}
            answer = await stage.ask("alice", "POST", "/chat", said)
            assert answer.status == 200, answer.raw
            (request,) = [one for one in vendor.requests if one.target.endswith("/chat")]
            assert request.values("x-external-user-id") == ["alice"]
            assert json.loads(request.body)["userId"] == "alice"
            assert request.values("authorization") == ["Bearer cb-key"]
            async with connected(stage.url) as peer:
                said = {"message": "hi", "stream": True}
                await peer.send(stage.request("alice", "POST", "/chat", said))
                streamed = await peer.answer()
            assert streamed.complete
            assert b"text-delta" in streamed.body
    verifying_context.cache_clear()
