"""A backend that believes X-External-* fields, through the gateway, byte for byte."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.docbit import DocBit
from tests.support.stage import Stage, adding, docbit_stage, events
from tests.support.wire import Answer
from tests.systems.spoofs import FIELD_NAMES, NAMES, escaped, with_member

pytestmark = pytest.mark.anyio


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage[DocBit]]:
    async with docbit_stage(tmp_path) as built:
        yield built


async def start(stage: Stage[DocBit], who: str) -> str:
    answer = await stage.ask(who, "POST", "/chat", {"message": "hello"})
    assert answer.status == 200, answer.body
    stage.vendor.forget()
    return str(answer.json()["conversationId"])


def expected(stage: Stage[DocBit], start_line: str, answer: Answer, content: bytes | None) -> bytes:
    """Every byte of the vendor's request."""
    (via,) = stage.vendor.requests[-1].values("via")
    (request_id,) = answer.values("x-request-id")
    lines = [
        f"{start_line} HTTP/1.1",
        f"host: 127.0.0.1:{stage.vendor.port}",
        "accept: application/json, text/event-stream",
        *(["content-type: application/json"] if content is not None else []),
        "accept-encoding: identity",
        "user-agent: chat-identity-gateway",
        f"x-request-id: {request_id}",
        f"via: {via}",
        "authorization: ApiKey sk_partner_1",
        "x-external-org-id: default",
        "x-external-user-id: alice",
        'x-external-roles: ["employee"]',
        *([f"content-length: {len(content)}"] if content is not None else []),
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + (content or b"")


async def test_creates_a_conversation(stage: Stage[DocBit]) -> None:
    answer = await stage.ask("alice", "POST", "/chat", {"message": "hello", "documentIds": ["d"]})
    assert answer.status == 200
    content = b'{"message":"hello","documentIds":["d"]}'
    assert stage.vendor.requests[0].raw == expected(stage, "POST /api/ai/chat", answer, content)


async def test_streams_and_owns(stage: Stage[DocBit]) -> None:
    answer = await stage.ask("alice", "POST", "/chat/stream", {"message": "hello"})
    assert answer.complete
    assert "".join(one.get("content", "") for one in events(answer)) == "You said: hello "
    (conversation,) = stage.vendor.conversations
    line = "POST /api/ai/chat/stream"
    assert stage.vendor.requests[0].raw == expected(stage, line, answer, b'{"message":"hello"}')
    again = {"message": "and?", "conversationId": conversation}
    assert (await stage.ask("alice", "POST", "/chat/stream", again)).status == 200
    assert (await stage.ask("bob", "POST", "/chat/stream", again)).status == 404


async def test_continues_a_conversation(stage: Stage[DocBit]) -> None:
    body = {"message": "and?", "conversationId": await start(stage, "alice")}
    answer = await stage.ask("alice", "POST", "/chat", body)
    assert answer.status == 200
    content = json.dumps(body, separators=(",", ":")).encode()
    assert stage.vendor.requests[0].raw == expected(stage, "POST /api/ai/chat", answer, content)


async def test_lists_my_conversations(stage: Stage[DocBit]) -> None:
    conversation = await start(stage, "alice")
    await start(stage, "bob")
    answer = await stage.ask("alice", "GET", "/conversations?limit=5&offset=0")
    assert answer.status == 200
    assert conversation.encode() in answer.body
    line = "GET /api/ai/conversations?limit=5&offset=0"
    assert stage.vendor.requests[0].raw == expected(stage, line, answer, None)


async def test_reads_one_of_mine(stage: Stage[DocBit]) -> None:
    conversation = await start(stage, "alice")
    answer = await stage.ask("alice", "GET", f"/conversations/{conversation}")
    assert answer.status == 200
    line = f"GET /api/ai/conversations/{conversation}"
    assert stage.vendor.requests[0].raw == expected(stage, line, answer, None)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("POST", "/chat", b'{"message":"x","conversationId":"ID"}', id="chat"),
        pytest.param("POST", "/chat/stream", b'{"message":"x","conversationId":"ID"}', id="stream"),
        pytest.param("GET", "/conversations/ID", None, id="read"),
    ],
)
async def test_nobody_touches_anothers_conversation_and_the_answer_is_that_of_none(
    stage: Stage[DocBit], method: str, path: str, body: bytes | None
) -> None:
    theirs = await start(stage, "alice")
    for conversation in (theirs, "0" * len(theirs)):
        named = body and body.replace(b"ID", conversation.encode())
        answer = await stage.ask("bob", method, path.replace("ID", conversation), named)
        assert answer.status == 404
        assert answer.body == b'{"error":"Conversation not found"}'
    assert stage.vendor.saw_nothing()


