"""Chatbase's guide "User conversations", sentence by sentence, through the gateway.

See docs/guides.md.
"""

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.attacks.both_ends import refused
from tests.support.chatbase import Chatbase
from tests.support.stage import Stage, chatbase_stage, events

pytestmark = pytest.mark.anyio

HI = {"message": "hi", "stream": False}
LIST = "/users/me/conversations"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage[Chatbase]]:
    async with chatbase_stage(tmp_path) as built:
        yield built


async def start(stage: Stage[Chatbase], who: str) -> str:
    answer = await stage.ask(who, "POST", "/chat", HI)
    return str(answer.json()["data"]["metadata"]["conversationId"])


async def test_the_user_id_comes_with_the_creation(stage: Stage[Chatbase]) -> None:
    conversation = await start(stage, "alice")
    (request,) = stage.vendor.requests
    assert request.json() == {**HI, "userId": "alice"}
    assert stage.vendor.memory.of_agent("agent_1", conversation).user == "alice"


async def test_whose_a_conversation_is_never_changes(stage: Stage[Chatbase]) -> None:
    """A user id beside a conversation is ignored there, so whose it is is asked here."""
    conversation = await start(stage, "alice")
    stage.vendor.forget()
    body = {**HI, "conversationId": conversation, "userId": "bob"}
    refused(stage, await stage.ask("bob", "POST", "/chat", body), 404)
    assert (await stage.ask("alice", "POST", "/chat", body)).status == 200
    assert stage.vendor.requests[0].json()["userId"] == "alice"
    assert stage.vendor.memory.of_agent("agent_1", conversation).user == "alice"


@pytest.mark.parametrize(
    ("who", "fits"),
    [("a" * 128, True), ("A.z-0_9", True), ("a" * 129, False), ("a/b", False), ("a b", False)],
)
async def test_an_id_has_128_plain_characters_at_most(
    stage: Stage[Chatbase], who: str, fits: bool
) -> None:
    assert (await stage.ask(who, "POST", "/chat", HI)).status == 200
    named = stage.vendor.requests[0].json()["userId"]
    assert (named == who) is fits
    assert fits or named.startswith("u_")


async def test_an_answer_names_conversation_user_and_cost(stage: Stage[Chatbase]) -> None:
    """In the JSON, and in the last event of a stream; the ones the vendor wrote."""
    whole = (await stage.ask("alice", "POST", "/chat", HI)).json()["data"]["metadata"]
    streamed = events(await stage.ask("alice", "POST", "/chat", {"message": "hi"}))
    finish = next(one for one in streamed if one["type"] == "finish")["metadata"]
    known = [one.id for one in stage.vendor.memory.of_all("agent_1")][::-1]
    assert [whole["conversationId"], finish["conversationId"]] == known
    for metadata in (whole, finish):
        assert (metadata["userId"], metadata["usage"]) == ("alice", {"credits": 1})


@pytest.mark.parametrize("status", ["ended", "taken_over"])
async def test_a_conversation_goes_on_until_it_is_over_and_then_there_is_a_new_one(
    stage: Stage[Chatbase], status: str
) -> None:
    conversation = await start(stage, "alice")
    more = {**HI, "conversationId": conversation}
    answer = await stage.ask("alice", "POST", "/chat", more)
    assert answer.json()["data"]["metadata"]["conversationId"] == conversation
    stage.vendor.memory.of_agent("agent_1", conversation).status = status
    over = await stage.ask("alice", "POST", "/chat", more)
    assert over.status == 400
    assert over.json()["error"]["code"] == "CHAT_CONVERSATION_NOT_ONGOING"
    assert await start(stage, "alice") != conversation


async def test_a_person_lists_their_own_by_the_page(stage: Stage[Chatbase]) -> None:
    """20 unless 1 to 100 are asked for, whoever the path names; a cursor passes as it is."""
    for _ in range(23):
        await start(stage, "alice")
    await start(stage, "bob")
    first = (await stage.ask("alice", "GET", "/users/bob/conversations")).json()
    assert len(first["data"]) == 20
    assert set(first["data"][0]) == {"id", "title", "createdAt", "updatedAt", "userId", "status"}
    assert {one["userId"] for one in first["data"]} == {"alice"}
    pages = first["pagination"]
    assert (pages["hasMore"], pages["total"]) == (True, 23)
    assert base64.b64decode(pages["cursor"])
    rest = (await stage.ask("alice", "GET", f"{LIST}?cursor={pages['cursor']}&limit=100")).json()
    assert len(rest["data"]) == 3
    assert rest["pagination"] == {"cursor": None, "hasMore": False, "total": 23}
    for limit, status in ((1, 200), (100, 200), (0, 400), (101, 400)):
        assert (await stage.ask("alice", "GET", f"{LIST}?limit={limit}")).status == status
