"""The emulator has the quirks the gateway is there for; else its tests would prove little."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.support.bookbag import Bookbag

pytestmark = pytest.mark.anyio
AGENT = "/api/v2/agents/12"


@pytest.fixture
async def vendor() -> AsyncIterator[Bookbag]:
    async with Bookbag() as bookbag:
        yield bookbag


@pytest.fixture
async def client(vendor: Bookbag) -> AsyncIterator[httpx.AsyncClient]:
    fields = {"authorization": "Bearer oc_key"}
    async with httpx.AsyncClient(base_url=vendor.url, headers=fields, trust_env=False) as one:
        yield one


async def chat(client: httpx.AsyncClient, **body: Any) -> Any:
    answer = await client.post(f"{AGENT}/chat", json={"message": "hi", "stream": False, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_numbers_its_conversations_in_json(client):
    assert (await chat(client, userId="alice"))["metadata"]["conversationId"] == 7
    (listed,) = (await client.get(f"{AGENT}/users/alice/conversations")).json()["data"]
    assert listed["id"] == 7


async def test_writes_the_number_as_text_in_a_stream_of_bare_data_lines(client):
    answer = await client.post(f"{AGENT}/chat", json={"message": "hi"})
    lines = [line for line in answer.text.split("\n") if line]
    assert all(line.startswith("data: ") for line in lines)
    assert lines[-1] == "data: [DONE]"
    found = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    assert "".join(one.get("text", "") for one in found) == "You said: hi "
    assert not any("delta" in one for one in found)
    assert found[-1]["metadata"]["conversationId"] == "7"


@pytest.mark.parametrize("named", [7, "7", "07", 7.0, " 7", "7e0"])
async def test_reads_an_id_as_loosely_as_javascript(client, vendor, named):
    await chat(client, userId="alice")
    data = await chat(client, userId="mallory", conversationId=named)
    assert data["metadata"]["conversationId"] == 7
    assert data["metadata"]["userId"] == "alice"  # the one that came late is ignored


async def test_wants_a_message(client):
    answer = await client.post(f"{AGENT}/chat", json={"userId": "alice"})
    assert answer.json()["error"]["code"] == "VALIDATION_INVALID_BODY"


@pytest.mark.parametrize("path", [f"{AGENT}/conversations", f"{AGENT}/conversations/export"])
async def test_shows_everybody_to_whoever_has_the_key(client, path):
    await chat(client, userId="alice")
    await chat(client, userId="bob")
    assert {one["userId"] for one in (await client.get(path)).json()["data"]} == {"alice", "bob"}


CONTACTS = "/api/v1/chatbots/12/contacts"


async def test_keeps_contacts_by_their_external_id(client, vendor):
    for name in ("A", "Alice"):
        users = [{"external_id": "alice", "name": name}]
        assert (await client.post(CONTACTS, json={"users": users})).status_code == 200
    (contact,) = (await client.get(CONTACTS)).json()["data"]
    assert (contact["external_id"], contact["name"]) == ("alice", "Alice")


@pytest.mark.parametrize(
    ("one", "status"),
    [
        ({"custom_attributes": {"plan": "pro"}}, 200),
        ({"custom_attributes": {"plan": None}}, 200),
        ({"custom_attributes": {"plan": 7}}, 400),
        ({"custom_attributes": {"seats": 7}}, 400),
        ({"custom_attributes": {"old": "x"}}, 400),
        ({"email": "b@x.example"}, 409),
        ({"email": 7}, 400),
        ({"external_id": None}, 400),
    ],
)
async def test_one_contact_spoils_all(client, vendor, one, status):
    vendor.contacts.define("12", "plan")
    vendor.contacts.define("12", "old", archived=True)
    await client.post(CONTACTS, json={"users": [{"external_id": "bob", "email": "b@x.example"}]})
    users = [{"external_id": "carol"}, {"external_id": "alice", **one}]
    assert (await client.post(CONTACTS, json={"users": users})).status_code == status
    assert ("carol" in vendor.contacts.of("12")) is (status == 200)


async def test_defines_attributes(client, vendor):
    path = "/api/v1/chatbots/12/custom-attributes"
    said = {"name": "seats", "type": "number", "label": "Seats"}
    assert (await client.post(path, json=said)).status_code == 200
    (defined,) = (await client.get(path)).json()["data"]
    assert (defined["name"], defined["type"], defined["archived"]) == ("seats", "number", False)
    assert (await client.post(path, json=said)).status_code == 400


async def test_counts_the_requests_of_a_key(client, vendor):
    vendor.allowance = 1
    await chat(client)
    answer = await client.post(f"{AGENT}/chat", json={"message": "hi"})
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "RATE_LIMIT_TOO_MANY_REQUESTS"
    assert answer.headers["x-ratelimit-remaining"] == "0"


async def test_retries_rates_and_takes_the_answer_of_a_tool(client):
    said = await chat(client, message="Where is my order?")
    call = said["parts"][0]["toolCallId"]
    base = f"{AGENT}/conversations/7"
    answered = await client.post(base + "/tool-result", json={"toolCallId": call, "output": {}})
    assert answered.json() == {"data": {"success": True}}
    rated = await client.patch(
        f"{base}/messages/{said['id']}/feedback", json={"feedback": "positive"}
    )
    assert rated.json()["data"]["feedback"] == "positive"
    again = await client.post(base + "/retry", json={"messageId": said["id"], "stream": False})
    assert again.json()["data"]["metadata"]["conversationId"] == 7
    assert len((await client.get(base + "/messages")).json()["data"]) == 2
    assert len((await client.get(base)).json()["data"]["messages"]) == 2


@pytest.mark.parametrize(
    ("path", "fields", "code"),
    [
        ("/api/v2/agents/99/chat", {}, "RESOURCE_NOT_FOUND"),
        ("/api/v2/agents/x/chat", {}, "RESOURCE_NOT_FOUND"),
        ("/api/v2/other", {}, "RESOURCE_NOT_FOUND"),
        (f"{AGENT}/chat", {"authorization": "Bearer no"}, "AUTH_INVALID_API_KEY"),
    ],
)
async def test_refuses_in_words_of_its_own(client, path, fields, code):
    answer = await client.post(path, json={"message": "hi"}, headers=fields)
    assert answer.json()["error"]["code"] == code
