"""Anthropic through the gateway: what the person gets, and what the vendor saw, byte for byte."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.anthropic_api import Anthropic
from tests.support.reply import Reply
from tests.support.stage import Stage, anthropic_stage, events
from tests.support.vendor import Request
from tests.support.wire import raw_request, wire
from tests.systems.records import one_of, recorded
from tests.systems.spoofs import FIELD_NAMES, NAMES, escaped, with_member

pytestmark = pytest.mark.anyio

SAID = [{"role": "user", "content": "hi"}]
HI: dict[str, Any] = {"model": "claude-test", "max_tokens": 9, "messages": SAID}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """As everywhere; for a whole module, so that its tests share a loop."""
    return "asyncio"


@pytest.fixture(scope="module")
async def built(
    tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> AsyncIterator[Stage[Anthropic]]:
    async with anthropic_stage(tmp_path_factory.mktemp("anthropic")) as stage:
        yield stage


@pytest.fixture
def stage(built: Stage[Anthropic]) -> Stage[Anthropic]:
    """A gateway before Anthropic, which has seen nothing yet."""
    built.vendor.handler = built.vendor.answer
    built.vendor.forget()
    return built


async def test_every_byte_that_leaves_is_ours(stage: Stage[Anthropic]) -> None:
    answer = await stage.ask("alice", "POST", "/messages?beta=true", HI)
    assert answer.json()["content"][0]["text"] == "You said hi"
    (request,) = stage.vendor.requests
    content = (
        b'{"model":"claude-test","max_tokens":9,"messages":[{"role":"user","content":"hi"}],'
        b'"metadata":{"user_id":"alice"}}'
    )
    lines = [
        "POST /v1/messages HTTP/1.1",
        f"host: 127.0.0.1:{stage.vendor.port}",
        "accept: application/json, text/event-stream",
        "content-type: application/json",
        "accept-encoding: identity",
        "user-agent: chat-identity-gateway",
        f"x-request-id: {answer.values('x-request-id')[0]}",
        f"via: {request.values('via')[0]}",
        "x-api-key: sk-ant-vendor",
        "anthropic-version: 2023-06-01",
        "x-external-user-id: alice",
        f"content-length: {len(content)}",
        "",
        "",
    ]
    assert request.raw == "\r\n".join(lines).encode() + content
    assert not answer.values("set-cookie")
    assert not answer.values("anthropic-organization-id")
    assert answer.values("request-id") == ["req_anthropic_1"]


@pytest.mark.parametrize("field", ["authorization", "x-api-key"])
async def test_a_token_stands_where_either_generation_of_clients_puts_its_key(
    stage: Stage[Anthropic], field: str
) -> None:
    token = stage.token("alice")
    value = f"Bearer {token}" if field == "authorization" else token
    fields = [(field, value), ("content-type", "application/json")]
    content = json.dumps(HI).encode()
    answer = await wire(stage.url, raw_request("POST", "/claude/v1/messages", fields, content))
    assert answer.status == 200, answer.raw
    assert token.encode() not in stage.vendor.requests[0].raw
    assert stage.vendor.requests[0].values("x-api-key") == ["sk-ant-vendor"]
    assert not stage.vendor.requests[0].values("authorization")


@pytest.mark.parametrize("other", ["sk-ant-vendor", "forged", ""])
async def test_a_key_of_the_vendors_signs_nobody_in(stage: Stage[Anthropic], other: str) -> None:
    answer = await stage.ask(None, "POST", "/messages", HI, [("x-api-key", other)])
    assert answer.status == 401
    assert answer.json()["error"]["type"] == "authentication_error"
    assert stage.vendor.saw_nothing()


async def test_two_tokens_of_two_people_are_nobodys(stage: Stage[Anthropic]) -> None:
    asked = [("x-api-key", stage.token("bob"))]
    answer = await stage.ask("alice", "POST", "/messages", HI, asked)
    assert answer.values("x-gateway-error") == ["ambiguous_credentials"]
    assert stage.vendor.saw_nothing()


@pytest.mark.parametrize("name", NAMES)
async def test_nobody_says_who_they_are_in_a_body(stage: Stage[Anthropic], name: str) -> None:
    inner: dict[str, object] = {"plan": "pro"}
    for written in (json.dumps(name), escaped(name)):
        body = with_member(HI, written, "mallory")
        metadata = with_member(inner, written, "mallory")
        both = body[:-1] + b', "metadata": ' + metadata + b"}"
        assert (await stage.ask("alice", "POST", "/messages", both)).status == 200
    for request in stage.vendor.requests:
        assert b"mallory" not in request.raw
        assert request.json()["metadata"] == {"user_id": "alice"}


@pytest.mark.parametrize("name", FIELD_NAMES)
async def test_nor_in_a_field(stage: Stage[Anthropic], name: str) -> None:
    await stage.ask("alice", "POST", "/messages", HI, [(name, "mallory")])
    assert b"mallory" not in stage.vendor.requests[0].raw


async def test_a_stream_passes_as_it_is_and_tells_what_it_cost(stage: Stage[Anthropic]) -> None:
    with recorded() as records:
        answer = await stage.ask("alice", "POST", "/messages", {**HI, "stream": True})
        record = await one_of(records, "messages")
    assert answer.complete
    kinds = [one["type"] for one in events(answer)]
    assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")
    usage = {"input_tokens": 11, "output_tokens": 7}
    cached = {"cache_creation_input_tokens": 2, "cache_read_input_tokens": 3}
    assert record["usage"] == usage | cached


async def test_a_json_answer_spends_its_tokens_of_the_budget(tmp_path: Path) -> None:
    def budgeted(text: str) -> str:
        return f'{text}[limits]\nbudget_per_user = "20 tokens/day"\nreserve = "1 tokens"\n'

    async with anthropic_stage(tmp_path, budgeted) as stage:
        with recorded() as records:
            first = await stage.ask("alice", "POST", "/messages", HI)
            record = await one_of(records, "messages")
        second = await stage.ask("alice", "POST", "/messages", HI)
    assert first.complete
    usage = {"input_tokens": 11, "output_tokens": 7}
    assert record["usage"].items() >= usage.items()
    assert second.values("x-gateway-error") == ["budget_exhausted"]
    assert len(stage.vendor.requests) == 1


async def test_a_stream_that_breaks_says_so_as_its_clients_understand(
    stage: Stage[Anthropic],
) -> None:
    async def breaks(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.event({"type": "ping"}, "ping")
        reply.close()

    stage.vendor.handler = breaks
    answer = await stage.ask("alice", "POST", "/messages", {**HI, "stream": True})
    assert not answer.complete
    assert b"\nevent: error\ndata: " in answer.body
    last = events(answer)[-1]
    assert (last["type"], last["error"]["type"]) == ("error", "api_error")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/messages/batches"), ("GET", "/files"), ("POST", "/complete"), ("GET", "/messages")],
)
async def test_the_rest_of_its_api_is_not_there(
    stage: Stage[Anthropic], method: str, path: str
) -> None:
    answer = await stage.ask("alice", method, path, HI if method == "POST" else None)
    assert answer.status in {404, 405}
    assert answer.json()["type"] == "error"
    assert stage.vendor.saw_nothing()
