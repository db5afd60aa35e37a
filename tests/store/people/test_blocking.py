import time

import pytest

from gateway.core.people.identity import Person
from gateway.store import database
from gateway.store.people.blocking import Block, block, blocked, unblock
from gateway.store.store import Store
from tests.store.conftest import Direct

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patience")]

ROOT = "operator:root"


async def test_a_person_is_blocked_under_every_name_they_have_had(store: Store) -> None:
    await store.ledger.become(Person("acme", "alice"), Person("acme", "alice-2"))
    assert await block(store.database, "acme", "alice", by=ROOT) == ["alice-2", "alice"]
    await store.cutoffs.look()
    assert store.cutoffs.before("person", "acme", "alice")
    assert store.cutoffs.before("person", "acme", "alice-2")
    assert await unblock(store.database, "acme", "alice-2", by=ROOT)
    await store.cutoffs.look()
    assert not store.cutoffs.before("person", "acme", "alice")


async def test_who_is_blocked_can_be_listed(store: Store) -> None:
    began = int(time.time() * 1000)
    await block(store.database, "acme", "alice", by=ROOT)
    await block(store.database, "acme", "bob", by=ROOT)
    await block(store.database, "globex", None, by=ROOT)
    await unblock(store.database, "acme", "bob", by=ROOT)
    found = await blocked(store.database)
    assert await blocked(store.database, most=1) == found[:1]
    assert [(one.org, one.subject) for one in found] == [("acme", "alice"), ("globex", None)]
    assert all(isinstance(one, Block) and one.since >= began for one in found)


async def test_whoever_blocks_is_in_the_trail(store: Store, direct: Direct) -> None:
    await block(store.database, "acme", "alice", by=ROOT)
    await unblock(store.database, "acme", "alice", by=ROOT)
    await block(store.database, "acme", None, by=ROOT)
    assert direct("SELECT event, subject, actor FROM audit ORDER BY number") == [
        ("blocked", "alice", ROOT),
        ("unblocked", "alice", ROOT),
        ("blocked", None, ROOT),
    ]


async def test_to_be_let_in_again_one_must_be_blocked(store: Store) -> None:
    assert not await unblock(store.database, "acme", "alice", by=ROOT)
    await block(store.database, "acme", "alice", by=ROOT)
    await block(store.database, "acme", "alice", by=ROOT)
    assert await unblock(store.database, "acme", "alice", by=ROOT)
    assert not await unblock(store.database, "acme", "alice", by=ROOT)


async def test_a_list_of_many_may_take_longer_than_what_somebody_waits_for(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is what an operator keeps beside a backup: of 100,000 it took 2.8 s."""
    await block(store.database, "acme", "alice", by=ROOT)
    monkeypatch.setattr(database, "READ_CLOCK", 0.0)
    assert [one.subject for one in await blocked(store.database)] == ["alice"]
