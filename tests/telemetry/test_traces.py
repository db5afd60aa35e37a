"""Exchanges as a collector sees them: real sockets, real protobuf, by either entry."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from opentelemetry import trace as of_the_process
from starlette.applications import Starlette

from gateway.middleware import GatewayMiddleware
from gateway.telemetry import collector as sending
from tests.net.process.test_workers import until, workers
from tests.support import entries
from tests.support.chatbase import Chatbase
from tests.support.collector import Collector, Span
from tests.support.hosts import bearer, chat, configured
from tests.support.reply import Reply
from tests.support.serve import serving
from tests.support.sockets import socket_stage
from tests.support.stage import Edit, Stage, adding, anthropic_stage, chatbase_stage
from tests.support.tokens import Issuer
from tests.support.vendor import Request
from tests.support.wire import connected, raw_request, wire

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.one_process("the time between two batches is shortened in the test's own"),
]
HI = {"message": "hi", "stream": False}
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture(params=["own entry", "asgi"])
def entry(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "ASGI", request.param == "asgi")


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "INTERVAL", 0.02)


@dataclass(frozen=True)
class Traced:
    stage: Stage[Chatbase]
    collector: Collector

    async def chat(self, *fields: tuple[str, str], body: object = HI) -> int:
        return (await self.stage.ask("alice", "POST", "/chat", body, fields)).status

    async def server(self, count: int = 1) -> Span:
        """The one span of a server among so many."""
        first, *_ = await self.collector.spans(count)
        assert first.kind == "server"
        return first


@asynccontextmanager
async def traced(
    folder: Path, edit: Edit = str, *, traces: str = "", proxies: str = "[]"
) -> AsyncIterator[Traced]:
    async with Collector() as collector:
        table = f'[traces]\nendpoint = "{collector.url}"\n{traces}\n'
        head = f"server.trusted_proxies = {proxies}\n"

        async with chatbase_stage(folder, lambda text: head + edit(text) + table) as stage:
            yield Traced(stage, collector)


@pytest.fixture
async def here(entry: None, tmp_path: Path) -> AsyncIterator[Traced]:
    async with traced(tmp_path) as built:
        yield built


async def test_an_exchange_is_a_span_and_the_call_of_its_vendor_one_below(here: Traced) -> None:
    before = time.time()
    answer = await here.stage.ask("alice", "POST", "/chat", HI)
    after = time.time()
    conversation = answer.json()["data"]["metadata"]["conversationId"]
    server, client = await here.collector.spans(2)
    hashed = server.attributes.pop("user.hash")
    assert len(hashed) == 26
    assert server.attributes == {
        "http.request.method": "POST",
        "http.route": "chat",
        "http.response.status_code": 200,
        "gateway.org": "default",
        "gateway.upstream": "support",
        "gateway.request_id": answer.values("x-request-id")[0],
        "gen_ai.conversation.id": conversation,
    }
    assert here.stage.gateway is not None
    base_url = here.stage.gateway.settings.orgs["default"].upstreams["support"].base_url
    host, port = base_url.partition("://")[2].split(":")
    assert client.attributes == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "server.address": host,
        "server.port": int(port),
        "gateway.org": "default",
        "gateway.upstream": "support",
        "gen_ai.conversation.id": conversation,
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "chatbase",
    }
    assert [one.name for one in (server, client)] == ["POST chat", "POST chat"]
    assert [one.kind for one in (server, client)] == ["server", "client"]
    assert (server.parent, client.parent) == ("", server.span_id)
    assert server.trace_id == client.trace_id
    assert not server.failed
    assert not client.failed
    assert before - 0.05 < server.began <= client.began < client.ended <= server.ended + 0.001
    assert server.ended < after + 0.05
    assert server.resource["service.name"] == "gateway"
    assert here.stage.vendor.requests[0].values("traceparent") == []


async def test_one_person_has_one_hash_and_another_another(here: Traced) -> None:
    for who in ("alice", "bob", "alice"):
        await here.stage.ask(who, "POST", "/chat", HI)
    spans = await here.collector.spans(6)
    one, other, again = (span.attributes["user.hash"] for span in spans[:3])
    assert one == again != other


async def test_a_refusal_is_a_span_without_a_call(here: Traced) -> None:
    assert (await here.stage.ask(None, "POST", "/chat", HI)).status == 401
    (server,) = await here.collector.spans(1)
    assert server.attributes["http.response.status_code"] == 401
    assert server.attributes["error.type"] == "credentials_missing"
    assert "user.hash" not in server.attributes
    assert not server.failed, "by the conventions, a client's mistake is none of the server's"
    assert here.stage.vendor.saw_nothing()


async def test_a_probe_has_no_span(here: Traced) -> None:
    for path in ("/livez", "/readyz"):
        assert (await wire(here.stage.url, raw_request("GET", path))).status == 200
    await here.chat()
    assert {span.name for span in await here.collector.spans(2)} == {"POST chat"}


async def test_the_span_of_a_stream_ends_with_the_stream(here: Traced) -> None:
    rest = asyncio.Event()

    async def in_two(request: Request, reply: Reply) -> None:
        if not request.json().get("stream", True):
            await here.stage.vendor.answer(request, reply)
            return
        await reply.start_stream()
        await reply.event({"type": "text-delta", "delta": "a"})
        await rest.wait()
        await reply.event({"type": "text-delta", "delta": "b"})
        await reply.end()

    here.stage.vendor.handler = in_two
    async with connected(here.stage.url) as peer:
        await peer.send(here.stage.request("alice", "POST", "/chat", {"message": "hi"}))
        await peer.until(b"text-delta")
        assert await here.chat() == 200
        meanwhile, _ = await here.collector.spans(2)
        released = time.time()
        rest.set()
        assert (await peer.answer()).complete
    both = [span for span in await here.collector.spans(4) if span.trace_id != meanwhile.trace_id]
    server, client = both
    assert server.ended >= client.ended > released > server.began


@pytest.mark.parametrize("streams", [True, False], ids=["in the answer", "before it"])
async def test_a_client_that_leaves_ends_both_spans(here: Traced, streams: bool) -> None:
    async def endless(request: Request, reply: Reply) -> None:
        if streams:
            await reply.start_stream()
            await reply.event({"type": "text-delta", "delta": "x"})
        await reply.hang()

    here.stage.vendor.handler = endless
    async with connected(here.stage.url) as peer:
        await peer.send(here.stage.request("alice", "POST", "/chat", {**HI, "stream": streams}))
        await here.stage.vendor.request_arrived()
        if streams:
            await peer.until(b"text-delta")
    server, client = await here.collector.spans(2)
    assert server.attributes["gateway.interrupted"] == "client"
    assert ("http.response.status_code" in server.attributes) == streams
    assert not server.failed
    assert not client.failed
    assert "error.type" not in client.attributes


async def test_an_answer_that_breaks_off_has_failed_in_both(here: Traced) -> None:
    async def half(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.event({"type": "text-delta", "delta": "half"})
        reply.reset()

    here.stage.vendor.handler = half
    assert not (await here.stage.ask("alice", "POST", "/chat", {"message": "hi"})).complete
    spans = await here.collector.spans(2)
    assert [span.attributes["error.type"] for span in spans] == ["upstream_broke_off"] * 2
    assert [span.attributes["http.response.status_code"] for span in spans] == [200, 200]
    assert all(span.failed for span in spans)
    here.stage.vendor.failures.clear()


async def test_a_vendor_that_is_away_is_a_call_that_failed(entry: None, tmp_path: Path) -> None:
    def away(text: str) -> str:
        return text.replace("base_url = ", 'base_url = "http://127.0.0.1:9" # ')

    async with traced(tmp_path, away) as here:
        assert await here.chat() == 502
        server, client = await here.collector.spans(2)
    assert server.attributes["http.response.status_code"] == 502
    assert client.attributes["error.type"] == "upstream_unreachable"
    assert client.attributes["server.port"] == 9
    assert "http.response.status_code" not in client.attributes
    assert server.failed
    assert client.failed


async def test_where_no_connection_came_free_nobody_was_called(tmp_path: Path) -> None:
    lines = ["max_connections = 1", 'timeouts = { connect = "100ms" }']
    async with traced(tmp_path, adding("upstreams.support", *lines)) as here:

        async def hangs(request: Request, reply: Reply) -> None:
            await reply.hang()

        here.stage.vendor.handler = hangs
        async with connected(here.stage.url) as peer:
            await peer.send(here.stage.request("alice", "POST", "/chat", HI))
            await here.stage.vendor.request_arrived()
            assert await here.chat() == 503
            (server,) = await here.collector.spans(1)
    assert server.attributes["error.type"] == "overloaded"
    assert server.failed


async def test_each_try_is_a_call(tmp_path: Path) -> None:
    def edit(text: str) -> str:
        return text.replace('"cb-key"', '["cb-old", "cb-key"]')

    async with traced(tmp_path, edit) as here:
        assert await here.chat() == 200
        _, first, second = await here.collector.spans(3)
    assert first.attributes["http.response.status_code"] == 401
    assert first.attributes["error.type"] == "401"
    assert first.failed
    assert "gen_ai.operation.name" not in first.attributes
    assert second.attributes["http.response.status_code"] == 200
    assert second.attributes["gen_ai.operation.name"] == "chat"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_what_an_answer_cost_is_said_at_its_call(tmp_path: Path, stream: bool) -> None:
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    async with Collector() as collector:
        table = f'[traces]\nendpoint = "{collector.url}"\n'
        async with anthropic_stage(tmp_path, lambda text: text + table) as stage:
            answer = await stage.ask("alice", "POST", "/messages", {**body, "stream": stream})
            assert answer.status == 200
            server, client = await collector.spans(2)
    assert client.attributes["gen_ai.operation.name"] == "chat"
    assert client.attributes["gen_ai.provider.name"] == "anthropic"
    assert client.attributes["gen_ai.usage.input_tokens"] > 0
    assert client.attributes["gen_ai.usage.output_tokens"] > 0
    assert not [name for name in server.attributes if "usage" in name], "or it would count twice"


async def test_a_vendor_is_told_the_span_of_its_call(tmp_path: Path) -> None:
    async with traced(tmp_path, adding("upstreams.support", "traceparent = true")) as here:
        assert await here.chat() == 200
        _, client = await here.collector.spans(2)
        told = here.stage.vendor.requests[0].values("traceparent")
    assert told == [f"00-{client.trace_id}-{client.span_id}-01"]


PROXIES = '["127.0.0.1", "::1"]'


async def test_a_proxy_of_ours_is_the_parent(entry: None, tmp_path: Path) -> None:
    async with traced(tmp_path, proxies=PROXIES, traces="sample = 0") as here:
        assert await here.chat(("traceparent", f"00-{TRACE}-{SPAN}-01")) == 200
        server, client = await here.collector.spans(2)
    assert {server.trace_id, client.trace_id} == {TRACE}
    assert server.parent == SPAN
    assert server.links == []


async def test_what_a_proxy_does_not_sample_has_no_span_here(entry: None, tmp_path: Path) -> None:
    ask = adding("upstreams.support", "traceparent = true")
    async with traced(tmp_path, ask, proxies=PROXIES) as here:
        assert await here.chat(("traceparent", f"00-{TRACE}-{SPAN}-00")) == 200
        assert await here.chat() == 200
        server, _ = await here.collector.spans(2)
        first, _ = here.stage.vendor.requests
    assert server.trace_id != TRACE
    assert first.values("traceparent")[0].startswith(f"00-{TRACE}-")
    assert first.values("traceparent")[0].endswith("-00")


async def test_a_client_is_no_parent_and_forces_nothing(entry: None, tmp_path: Path) -> None:
    sampled = ("traceparent", f"00-{TRACE}-{SPAN}-01")
    async with traced(tmp_path) as here:
        assert await here.chat(sampled) == 200
        server, _ = await here.collector.spans(2)
    assert server.trace_id != TRACE
    assert server.parent == ""
    assert server.links == [(TRACE, SPAN)]
    async with traced(tmp_path, traces="sample = 0.0") as here:
        for _ in range(5):
            assert await here.chat(sampled) == 200
    assert here.collector.requests == []


async def test_what_is_no_trace_is_ignored(here: Traced) -> None:
    assert await here.chat(("traceparent", f"00-{TRACE}-{SPAN}-01-victim")) == 200
    server, _ = await here.collector.spans(2)
    assert server.links == []


@pytest.mark.parametrize(("user", "told"), [("id", {"user.id": "alice"}), ("none", {})])
async def test_how_people_are_named_is_for_the_operator_to_say(
    user: str, told: dict[str, str], tmp_path: Path
) -> None:
    async with traced(tmp_path, traces=f'user = "{user}"') as here:
        assert await here.chat() == 200
        server = await here.server(2)
    assert {name: text for name, text in server.attributes.items() if "user" in name} == told


async def test_headers_go_to_the_collector(tmp_path: Path) -> None:
    async with traced(tmp_path, traces='headers = { X-Team = "a team" }') as here:
        assert await here.chat() == 200
        await here.collector.spans(2)
    assert here.collector.requests[0].values("x-team") == ["a team"]


async def test_a_websocket_is_one_span_with_one_call(entry: None, tmp_path: Path) -> None:
    async with Collector() as collector:
        table = f'[traces]\nendpoint = "{collector.url}"\n'
        async with socket_stage(tmp_path, lambda text: text + table) as stage:
            async with stage.connect("alice") as alice:
                await alice.send(json.dumps({"type": "response.create"}))
                await alice.recv()
                assert collector.requests == []
            server, client = await collector.spans(2)
    assert [one.name for one in (server, client)] == ["GET realtime"] * 2
    assert server.attributes["http.response.status_code"] == 101
    assert client.attributes["gen_ai.operation.name"] == "chat"
    assert client.parent == server.span_id
    assert server.began <= client.began < client.ended <= server.ended + 0.001


async def test_a_handshake_that_is_refused_is_a_span_without_a_call(tmp_path: Path) -> None:
    async with Collector() as collector:
        table = f'[traces]\nendpoint = "{collector.url}"\n'
        async with socket_stage(tmp_path, lambda text: text + table) as stage:
            with pytest.raises(Exception, match="401"):
                async with stage.connect(None):
                    pass
            (server,) = await collector.spans(1)
            assert stage.vendor.handshakes == []
    assert server.attributes["error.type"] == "credentials_missing"


async def test_what_has_not_gone_at_the_end_goes_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "INTERVAL", 3600.0)
    async with traced(tmp_path) as here:
        assert await here.chat() == 200
        assert here.collector.requests == []
        assert here.stage.gateway is not None
        await here.stage.gateway.aclose()
        assert len(here.collector.seen()) == 2


@pytest.mark.slow
async def test_each_worker_sends_what_it_served_and_the_rest_when_it_ends(tmp_path: Path) -> None:
    asked = 0
    async with Collector() as collector, AsyncExitStack() as held:
        table = f'\n[traces]\nendpoint = "{collector.url}"\n'
        with ExitStack() as stack:
            served = await asyncio.to_thread(stack.enter_context, workers(tmp_path, more=table))
            await asyncio.to_thread(until, lambda: served.log.read_text().count("listening on") > 1)
            async with asyncio.timeout(60):
                while len(instances(collector)) < 2:  # each connection is kept: each has its share
                    url = f"http://127.0.0.1:{served.port}"
                    peer = await held.enter_async_context(connected(url))
                    await peer.send(raw_request("GET", "/nothing/here"))
                    assert (await peer.answer()).status == 404
                    asked += 1
            await held.aclose()
            served.process.terminate()
            assert await asyncio.to_thread(served.ends) == 0
        assert len(collector.seen()) == asked
    assert '"fault"' not in served.log.read_text()


def instances(collector: Collector) -> set[str]:
    """The processes of which spans have come."""
    return {span.resource["service.instance.id"] for span in collector.seen()}


async def test_in_an_application_its_own_traces_stay_its_own(tmp_path: Path) -> None:
    before = of_the_process.get_tracer_provider()
    issuer = Issuer()
    async with Collector() as collector, Chatbase() as vendor:
        config = configured(
            vendor, issuer, tmp_path / "gateway.db", traces={"endpoint": collector.url}
        )
        app = Starlette()
        app.add_middleware(GatewayMiddleware, config=config, prefix="/ai")
        async with serving(app) as url:
            assert (await wire(url, chat(bearer(issuer, "alice")))).status == 200
            server, _ = await collector.spans(2)
    assert server.name == "POST chat"
    assert of_the_process.get_tracer_provider() is before


def test_off_none_of_it_is_imported(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys\n"
        "from gateway.app import Gateway\n"
        "config = {'store': {'url': 'sqlite:///%s/gateway.db'},\n"
        "  'sign_in': {'issuer': 'https://id.example/', 'audience': 'chat', 'secret': 'k' * 9\n"
        "    + '0123456789abcdefghijklmnop'},\n"
        "  'upstreams': {'support': {'vendor': 'chatbase', 'key': 'k', 'agent': 'a',\n"
        "    'traceparent': True}}}\n"
        "async def run():\n"
        "    gateway = Gateway.from_dict(config)\n"
        "    await gateway.open()\n"
        "    await gateway.aclose()\n"
        "asyncio.run(run())\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry', 'requests'))])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code % tmp_path], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
