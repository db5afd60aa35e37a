"""Chatbase through the gateway: what the person gets, and what the vendor saw, byte for byte."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.chatbase import Chatbase
from tests.support.stage import Stage, chatbase_stage, events
from tests.support.wire import Answer, wire
from tests.systems.spoofs import FIELD_NAMES, NAMES, escaped, with_member

pytestmark = pytest.mark.anyio
CHAT = "/api/v2/agents/agent_1/chat"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage[Chatbase]]:
    async with chatbase_stage(tmp_path) as built:
        yield built


async def start(stage: Stage[Chatbase], who: str) -> str:
    """A conversation this person has opened through the gateway."""
    answer = await stage.ask(who, "POST", "/chat", {"message": "hello", "stream": False})
    assert answer.status == 200, answer.body
    conversation = answer.json()["data"]["metadata"]["conversationId"]
    stage.vendor.forget()
    return str(conversation)


def lines(request_id: str, *, via: str, content: bytes | None) -> bytes:
    """The fields of any request to Chatbase, in their order, as they stand on the wire."""
    return b"".join(
        [
            b"accept: application/json, text/event-stream\r\n",
            b"content-type: application/json\r\n" if content is not None else b"",
            b"accept-encoding: identity\r\n",
            b"user-agent: chat-identity-gateway\r\n",
            f"x-request-id: {request_id}\r\n".encode(),
            f"via: {via}\r\n".encode(),
            b"authorization: Bearer cb-key\r\n",
            b"x-external-user-id: alice\r\n",
            f"content-length: {len(content)}\r\n".encode() if content is not None else b"",
            b"\r\n",
            content or b"",
        ]
    )


def expected(
    stage: Stage[Chatbase], start_line: str, answer: Answer, content: bytes | None
) -> bytes:
    (via,) = stage.vendor.requests[-1].values("via")
    (request_id,) = answer.values("x-request-id")
    host = f"host: 127.0.0.1:{stage.vendor.port}\r\n"
    head = f"{start_line} HTTP/1.1\r\n{host}".encode()
    return head + lines(request_id, via=via, content=content)


async def test_creates_a_conversation(stage: Stage[Chatbase]) -> None:
    answer = await stage.ask("alice", "POST", "/chat", {"message": "hello", "stream": False})
    assert answer.status == 200
    assert answer.json()["data"]["metadata"]["userId"] == "alice"
    content = b'{"message":"hello","stream":false,"userId":"alice"}'
    assert stage.vendor.requests[0].raw == expected(stage, f"POST {CHAT}", answer, content)


@pytest.mark.parametrize("shape", ["a", "b", "c", "d"])
@pytest.mark.parametrize("named", [False, True], ids=["data lines", "event and data lines"])
async def test_streams_and_owns_in_each_documented_shape(
    stage: Stage[Chatbase], shape: str, named: bool
) -> None:
    stage.vendor.shape, stage.vendor.named_events = shape, named  # type: ignore[assignment]
    answer = await stage.ask("alice", "POST", "/chat", {"message": "hello"})
    assert answer.status == 200
    assert answer.complete
    assert answer.values("content-type")[0].startswith("text/event-stream")
    assert answer.values("x-vercel-ai-ui-message-stream") == ["v1"]
    assert answer.body.endswith(b"data: [DONE]\n\n")
    (conversation,) = stage.vendor.memory.of_all("agent_1")
    assert conversation.id.encode() in answer.body
    again = {"message": "and?", "conversationId": conversation.id}
    assert (await stage.ask("alice", "POST", "/chat", again)).status == 200
    assert (await stage.ask("bob", "POST", "/chat", again)).status == 404


async def test_continues_a_conversation(stage: Stage[Chatbase]) -> None:
    conversation = await start(stage, "alice")
    body = {"message": "and?", "conversationId": conversation, "stream": False}
    answer = await stage.ask("alice", "POST", "/chat", body)
    assert answer.status == 200
    content = json.dumps({**body, "userId": "alice"}, separators=(",", ":")).encode()
    assert stage.vendor.requests[0].raw == expected(stage, f"POST {CHAT}", answer, content)


async def test_lists_my_conversations(stage: Stage[Chatbase]) -> None:
    conversation = await start(stage, "alice")
    await start(stage, "bob")
    answer = await stage.ask("alice", "GET", "/users/me/conversations?limit=5")
    assert [one["id"] for one in answer.json()["data"]] == [conversation]
    line = "GET /api/v2/agents/agent_1/users/alice/conversations?limit=5"
    assert stage.vendor.requests[0].raw == expected(stage, line, answer, None)


async def test_pages_through_my_conversations_with_the_vendors_own_cursors(
    stage: Stage[Chatbase],
) -> None:
    opened = {await start(stage, "alice") for _ in range(3)}
    found, query = set(), "?limit=1"
    for _ in range(3):
        page = (await stage.ask("alice", "GET", f"/users/me/conversations{query}")).json()
        found |= {one["id"] for one in page["data"]}
        query = f"?limit=1&cursor={page['pagination']['cursor']}"
    assert found == opened


@pytest.mark.parametrize("rest", ["", "/messages"])
async def test_reads_one_of_mine(stage: Stage[Chatbase], rest: str) -> None:
    conversation = await start(stage, "alice")
    answer = await stage.ask("alice", "GET", f"/conversations/{conversation}{rest}")
    assert answer.status == 200, answer.body
    line = f"GET /api/v2/agents/agent_1/conversations/{conversation}{rest}"
    assert stage.vendor.requests[0].raw == expected(stage, line, answer, None)


async def test_retries_rates_and_answers_a_tool_call(stage: Stage[Chatbase]) -> None:
    conversation = await start(stage, "alice")
    base = f"/conversations/{conversation}"
    (_, reply) = (await stage.ask("alice", "GET", base + "/messages")).json()["data"]
    rated = await stage.ask(
        "alice", "PATCH", f"{base}/messages/{reply['id']}/feedback", {"feedback": "positive"}
    )
    assert rated.status == 200, rated.body
    retried = await stage.ask(
        "alice", "POST", base + "/retry", {"messageId": reply["id"], "stream": False}
    )
    assert retried.status == 200, retried.body


async def test_opens_a_voice_session(stage: Stage[Chatbase]) -> None:
    answer = await stage.ask("alice", "POST", "/voice/sessions", {"timezone": "Europe/Bucharest"})
    assert answer.status == 200, answer.body
    assert stage.vendor.requests[0].json() == {"timezone": "Europe/Bucharest", "userId": "alice"}
    conversation = answer.json()["data"]["conversationId"]
    assert (await stage.ask("alice", "GET", f"/conversations/{conversation}")).status == 200
    assert (await stage.ask("bob", "GET", f"/conversations/{conversation}")).status == 404


# What bob, who knows the id of alice's conversation, tries


def touching(conversation: str) -> list[tuple[str, str, object]]:
    base = f"/conversations/{conversation}"
    return [
        ("POST", "/chat", {"message": "x", "conversationId": conversation}),
        ("POST", "/chat", {"message": "x", "conversationId": conversation, "stream": False}),
        ("POST", "/voice/sessions", {"conversationId": conversation}),
        ("POST", base + "/retry", {"messageId": "m"}),
        ("POST", base + "/tool-result", {"toolCallId": "t", "output": {}}),
        ("GET", base, None),
        ("GET", base + "/messages", None),
        ("GET", base + "/messages?cursor=&limit=1", None),
        ("PATCH", base + "/messages/m/feedback", {"feedback": "negative"}),
    ]


@pytest.mark.parametrize("index", range(9))
async def test_nobody_touches_anothers_conversation_and_the_answer_is_that_of_none(
    stage: Stage[Chatbase], index: int
) -> None:
    theirs = await start(stage, "alice")
    refused = await stage.ask("bob", *touching(theirs)[index])
    unknown = await stage.ask("bob", *touching("0" * len(theirs))[index])
    assert refused.status == unknown.status == 404
    assert stage.vendor.saw_nothing()
    assert without_request_id(refused) == without_request_id(unknown)
    assert refused.json()["error"]["code"] == "RESOURCE_NOT_FOUND"
    assert refused.values("x-gateway-error") == ["conversation_not_found"]


def without_request_id(answer: Answer) -> object:
    kept = [field for field in answer.fields if field[0] not in {"x-request-id", "date"}]
    return answer.status, kept, answer.body


@pytest.mark.parametrize("name", NAMES)
async def test_a_member_that_names_somebody_else_does_not_reach_the_vendor(
    stage: Stage[Chatbase], name: str
) -> None:
    body = {"message": "hi", "stream": False}
    for written in (json.dumps(name), escaped(name)):
        answer = await stage.ask("alice", "POST", "/chat", with_member(body, written, "victim"))
        assert answer.status == 200, answer.body
    for request in stage.vendor.requests:
        assert b"victim" not in request.raw
        assert request.json() == {**body, "userId": "alice"}


@pytest.mark.parametrize("name", FIELD_NAMES)
async def test_a_field_that_names_somebody_else_does_not_reach_the_vendor(
    stage: Stage[Chatbase], name: str
) -> None:
    body = {"message": "hi", "stream": False}
    answer = await stage.ask("alice", "POST", "/chat", body, [(name, "victim")])
    assert answer.status == 200, answer.body
    assert b"victim" not in stage.vendor.requests[0].raw
    assert stage.vendor.requests[0].values("x-external-user-id") == ["alice"]


@pytest.mark.parametrize("name", ["X_External_User_Id", "x-external_user-id", "USER_ID"])
async def test_a_field_name_with_an_underscore_is_refused(
    stage: Stage[Chatbase], name: str
) -> None:
    answer = await stage.ask("alice", "POST", "/chat", {"message": "hi"}, [(name, "victim")])
    assert answer.status == 400
    assert stage.vendor.saw_nothing()


@pytest.mark.parametrize(
    "name", ["userId", "user_id", "user%49d", "userId%5B%5D", "external_user_id"]
)
async def test_a_parameter_that_names_somebody_else_does_not_reach_the_vendor(
    stage: Stage[Chatbase], name: str
) -> None:
    answer = await stage.ask("alice", "GET", f"/users/me/conversations?{name}=victim&limit=3")
    assert answer.status == 200
    assert stage.vendor.requests[0].target.endswith("/users/alice/conversations?limit=3")


@pytest.mark.parametrize("named", ["victim", "self", "ALICE", "me", "alice"])
async def test_the_user_in_a_path_is_overwritten_whatever_it_says(
    stage: Stage[Chatbase], named: str
) -> None:
    answer = await stage.ask("alice", "GET", f"/users/{named}/conversations")
    assert answer.status == 200
    assert stage.vendor.requests[0].target == "/api/v2/agents/agent_1/users/alice/conversations"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"message":"x","userId":"alice","userId":"victim"}', id="B-02 duplicate"),
        pytest.param(
            b'{"message":"x","userId":"v","user\\u0049d":"w"}', id="B-02 escaped duplicate"
        ),
        pytest.param(b'{"message":"x","conversationId":"a","conversationId":"b"}', id="B-03"),
        pytest.param(b'{"message":"x","conversation_id":"ID"}', id="B-21 another spelling"),
        pytest.param(b'{"message":"x","ConversationId":"ID"}', id="B-21 another case"),
        pytest.param(b'{"message":"x","threadId":"ID"}', id="B-21 another word"),
        pytest.param(b'{"message":"x","conversationId":["ID"]}', id="B-20 list"),
        pytest.param(b'{"message":"x","conversationId":{"id":"ID"}}', id="B-20 object"),
        pytest.param(b'{"message":"x","conversationId":""}', id="B-20 empty"),
        pytest.param(b'{"message":"x","conversationId":true}', id="B-20 true"),
        pytest.param(b'{"message":"x","conversationId":"ID "}', id="I-07 trailing space"),
        pytest.param(b'{"message":"x","conversationId":"%49D"}', id="I-07 percent"),
        pytest.param(b'{"message":"x","stream":"true"}', id="B-22"),
        pytest.param(b'{"message":"x","stream":1}', id="B-22 one is not true"),
    ],
)
async def test_a_body_that_could_be_read_in_two_ways_is_refused(
    stage: Stage[Chatbase], body: bytes
) -> None:
    theirs = await start(stage, "alice")
    answer = await stage.ask("bob", "POST", "/chat", body.replace(b"ID", theirs.encode()))
    assert answer.status == 400, answer.body
    assert stage.vendor.saw_nothing()


@pytest.mark.parametrize("variant", ["upper", "lower", "title"])
async def test_another_case_of_an_id_is_another_id(stage: Stage[Chatbase], variant: str) -> None:
    theirs = await start(stage, "alice")
    other = getattr(theirs, variant)()
    answer = await stage.ask("alice", "GET", f"/conversations/{other}")
    assert answer.status == (200 if other == theirs else 404)


async def test_an_unknown_conversation_is_nobodys(stage: Stage[Chatbase]) -> None:
    elsewhere = stage.vendor.memory.open("agent_1", "alice")
    answer = await stage.ask("alice", "GET", f"/conversations/{elsewhere.id}")
    assert answer.status == 404
    assert stage.vendor.saw_nothing()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/conversations"),
        ("GET", "/conversations/export"),
        ("GET", "/conversations/export/messages"),
        ("PATCH", "/conversations/c/pause"),
        ("GET", "/sources"),
        ("DELETE", ""),
        ("POST", "/chat/"),
        ("POST", "/Chat"),
        ("POST", "/chat.json"),
    ],
)
async def test_what_the_profile_does_not_declare_does_not_exist(
    stage: Stage[Chatbase], method: str, path: str
) -> None:
    answer = await stage.ask("alice", method, path, {} if method != "GET" else None)
    assert answer.status in {400, 404}
    assert stage.vendor.saw_nothing()


@pytest.mark.parametrize(
    "message",
    [
        "%2e%2e",
        "..",
        ".",
        "%2E.",
        "..%2f..",
        "a%2Fb",
        "a%252fb",
        "",
        "a;b",
        "a b",
        "a%00",
        "m\\n",
        "%",
    ],
)
async def test_a_path_has_one_plain_spelling(stage: Stage[Chatbase], message: str) -> None:
    """In a variable that nothing else looks at: `..` would rate the conversation's messages."""
    conversation = await start(stage, "alice")
    path = f"/conversations/{conversation}/messages/{message}/feedback"
    answer = await stage.ask("alice", "PATCH", path, {"feedback": "positive"})
    assert answer.status == 400
    assert stage.vendor.saw_nothing()


