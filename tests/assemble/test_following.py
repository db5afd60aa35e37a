import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateway.assemble.following import follow_cutoffs
from gateway.assemble.watched import Watched
from gateway.authn.seen import SeenLately
from gateway.core.people.identity import Identity, Person
from gateway.steps.interrupt import Running
from gateway.store import cutoffs as module
from gateway.store.people.admission import Blocks
from gateway.store.people.blocking import block, unblock
from gateway.store.store import Store
from tests.support.stores import laid

pytestmark = pytest.mark.anyio

ALICE = Person("acme", "alice")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(laid(f"sqlite:///{tmp_path}/gateway.db"))
    yield store
    await store.aclose()


async def test_a_change_is_acted_upon_and_what_was_remembered_is_forgotten(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVERY", 0.01)
    rechecked, tasks = asyncio.Event(), asyncio.all_tasks()
    told: list[bool] = []
    running, watched = Running(Blocks(store.cutoffs)), Watched()
    monkeypatch.setattr(running, "recheck", rechecked.set)
    async with AsyncExitStack() as stack:
        await follow_cutoffs(
            store, running, watched, stack, seen=SeenLately(), tell=lambda: told.append(True)
        )
        Blocks(store.cutoffs).check(Identity("acme", "alice"))
        ((name, state),) = watched.states()
        assert (name, state.ok) == ("blocks", True)
        await store.ledger.claim("support", "c-1", ALICE)
        await store.ledger.claim("support", "c-2", Person("acme", "bob"))
        assert len(store.ledger._theirs) == 2
        rechecked.clear()
        told.clear()
        await block(store.database, "acme", "alice", by="operator:x")
        await asyncio.wait_for(rechecked.wait(), 30)
        assert [key[2].subject for key in store.ledger._theirs] == ["bob"]
        assert told == [True]
    assert asyncio.all_tasks() == tasks, "nobody follows any more"


async def test_who_is_let_in_again_has_no_roles_of_before(store: Store) -> None:
    """By the same name it may be another person: so it is after an erasing."""
    seen, bob = SeenLately(), Person("acme", "bob")
    for person in (ALICE, bob):
        seen.note(Identity(*person, roles=("admin",)))
    async with AsyncExitStack() as stack:
        running = Running(Blocks(store.cutoffs))
        await follow_cutoffs(store, running, Watched(), stack, seen=seen, tell=lambda: None)
        await block(store.database, "acme", "alice", by="operator:x")
        await store.cutoffs.look()
        assert seen.identity(ALICE).roles == ("admin",), "staff read what was theirs"
        await unblock(store.database, "acme", "alice", by="operator:x")
        await store.cutoffs.look()
        assert [seen.identity(one).roles for one in (ALICE, bob)] == [(), ("admin",)]


async def test_where_the_store_cannot_be_read_it_begins_all_the_same(store: Store) -> None:
    await store.database.aclose()
    watched = Watched()
    async with AsyncExitStack() as stack:
        running = Running(Blocks(store.cutoffs))
        await follow_cutoffs(store, running, watched, stack, seen=SeenLately(), tell=lambda: None)
        ((_, state),) = watched.states()
        assert not state.ok
