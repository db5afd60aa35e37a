"""The demo's vendor over sockets: Chatbase's API v2, its quirks among them."""

import json
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from gateway.demo.server import listen, origin, served
from gateway.demo.shop import open_northwick, open_southbank
from gateway.demo.vendor import ChatVendor

pytestmark = pytest.mark.anyio

AGENT = "/api/v2/agents/north"
WHERE = "Where is my order?"


@pytest.fixture
async def url() -> AsyncIterator[str]:
    vendor = ChatVendor(
        {"key-north": open_northwick("north"), "key-south": open_southbank("south")}, word=0.01
    )
    with listen(0) as listener:
        async with served(vendor.app(), listener):
            yield origin(listener)


@pytest.fixture
async def client(url: str) -> AsyncIterator[httpx.AsyncClient]:
    fields = {"authorization": "Bearer key-north"}
    async with httpx.AsyncClient(base_url=url, headers=fields, trust_env=False) as client:
        yield client


async def ask(client: httpx.AsyncClient, message: str = WHERE, **members) -> dict:
    content = {"message": message, "stream": False, **members}
    answer = await client.post(f"{AGENT}/chat", json=content)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def events(text: str) -> list[dict]:
    blocks = text.split("\n\n")
    assert blocks[-2:] == ["data: [DONE]", ""]
    return [json.loads(block.removeprefix("data: ")) for block in blocks[:-2]]


def error_of(answer: httpx.Response) -> tuple[int, str]:
    error = answer.json()["error"]
    assert set(error) == {"code", "message"}
    return answer.status_code, error["code"]


async def test_answers_in_one_piece_when_asked_to(client):
    said = await ask(client, userId="alice")
    assert said["role"] == "assistant"
    assert "blue kettle" in said["parts"][0]["text"]
    metadata = said["metadata"]
    assert metadata["userId"] == "alice"
    assert metadata["usage"] == {"credits": 1}
    assert metadata["finishReason"] == "stop"
    assert metadata["conversationId"]
    assert metadata["userMessageId"] != said["id"]


async def test_streams_unless_asked_otherwise(client):
    answer = await client.post(f"{AGENT}/chat", json={"message": WHERE, "userId": "alice"})
    assert answer.headers["x-vercel-ai-ui-message-stream"] == "v1"
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = events(answer.text)
    kinds = [event["type"] for event in found]
    assert kinds[:2] == ["start", "text-start"]
    assert kinds[-2:] == ["text-end", "finish"]
    assert set(kinds[2:-2]) == {"text-delta"}
    text = "".join(event["delta"] for event in found if event["type"] == "text-delta")
    assert "blue kettle" in text
    finish = found[-1]["metadata"]
    assert finish["userId"] == "alice"
    assert finish["usage"]["credits"] == 1
    assert found[0]["messageMetadata"]["conversationId"] == finish["conversationId"]


async def test_speaks_word_by_word(client):
    content = {"message": WHERE, "userId": "alice"}
    async with client.stream("POST", f"{AGENT}/chat", json=content) as answer:
        moments = [time.monotonic() async for chunk in answer.aiter_raw() if b"delta" in chunk]
    assert len(moments) > 10
    assert moments[-1] - moments[0] > 0.05


async def test_takes_a_user_when_a_conversation_opens_and_never_again(client):
    opened = await ask(client, userId="alice")
    conversation = opened["metadata"]["conversationId"]
    late = await ask(client, userId="sam", conversationId=conversation)
    assert late["metadata"]["userId"] == "alice"
    assert "blue kettle" in late["parts"][0]["text"]


async def test_without_a_user_it_knows_nobody(client):
    said = await ask(client)
    assert said["metadata"]["userId"] is None
    assert "kettle" not in said["parts"][0]["text"]


async def test_an_ended_conversation_takes_no_more(client):
    opened = await ask(client, "Goodbye", userId="alice")
    conversation = opened["metadata"]["conversationId"]
    content = {"message": "Wait!", "conversationId": conversation}
    answer = await client.post(f"{AGENT}/chat", json=content)
    assert error_of(answer) == (400, "CHAT_CONVERSATION_NOT_ONGOING")
    shown = (await client.get(f"{AGENT}/conversations/{conversation}")).json()["data"]
    assert shown["status"] == "ended"


async def test_one_conversation_and_its_messages(client):
    opened = await ask(client, userId="alice")
    path = f"{AGENT}/conversations/{opened['metadata']['conversationId']}"
    conversation = (await client.get(path)).json()["data"]
    assert conversation["userId"] == "alice"
    assert conversation["title"] == WHERE
    assert conversation["status"] == "ongoing"
    messages = (await client.get(f"{path}/messages")).json()
    assert [message["role"] for message in messages["data"]] == ["user", "assistant"]
    assert messages["data"][1]["id"] == opened["id"]
    assert messages["pagination"] == {"cursor": None, "hasMore": False, "total": 2}


async def test_lists_a_users_conversations_by_the_page(client):
    for _ in range(3):
        await ask(client, userId="alice")
    await ask(client, userId="sam")
    path = f"{AGENT}/users/alice/conversations"
    first = (await client.get(path, params={"limit": 2})).json()
    assert first["pagination"]["hasMore"] is True
    assert first["pagination"]["total"] == 3
    query = {"limit": 2, "cursor": first["pagination"]["cursor"]}
    second = (await client.get(path, params=query)).json()
    found = first["data"] + second["data"]
    assert {conversation["userId"] for conversation in found} == {"alice"}
    assert len({conversation["id"] for conversation in found}) == 3


