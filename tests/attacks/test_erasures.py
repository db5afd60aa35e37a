"""People who are erased while they talk, and those who come after them by the same name."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.core.people.identity import OPAQUE
from gateway.store import cutoffs
from gateway.store.people.erasing import Erased, erase
from gateway.store.store import Store
from tests.attacks.both_ends import HI, STREAM, refused
from tests.support.chatbase import Chatbase
from tests.support.kept import all_written
from tests.support.reply import Reply
from tests.support.stage import Stage, chatbase_stage, docbit_stage, events
from tests.support.stores import BOTH, AStore
from tests.support.vendor import Request
from tests.support.wire import connected

pytestmark = pytest.mark.anyio
STORES = BOTH
ERASED = "erased_" + 26 * "a"


@pytest.fixture
async def own(
    tmp_path: Path, own_store: AStore, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stage[Chatbase]]:
    """A gateway that looks ten times as often as it does, so that a test is ten times as short."""
    monkeypatch.setattr(cutoffs, "EVERY", cutoffs.EVERY / 10)
    async with chatbase_stage(tmp_path, store=own_store()) as built:
        store_of(built)  # two elsewhere have none, and that is said here, not in a task
        yield built


def store_of(stage: Stage[Any]) -> Store:
    assert stage.gateway is not None
    assert stage.gateway.assembled is not None
    return stage.gateway.assembled.process.store


async def erased(stage: Stage[Any], subject: str) -> Erased:
    """As an operator does it, who waits as long as it says."""
    database = store_of(stage).database
    return await erase(
        database, "default", subject, by="operator:root", settled=cutoffs.SETTLED / 10, pause=0
    )


async def opened(stage: Stage[Chatbase], who: str) -> str:
    answer = await stage.ask(who, "POST", "/chat", HI)
    assert answer.status == 200, answer.body
    return str(answer.json()["data"]["metadata"]["conversationId"])


async def test_who_comes_after_by_the_same_name_finds_nothing_here_or_there(
    own: Stage[Chatbase],
) -> None:
    """Row I-09: with a token that is good, in a process that remembered."""
    conversation = await opened(own, "alice")
    await own.ask("alice", "GET", f"/conversations/{conversation}")
    await erased(own, "alice")
    own.vendor.forget()
    for method, path, body in (
        ("GET", f"/conversations/{conversation}", None),
        ("POST", "/chat", {**HI, "conversationId": conversation}),
        ("GET", f"/conversations/{conversation}/messages", None),
    ):
        answer = await own.ask("alice", method, path, body)
        refused(own, answer, 404, "conversation_not_found")
    listed = await own.ask("alice", "GET", "/users/me/conversations")
    assert listed.json()["data"] == []
    anew = await opened(own, "alice")
    assert (await own.ask("alice", "GET", f"/conversations/{anew}")).status == 200
    (told,) = {request.values("x-external-user-id")[0] for request in own.vendor.requests}
    assert OPAQUE.fullmatch(told), "the vendor has never heard of them"


@pytest.mark.parametrize(
    "subject",
    [
        "al\u200bice",
        "alice\u2028",
        "\u202eecila",
        "ali\nce",
        "\ufffdalice",
        "al\ue000ice",
        "Ali ce",
    ],
    ids=ascii,
)
async def test_whatever_a_subject_is_made_of_no_row_of_it_is_left(
    own: Stage[Chatbase], subject: str
) -> None:
    """What is kept of a person is found by the very name that the sign-in gives them."""
    await opened(own, subject)
    assert own.gateway is not None
    assert own.gateway.assembled is not None
    kept = own.gateway.assembled.process.kept
    await own.ask(subject, "GET", "/conversations/nobodys")
    kept.auditor.close()
    for batches in (kept.usage.batches, kept.trail.batches):
        await all_written(batches)
    done = await erased(own, subject)
    assert (done.conversations, done.usage) == (1, 2)
    assert done.audit >= 1


async def test_an_answer_under_way_ends_before_its_owner_is_erased(own: Stage[Chatbase]) -> None:
    async def hang(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.event({"type": "start", "messageMetadata": {"conversationId": "c-1"}})
        await reply.hang()

    own.vendor.handler = hang
    async with connected(own.url) as peer:
        await peer.send(own.request("alice", "POST", "/chat", STREAM))
        await peer.until(b"start")
        erasing = asyncio.create_task(erased(own, "alice"))
        answer = await peer.answer()
        assert events(answer)[-1]["type"] == "error"
        assert not erasing.done()
        done = await erasing
    assert (done.conversations, done.usage) == (1, 1), "what it wrote at its end, too"
    await own.vendor.connection_closed(1)


async def test_whoever_goes_on_asking_writes_nothing_into_the_tomb(own: Stage[Chatbase]) -> None:
    """Requests all the while: what was the old one's opens until they are kept out, and no more."""
    conversation = await opened(own, "alice")
    erasing = asyncio.create_task(erased(own, "alice"))
    seen = []
    while not erasing.done():
        body = {**HI, "conversationId": conversation}
        answers = [await own.ask("alice", "POST", "/chat", body) for _ in range(5)]
        seen += [answer.status for answer in answers]
        await asyncio.sleep(0.05)
    assert (await erasing).conversations == 1
    assert sorted(seen, key=[200, 403, 404].index) == seen, "first theirs, then blocked, then none"
    assert set(seen) == {200, 403, 404}


