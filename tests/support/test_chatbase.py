"""The emulator has the quirks the gateway is there for; else its tests would prove little."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.support.chatbase import Chatbase
from tests.support.chatbase_turns import SHAPES, Shape

pytestmark = pytest.mark.anyio
AGENT = "/api/v2/agents/agent_1"


@pytest.fixture
async def vendor() -> AsyncIterator[Chatbase]:
    async with Chatbase() as chatbase:
        yield chatbase


@pytest.fixture
async def client(vendor: Chatbase) -> AsyncIterator[httpx.AsyncClient]:
    fields = {"authorization": "Bearer cb-key"}
    async with httpx.AsyncClient(base_url=vendor.url, headers=fields, trust_env=False) as one:
        yield one


async def chat(client: httpx.AsyncClient, agent: str = AGENT, **body: Any) -> httpx.Response:
    return await client.post(f"{agent}/chat", json={"stream": False, **body})


async def opened(client: httpx.AsyncClient, user: str = "alice", message: str = "Hi") -> Any:
    answer = await chat(client, message=message, userId=user)
    assert answer.status_code == 200
    return answer.json()["data"]


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def events(answer: httpx.Response) -> list[Any]:
    lines = [
        line.removeprefix("data: ") for line in answer.text.splitlines() if line[:5] == "data:"
    ]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


async def test_takes_a_user_on_creation_and_ignores_one_afterwards(client, vendor):
    data = await opened(client)
    assert data["metadata"]["userId"] == "alice"
    named = data["metadata"]["conversationId"]
    answer = await chat(client, message="Mine now", userId="mallory", conversationId=named)
    assert answer.status_code == 200
    assert answer.json()["data"]["metadata"]["userId"] == "alice"
    assert [one["role"] for one in vendor.memory.by_id[named].messages] == ["user", "assistant"] * 2


@pytest.mark.parametrize("user", ["", "a b", "a@b.example", "x" * 129, 7])
async def test_refuses_a_user_beyond_its_alphabet(client, user):
    assert refusal(await chat(client, message="Hi", userId=user)) == (
        400,
        "VALIDATION_INVALID_BODY",
    )


PLACES: dict[Shape, list[tuple[str, str]]] = {
    "a": [("finish", "metadata")],
    "b": [("finish", "messageMetadata")],
    "c": [("message-metadata", "")],
    "d": [("start", "messageMetadata"), ("message-metadata", "messageMetadata")],
}


@pytest.mark.parametrize("named_events", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
async def test_streams_by_default_and_names_the_conversation_in_each_shape(
    client, vendor, shape, named_events
):
    vendor.shape, vendor.named_events = shape, named_events
    answer = await client.post(f"{AGENT}/chat", json={"message": "One two", "userId": "alice"})
    assert answer.headers["x-vercel-ai-ui-message-stream"] == "v1"
    assert answer.headers["content-type"] == "text/event-stream"
    assert ("event: finish" in answer.text) == named_events
    found = events(answer)
    assert "".join(one.get("delta", "") for one in found).strip() == "You said: One two"
    (conversation,) = vendor.memory.by_id
    places = [
        (one["type"], member)
        for one in found
        for member in ("", "metadata", "messageMetadata")
        if (one.get(member, {}) if member else one).get("conversationId") == conversation
    ]
    assert places == PLACES[shape]


async def test_goes_on_only_while_a_conversation_is_ongoing_and_at_its_agent(client, vendor):
    named = (await opened(client))["metadata"]["conversationId"]
    other = "/api/v2/agents/agent_2"
    answer = await chat(client, other, message="Hi", conversationId=named)
    assert refusal(answer) == (400, "CHAT_CONVERSATION_MISMATCH")
    answer = await chat(client, "/api/v2/agents/agent_3", message="Hi")
    assert refusal(answer) == (404, "AGENT_NOT_FOUND")
    vendor.memory.by_id[named].status = "taken_over"
    answer = await chat(client, message="Hi", conversationId=named)
    assert refusal(answer) == (400, "CHAT_CONVERSATION_NOT_ONGOING")
    answer = await chat(client, message="Hi", conversationId="no-such")
    assert refusal(answer) == (404, "RESOURCE_NOT_FOUND")


async def test_calls_a_tool_and_goes_on_without_a_message_once_it_has_answered(client):
    data = await opened(client, message="Where is my order?")
    call = data["parts"][0]
    assert data["metadata"]["finishReason"] == "tool-calls"
    assert call == {
        "type": "tool-call",
        "toolCallId": call["toolCallId"],
        "toolName": "get_orders",
        "input": {},
    }
    named = data["metadata"]["conversationId"]
    answer = await chat(client, conversationId=named)
    assert refusal(answer) == (400, "VALIDATION_INVALID_BODY")
    path = f"{AGENT}/conversations/{named}/tool-result"
    unknown = await client.post(path, json={"toolCallId": "call_0", "output": {}})
    assert refusal(unknown) == (404, "RESOURCE_TOOL_CALL_NOT_FOUND")
    result = {"toolCallId": call["toolCallId"], "output": {"status": "sent"}}
    assert (await client.post(path, json=result)).json() == {"data": {"success": True}}
    data = (await chat(client, conversationId=named)).json()["data"]
    assert data["parts"] == [{"type": "text", "text": 'The tool says {"status": "sent"}'}]


async def test_streams_a_tool_call(client):
    answer = await client.post(f"{AGENT}/chat", json={"message": "Where is my order?"})
    kinds = [one["type"] for one in events(answer)]
    assert kinds[2:4] == ["tool-input-start", "tool-input-available"]


async def test_a_retry_forgets_what_came_after(client, vendor):
    first = await opened(client)
    named = first["metadata"]["conversationId"]
    await chat(client, message="Second", conversationId=named)
    path = f"{AGENT}/conversations/{named}/retry"
    body = {"messageId": first["id"], "stream": False}
    again = (await client.post(path, json=body)).json()["data"]
    assert again["parts"] == first["parts"]
    ids = [one["id"] for one in vendor.memory.by_id[named].messages]
    assert ids == [first["metadata"]["userMessageId"], again["id"]]
    unknown = await client.post(path, json={"messageId": "msg_0"})
    assert refusal(unknown) == (404, "CHAT_RETRY_MESSAGE_NOT_FOUND")


async def test_reads_a_conversation_and_rates_an_answer(client):
    data = await opened(client)
    named = data["metadata"]["conversationId"]
    path = f"{AGENT}/conversations/{named}/messages"
    rated = await client.patch(f"{path}/{data['id']}/feedback", json={"feedback": "positive"})
    assert rated.json()["data"]["feedback"] == "positive"
    question = data["metadata"]["userMessageId"]
    answer = await client.patch(f"{path}/{question}/feedback", json={"feedback": "positive"})
    assert refusal(answer) == (400, "RESOURCE_MESSAGE_NOT_ASSISTANT")
    read = (await client.get(f"{AGENT}/conversations/{named}")).json()["data"]
    assert (read["userId"], read["status"]) == ("alice", "ongoing")
    assert [one["feedback"] for one in read["messages"]] == [None, "positive"]


async def test_lists_a_users_conversations_page_by_page(client, vendor):
    mine = [vendor.memory.open("agent_1", "alice").id for _ in range(5)]
    vendor.memory.open("agent_1", "bob")
    vendor.memory.open("agent_2", "alice")
    path, cursor, seen = f"{AGENT}/users/alice/conversations", None, []
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await client.get(path, params=query)).json()
        seen += [one["id"] for one in page["data"]]
        assert page["pagination"]["total"] == 5
        cursor = page["pagination"]["cursor"]
        assert (cursor is not None) == page["pagination"]["hasMore"]
        if cursor is None:
            break
    assert seen == mine[::-1]
    everybody = (await client.get(f"{AGENT}/conversations")).json()
    assert {one["userId"] for one in everybody["data"]} == {"alice", "bob"}


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=x", "cursor=e30="])
async def test_refuses_a_page_that_is_none(client, query):
    answer = await client.get(f"{AGENT}/users/alice/conversations?{query}")
    assert refusal(answer) == (400, "VALIDATION_INVALID_BODY")


async def test_pages_of_messages_go_back_from_the_newest(client):
    named = (await opened(client, message="1"))["metadata"]["conversationId"]
    await chat(client, message="2", conversationId=named)
    path = f"{AGENT}/conversations/{named}/messages"
    page = (await client.get(path, params={"limit": 3})).json()
    assert [one["role"] for one in page["data"]] == ["assistant", "user", "assistant"]
    assert page["data"][-1]["metadata"]["userId"] == "alice"
    rest = {"limit": 3, "cursor": page["pagination"]["cursor"]}
    page = (await client.get(path, params=rest)).json()
    assert [one["parts"][0]["text"] for one in page["data"]] == ["1"]


async def test_voice_alone_compares_the_user_with_the_conversations(client):
    path = f"{AGENT}/voice/sessions"
    session = (await client.post(path, json={"userId": "alice"})).json()["data"]
    assert session["userId"] == "alice"
    named = session["conversationId"]
    answer = await client.post(path, json={"userId": "bob", "conversationId": named})
    assert refusal(answer) == (403, "CONVERSATION_USER_MISMATCH")


async def test_quotes_a_wrong_key_and_leaks_what_vendors_leak(client):
    answer = await client.get(f"{AGENT}/conversations", headers={"authorization": "Bearer wrong"})
    assert refusal(answer) == (401, "AUTH_INVALID_API_KEY")
    assert "wrong" in answer.text
    assert {"server", "set-cookie", "www-authenticate", "x-ratelimit-reset"} <= set(answer.headers)
    async with httpx.AsyncClient(base_url=str(client.base_url), trust_env=False) as stranger:
        answer = await stranger.get(f"{AGENT}/conversations")
    assert refusal(answer) == (401, "AUTH_MISSING_API_KEY")


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"message":7}', b'{"message":"a","stream":1}'])
async def test_refuses_a_body_it_cannot_use(client, content):
    answer = await client.post(f"{AGENT}/chat", content=content)
    assert answer.status_code == 400
