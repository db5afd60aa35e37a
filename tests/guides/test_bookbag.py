"""Bookbag's guide "Identity verification", sentence by sentence, through the gateway.

See docs/guides.md.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.attacks.both_ends import refused
from tests.contacts import stage as contacts
from tests.support.bookbag import Bookbag
from tests.support.stage import Stage, bookbag_stage, events

pytestmark = pytest.mark.anyio

HI = {"message": "hi", "stream": False}
KEY = b"oc_key"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage[Bookbag]]:
    async with bookbag_stage(tmp_path) as built:
        yield built


@pytest.mark.parametrize("who", ["alice", "user_8821", "A.b-c_9", "x" * 128])
async def test_the_user_id_is_attached_to_the_chat_and_kept_with_the_conversation(
    stage: Stage[Bookbag], who: str
) -> None:
    await stage.ask(who, "POST", "/chat", HI)
    assert stage.vendor.requests[0].json() == {**HI, "userId": who}
    (conversation,) = stage.vendor.memory.of_all("12")
    assert conversation.user == who


@pytest.mark.parametrize("who", ["auth0|6478", "a b", "x" * 129, "é", "alice@acme.example"])
async def test_an_id_of_another_form_is_made_one_that_fits(stage: Stage[Bookbag], who: str) -> None:
    await stage.ask(who, "POST", "/chat", HI)
    named = stage.vendor.requests[0].json()["userId"]
    assert named.startswith("u_")
    assert len(named) == 28


async def test_the_browser_does_not_choose_the_user_id(stage: Stage[Bookbag]) -> None:
    refused(stage, await stage.ask(None, "POST", "/chat", {**HI, "userId": "alice"}), 401)
    answer = await stage.ask("bob", "POST", "/chat", {**HI, "userId": "alice"})
    assert answer.status == 200
    assert stage.vendor.requests[0].json()["userId"] == "bob"


async def test_the_key_never_reaches_the_client(stage: Stage[Bookbag]) -> None:
    """Nor where the vendor refuses it and says so."""
    answers = [await stage.ask("alice", "POST", "/chat", body) for body in (HI, {"message": "hi"})]
    assert all(one.values("authorization") == ["Bearer oc_key"] for one in stage.vendor.requests)
    stage.vendor.key = "another"
    answers.append(await stage.ask("alice", "POST", "/chat", HI))
    assert [one.status for one in answers] == [200, 200, 502]
    assert not any(KEY in one.raw for one in answers)


async def test_history_is_read_through_the_persons_own_list(stage: Stage[Bookbag]) -> None:
    """Authenticate, chat, and read what was said: all with the one id, and no list of everybody."""
    streamed = events(await stage.ask("alice", "POST", "/chat", {"message": "hi"}))
    conversation = streamed[-1]["metadata"]["conversationId"]
    await stage.ask("bob", "POST", "/chat", HI)
    stage.vendor.forget()
    for path in ("/users/me/conversations", "/users/bob/conversations"):
        listed = (await stage.ask("alice", "GET", path)).json()["data"]
        assert [str(one["id"]) for one in listed] == [str(conversation)]
    base = "/api/v2/agents/12/users/alice/conversations"
    assert [one.target for one in stage.vendor.requests] == [base, base]
    stage.vendor.forget()
    refused(stage, await stage.ask("alice", "GET", "/conversations"), 404)


async def test_the_customer_is_a_contact_under_the_same_id_whenever_the_profile_changes(
    tmp_path: Path,
) -> None:
    """Attributes are defined first; what is not is left out."""
    async with contacts.bookbag(tmp_path) as stage:
        for plan in ("free", "free", "growth"):
            await contacts.chat(stage, "alice", email="a@shop.example", app={"plan": plan})
            await contacts.settled(stage)
        written = [one.json()["users"] for one in contacts.written(stage.vendor)]
        assert [[one["external_id"] for one in users] for users in written] == [["alice"]] * 2
        (contact,) = stage.vendor.contacts.of("12").values()
        assert contact["custom_attributes"] == {"plan": "growth"}
        chats = [one.json() for one in stage.vendor.requests if one.target.endswith("/chat")]
        assert {one["userId"] for one in chats} == set(stage.vendor.contacts.of("12"))
