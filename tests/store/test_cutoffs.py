"""Facts that every process hears of, on both databases."""

import asyncio
import time
from collections.abc import Callable, Collection
from itertools import permutations

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.errors import LedgerUnavailable
from gateway.store import cutoffs as module
from gateway.store.cutoffs import FOREVER, Cutoff, Cutoffs, Key, cut, is_cut, lift, tidy
from gateway.store.database import Database
from gateway.store.opening import opened
from gateway.store.store import Store
from tests.store.conftest import Direct

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patience")]

ALICE = ("person", "acme", "alice")
BOB = ("person", "acme", "bob")


async def write(database: Database, *facts: Cutoff) -> None:
    await database.start(database.commit(lambda connection: cut(connection, facts)))


async def end(database: Database, *keys: Key) -> bool:
    return await database.start(database.commit(lambda connection: lift(connection, keys)))


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let time pass for whoever looks at the monotonic clock of `cutoffs`."""
    passed = [0.0]
    now = time.monotonic
    monkeypatch.setattr(module.time, "monotonic", lambda: now() + passed[0])

    def pass_by(seconds: float) -> None:
        passed[0] += seconds

    return pass_by


async def test_another_process_knows_after_its_next_look(database: Database, url: str) -> None:
    other = await opened(url)
    here, there = Cutoffs(database), Cutoffs(other)
    await asyncio.gather(here.look(), there.look())
    await write(database, Cutoff(*ALICE))
    await there.look()
    assert there.before(*ALICE) == FOREVER
    assert here.before(*ALICE) == 0, "it has not looked"
    assert there.before("person", "globex", "alice") == there.before("org", "acme", "") == 0
    assert await end(other, ALICE)
    assert not await end(other, ALICE)
    await asyncio.gather(here.look(), there.look())
    assert here.before(*ALICE) == there.before(*ALICE) == 0
    await other.aclose()


async def test_a_clock_that_is_set_back_hides_nobody(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    cutoffs, right = Cutoffs(database), time.time
    monkeypatch.setattr(module.time, "time", lambda: right() + 3600)
    await write(database, Cutoff(*BOB))
    await cutoffs.look()
    monkeypatch.setattr(module.time, "time", right)
    await write(database, Cutoff(*ALICE))
    await cutoffs.look()
    assert cutoffs.before(*ALICE) == FOREVER
    assert await end(database, BOB)
    await cutoffs.look()
    assert cutoffs.before(*BOB) == 0


async def test_whoever_begins_knows_what_was_before(database: Database) -> None:
    await write(database, Cutoff(*ALICE))
    cutoffs = Cutoffs(database)
    await cutoffs.look()
    assert cutoffs.before(*ALICE) == FOREVER


@pytest.mark.parametrize("order", list(permutations([100, 300, 200])), ids=str)
async def test_in_whatever_order_they_come_the_latest_stays(
    database: Database, order: tuple[int, ...]
) -> None:
    """And until when it holds does not grow shorter either."""
    cutoffs = Cutoffs(database)
    await cutoffs.look()
    for before in order:
        await write(database, Cutoff("session", "https://id", "s-1", before, FOREVER - before))
        await cutoffs.look()
    assert cutoffs.before("session", "https://id", "s-1") == 300
    assert cutoffs._facts["session", "https://id", "s-1"].ends_at == FOREVER - 100


async def test_a_fact_that_has_ended_says_nothing(database: Database) -> None:
    cutoffs = Cutoffs(database)
    past = int(time.time() * 1000) - 1
    await write(database, Cutoff(*ALICE, ends_at=past))
    await cutoffs.look()
    assert cutoffs.before(*ALICE) == 0


async def test_who_watches_hears_what_has_changed_and_nothing_twice(
    database: Database, later: Callable[[float], None]
) -> None:
    told: list[Collection[Key] | None] = []
    cutoffs = Cutoffs(database)
    unwatch = cutoffs.watch(told.append)
    await cutoffs.look()
    bob = ("person", "acme", "bob")
    await write(database, Cutoff(*ALICE), Cutoff(*bob))
    await cutoffs.look()
    await cutoffs.look()
    await end(database, bob)
    await cutoffs.look()
    later(module.WHOLE)
    for _ in range(int(module.WHOLE // module.STALE)):  # as one that looked all the time
        cutoffs._looked = module.time.monotonic()
    await cutoffs.look()
    assert told == [None, {ALICE, bob}, {bob}]
    unwatch()
    await end(database, ALICE)
    await cutoffs.look()
    assert len(told) == 3


@pytest.mark.parametrize("away", [module.SETTLED - 1, module.SETTLED + 1])
async def test_who_was_away_for_a_while_takes_nothing_for_unchanged(
    database: Database, later: Callable[[float], None], away: float
) -> None:
    """Row I-21: what is remembered of who was erased is not theirs who come after."""
    told: list[Collection[Key] | None] = []
    cutoffs = Cutoffs(database)
    await cutoffs.look()
    cutoffs.watch(told.append)
    later(away)
    await write(database, Cutoff(*ALICE))
    await end(database, ALICE)
    await cutoffs.look()
    await cutoffs.look()
    assert told == ([None] if away > module.SETTLED else [])


async def test_after_a_time_without_the_store_nobody_is_known(
    database: Database, later: Callable[[float], None]
) -> None:
    cutoffs = Cutoffs(database)
    with pytest.raises(LedgerUnavailable):
        cutoffs.known()
    await cutoffs.look()
    cutoffs.known()
    later(module.STALE + 1)
    with pytest.raises(LedgerUnavailable):
        cutoffs.known()
    told: list[Collection[Key] | None] = []
    cutoffs.watch(told.append)
    await cutoffs.look()
    cutoffs.known()
    assert told == [None], "what came and went meanwhile is not to be seen any more"


async def test_what_a_slow_transaction_wrote_is_still_seen(
    database: Database, direct: Direct
) -> None:
    cutoffs = Cutoffs(database)
    await write(database, Cutoff("org", "new", ""))
    await cutoffs.look()
    ago = int((time.time() - module.SLACK / 2) * 1000)
    direct("INSERT INTO cutoffs VALUES ('person', 'acme', 'alice', 5, ?, ?)", ago, FOREVER)
    await cutoffs.look()
    assert cutoffs.before(*ALICE) == 5


async def test_when_there_are_too_many_all_are_read(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    monkeypatch.setattr(module, "_LATELY", module._LATELY.limit(2))
    cutoffs = Cutoffs(database)
    await cutoffs.look()
    await write(database, *(Cutoff("person", "acme", f"p-{each}") for each in range(5)))
    await cutoffs.look()
    assert all(cutoffs.before("person", "acme", f"p-{each}") for each in range(5))


async def test_what_says_nothing_any_more_is_deleted(database: Database, direct: Direct) -> None:
    ended = int(time.time() * 1000) - 1
    await write(database, Cutoff(*ALICE), Cutoff("person", "acme", "bob"))
    await write(database, Cutoff("session", "https://id", "s-1", 100, ended))
    await end(database, ("person", "acme", "bob"))
    await tidy(database, now=time.time())
    assert len(direct("SELECT name FROM cutoffs")) == 3, "not everybody may have seen it"
    await tidy(database, now=time.time() + module.KEPT + 1)
    assert direct("SELECT name FROM cutoffs") == [("alice",)]


async def test_ten_thousand_at_once_are_known_within_seconds(database: Database) -> None:
    cutoffs = Cutoffs(database)
    await cutoffs.look()
    facts = [Cutoff("session", "https://id", f"s-{each}", 100) for each in range(10_000)]
    await write(database, *facts)
    await cutoffs.look()
    assert cutoffs.before("session", "https://id", "s-9999") == 100


async def test_follows_by_itself(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY", 0.01)
    heard = asyncio.Event()
    cutoffs = Cutoffs(database)
    await cutoffs.look()
    cutoffs.watch(lambda keys: heard.set())
    following = asyncio.create_task(cutoffs.follow())
    await write(database, Cutoff(*ALICE))
    await asyncio.wait_for(heard.wait(), 30)
    assert cutoffs.before(*ALICE) == FOREVER
    following.cancel()


async def test_what_is_cut_off_is_seen_in_the_transaction_that_would_cut_it(store: Store) -> None:
    fact, other = Cutoff("token", "acme", "j1"), Cutoff("token", "acme", "j2")

    async def first(connection: AsyncConnection) -> list[bool]:
        before = await is_cut(connection, [fact.key, other.key])
        await cut(connection, [fact])
        return [before, await is_cut(connection, [other.key, fact.key])]

    assert await store.database.start(store.database.commit(first)) == [False, True]

    async def lifted(connection: AsyncConnection) -> bool:
        await lift(connection, [fact.key])
        return await is_cut(connection, [fact.key])

    assert await store.database.start(store.database.commit(lifted)) is False
