"""What a vendor hears of traces: on sockets, by either entry."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.cli.explain import explained, sent, typed
from gateway.core.formats.traceparent import TraceParent, read
from tests.support import entries, replicas
from tests.support.chatbase import Chatbase
from tests.support.reply import Reply
from tests.support.sockets import socket_stage
from tests.support.stage import Stage, adding, chatbase_stage
from tests.support.vendor import Request, answer_ok
from tests.support.wire import raw_request, wire

pytestmark = pytest.mark.anyio
HI = {"message": "hi", "stream": False}
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
OFFERED = ("traceparent", f"00-{TRACE}-{SPAN}-00")
BESIDE = [("tracestate", "rojo=00f067aa0ba902b7"), ("baggage", "user=victim")]
ASKS = adding("upstreams.support", "traceparent = true")
FROM_A_PROXY = 'server.trusted_proxies = ["127.0.0.1", "::1"]\n'


@pytest.fixture(params=["own entry", "asgi"])
def entry(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not replicas.WANTED:
        monkeypatch.setattr(entries, "ASGI", request.param == "asgi")


@pytest.fixture
async def asking(entry: None, tmp_path: Path) -> AsyncIterator[Stage[Chatbase]]:
    """Its vendor asks for `traceparent`, and no proxy is believed."""
    async with chatbase_stage(tmp_path, ASKS) as built:
        yield built


@pytest.fixture
async def behind(entry: None, tmp_path: Path) -> AsyncIterator[Stage[Chatbase]]:
    """The same, where clients come by a proxy that is believed."""
    async with chatbase_stage(tmp_path, lambda text: FROM_A_PROXY + ASKS(text)) as built:
        yield built


def heard(request: Request) -> TraceParent:
    """The one `traceparent` a vendor got, and nothing else about traces."""
    (value,) = request.values("traceparent")
    said = read([(b"traceparent", value.encode())])
    assert said is not None
    assert not request.values("tracestate")
    assert not request.values("baggage")
    return said


async def test_what_a_proxy_of_ours_began_goes_on_below_our_own_span(
    behind: Stage[Chatbase],
) -> None:
    answer = await behind.ask("alice", "POST", "/chat", HI, [OFFERED, *BESIDE])
    assert answer.status == 200
    said = heard(behind.vendor.requests[0])
    assert said.trace_id == TRACE
    assert said.span_id != SPAN
    assert not said.sampled


@pytest.mark.parametrize(
    "offered",
    [
        pytest.param([], id="none"),
        pytest.param([OFFERED, OFFERED], id="two"),
        pytest.param([("traceparent", f"01-{TRACE}-{SPAN}-01")], id="another version"),
        pytest.param([("traceparent", f"00-{TRACE}-{SPAN}-01-" + "x" * 4000)], id="long"),
    ],
)
async def test_where_there_is_none_to_go_on_with_one_is_made(
    behind: Stage[Chatbase], offered: list[tuple[str, str]]
) -> None:
    for _ in range(2):
        answer = await behind.ask("alice", "POST", "/chat", HI, [*offered, *BESIDE])
        assert answer.status == 200
    one, other = map(heard, behind.vendor.requests)
    assert one.sampled
    assert one.trace_id not in {TRACE, other.trace_id}


async def test_a_client_cannot_say_of_which_trace_it_is(asking: Stage[Chatbase]) -> None:
    fields = [("traceparent", f"00-{TRACE}-{SPAN}-00"), *BESIDE]
    assert (await asking.ask("alice", "POST", "/chat", HI, fields)).status == 200
    said = heard(asking.vendor.requests[0])
    assert said.trace_id != TRACE
    assert said.sampled


async def test_each_try_is_a_call_of_its_own_in_one_trace(entry: None, tmp_path: Path) -> None:
    def edit(text: str) -> str:
        return ASKS(text).replace('"cb-key"', '["cb-old", "cb-key"]')

    async with chatbase_stage(tmp_path, edit) as stage:
        assert (await stage.ask("alice", "POST", "/chat", HI)).status == 200
        first, second = map(heard, stage.vendor.requests)
    assert first.trace_id == second.trace_id
    assert first.span_id != second.span_id


async def test_a_refusal_tells_no_vendor_of_any_trace(behind: Stage[Chatbase]) -> None:
    answer = await behind.ask(None, "POST", "/chat", HI, [OFFERED])
    assert answer.status == 401
    assert behind.vendor.saw_nothing()


async def test_a_stream_and_its_early_end_are_as_without(asking: Stage[Chatbase]) -> None:
    async def half(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.event({"type": "text-delta", "delta": "half"})
        reply.reset()

    asking.vendor.handler = half
    answer = await asking.ask("alice", "POST", "/chat", {"message": "hi"})
    assert answer.status == 200
    assert b"half" in answer.body
    assert not answer.complete
    asking.vendor.failures.clear()


async def test_a_handshake_is_told_too(tmp_path: Path) -> None:
    async with socket_stage(tmp_path, adding("upstreams.llm", "traceparent = true")) as stage:
        async with stage.connect("alice"):
            pass
        (value,) = stage.vendor.field("traceparent")
    assert read([(b"traceparent", value.encode())]) is not None


async def test_what_a_profile_lets_through_is_ours_where_it_is_asked_for(tmp_path: Path) -> None:
    ping = 'ping = { method = "GET", path = "/ping", fields = ["traceparent"] }'
    profile = (
        f'fields = {{ authorization = "Bearer {{key}}" }}\nuser_id = ".+"\noperations.{ping}\n'
    )

    def edit(text: str) -> str:
        text = ASKS(text).replace('"chatbase"', '"mine"').replace('agent = "agent_1"\n', "")
        return f"{text}[vendors.mine]\n{profile}"

    async with chatbase_stage(tmp_path, edit) as stage:
        stage.vendor.handler = answer_ok
        fields = [("Authorization", f"Bearer {stage.token('alice')}"), OFFERED]
        asked = await wire(stage.url, raw_request("GET", "/support/ping", fields))
        assert asked.status == 200
        assert heard(stage.vendor.requests[0]).trace_id != TRACE


async def test_explain_says_that_one_will_be_sent(asking: Stage[Chatbase]) -> None:
    assert asking.gateway is not None
    asked = typed("POST", asking.base + "/chat", [], json.dumps(HI), asking.token("alice"))
    shown = sent(await explained(asking.gateway.settings, asked))
    assert "\ntraceparent: (made with each request)\n" in shown
    assert asking.vendor.saw_nothing()