@pytest.mark.parametrize("name", FIELD_NAMES)
async def test_a_field_that_names_somebody_else_does_not_reach_the_vendor(
    stage: Stage[DocBit], name: str
) -> None:
    spoof = [(name, "victim"), ("X-External-Roles", '["admin"]'), ("Connection", name)]
    answer = await stage.ask("alice", "POST", "/chat", {"message": "hi"}, spoof)
    assert answer.status == 200, answer.body
    assert stage.vendor.requests[0].raw == expected(
        stage, "POST /api/ai/chat", answer, b'{"message":"hi"}'
    )


@pytest.mark.parametrize("name", NAMES)
async def test_a_member_that_names_somebody_else_does_not_reach_the_vendor(
    stage: Stage[DocBit], name: str
) -> None:
    for written in (json.dumps(name), escaped(name)):
        body = with_member({"message": "hi"}, written, "victim")
        answer = await stage.ask("alice", "POST", "/chat", body)
        assert answer.status == 200, answer.body
    assert all(request.json() == {"message": "hi"} for request in stage.vendor.requests)


@pytest.mark.parametrize(
    "query", ["userId=victim", "x-external-user-id=victim", "user%5Fid=victim"]
)
async def test_a_parameter_that_names_somebody_else_does_not_reach_the_vendor(
    stage: Stage[DocBit], query: str
) -> None:
    answer = await stage.ask("alice", "GET", f"/conversations?{query}&limit=2")
    assert answer.status == 200
    assert stage.vendor.requests[0].target == "/api/ai/conversations?limit=2"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"message":"x","conversationId":"a","conversationId":"ID"}', id="duplicate"),
        pytest.param(
            b'{"message":"x","conversation\\u0049d":"ID","conversationId":"a"}', id="escaped"
        ),
        pytest.param(b'{"message":"x","conversation_id":"ID"}', id="another spelling"),
        pytest.param(b'{"message":"x","sessionId":"ID"}', id="another word"),
        pytest.param(b'{"message":"x","conversationId":["ID"]}', id="a list"),
    ],
)
async def test_a_body_that_could_be_read_in_two_ways_is_refused(
    stage: Stage[DocBit], body: bytes
) -> None:
    theirs = await start(stage, "alice")
    answer = await stage.ask("bob", "POST", "/chat", body.replace(b"ID", theirs.encode()))
    assert answer.status == 400
    assert list(answer.json()) == ["error"]
    assert stage.vendor.saw_nothing()


@pytest.mark.parametrize("rest", [".", "..", "%2e%2e", "a%2Fb", "a//b", "a/../b", "%00", "a;b"])
async def test_a_path_in_another_spelling_is_refused(stage: Stage[DocBit], rest: str) -> None:
    answer = await stage.ask("alice", "GET", f"/conversations/{rest}")
    assert answer.status in {400, 404}
    assert stage.vendor.saw_nothing()


async def test_an_unknown_conversation_is_nobodys(stage: Stage[DocBit]) -> None:
    elsewhere = stage.vendor.open("default", "alice")
    answer = await stage.ask("alice", "GET", f"/conversations/{elsewhere.id}")
    assert answer.status == 404
    assert stage.vendor.saw_nothing()


async def test_the_roles_of_the_sign_in_go_before_the_default_ones(tmp_path: Path) -> None:
    edit = adding("sign_in", 'roles_claim = "/realm/roles"')
    async with docbit_stage(tmp_path, edit) as stage:
        token = stage.token("alice", realm={"roles": ["adm\u00edn", "x"]})
        fields = [("Authorization", f"Bearer {token}")]
        answer = await stage.ask(None, "GET", "/conversations", None, fields)
        assert answer.status == 200, answer.body
        (request,) = stage.vendor.requests
        assert request.values("x-external-roles") == ['["adm\\u00edn","x"]']
