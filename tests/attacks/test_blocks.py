"""People and orgs that an operator blocks, while they ask, and on every gateway of a store."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.store.cutoffs import SETTLED
from gateway.store.people.blocking import block, unblock
from gateway.store.store import Store
from tests.attacks.both_ends import HI, STREAM, refused
from tests.support.chatbase import Chatbase
from tests.support.reply import Reply
from tests.support.stage import Stage, chatbase_stage, events
from tests.support.stores import BOTH, AStore
from tests.support.vendor import Request
from tests.support.wire import connected, raw_request, wire

pytestmark = pytest.mark.anyio
STORES = BOTH
ROOT = "operator:root"
PAGE = ("Sec-Fetch-Site", "same-origin")


def store_of(stage: Stage[Chatbase]) -> Store:
    assert stage.gateway is not None
    assert stage.gateway.assembled is not None
    return stage.gateway.assembled.process.store


async def blocks(stage: Stage[Chatbase], subject: str | None) -> None:
    """Block somebody, and let this gateway know now."""
    store = store_of(stage)
    await block(store.database, "default", subject, by=ROOT)
    await store.cutoffs.look()


@pytest.fixture
async def own(tmp_path: Path, own_store: AStore) -> AsyncIterator[Stage[Chatbase]]:
    """A gateway for one test, with visitors."""

    def open_to_visitors(text: str) -> str:
        text = text.replace("[sign_in]", "[[orgs.default.sign_in]]")
        text = text.replace("[upstreams.support]", "[orgs.default.upstreams.support]")
        return text + "\n[orgs.default]\nanonymous = true\n"

    async with chatbase_stage(tmp_path, open_to_visitors, store=own_store()) as built:
        yield built


async def test_a_good_token_opens_nothing_from_then_on(own: Stage[Chatbase]) -> None:
    """Row O-07: though their credential was judged a moment ago, and is remembered."""
    opened = await own.ask("mallory", "POST", "/chat", HI)
    assert opened.status == 200
    own.vendor.forget()
    await blocks(own, "mallory")
    conversation = opened.json()["data"]["metadata"]["conversationId"]
    for method, path, body in (
        ("POST", "/chat", HI),
        ("POST", "/chat", {**HI, "conversationId": conversation}),
        ("GET", f"/conversations/{conversation}", None),
        ("GET", "/users/me/conversations", None),
    ):
        refused(own, await own.ask("mallory", method, path, body), 403, "blocked")
    token = ("Authorization", f"Bearer {own.token('mallory')}")
    for method, path in (("GET", "whoami"), ("POST", "claim")):
        answer = await wire(own.url, raw_request(method, f"/_gateway/{path}", [token, PAGE]))
        refused(own, answer, 403, "blocked")
    assert (await own.ask("alice", "POST", "/chat", HI)).status == 200
    store = store_of(own)
    await unblock(store.database, "default", "mallory", by=ROOT)
    await store.cutoffs.look()
    assert (await own.ask("mallory", "GET", f"/conversations/{conversation}")).status == 200


async def test_an_answer_under_way_ends_and_those_of_others_go_on(own: Stage[Chatbase]) -> None:
    """Row O-07: mid-stream."""
    go_on = asyncio.Event()

    async def slowly(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.event({"type": "start", "messageMetadata": {"conversationId": request.number}})
        await go_on.wait()
        await reply.event("[DONE]")
        await reply.end()

    own.vendor.handler = slowly
    async with connected(own.url) as hers, connected(own.url) as his:
        await hers.send(own.request("mallory", "POST", "/chat", STREAM))
        await hers.until(b"start")  # so that hers is the vendor's first connection
        await his.send(own.request("bob", "POST", "/chat", STREAM))
        await his.until(b"start")
        await blocks(own, "mallory")
        answer = await hers.answer()
        assert not answer.complete
        assert events(answer)[-1]["type"] == "error"
        await own.vendor.connection_closed(1)
        go_on.set()
        assert (await his.answer()).complete


async def test_who_is_blocked_while_their_body_comes_reaches_no_vendor(
    own: Stage[Chatbase],
) -> None:
    whole = own.request("mallory", "POST", "/chat", HI)
    async with connected(own.url) as peer:
        await peer.send(whole[:-1])
        await blocks(own, "mallory")
        await peer.send(whole[-1:])
        refused(own, await peer.answer(), 403, "blocked")


async def test_a_visitor_is_blocked_by_their_browser(own: Stage[Chatbase]) -> None:
    first = await own.ask(None, "POST", "/chat", HI, [PAGE])
    (line,) = first.values("set-cookie")
    cookie = ("Cookie", line.partition(";")[0])
    own.vendor.forget()
    await blocks(own, line.partition("=")[2].partition(".")[0])
    refused(own, await own.ask(None, "POST", "/chat", HI, [PAGE, cookie]), 403, "blocked")
    assert (await own.ask(None, "POST", "/chat", HI, [PAGE])).status == 200


async def test_an_org_is_blocked_with_all_its_people(own: Stage[Chatbase]) -> None:
    await blocks(own, None)
    refused(own, await own.ask("alice", "POST", "/chat", HI), 403, "blocked")
    refused(own, await own.ask(None, "POST", "/chat", HI, [PAGE]), 403, "blocked")
    refused(own, await own.ask(None, "POST", "/chat", HI), 401, "credentials_missing")


async def test_every_gateway_of_a_store_knows_within_the_time_that_is_documented(
    tmp_path: Path, own_store: AStore
) -> None:
    """Row A-09: blocked beside one, refused by the other, and its stream there ends."""
    store = own_store() or f"sqlite:///{tmp_path}/one.db"
    for name in ("one", "other"):
        (tmp_path / name).mkdir()

    async def hang(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.event({"type": "start", "messageMetadata": {"conversationId": "c-1"}})
        await reply.hang()

    async with (
        chatbase_stage(tmp_path / "one", store=store) as one,
        chatbase_stage(tmp_path / "other", store=store) as other,
    ):
        other.vendor.handler = hang
        async with connected(other.url) as peer:
            await peer.send(other.request("mallory", "POST", "/chat", STREAM))
            await peer.until(b"start")
            began = time.monotonic()
            await block(store_of(one).database, "default", "mallory", by=ROOT)
            answer = await peer.answer()
            assert time.monotonic() - began < SETTLED
        assert events(answer)[-1]["type"] == "error"
        other.vendor.forget()
        refused(other, await other.ask("mallory", "POST", "/chat", HI), 403, "blocked")


@pytest.mark.parametrize("spell", [str.upper, str.title, lambda name: f"{name} "])
async def test_another_spelling_is_another_person(
    own: Stage[Chatbase], spell: Callable[[str], str]
) -> None:
    await blocks(own, "mallory")
    assert (await own.ask(spell("mallory"), "POST", "/chat", HI)).status == 200
