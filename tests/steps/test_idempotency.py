"""One call of the vendor for one `Idempotency-Key`, over sockets."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.chatbase import Chatbase
from tests.support.reply import Reply
from tests.support.stage import Stage, adding, chatbase_stage, events, gateway_of
from tests.support.vendor import Request
from tests.support.wire import Answer, connected

pytestmark = pytest.mark.anyio

HI: dict[str, Any] = {"message": "hi", "stream": False}
KEY = [("Idempotency-Key", "k-1")]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage[Chatbase]]:
    async with chatbase_stage(tmp_path) as built:
        yield built


async def chat(
    stage: Stage[Chatbase], who: str = "alice", body: object = HI, key: str = "k-1"
) -> Answer:
    return await stage.ask(who, "POST", "/chat", body, [("Idempotency-Key", key)])


def conflict(answer: Answer, first: Answer, conversation: str | None = None) -> None:
    """A refusal with the ids of the first one."""
    assert answer.status == 409, answer.raw
    assert answer.values("x-gateway-error") == ["idempotency_conflict"]
    assert answer.values("x-gateway-first-request-id") == first.values("x-request-id")
    told = [conversation] if conversation else []
    assert answer.values("x-gateway-first-conversation") == told
    assert answer.values("x-should-retry") == ["false"]


@pytest.mark.parametrize("stream", [False, True], ids=["JSON", "a stream"])
async def test_a_second_one_is_told_of_the_first(stage: Stage[Chatbase], stream: bool) -> None:
    first = await chat(stage, body={"message": "hi", "stream": stream})
    assert first.status == 200, first.raw
    told = events(first)[-1] if stream else first.json()["data"]
    second = await chat(stage, body={"message": "hi", "stream": stream})
    conflict(second, first, told["metadata"]["conversationId"])
    assert len(stage.vendor.requests) == 1
    assert "idempotency" not in stage.vendor.requests[0].raw.decode().lower()


async def test_however_it_is_written(stage: Stage[Chatbase]) -> None:
    first = await chat(stage, body=b'{"message":"hi","stream":false}')
    conversation = first.json()["data"]["metadata"]["conversationId"]
    for again in (b'{ "message": "h\\u0069", "stream": false }', {**HI, "userId": "bob", "x": 1}):
        conflict(await chat(stage, body=again), first, conversation)


async def test_a_second_one_while_the_first_runs(stage: Stage[Chatbase]) -> None:
    gate = asyncio.Event()

    async def wait(request: Request, reply: Reply) -> None:
        await gate.wait()
        await stage.vendor.answer(request, reply)

    stage.vendor.handler = wait
    running = asyncio.create_task(chat(stage))
    await stage.vendor.request_arrived(1)
    second = await chat(stage)
    gate.set()
    first = await running
    assert first.status == 200
    conflict(second, first)
    assert len(stage.vendor.requests) == 1


async def test_of_many_at_once_one_reaches_the_vendor(stage: Stage[Chatbase]) -> None:
    answers = await asyncio.gather(*(chat(stage) for _ in range(20)))
    assert sorted(answer.status for answer in answers) == [200] + [409] * 19
    assert len(stage.vendor.requests) == 1


@pytest.mark.one_process("it starts two by itself")
async def test_another_replica_knows(stage: Stage[Chatbase], tmp_path: Path) -> None:
    first = await chat(stage)
    text = (tmp_path / "gateway.toml").read_text()
    (tmp_path / "other").mkdir()
    async with gateway_of(text, tmp_path / "other") as (_, url):
        other = Stage(stage.vendor, None, stage.issuer, url, stage.base)
        second = await chat(other)
    conflict(second, first, first.json()["data"]["metadata"]["conversationId"])
    assert len(stage.vendor.requests) == 1


async def test_a_name_is_a_persons_own_at_one_operation(stage: Stage[Chatbase]) -> None:
    first = (await chat(stage)).json()["data"]
    conversation = first["metadata"]["conversationId"]
    assert (await chat(stage, "bob")).status == 200
    retry = f"/conversations/{conversation}/retry"
    body = {"messageId": first["id"], "stream": False}
    assert (await stage.ask("alice", "POST", retry, body, KEY)).status == 200
    assert (await chat(stage, key="k-2")).status == 200
    assert len(stage.vendor.requests) == 4


async def test_a_name_that_was_given_to_something_else_tells_nothing_of_it(
    stage: Stage[Chatbase],
) -> None:
    first = await chat(stage)
    for other in ({**HI, "message": "ho"}, {**HI, "stream": True}):
        answer = await chat(stage, body=other)
        assert answer.status == 409
        assert not answer.values("x-gateway-first-request-id")
        assert first.values("x-request-id")[0].encode() not in answer.body
    assert len(stage.vendor.requests) == 1


async def test_what_does_not_think_may_be_said_twice(stage: Stage[Chatbase]) -> None:
    conversation = (await chat(stage)).json()["data"]["metadata"]["conversationId"]
    for _ in range(2):
        answer = await stage.ask("alice", "GET", f"/conversations/{conversation}", None, KEY)
        assert answer.status == 200


@pytest.mark.parametrize("key", ["", "x" * 256, "k\u00e9"])
async def test_what_is_no_name_is_refused(stage: Stage[Chatbase], key: str) -> None:
    answer = await chat(stage, key=key)
    assert (answer.status, answer.values("x-gateway-error")) == (400, ["bad_request"])
    assert stage.vendor.saw_nothing()


@pytest.mark.parametrize("status", [400, 402, 404, 429, 500, 503, 529])
async def test_where_the_vendor_said_no_it_may_be_asked_again(
    stage: Stage[Chatbase], status: int
) -> None:
    async def no(request: Request, reply: Reply) -> None:
        await reply.json(status, {"error": {"code": "NO", "message": "no"}})

    stage.vendor.handler = no
    assert (await chat(stage)).status == status
    stage.vendor.handler = stage.vendor.answer
    assert (await chat(stage)).status == 200


@pytest.mark.one_process("it starts two by itself")
async def test_where_the_vendor_was_not_reached_it_may_be_asked_again(
    stage: Stage[Chatbase], tmp_path: Path
) -> None:
    text = (tmp_path / "gateway.toml").read_text()
    (tmp_path / "away").mkdir()
    away = text.replace(stage.vendor.authority, "127.0.0.1:1")
    async with gateway_of(away, tmp_path / "away") as (_, url):
        other = Stage(stage.vendor, None, stage.issuer, url, stage.base)
        assert (await chat(other)).values("x-gateway-error") == ["upstream_unreachable"]
    assert (await chat(stage)).status == 200


async def hang(request: Request, reply: Reply) -> None:
    await reply.hang()


@pytest.mark.one_process("it has one connection, and each process its own")
async def test_nor_where_no_connection_came_free(tmp_path: Path) -> None:
    async with chatbase_stage(
        tmp_path, adding("upstreams.support", "max_connections = 1")
    ) as stage:
        stage.vendor.handler = hang
        async with connected(stage.url) as other:
            await other.send(stage.request("bob", "POST", "/chat", HI))
            await stage.vendor.request_arrived()
            assert (await chat(stage)).values("x-gateway-error") == ["overloaded"]
        stage.vendor.handler = stage.vendor.answer
        assert (await chat(stage)).status == 200


@pytest.mark.one_process("it is stopped by itself")
async def test_what_ended_with_the_gateway_may_have_begun(stage: Stage[Chatbase]) -> None:
    stage.vendor.handler = hang
    first = asyncio.create_task(chat(stage))
    await stage.vendor.request_arrived()
    assert stage.gateway is not None
    stage.gateway.stop()
    assert (await first).values("x-gateway-error") == ["overloaded"]
    stage.vendor.handler = stage.vendor.answer
    conflict(await chat(stage), await first)


async def test_what_the_vendor_began_is_not_begun_again(stage: Stage[Chatbase]) -> None:
    async def breaks(request: Request, reply: Reply) -> None:
        reply.close()

    async def fails(request: Request, reply: Reply) -> None:
        await reply.json(504, {"error": {"code": "GATEWAY_TIMEOUT", "message": "no"}})

    for number, handler in enumerate((breaks, fails)):
        stage.vendor.handler = handler
        first = await chat(stage, key=f"k-{number}")
        assert first.status in {502, 504}
        stage.vendor.handler = stage.vendor.answer
        conflict(await chat(stage, key=f"k-{number}"), first)


async def test_a_request_that_was_refused_has_used_up_no_name(stage: Stage[Chatbase]) -> None:
    refused = await chat(stage, body={**HI, "conversationId": "of-nobody"})
    assert refused.status == 404
    assert (await chat(stage)).status == 200


async def test_nor_has_one_beyond_a_budget(tmp_path: Path) -> None:
    more = '\n[limits]\nbudget_per_user = "1 credits/day"\nreserve = "1 credits"\n'
    async with chatbase_stage(tmp_path, lambda text: text + more) as stage:
        assert (await stage.ask("alice", "POST", "/chat", HI)).status == 200
        assert [(await chat(stage)).status for _ in range(2)] == [429, 429]


@pytest.mark.one_process("its store is a file")
async def test_where_nobody_knows_nothing_is_asked(stage: Stage[Chatbase], tmp_path: Path) -> None:
    assert (await stage.ask("alice", "POST", "/chat", HI)).status == 200
    stage.vendor.forget()
    with closing(sqlite3.connect(tmp_path / "gateway.db")) as store:
        store.execute("ALTER TABLE askings RENAME TO away")
    answer = await chat(stage)
    assert (answer.status, answer.values("x-gateway-error")) == (503, ["ledger_unavailable"])
    assert stage.vendor.saw_nothing()


@pytest.mark.one_process("its store is a file")
async def test_what_cannot_be_noted_stays_taken(stage: Stage[Chatbase], tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "gateway.db")) as store:

        async def away(request: Request, reply: Reply) -> None:
            store.execute("ALTER TABLE askings RENAME TO away")
            await stage.vendor.answer(request, reply)

        stage.vendor.handler = away
        first = await chat(stage)
        assert first.status == 200
        assert stage.gateway is not None
        async with asyncio.timeout(10):
            await (await stage.gateway.open()).lease.ended()  # it is noted after the answer
        store.execute("ALTER TABLE away RENAME TO askings")
    conflict(await chat(stage), first)
