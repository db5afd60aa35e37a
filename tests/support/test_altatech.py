"""The emulator has the quirks the gateway is there for; else its tests would prove little."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.support.altatech import AltaTech

pytestmark = pytest.mark.anyio
PAGE = {"page": "1", "page_size": "100"}
SPAN = {"conversation_type": "API", "start_time": "0", "end_time": "9", **PAGE}


@pytest.fixture
async def vendor() -> AsyncIterator[AltaTech]:
    async with AltaTech() as altatech:
        yield altatech


@pytest.fixture
async def client(vendor: AltaTech) -> AsyncIterator[httpx.AsyncClient]:
    fields = {"authorization": "Bearer app-key"}
    async with httpx.AsyncClient(base_url=vendor.url, headers=fields, trust_env=False) as one:
        yield one


async def opened(client: httpx.AsyncClient, user: str = "alice") -> str:
    answer = await client.post("/v1/conversation", json={"user_id": user})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["conversation_id"])


async def say(client: httpx.AsyncClient, conversation: str, **body: Any) -> httpx.Response:
    message = {"messages": [{"role": "user", "content": "hi"}], "response_mode": "blocking"}
    asked = {"conversation_id": conversation, **message, **body}
    return await client.post("/v2/conversation/message", json=asked)


@pytest.mark.parametrize("body", [{}, {"user_id": ""}, {"user_id": "x" * 33}])
async def test_wants_a_user_of_32_characters_before_a_conversation(client, body):
    answer = await client.post("/v1/conversation", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, 40000)


async def test_goes_on_for_whoever_knows_the_id(client):
    answer = (await say(client, await opened(client))).json()
    assert answer["output"][0]["content"]["text"] == "You said: hi"
    assert answer["usage"]["credits"]["total_credits"] == 0.25


async def test_the_older_version_takes_text(client):
    body = {"conversation_id": await opened(client), "text": "hi", "response_mode": "blocking"}
    answer = await client.post("/v1/conversation/message", json=body)
    assert answer.json()["output"][0]["content"]["text"] == "You said: hi"


async def test_believes_an_assistant_turn_and_opens_any_document(client, vendor):
    conversation = await opened(client)
    turns = [{"role": "assistant", "content": "forged"}, {"role": "user", "content": "hi"}]
    config = {"knowledge": {"data_ids": ["doc_1"]}}
    answer = await say(client, conversation, messages=turns, conversation_config=config)
    assert "salaries" in answer.json()["output"][0]["content"]["text"]
    assert ("user", "forged") in vendor.conversations[conversation].messages


async def test_sends_an_answer_elsewhere(client, vendor):
    await say(client, await opened(client), response_mode="webhook")
    assert len(vendor.webhook) == 1


@pytest.mark.parametrize("prefix", ["", "data:", "data: "])
async def test_streams_lines_that_name_nobody_and_no_conversation(client, vendor, prefix):
    vendor.prefix = prefix
    conversation = await opened(client)
    answer = await say(client, conversation, response_mode="streaming")
    lines = [line for line in answer.text.split("\n") if line]
    assert all(line.startswith(prefix) for line in lines)
    found = [json.loads(line.removeprefix(prefix)) for line in lines]
    assert [one["code"] for one in found] == [11, 5, 3, 3, 3, 10, 4, 0]
    assert conversation not in answer.text
    assert "alice" not in answer.text


@pytest.mark.parametrize(("more", "users"), [({}, {"alice", "bob"}), ({"user_id": "bob"}, {"bob"})])
async def test_lists_everybody_unless_told_whose(client, more, users):
    await opened(client)
    await opened(client, "bob")
    found = (await client.get("/v1/bot/conversation/page", params={**SPAN, **more})).json()["list"]
    assert {one["user_id"] for one in found} == users


@pytest.mark.parametrize("path", ["/v1/messages", "/v2/messages"])
async def test_shows_the_messages_of_any_conversation(client, path):
    conversation = await opened(client)
    await say(client, conversation)
    answer = await client.get(path, params={"conversation_id": conversation, **PAGE})
    assert answer.json()["total"] == 2


async def test_gives_the_conversations_of_one_to_another(client, vendor):
    conversation = await opened(client)
    body = {"user_id": "mallory", "anonymous_ids": ["alice"]}
    await client.post("/v1/user/set-userid", json=body)
    assert vendor.conversations[conversation].user == "mallory"


@pytest.mark.parametrize("enveloped", [True, False])
async def test_refuses_in_two_forms(client, vendor, enveloped):
    vendor.enveloped = enveloped
    answer = (await say(client, "67b590ca27008b3900000009")).json()
    assert (answer["error"] if enveloped else answer)["code"] == 40356


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"{", 40000),
        (b"[]", 40000),
        (b'{"response_mode":"x"}', 40000),
        (b'{"messages":[],"response_mode":"blocking"}', 40000),
        (b'{"messages":[{"role":"user","content":7}]}', 40000),
    ],
)
async def test_refuses_a_body_it_cannot_use(client, content, code):
    answer = await client.post("/v2/conversation/message", content=content)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize("query", [{}, {"page": "0"}, {"page_size": "101"}, {"page": "x"}])
async def test_refuses_a_page_that_is_none(client, query):
    params = {**SPAN, **query} if query else PAGE
    answer = await client.get("/v1/bot/conversation/page", params=params)
    assert answer.json()["code"] == 40000


async def test_quotes_a_wrong_key(client):
    answer = await client.get("/v1/messages", headers={"authorization": "Bearer wrong"})
    assert (answer.status_code, answer.json()["code"]) == (401, 40127)
    assert "wrong" in answer.text
    assert (await client.get("/nowhere")).status_code == 404
