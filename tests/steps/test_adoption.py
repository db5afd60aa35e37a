"""`unknown_conversations = "ask"`: what was opened around the gateway, and whose it becomes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.chatbase import Chatbase
from tests.support.reply import Reply
from tests.support.stage import Stage, chatbase_stage
from tests.support.vendor import Request

pytestmark = pytest.mark.anyio
AGENT = "/api/v2/agents/agent_1"


def asking(text: str) -> str:
    text = text.replace("[sign_in]", "[[orgs.default.sign_in]]")
    text = text.replace("[upstreams.support]", "[orgs.default.upstreams.support]")
    return text + '\n[orgs.default]\nunknown_conversations = "ask"\n'


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage[Chatbase]]:
    async with chatbase_stage(tmp_path, asking) as built:
        yield built


def targets(stage: Stage[Chatbase]) -> list[str]:
    return [request.target.removeprefix(AGENT) for request in stage.vendor.requests]


async def test_adopts_what_the_vendor_says_is_theirs(stage: Stage[Chatbase]) -> None:
    old = stage.vendor.memory.open("agent_1", "alice").id
    answer = await stage.ask("alice", "GET", f"/conversations/{old}/messages")
    assert answer.status == 200
    assert targets(stage) == [f"/conversations/{old}", f"/conversations/{old}/messages"]
    assert stage.vendor.requests[0].values("x-external-user-id") == ["alice"]
    stage.vendor.forget()
    assert (await stage.ask("alice", "GET", f"/conversations/{old}")).status == 200
    assert targets(stage) == [f"/conversations/{old}"]  # it is theirs now: not asked again
    assert (await stage.ask("bob", "GET", f"/conversations/{old}")).status == 404


@pytest.mark.one_process("each process asks by itself")
@pytest.mark.parametrize("owner", ["bob", None], ids=["another's", "nobody's"])
async def test_denies_what_is_not_theirs_and_remembers_that(
    stage: Stage[Chatbase], owner: str | None
) -> None:
    old = stage.vendor.memory.open("agent_1", owner).id
    for _ in range(3):
        answer = await stage.ask("alice", "GET", f"/conversations/{old}")
        assert answer.values("x-gateway-error") == ["conversation_not_found"]
    assert targets(stage) == [f"/conversations/{old}"]  # only the question, and once


async def test_a_conversation_somebody_here_opened_is_not_asked_for(
    stage: Stage[Chatbase],
) -> None:
    body = {"message": "x", "stream": False}
    own = (await stage.ask("alice", "POST", "/chat", body)).json()["data"]["metadata"]
    stage.vendor.forget()
    stage.vendor.memory.reports_user = "bob"
    answer = await stage.ask("bob", "GET", f"/conversations/{own['conversationId']}")
    assert answer.status == 404
    assert stage.vendor.saw_nothing()


@pytest.mark.one_process("each process asks by itself")
async def test_nobody_can_search_for_ids(stage: Stage[Chatbase]) -> None:
    for number in range(20):
        await stage.ask("alice", "GET", f"/conversations/guess-{number}")
    assert len(stage.vendor.requests) == 6


async def test_however_many_visitors_search_for_ids_nobody_is_asked(tmp_path: Path) -> None:
    """A visitor without a cookie is another person each time, with questions of their own."""

    def open_to_visitors(text: str) -> str:
        return asking(text) + "anonymous = true\n"

    page = [("Sec-Fetch-Site", "same-origin")]
    async with chatbase_stage(tmp_path, open_to_visitors) as stage:
        old = stage.vendor.memory.open("agent_1", None).id
        for conversation in (old, *(f"guess-{number}" for number in range(8))):
            answer = await stage.ask(None, "GET", f"/conversations/{conversation}", fields=page)
            assert answer.values("x-gateway-error") == ["conversation_not_found"]
        assert stage.vendor.saw_nothing()


@pytest.mark.parametrize("spelling", ["export", "Export", "EXPORT"])
async def test_an_id_that_spells_another_call_of_the_vendors_is_not_asked_for(
    stage: Stage[Chatbase], spelling: str
) -> None:
    body = {"message": "x", "conversationId": spelling}
    assert (await stage.ask("alice", "POST", "/chat", body)).status == 404
    assert stage.vendor.saw_nothing()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"no json"),
        (200, b'{"data":{"id":"other","userId":"alice"}}'),
        (404, b'{"data":{"userId":"alice"}}'),
        (401, b'{"data":{"userId":"alice"}}'),
        (302, b""),
        (200, b'{"data":{"userId":"alice"}, "x":"' + b"x" * 1_100_000 + b'"}'),
    ],
)
async def test_an_answer_that_does_not_say_so_plainly_is_a_no(
    stage: Stage[Chatbase], status: int, body: bytes
) -> None:
    async def odd(request: Request, reply: Reply) -> None:
        await reply.body(status, body, [("content-type", "application/json")])

    stage.vendor.handler = odd
    answer = await stage.ask("alice", "GET", "/conversations/c-1")
    assert answer.status == 404
    assert len(stage.vendor.requests) == 1


async def test_by_default_nobody_is_asked(tmp_path: Path) -> None:
    async with chatbase_stage(tmp_path) as stage:
        old = stage.vendor.memory.open("agent_1", "alice").id
        assert (await stage.ask("alice", "GET", f"/conversations/{old}")).status == 404
        assert stage.vendor.saw_nothing()
