"""What an MCP server answers, down to its bytes: a scripted one, where real ones behave."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import config
from tests.support.mcp_servers import called, initialize, message
from tests.support.reply import Reply
from tests.support.stage import Stage, gateway_of
from tests.support.tokens import Issuer
from tests.support.vendor import RecordingVendor, Request
from tests.support.wire import Answer, connected

pytestmark = pytest.mark.anyio
OK: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "result": {}}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage[RecordingVendor]]:
    issuer = Issuer()
    async with RecordingVendor() as vendor:
        text = config.mcp(vendor.url, issuer, store=tmp_path / "gateway.db")
        async with gateway_of(text, tmp_path) as (gateway, url):
            yield Stage(vendor, gateway, issuer, url, "/notes")


def answers(
    stage: Stage[RecordingVendor],
    body: object = None,
    *,
    status: str = "200 OK",
    fields: tuple[tuple[str, str], ...] = (),
) -> None:
    """From now on the server answers so, and closes."""
    content = json.dumps(OK if body is None else body).encode()
    lines = [f"HTTP/1.1 {status}", "content-type: application/json"]
    lines += [f"{name}: {value}" for name, value in fields]
    raw = "\r\n".join([*lines, f"content-length: {len(content)}", "", ""]).encode() + content

    async def handler(request: Request, reply: Reply) -> None:
        await reply.raw(raw)
        reply.close()

    stage.vendor.handler = handler


async def opened(stage: Stage[RecordingVendor], who: str, session: str) -> Answer:
    answers(stage, fields=(("mcp-session-id", session),))
    return await stage.ask(who, "POST", "/mcp", initialize())


async def asks(stage: Stage[RecordingVendor], who: str, session: str) -> int:
    fields = [("mcp-session-id", session)]
    return (await stage.ask(who, "POST", "/mcp", message("ping"), fields)).status


@pytest.mark.parametrize("session", ["a", "a/b+c==", "~{x}|y", "x" * 4096])
async def test_whatever_a_session_is_called_it_is_theirs(
    stage: Stage[RecordingVendor], session: str
) -> None:
    assert (await opened(stage, "alice", session)).values("mcp-session-id") == [session]
    assert await asks(stage, "alice", session) == 200
    assert stage.vendor.requests[-1].values("mcp-session-id") == [session]
    assert await asks(stage, "bob", session) == 404


async def test_another_persons_session_in_an_answer_is_cut_off(
    stage: Stage[RecordingVendor],
) -> None:
    await opened(stage, "alice", "s1")
    answer = await opened(stage, "bob", "s1")
    assert answer.status == 502
    assert answer.values("mcp-session-id") == []


@pytest.mark.parametrize("fields", [(("mcp-session-id", "a b"),), (("mcp-session-id", "a"),) * 2])
async def test_an_answer_whose_session_is_none_or_two_is_cut_off(
    stage: Stage[RecordingVendor], fields: tuple[tuple[str, str], ...]
) -> None:
    answers(stage, fields=fields)
    assert (await stage.ask("alice", "POST", "/mcp", initialize())).status == 502


async def test_an_error_opens_no_session(stage: Stage[RecordingVendor]) -> None:
    answers(stage, status="400 Bad Request", fields=(("mcp-session-id", "s2"),))
    answer = await stage.ask("alice", "POST", "/mcp", initialize())
    assert answer.status == 400
    assert answer.values("mcp-session-id") == []
    assert await asks(stage, "alice", "s2") == 404


async def test_a_session_the_client_has_passes_with_an_error(
    stage: Stage[RecordingVendor],
) -> None:
    await opened(stage, "alice", "s1")
    answers(stage, status="400 Bad Request", fields=(("mcp-session-id", "s1"),))
    fields = [("mcp-session-id", "s1")]
    answer = await stage.ask("alice", "POST", "/mcp", message("ping"), fields)
    assert answer.values("mcp-session-id") == ["s1"]


@pytest.mark.parametrize("status", ["400 Bad Request", "404 Not Found", "405 Method Not Allowed"])
async def test_an_older_servers_refusal_of_a_newer_client_passes(
    stage: Stage[RecordingVendor], status: str
) -> None:
    error = {"jsonrpc": "2.0", "id": "server-error", "error": {"code": -32600, "message": "no"}}
    answers(stage, error, status=status)
    body = message("server/discover")
    body["params"] = {"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}}
    fields = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "server/discover")]
    answer = await stage.ask("alice", "POST", "/mcp", body, fields)
    assert str(answer.status) == status[:3]
    assert answer.json() == error


# M-12: the server's own challenge


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
async def test_a_servers_challenge_is_about_us_and_stays_here(
    stage: Stage[RecordingVendor], status: str
) -> None:
    challenge = 'Bearer resource_metadata="http://127.0.0.1:1/.well-known/x"'
    answers(stage, {"login": "here"}, status=status, fields=(("www-authenticate", challenge),))
    answer = await stage.ask("alice", "POST", "/mcp", message("ping"))
    assert answer.status == 502
    assert answer.values("www-authenticate") == []
    assert answer.json()["error"]["data"]["code"] == "upstream_credentials_refused"
    assert b"here" not in answer.body
    assert {one.target for one in stage.vendor.requests} == {"/mcp"}


async def test_so_is_that_of_a_server_without_a_key(tmp_path: Path) -> None:
    issuer = Issuer()
    async with RecordingVendor() as vendor:
        text = config.mcp(vendor.url, issuer, store=tmp_path / "gateway.db", key="")
        text = text.replace('key = ""\n', "")
        async with gateway_of(text, tmp_path) as (gateway, url):
            bare = Stage(vendor, gateway, issuer, url, "/notes")
            answers(bare, status="401 Unauthorized")
            assert (await bare.ask("alice", "POST", "/mcp", message("ping"))).status == 502
            assert vendor.requests[0].values("authorization") == []


# What is under way


async def test_a_call_that_is_cut_short_is_answered(stage: Stage[RecordingVendor]) -> None:
    begun = asyncio.Event()

    async def handler(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.event({"jsonrpc": "2.0", "method": "notifications/progress", "params": {}})
        begun.set()
        await asyncio.Event().wait()

    stage.vendor.handler = handler
    asked = stage.request("alice", "POST", "/mcp", called("slow", id="call-7"))
    async with connected(stage.url) as peer:
        await peer.send(asked)
        await peer.until(b"\r\n\r\n")
        await begun.wait()
        assert stage.gateway is not None
        stage.gateway.stop()
        rest = await peer.until_closed()
    last = [line for line in rest.split(b"\n") if line.startswith(b"data:")][-1]
    told = json.loads(last[5:])
    assert told["id"] == "call-7"
    assert told["error"]["data"]["code"] == "overloaded"
    assert not rest.endswith(b"0\r\n\r\n")


async def test_nobody_waits_for_an_answer_on_a_stream_that_listens(
    stage: Stage[RecordingVendor],
) -> None:
    await opened(stage, "alice", "s1")
    begun = asyncio.Event()

    async def handler(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        begun.set()
        await asyncio.Event().wait()

    stage.vendor.handler = handler
    asked = stage.request("alice", "GET", "/mcp", fields=[("mcp-session-id", "s1")])
    async with connected(stage.url) as peer:
        await peer.send(asked)
        await peer.until(b"\r\n\r\n")
        await begun.wait()
        assert stage.gateway is not None
        stage.gateway.stop()
        assert b"data:" not in await peer.until_closed()


async def test_a_task_is_whose_call_it_came_of(stage: Stage[RecordingVendor]) -> None:
    task = {"jsonrpc": "2.0", "id": 1, "result": {"resultType": "task", "taskId": "task/1"}}
    answers(stage, task)
    assert (await stage.ask("alice", "POST", "/mcp", called("slow"))).status == 200
    answers(stage)
    asked = message("tasks/get", taskId="task/1")
    assert (await stage.ask("alice", "POST", "/mcp", asked)).status == 200
    seen = len(stage.vendor.requests)
    assert (await stage.ask("bob", "POST", "/mcp", asked)).status == 404
    assert len(stage.vendor.requests) == seen


def about(task: str) -> dict[str, Any]:
    return {"io.modelcontextprotocol/related-task": {"taskId": task}}


def streamed(stage: Stage[RecordingVendor], *messages: dict[str, Any]) -> None:
    """From now on the server answers with a stream of these."""
    events = "".join(f"data: {json.dumps(one)}\n\n" for one in messages)

    async def handler(request: Request, reply: Reply) -> None:
        head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
        await reply.raw((head + events).encode())
        reply.close()

    stage.vendor.handler = handler


TOLD = {
    "an answer": {**OK, "result": {"content": [], "_meta": about("t-1")}},
    "a question": message("elicitation/create", id=5, message="Sure?", _meta=about("t-1")),
    "a word in passing": message("notifications/message", id=None, data="", _meta=about("t-1")),
}


@pytest.mark.parametrize("told", TOLD.values(), ids=TOLD)
async def test_a_task_that_something_is_about_is_theirs_who_hear_of_it(
    stage: Stage[RecordingVendor], told: dict[str, Any]
) -> None:
    """Row M-04."""
    streamed(stage, told, OK)
    assert b"t-1" in (await stage.ask("alice", "POST", "/mcp", called("slow"))).body
    heard = await stage.ask("bob", "POST", "/mcp", called("slow"))
    assert b"t-1" not in heard.body
    answers(stage)
    for asked in (message("tasks/get", taskId="t-1"), message("ping", _meta=about("t-1"))):
        assert (await stage.ask("alice", "POST", "/mcp", asked)).status == 200
        seen = len(stage.vendor.requests)
        assert (await stage.ask("bob", "POST", "/mcp", asked)).status == 404
        assert len(stage.vendor.requests) == seen
    assert stage.vendor.requests[-1].json()["params"] == {"_meta": about("t-1")}
