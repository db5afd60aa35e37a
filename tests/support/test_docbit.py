"""The emulator believes the fields, and asks for all three of them."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.support.docbit import DocBit

pytestmark = pytest.mark.anyio

ALICE = {
    "authorization": "ApiKey sk_partner_1",
    "x-external-org-id": "acme",
    "x-external-user-id": "alice",
    "x-external-roles": '["employee"]',
}


@pytest.fixture
async def vendor() -> AsyncIterator[DocBit]:
    async with DocBit() as docbit:
        yield docbit


@pytest.fixture
async def client(vendor: DocBit) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=vendor.url, headers=ALICE, trust_env=False) as one:
        yield one


@pytest.mark.parametrize("name", sorted(ALICE))
async def test_refuses_a_request_without_one_of_its_fields(vendor, name):
    fields = {key: value for key, value in ALICE.items() if key != name}
    async with httpx.AsyncClient(base_url=vendor.url, headers=fields, trust_env=False) as client:
        answer = await client.get("/api/ai/conversations")
    assert answer.status_code == (401 if name == "authorization" else 400)
    assert isinstance(answer.json()["error"], str)


@pytest.mark.parametrize(
    ("roles", "status"),
    [
        ('["a","b"]', 200),
        ("a, b", 200),
        ("a", 200),
        ("[]", 400),
        (",", 400),
        ("[1]", 400),
        ("[a]", 400),
    ],
)
async def test_wants_at_least_one_role_as_json_or_with_commas(client, roles, status):
    answer = await client.get("/api/ai/conversations", headers={"x-external-roles": roles})
    assert answer.status_code == status


async def test_a_conversation_is_its_orgs_and_its_users(client):
    said = (await client.post("/api/ai/chat", json={"message": "Hi", "documentIds": ["d1"]})).json()
    assert said["content"] == "You said: Hi"
    assert said["citations"] == [{"documentId": "d1"}]
    named = said["conversationId"]
    again = await client.post("/api/ai/chat", json={"message": "Hi", "conversationId": named})
    assert again.json()["conversationId"] == named
    path = f"/api/ai/conversations/{named}"
    assert len((await client.get(path)).json()["messages"]) == 4
    for other in ({"x-external-user-id": "bob"}, {"x-external-org-id": "globex"}):
        answer = await client.get(path, headers=other)
        assert (answer.status_code, answer.json()) == (404, {"error": "Conversation not found"})
        body = {"message": "Hi", "conversationId": named}
        assert (await client.post("/api/ai/chat", json=body, headers=other)).status_code == 404
    assert (await client.get(path, headers={"x-external-roles": "boss"})).status_code == 200


async def test_streams_and_names_the_conversation_first(client, vendor):
    answer = await client.post("/api/ai/chat/stream", json={"message": "Hi"})
    events = [json.loads(block[6:]) for block in answer.text.strip().split("\n\n")]
    assert events[0]["conversationId"] in vendor.conversations
    assert "".join(event.get("content", "") for event in events).strip() == "You said: Hi"


async def test_lists_by_limit_and_offset(client, vendor):
    mine = [vendor.open("acme", "alice").id for _ in range(3)][::-1]
    vendor.open("globex", "alice")
    query = {"limit": 2, "offset": 1}
    page = (await client.get("/api/ai/conversations", params=query)).json()
    assert ([one["id"] for one in page["conversations"]], page["total"]) == (mine[1:], 3)
    for bad in ({"limit": 0}, {"limit": 101}, {"offset": "x"}):
        answer = await client.get("/api/ai/conversations", params=bad)
        assert answer.status_code == 400


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b'{"message":1}'])
async def test_refuses_a_body_it_cannot_use(client, content):
    assert (await client.post("/api/ai/chat", content=content)).status_code == 400


async def test_has_nothing_else(client):
    assert (await client.get("/api/ai/admin")).status_code == 404