async def test_with_the_key_everybodys_are_there(client):
    await ask(client, userId="alice")
    await ask(client, userId="sam")
    found = (await client.get(f"{AGENT}/conversations")).json()["data"]
    assert {conversation["userId"] for conversation in found} == {"alice", "sam"}


async def test_answers_again_and_forgets_what_came_after(client):
    opened = await ask(client, userId="alice")
    conversation = opened["metadata"]["conversationId"]
    await ask(client, "Thanks", conversationId=conversation)
    path = f"{AGENT}/conversations/{conversation}"
    content = {"messageId": opened["id"], "stream": False}
    again = (await client.post(f"{path}/retry", json=content)).json()["data"]
    assert again["id"] != opened["id"]
    assert again["parts"] != opened["parts"]
    messages = (await client.get(f"{path}/messages")).json()["data"]
    assert [message["id"] for message in messages][1:] == [again["id"]]


async def test_takes_a_rating_back(client):
    said = await ask(client, userId="alice")
    path = f"{AGENT}/conversations/{said['metadata']['conversationId']}/messages/{said['id']}"
    for feedback in ("positive", "negative", None):
        answer = await client.patch(f"{path}/feedback", json={"feedback": feedback})
        assert answer.json()["data"]["feedback"] == feedback


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        ("", "AUTH_MISSING_API_KEY"),
        ("Basic eDp5", "AUTH_MISSING_API_KEY"),
        ("Bearer", "AUTH_MISSING_API_KEY"),
        ("Bearer wrong", "AUTH_INVALID_API_KEY"),
    ],
)
async def test_wants_its_key(client, authorization, code):
    fields = {"authorization": authorization}
    answer = await client.get(f"{AGENT}/conversations", headers=fields)
    assert error_of(answer) == (401, code)


async def test_a_key_opens_its_own_agent_only(client):
    fields = {"authorization": "Bearer key-south"}
    answer = await client.get(f"{AGENT}/conversations", headers=fields)
    assert error_of(answer) == (404, "AGENT_NOT_FOUND")


async def test_a_conversation_belongs_to_one_agent(client):
    said = await ask(client, userId="sam")
    answer = await client.post(
        "/api/v2/agents/south/chat",
        json={"message": WHERE, "conversationId": said["metadata"]["conversationId"]},
        headers={"authorization": "Bearer key-south"},
    )
    assert error_of(answer) == (400, "CHAT_CONVERSATION_MISMATCH")


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        pytest.param(b"{", (400, "VALIDATION_INVALID_JSON"), id="no JSON"),
        pytest.param(b"[]", (400, "VALIDATION_INVALID_BODY"), id="no object"),
        pytest.param(b"{}", (400, "VALIDATION_INVALID_BODY"), id="no message"),
        pytest.param(b'{"message":" "}', (400, "VALIDATION_INVALID_BODY"), id="empty message"),
        pytest.param(
            b'{"message":"a","stream":"no"}', (400, "VALIDATION_INVALID_BODY"), id="odd stream"
        ),
        pytest.param(
            b'{"message":"a","userId":"a b"}', (400, "VALIDATION_INVALID_BODY"), id="odd user"
        ),
        pytest.param(
            b'{"message":"a","userId":"alice\\n"}', (400, "VALIDATION_INVALID_BODY"), id="newline"
        ),
        pytest.param(
            b'{"message":"a","conversationId":7}', (400, "VALIDATION_INVALID_BODY"), id="number"
        ),
        pytest.param(
            b'{"message":"a","conversationId":"x"}', (404, "RESOURCE_NOT_FOUND"), id="unknown"
        ),
    ],
)
async def test_refuses_a_body_it_cannot_take(client, content, refusal):
    answer = await client.post(f"{AGENT}/chat", content=content)
    assert error_of(answer) == refusal


async def test_refuses_to_retry_what_is_not_there(client):
    said = await ask(client, userId="alice")
    path = f"{AGENT}/conversations/{said['metadata']['conversationId']}/retry"
    answer = await client.post(path, json={"messageId": "msg_x"})
    assert error_of(answer) == (404, "CHAT_RETRY_MESSAGE_NOT_FOUND")


async def test_refuses_to_rate_what_is_no_answer(client):
    said = await ask(client, userId="alice")
    messages = f"{AGENT}/conversations/{said['metadata']['conversationId']}/messages"
    asked = said["metadata"]["userMessageId"]
    rated = await client.patch(f"{messages}/{asked}/feedback", json={"feedback": "positive"})
    assert error_of(rated) == (400, "RESOURCE_MESSAGE_NOT_ASSISTANT")
    missing = await client.patch(f"{messages}/msg_x/feedback", json={"feedback": "positive"})
    assert error_of(missing) == (404, "RESOURCE_MESSAGE_NOT_FOUND")
    odd = await client.patch(f"{messages}/{said['id']}/feedback", json={"feedback": "great"})
    assert error_of(odd) == (400, "VALIDATION_INVALID_BODY")


async def test_refuses_a_page_that_is_none(client):
    answer = await client.get(f"{AGENT}/conversations", params={"limit": 0})
    assert error_of(answer) == (400, "VALIDATION_INVALID_BODY")


async def test_knows_no_other_path(client):
    assert error_of(await client.get("/api/v2/anything")) == (404, "RESOURCE_NOT_FOUND")
    assert error_of(await client.delete(f"{AGENT}/chat")) == (404, "RESOURCE_NOT_FOUND")