async def test_another_agent_than_the_configured_does_not_exist(stage: Stage[Chatbase]) -> None:
    request = stage.request("alice", "POST", "/chat", {"message": "x"})
    other = request.replace(b"/agents/agent_1/", b"/agents/agent_2/", 1)
    answer = await wire(stage.url, other)
    assert answer.status == 404
    assert stage.vendor.saw_nothing()


# What the vendor says


async def test_an_ended_conversation_says_so_in_the_vendors_words(stage: Stage[Chatbase]) -> None:
    conversation = await start(stage, "alice")
    stage.vendor.memory.of_agent("agent_1", conversation).status = "ended"
    body = {"message": "x", "conversationId": conversation}
    answer = await stage.ask("alice", "POST", "/chat", body)
    assert answer.status == 400
    assert answer.json()["error"]["code"] == "CHAT_CONVERSATION_NOT_ONGOING"


async def test_nothing_of_the_vendors_cookies_and_names_reaches_the_client(
    stage: Stage[Chatbase],
) -> None:
    answer = await stage.ask("alice", "POST", "/chat", {"message": "x", "stream": False})
    assert stage.vendor.requests
    assert b"CANARY" not in answer.raw
    assert not answer.values("set-cookie")
    assert answer.values("server") != ["cloudflare"]


async def test_an_answer_that_names_another_user_is_not_passed_on(stage: Stage[Chatbase]) -> None:
    stage.vendor.memory.reports_user = "mallory"
    unary = await stage.ask("alice", "POST", "/chat", {"message": "x", "stream": False})
    assert unary.status == 502
    assert b"mallory" not in unary.raw
    stream = await stage.ask("alice", "POST", "/chat", {"message": "x"})
    assert b"mallory" not in stream.raw
    assert not stream.complete
    assert events(stream)[-1]["type"] == "error"


async def test_an_answer_with_anothers_conversation_is_cut_off(stage: Stage[Chatbase]) -> None:
    theirs = await start(stage, "alice")

    async def handler(request, reply):  # type: ignore[no-untyped-def]
        await reply.stream(
            [{"type": "text-delta", "delta": "x"}, {"metadata": {"conversationId": theirs}}]
        )

    stage.vendor.handler = handler
    answer = await stage.ask("bob", "POST", "/chat", {"message": "x"})
    assert theirs.encode() not in answer.raw
    assert not answer.complete
