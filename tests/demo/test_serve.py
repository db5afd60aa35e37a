"""The whole demo over sockets: pages, gateway, ledger, vendor."""

import asyncio
import json
import os
import re
import shlex
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest

from gateway.demo.serve import Demo, running
from gateway.demo.server import listen

pytestmark = pytest.mark.anyio

NORTH = "/ai/north/api/v2/agents/agent_north"
EXCHANGES = "/console/usage?by=exchange"
PATIENCE = 30.0  # seconds
SOUTH = "/ai/south/api/v2/agents/agent_south"


@pytest.fixture
async def demo() -> AsyncIterator[Demo]:
    with listen(0) as listener:
        async with running(listener, word=0.0) as demo:
            yield demo


@asynccontextmanager
async def signed_in(demo: Demo, handle: str) -> AsyncIterator[httpx.AsyncClient]:
    fields = {"origin": demo.url}  # as a browser says on the demo's own pages
    async with httpx.AsyncClient(base_url=demo.url, headers=fields, trust_env=False) as client:
        await client.post(f"/sign-in/{handle}")
        yield client


async def ask(client: httpx.AsyncClient, api: str, **members) -> httpx.Response:
    content = {"message": "Where is my order?", "stream": False, **members}
    return await client.post(f"{api}/chat", json=content)


@pytest.mark.parametrize(
    ("handle", "api", "thing"),
    [
        ("north.alice", NORTH, "blue kettle"),
        ("north.sam", NORTH, "copper kettle"),
        ("south.sam", SOUTH, "winter tyres"),
    ],
)
async def test_everybody_hears_about_their_own_order(demo, handle, api, thing):
    async with signed_in(demo, handle) as client:
        answer = await ask(client, api)
        assert thing in answer.json()["data"]["parts"][0]["text"]


async def test_what_the_browser_says_about_itself_is_dropped(demo):
    async with signed_in(demo, "north.alice") as client:
        client.headers["x-external-user-id"] = "sam"
        answer = await ask(client, NORTH, userId="sam")
        exchange = await latest(client)
    assert "blue kettle" in answer.json()["data"]["parts"][0]["text"]
    assert '"userId":"sam"' in exchange["browser"]["body"]
    received = dict(exchange["vendor"]["fields"])
    assert json.loads(exchange["vendor"]["body"])["userId"] == "alice"
    assert received["x-external-user-id"] == "alice"
    assert "cookie" not in received
    assert received["authorization"] == "Bearer sk_demo••••"


async def test_a_page_of_another_site_gets_nothing_by_the_session(demo):
    async with signed_in(demo, "north.alice") as client:
        client.headers["origin"] = "https://elsewhere.example"
        answer = await ask(client, NORTH)
        exchange = await latest(client)
    assert answer.status_code == 403
    assert exchange["vendor"] is None


async def test_operators_see_both_companies_and_what_was_refused(demo):
    async with signed_in(demo, "north.alice") as client:
        await ask(client, NORTH, conversationId="never-opened")
    fields = {"origin": demo.console_url}
    async with httpx.AsyncClient(base_url=demo.console_url, headers=fields, trust_env=False) as me:
        await me.post("/console/sign-in", data={"token": demo.console_token})
        async with asyncio.timeout(PATIENCE):
            while "conversation_not_found" not in (page := await me.get(EXCHANGES)).text:  # noqa: ASYNC110 - written in batches
                await asyncio.sleep(0.05)
    assert ">north<" in page.text
    assert ">south<" in page.text


async def test_the_curl_is_refused_and_the_vendor_hears_nothing(demo):
    token, *command = shlex.split(demo.curl)
    words = [word.replace("$TOKEN", token.removeprefix("TOKEN=")) for word in command]
    assert words[:2] == ["curl", "-i"]
    fields = [word.split(": ", 1) for word in words if re.match(r"[\w-]+: ", word)]
    async with signed_in(demo, "north.alice") as client:
        async with httpx.AsyncClient(trust_env=False) as stranger:
            answer = await stranger.post(words[2], content=words[-1], headers=dict(fields))
        exchange = await latest(client)
    assert answer.status_code == 404
    assert answer.headers["x-gateway-error"] == "conversation_not_found"
    assert exchange["id"] == answer.headers["x-request-id"]
    assert exchange["vendor"] is None


async def latest(client: httpx.AsyncClient) -> dict:
    found = None
    async with client.stream("GET", "/exchanges") as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                found = json.loads(line.removeprefix("data: "))
                break
    assert found, "nothing was exchanged"
    return found


async def test_nobody_begins_with_an_exchange_of_the_demos_own(demo):
    async with signed_in(demo, "north.sam") as client:
        listed = await client.get(f"{NORTH}/users/me/conversations")
        exchange = await latest(client)
    assert len(listed.json()["data"]) == 1
    assert exchange["id"] == listed.headers["x-request-id"]


async def test_answers_to_no_other_name_than_this_machines(demo):
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(demo.url, headers={"host": "rebound.example"})
        assert answer.status_code == 400


async def test_leaves_nothing_behind_even_with_a_page_open(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    descriptors = len(os.listdir("/proc/self/fd"))
    async with AsyncExitStack() as clients:
        with listen(0) as listener:
            async with running(listener, word=0.0) as demo:
                [folder] = os.listdir(tmp_path)
                assert "gateway.db" in os.listdir(tmp_path / folder)
                client = await clients.enter_async_context(signed_in(demo, "north.alice"))
                request = client.build_request("GET", "/exchanges")
                watching = await client.send(request, stream=True)
        assert await watching.aread() == b"retry: 1000\n\n"
    assert os.listdir(tmp_path) == []
    assert len(os.listdir("/proc/self/fd")) <= descriptors
