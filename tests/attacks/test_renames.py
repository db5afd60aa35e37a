"""People whose subject changes at the identity provider, while they talk."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.store.people.renaming import become
from gateway.store.store import Store
from tests.attacks.both_ends import HI, refused
from tests.support.chatbase import Chatbase
from tests.support.stage import Stage, chatbase_stage
from tests.support.stores import BOTH, AStore

pytestmark = pytest.mark.anyio
STORES = BOTH
LIST = "/users/me/conversations"


@pytest.fixture
async def own(tmp_path: Path, own_store: AStore) -> AsyncIterator[Stage[Chatbase]]:
    async with chatbase_stage(tmp_path, store=own_store()) as built:
        yield built


async def renamed(stage: Stage[Chatbase], one: str, to: str) -> None:
    """As an operator does it, beside the gateway; which knows of it in time."""
    assert stage.gateway is not None
    assert stage.gateway.assembled is not None
    store: Store = stage.gateway.assembled.process.store
    assert await become(store.database, "renamed", "default", one, to, by="operator:root")
    await store.ledger._merges._look()  # every two seconds, by itself


async def opened(stage: Stage[Chatbase], who: str) -> str:
    answer = await stage.ask(who, "POST", "/chat", HI)
    assert answer.status == 200, answer.body
    return str(answer.json()["data"]["metadata"]["conversationId"])


@pytest.mark.parametrize("has_come_before", [False, True], ids=["new", "known"])
async def test_the_new_name_has_the_history_here_and_at_the_vendor(
    own: Stage[Chatbase], has_come_before: bool
) -> None:
    """Row I-19."""
    conversation = await opened(own, "alice")
    if has_come_before:
        await opened(own, "alicia")
        refused_before = await own.ask("alicia", "GET", f"/conversations/{conversation}")
        assert refused_before.status == 404
    own.vendor.forget()
    await renamed(own, "alice", "alicia")
    assert (await own.ask("alicia", "GET", f"/conversations/{conversation}")).status == 200
    body = {**HI, "conversationId": conversation}
    assert (await own.ask("alicia", "POST", "/chat", body)).status == 200
    listed = await own.ask("alicia", "GET", LIST)
    assert [one["id"] for one in listed.json()["data"]] == [conversation]
    assert own.vendor.requests[-1].target.endswith("/users/alice/conversations")
    another = await opened(own, "alicia")
    listed = await own.ask("alicia", "GET", LIST)
    assert {one["id"] for one in listed.json()["data"]} == {conversation, another}


async def test_nobody_else_gets_it_by_either_name(own: Stage[Chatbase]) -> None:
    """Row I-19."""
    conversation = await opened(own, "alice")
    await renamed(own, "alice", "alicia")
    own.vendor.forget()
    for who in ("bob", "Alicia", "alici", "u_alice"):
        answer = await own.ask(who, "GET", f"/conversations/{conversation}")
        refused(own, answer, 404, "conversation_not_found")


@pytest.mark.parametrize("path", ["/users/rename", "/users/alice/rename", "/_gateway/users/merge"])
async def test_nobody_renames_over_the_wire(own: Stage[Chatbase], path: str) -> None:
    """Row I-19: an operator beside the store does, and nobody where people come in."""
    answer = await own.ask("bob", "POST", path, {"subject": "alice", "to": "bob"})
    assert answer.status in {404, 405}
    assert own.vendor.saw_nothing()
