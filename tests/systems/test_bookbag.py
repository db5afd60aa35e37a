"""Bookbag through the gateway: what the person gets, and what the vendor saw, byte for byte."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.bookbag import Bookbag
from tests.support.stage import Stage, bookbag_stage, events
from tests.support.wire import Answer, wire
from tests.systems.records import one_of, recorded
from tests.systems.spoofs import FIELD_NAMES, NAMES, escaped, with_member

pytestmark = pytest.mark.anyio
AGENT = "/api/v2/agents/12"
CHAT = f"{AGENT}/chat"
HI = {"message": "hi", "stream": False}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage[Bookbag]]:
    async with bookbag_stage(tmp_path) as built:
        yield built


async def start(stage: Stage[Bookbag], who: str) -> int:
    """A conversation this person has opened through the gateway."""
    answer = await stage.ask(who, "POST", "/chat", HI)
    assert answer.status == 200, answer.body
    conversation = answer.json()["data"]["metadata"]["conversationId"]
    stage.vendor.forget()
    assert type(conversation) is int
    return conversation


def expected(
    stage: Stage[Bookbag], start_line: str, answer: Answer, content: bytes | None = None
) -> bytes:
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
        "authorization: Bearer oc_key",
        "x-external-user-id: alice",
        *([f"content-length: {len(content)}"] if content is not None else []),
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + (content or b"")


async def test_creates_a_conversation(stage: Stage[Bookbag]) -> None:
    answer = await stage.ask("alice", "POST", "/chat", HI)
    assert answer.status == 200
    assert answer.json()["data"]["metadata"]["userId"] == "alice"
    content = b'{"message":"hi","stream":false,"userId":"alice"}'
    assert stage.vendor.requests[0].raw == expected(stage, f"POST {CHAT}", answer, content)


async def test_streams_text_deltas_and_owns(stage: Stage[Bookbag]) -> None:
    answer = await stage.ask("alice", "POST", "/chat", {"message": "hi"})
    assert answer.complete
    assert answer.values("content-type") == ["text/event-stream"]
    found = events(answer)
    assert "".join(one.get("text", "") for one in found) == "You said: hi "
    assert found[-1]["metadata"]["conversationId"] == "7"
    assert answer.body.endswith(b"data: [DONE]\n\n")
    content = b'{"message":"hi","userId":"alice"}'
    assert stage.vendor.requests[0].raw == expected(stage, f"POST {CHAT}", answer, content)


@pytest.mark.parametrize("stream", [False, True], ids=["opened in JSON", "opened in a stream"])
@pytest.mark.parametrize("named", [b"7", b'"7"'], ids=["integer", "text"])
async def test_a_number_and_its_text_are_one_conversation(
    stage: Stage[Bookbag], stream: bool, named: bytes
) -> None:
    await stage.ask("alice", "POST", "/chat", {"message": "hi", "stream": stream})
    stage.vendor.forget()
    body = b'{"message":"and?","conversationId":' + named + b',"stream":false}'
    assert (await stage.ask("bob", "POST", "/chat", body)).status == 404
    assert (await stage.ask("bob", "GET", "/conversations/7")).status == 404
    assert stage.vendor.saw_nothing()
    answer = await stage.ask("alice", "POST", "/chat", body)
    assert answer.json()["data"]["metadata"]["conversationId"] == 7
    content = body.removesuffix(b"}") + b',"userId":"alice"}'
    assert stage.vendor.requests[0].raw == expected(stage, f"POST {CHAT}", answer, content)
    assert (await stage.ask("alice", "GET", "/conversations/7")).status == 200


# What a vendor that makes a number of an id takes for 7, and we do not: whoever could write another
# person's id so would be let through by a ledger that compares texts.
NOT_SEVEN = [
    '"07"',
    "7.0",
    "7.5",
    '"7 "',
    '" 7"',
    '"7.0"',
    '"7e0"',
    "7e0",
    '"+7"',
    '"0x7"',
    '"\u0667"',
]
NO_ID = ["true", "false", "[7]", '{"id":7}', "-7", "-0", '""', "9007199254740993"]


@pytest.mark.parametrize("written", [*NOT_SEVEN, *NO_ID])
@pytest.mark.parametrize("who", ["alice", "bob"])
async def test_nothing_else_is_that_conversation(
    stage: Stage[Bookbag], who: str, written: str
) -> None:
    assert await start(stage, "alice") == 7
    body = f'{{"message":"x","conversationId":{written}}}'.encode()
    assert (await stage.ask(who, "POST", "/chat", body)).status in {400, 404}
    assert stage.vendor.saw_nothing()


@pytest.mark.parametrize(
    "written",
    ["07", "7.0", "7e0", "0x7", "+7", "-7", "7%20", "%37", "7/", "/7", "7;", "7,8", "\u0667"],
)
async def test_no_other_path_is_that_conversation(stage: Stage[Bookbag], written: str) -> None:
    assert await start(stage, "alice") == 7
    path = quote(written, safe="%/;,+")
    for rest in ("", "/messages"):
        answer = await stage.ask("alice", "GET", f"/conversations/{path}{rest}")
        assert answer.status in {400, 404}
    assert stage.vendor.saw_nothing()


async def test_lists_my_conversations(stage: Stage[Bookbag]) -> None:
    conversation = await start(stage, "alice")
    await start(stage, "bob")
    answer = await stage.ask("alice", "GET", "/users/me/conversations?limit=5")
    assert [one["id"] for one in answer.json()["data"]] == [conversation]
    line = f"GET {AGENT}/users/alice/conversations?limit=5"
    assert stage.vendor.requests[0].raw == expected(stage, line, answer)


@pytest.mark.parametrize("rest", ["", "/messages", "/messages?limit=1"])
async def test_reads_one_of_mine(stage: Stage[Bookbag], rest: str) -> None:
    conversation = await start(stage, "alice")
    answer = await stage.ask("alice", "GET", f"/conversations/{conversation}{rest}")
    assert answer.status == 200, answer.body
    line = f"GET {AGENT}/conversations/{conversation}{rest}"
    assert stage.vendor.requests[0].raw == expected(stage, line, answer)


async def test_retries_rates_and_answers_a_tool_call(stage: Stage[Bookbag]) -> None:
    asked = {"message": "Where is my order?", "stream": False}
    said = (await stage.ask("alice", "POST", "/chat", asked)).json()["data"]
    base = f"/conversations/{said['metadata']['conversationId']}"
    asks = [
        (
            "POST",
            base + "/tool-result",
            {"toolCallId": said["parts"][0]["toolCallId"], "output": {}},
        ),
        ("PATCH", f"{base}/messages/{said['id']}/feedback", {"feedback": "positive"}),
        ("PATCH", f"{base}/messages/{said['id']}/feedback", {"feedback": None}),
        ("POST", base + "/retry", {"messageId": said["id"], "stream": False}),
    ]
    for method, path, body in asks:
        stage.vendor.forget()
        answer = await stage.ask("alice", method, path, body)
        assert answer.status == 200, answer.body
        content = json.dumps(body, separators=(",", ":")).encode()
        line = f"{method} {AGENT}{path}"
        assert stage.vendor.requests[0].raw == expected(stage, line, answer, content)


# What bob, who knows the id of alice's conversation, tries


def touching(conversation: int | str) -> list[tuple[str, str, object]]:
    base = f"/conversations/{conversation}"
    return [
        ("POST", "/chat", {"message": "x", "conversationId": conversation}),
        ("POST", "/chat", {"message": "x", "conversationId": str(conversation), "stream": False}),
        ("POST", base + "/retry", {"messageId": "m"}),
        ("POST", base + "/tool-result", {"toolCallId": "t", "output": {}}),
        ("GET", base, None),
        ("GET", base + "/messages", None),
        ("GET", base + "/messages?cursor=&limit=1", None),
        ("PATCH", base + "/messages/m/feedback", {"feedback": "negative"}),
    ]


@pytest.mark.parametrize("index", range(8))
async def test_nobody_touches_anothers_conversation_and_the_answer_is_that_of_none(
    stage: Stage[Bookbag], index: int
) -> None:
    theirs = await start(stage, "alice")
    refused = await stage.ask("bob", *touching(theirs)[index])
    unknown = await stage.ask("bob", *touching(999)[index])
    assert refused.status == unknown.status == 404
    assert stage.vendor.saw_nothing()
    assert without_request_id(refused) == without_request_id(unknown)
    assert refused.json() == {
        "error": {"code": "RESOURCE_NOT_FOUND", "message": "Conversation not found"}
    }
    assert refused.values("x-gateway-error") == ["conversation_not_found"]


def without_request_id(answer: Answer) -> object:
    kept = [field for field in answer.fields if field[0] not in {"x-request-id", "date"}]
    return answer.status, kept, answer.body


async def test_an_unknown_conversation_is_nobodys(stage: Stage[Bookbag]) -> None:
    elsewhere = stage.vendor.memory.open("12", "alice")
    answer = await stage.ask("alice", "GET", f"/conversations/{elsewhere.id}")
    assert answer.status == 404
    assert stage.vendor.saw_nothing()


async def test_a_member_that_names_somebody_else_does_not_reach_the_vendor(
    stage: Stage[Bookbag],
) -> None:
    content = b'{"message":"hi","stream":false,"userId":"alice"}'
    stage.vendor.allowance = 10_000
    for name in NAMES:
        for written in (json.dumps(name), escaped(name)):
            answer = await stage.ask("alice", "POST", "/chat", with_member(HI, written, "victim"))
            assert answer.status == 200, (name, answer.body)
            sent = stage.vendor.requests[-1].raw
            assert sent == expected(stage, f"POST {CHAT}", answer, content), name


async def test_a_field_that_names_somebody_else_does_not_reach_the_vendor(
    stage: Stage[Bookbag],
) -> None:
    content = b'{"message":"hi","stream":false,"userId":"alice"}'
    for name in FIELD_NAMES:
        answer = await stage.ask("alice", "POST", "/chat", HI, [(name, "victim")])
        sent = stage.vendor.requests[-1].raw
        assert sent == expected(stage, f"POST {CHAT}", answer, content), name


@pytest.mark.parametrize(
    "name", ["userId", "user%49d", "userId%5B%5D", "contact_id", "external_id"]
)
async def test_a_parameter_that_names_somebody_else_does_not_reach_the_vendor(
    stage: Stage[Bookbag], name: str
) -> None:
    answer = await stage.ask("alice", "GET", f"/users/me/conversations?{name}=victim&limit=3")
    line = f"GET {AGENT}/users/alice/conversations?limit=3"
    assert stage.vendor.requests[0].raw == expected(stage, line, answer)


@pytest.mark.parametrize("named", ["victim", "self", "ALICE", "me", "alice", "0"])
async def test_the_user_in_a_path_is_overwritten_whatever_it_says(
    stage: Stage[Bookbag], named: str
) -> None:
    answer = await stage.ask("alice", "GET", f"/users/{named}/conversations")
    line = f"GET {AGENT}/users/alice/conversations"
    assert stage.vendor.requests[0].raw == expected(stage, line, answer)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"message":"x","userId":"alice","userId":"victim"}', id="B-02 duplicate"),
        pytest.param(b'{"message":"x","userId":"v","user\\u0049d":"w"}', id="B-02 escaped"),
        pytest.param(b'{"message":"x","conversationId":7,"conversationId":8}', id="B-03"),
        pytest.param(
            b'{"message":"x","conversationId":8,"conversation\\u0049d":7}', id="B-03 escaped"
        ),
        pytest.param(b'{"message":"x","conversation_id":7}', id="B-21 another spelling"),
        pytest.param(b'{"message":"x","CONVERSATIONID":7}', id="B-21 another case"),
        pytest.param(b'{"message":"x","threadId":7}', id="B-21 another word"),
        pytest.param(b'{"message":"x","stream":"true"}', id="B-22"),
    ],
)
async def test_a_body_that_could_be_read_in_two_ways_is_refused(
    stage: Stage[Bookbag], body: bytes
) -> None:
    await start(stage, "alice")
    answer = await stage.ask("bob", "POST", "/chat", body)
    assert answer.status == 400, answer.body
    assert answer.json()["error"]["code"] == "VALIDATION_INVALID_BODY"
    assert stage.vendor.saw_nothing()


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", f"{AGENT}/conversations"),
        ("GET", f"{AGENT}/conversations/export"),
        ("GET", f"{AGENT}/conversations/export/messages"),
        ("GET", "/api/v1/chatbots/12/contacts"),
        ("POST", "/api/v1/chatbots/12/contacts"),
        ("PATCH", "/api/v1/chatbots/12/contacts/bob"),
        ("DELETE", "/api/v1/chatbots/12/contacts/bob"),
        ("POST", "/webhooks"),
        ("GET", "/api/v2/health"),
        ("POST", "/api/v2/agents/13/chat"),
        ("POST", "/api/v2/agents/012/chat"),
        ("POST", "/api/v2/agents/12.0/chat"),
    ],
)
async def test_what_the_profile_does_not_declare_does_not_exist(
    stage: Stage[Bookbag], method: str, target: str
) -> None:
    body = None if method == "GET" else {"message": "x"}
    request = stage.request("alice", method, "", body).replace(
        f"/shop{AGENT} ".encode(), f"/shop{target} ".encode(), 1
    )
    answer = await wire(stage.url, request)
    assert answer.status == 404
    assert answer.json()["error"]["code"] == "RESOURCE_NOT_FOUND"
    assert stage.vendor.saw_nothing()


# What the vendor says


async def test_says_that_the_keys_requests_are_used_up(stage: Stage[Bookbag]) -> None:
    stage.vendor.allowance = 0
    answer = await stage.ask("alice", "POST", "/chat", HI)
    assert answer.status == 429
    assert answer.json()["error"]["code"] == "RATE_LIMIT_TOO_MANY_REQUESTS"
    assert answer.values("retry-after") == ["10"]
    assert answer.values("x-ratelimit-remaining") == ["0"]


async def test_a_message_is_required_as_the_vendor_says(stage: Stage[Bookbag]) -> None:
    answer = await stage.ask("alice", "POST", "/chat", {"stream": False})
    assert answer.status == 400
    assert answer.json() == {"error": {"code": "VALIDATION_INVALID_BODY", "message": "message"}}


async def test_nothing_of_the_vendors_cookies_and_names_reaches_the_client(
    stage: Stage[Bookbag],
) -> None:
    answer = await stage.ask("alice", "POST", "/chat", HI)
    assert b"CANARY" not in answer.raw
    assert "Bookbag" not in answer.values("server")
    assert answer.values("x-upstream-request-id") == ["req_bookbag_1"]


async def test_a_refused_key_is_ours_to_say(stage: Stage[Bookbag]) -> None:
    stage.vendor.key = "another"
    answer = await stage.ask("alice", "POST", "/chat", HI)
    assert answer.status == 502
    assert answer.json()["error"]["code"] == "INTERNAL_SERVER_ERROR"
    assert b"oc_key" not in answer.raw


@pytest.mark.parametrize("path", ["/users/me/conversations", "/conversations/7"])
async def test_a_list_that_names_another_user_is_not_passed_on(
    stage: Stage[Bookbag], path: str
) -> None:
    await start(stage, "alice")
    stage.vendor.memory.reports_user = "mallory"
    answer = await stage.ask("alice", "GET", path)
    assert answer.status == 502
    assert b"mallory" not in answer.raw


async def test_a_stream_that_names_another_user_ends_in_the_vendors_words(
    stage: Stage[Bookbag],
) -> None:
    stage.vendor.memory.reports_user = "mallory"
    answer = await stage.ask("alice", "POST", "/chat", {"message": "hi"})
    assert b"mallory" not in answer.raw
    assert not answer.complete
    assert list(events(answer)[-1]) == ["type", "errorText"]


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_with_anothers_conversation_does_not_pass(
    stage: Stage[Bookbag], stream: bool
) -> None:
    theirs = await start(stage, "alice")
    stage.vendor.memory.new_id = lambda: str(theirs)
    answer = await stage.ask("bob", "POST", "/chat", {"message": "hi", "stream": stream})
    assert b"conversationId" not in answer.raw
    assert answer.status == 502 or not answer.complete
    assert (await stage.ask("bob", "GET", f"/conversations/{theirs}")).status == 404


@pytest.mark.one_process("its log is in the test's own")
@pytest.mark.parametrize("stream", [False, True])
async def test_what_it_cost_is_recorded(tmp_path: Path, stream: bool) -> None:
    with recorded() as records:
        async with bookbag_stage(tmp_path) as stage:
            await stage.ask("alice", "POST", "/chat", {"message": "hi", "stream": stream})
            record = await one_of(records, "chat")
    assert record["usage"] == {"credits": 1}
    assert record["conversation"] == "7"