async def test_who_is_erased_while_their_body_comes_reaches_no_vendor(
    own: Stage[Chatbase],
) -> None:
    """Row I-21: they were let in by a name that nobody goes by again."""
    await opened(own, "alice")
    own.vendor.forget()
    whole = own.request("alice", "POST", "/chat", HI)
    async with connected(own.url) as peer:
        await peer.send(whole[:-1])
        await erased(own, "alice")
        await store_of(own).cutoffs.look()
        await peer.send(whole[-1:])
        refused(own, await peer.answer(), 403, "blocked")
    assert (await own.ask("alice", "POST", "/chat", HI)).status == 200, "who comes after"


async def test_what_a_vendor_says_was_theirs_is_not_adopted_after_them(
    tmp_path: Path, own_store: AStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row I-21: a vendor takes its time, and whoever comes after would have what it told of."""
    monkeypatch.setattr(cutoffs, "EVERY", cutoffs.EVERY / 10)

    def asking(text: str) -> str:
        text = text.replace("[sign_in]", "[[orgs.default.sign_in]]")
        text = text.replace("[upstreams.support]", "[orgs.default.upstreams.support]")
        return text + '\n[orgs.default]\nunknown_conversations = "ask"\n'

    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(request: Request, reply: Reply) -> None:
        asked.set()
        await go_on.wait()
        await stage.vendor.answer(request, reply)

    async with chatbase_stage(tmp_path, asking, store=own_store()) as stage:
        store = store_of(stage)
        conversation = stage.vendor.memory.open("agent_1", "alice").id
        stage.vendor.handler = slowly
        reading = asyncio.create_task(stage.ask("alice", "GET", f"/conversations/{conversation}"))
        await asked.wait()
        await erased(stage, "alice")
        await store.cutoffs.look()
        go_on.set()
        answer = await reading
        assert (answer.status, answer.values("x-gateway-error")) == (403, ["blocked"])
        assert await store.ledger.owner("default", "support", conversation) is None
        assert len(stage.vendor.requests) == 1


async def test_the_name_of_a_request_leads_to_nothing_that_was_opened_by_it(
    tmp_path: Path, own_store: AStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row I-21: a client that counts its requests gives those of the next person the same names."""
    monkeypatch.setattr(cutoffs, "EVERY", cutoffs.EVERY / 10)
    asked = ("alice", "POST", "/chat", {"message": "hi"}, [("Idempotency-Key", "1")])
    async with docbit_stage(tmp_path, store=own_store()) as stage:
        first, again = [await stage.ask(*asked) for _ in range(2)]
        (conversation,) = again.values("x-gateway-first-conversation")
        await erased(stage, "alice")
        stage.vendor.forget()
        answer = await stage.ask(*asked)
        refused(stage, answer, 409, "idempotency_conflict")
        assert conversation.encode() not in answer.raw
        assert first.values("x-request-id")[0].encode() not in answer.raw


async def test_nobody_signs_in_as_a_tombstone(own: Stage[Chatbase]) -> None:
    await opened(own, "alice")
    done = await erased(own, "alice")
    own.vendor.forget()
    for subject in (done.tomb, ERASED):
        answer = await own.ask(subject, "POST", "/chat", HI)
        refused(own, answer, 401, "credentials_invalid")
