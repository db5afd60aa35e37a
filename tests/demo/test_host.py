"""The companies' app over sockets, without a gateway in it."""

import json
import re
from collections.abc import AsyncIterator
from html import unescape

import httpx
import pytest
from starlette.datastructures import Headers

from gateway.demo.host import COOKIE, Host, customer_of
from gateway.demo.people import ALICE, COMPANIES, NORTHERN_SAM, SOUTHERN_SAM
from gateway.demo.recorder import Heard, Journal
from gateway.demo.server import listen, origin, served
from gateway.demo.sign_in import SignIns

pytestmark = pytest.mark.anyio


@pytest.fixture
def host() -> Host:
    sign_ins = SignIns(COMPANIES)
    journal = Journal(lambda fields: customer_of(fields, sign_ins))
    conversations = {ALICE: "conversation-a", NORTHERN_SAM: "conversation-s"}
    return Host(sign_ins, journal, "[orgs.north]\n# <b>", conversations)


@pytest.fixture
async def client(host: Host) -> AsyncIterator[httpx.AsyncClient]:
    with listen(0) as listener:
        async with (
            served(host.app(), listener),
            httpx.AsyncClient(base_url=origin(listener), trust_env=False) as client,
        ):
            yield client
            host.journal.close()


async def test_offers_everybody_to_be(client):
    page = (await client.get("/")).text
    for name in ("Alice Moreau", "Sam Okafor", "Sam Lindqvist"):
        assert name in page


async def test_signing_in_sets_a_session_no_script_can_read(client, host):
    answer = await client.post("/sign-in/north.sam")
    assert (answer.status_code, answer.headers["location"]) == (303, "/chat")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert host.sign_ins.customer(answer.cookies[COOKIE]) is NORTHERN_SAM


async def test_signs_in_nobody_it_does_not_know(client):
    answer = await client.post("/sign-in/north.mallory")
    assert answer.headers["location"] == "/"
    assert "set-cookie" not in answer.headers


async def test_signing_out_forgets_the_session(client):
    await client.post("/sign-in/north.alice")
    answer = await client.post("/sign-out")
    assert f'{COOKIE}=""' in answer.headers["set-cookie"]
    assert (await client.get("/chat")).headers["location"] == "/"


@pytest.mark.parametrize("path", ["/sign-in/north.alice", "/sign-out"])
async def test_a_link_signs_nobody_in_or_out(client, path):
    assert (await client.get(path)).status_code == 405


async def test_a_stranger_gets_no_page_and_no_exchanges(client):
    assert (await client.get("/chat")).headers["location"] == "/"
    assert (await client.get("/exchanges")).status_code == 401


async def test_a_session_of_somebody_elses_making_is_none(client):
    client.cookies.set(COOKIE, SignIns(COMPANIES).mint(ALICE))
    assert (await client.get("/chat")).status_code == 303


async def test_the_page_knows_whom_it_serves(client):
    await client.post("/sign-in/north.alice")
    text = (await client.get("/chat")).text
    page = json.loads(unescape(re.search(r'data-page="([^"]*)"', text)[1]))
    assert page["me"] == "alice"
    assert page["api"] == "/ai/north/api/v2/agents/agent_north"
    assert page["otherCompany"]["api"] == "/ai/south/api/v2/agents/agent_south"
    assert page["victim"] == {"subject": "sam", "conversation": "conversation-s"}


async def test_the_page_holds_text_as_text(client):
    await client.post("/sign-in/north.alice")
    text = (await client.get("/chat")).text
    assert "# &lt;b&gt;" in text
    assert "<b>" not in text


async def test_pages_run_nothing_but_their_own_files(client):
    await client.post("/sign-in/north.alice")
    for path in ("/", "/chat", "/static/main.js"):
        answer = await client.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", answer.text)


async def test_everything_a_page_asks_for_is_there(client):
    await client.post("/sign-in/north.alice")
    for path in ("/", "/chat"):
        for needed in re.findall(r'(?:src|href)="(/static[^"]+)"', (await client.get(path)).text):
            assert (await client.get(needed)).status_code == 200, needed


async def test_shows_the_exchanges_of_whoever_is_signed_in_as_they_come(client, host):
    note(host, ALICE, "of-alice")
    note(host, NORTHERN_SAM, "of-sam")
    await client.post("/sign-in/north.alice")
    async with client.stream("GET", "/exchanges") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.aiter_lines()
        assert (await next_exchange(lines))["id"] == "of-alice"
        note(host, NORTHERN_SAM, "of-sam-again")
        note(host, ALICE, "of-alice-again")
        assert (await next_exchange(lines))["id"] == "of-alice-again"


def note(host: Host, customer, request_id: str) -> None:
    asked = Headers({"authorization": f"Bearer {host.sign_ins.mint(customer)}"})
    answered = Headers({"x-request-id": request_id})
    host.journal.gateway_answered(asked, Heard("GET", "/", (), ""), 200, answered)


async def next_exchange(lines) -> dict:
    async for line in lines:
        if line.startswith("data: "):
            return json.loads(line.removeprefix("data: "))
    raise AssertionError("the stream has ended")


def test_a_session_goes_before_a_token(host):
    mint = host.sign_ins.mint
    fields = {"authorization": f"Bearer {mint(ALICE)}"}
    assert customer_of(Headers(fields), host.sign_ins) is ALICE
    fields["cookie"] = f"{COOKIE}={mint(SOUTHERN_SAM)}"
    assert customer_of(Headers(fields), host.sign_ins) is SOUTHERN_SAM
    assert customer_of(Headers(), host.sign_ins) is None
