import asyncio
import time
from collections.abc import Callable, Collection

import pytest

from gateway.core.people.identity import Person
from gateway.store import merges as module
from gateway.store.database import Database
from gateway.store.ledger import Ledger
from gateway.store.merges import Merges
from gateway.store.store import Store
from tests.store.conftest import Direct

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patience")]

ALICE, VISITOR = Person("acme", "alice"), Person("acme", "anon_" + 26 * "x")


class Memory:
    """What is told to be forgotten, as it comes."""

    def __init__(self) -> None:
        self.told: list[Collection[Person] | None] = []

    def __call__(self, people: Collection[Person] | None) -> None:
        self.told.append(people)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let time pass for whoever looks at the clock of `merges`."""
    passed = [0.0]
    now = time.monotonic
    monkeypatch.setattr(module.time, "monotonic", lambda: now() + passed[0])

    def pass_by(seconds: float) -> None:
        passed[0] += seconds

    return pass_by


async def test_what_another_process_merged_is_known_in_seconds(
    ledger: Ledger, url: str, later: Callable[[float], None]
) -> None:
    other = await Store.open(url)
    await ledger.user_id("support", ALICE, "alice")
    assert await other.ledger.user_id("support", VISITOR, "u_1") == "u_1"
    assert await ledger.become(VISITOR, ALICE)
    assert await ledger.user_id("support", VISITOR, "u_1") == "alice"  # here at once
    assert await other.ledger.user_id("support", VISITOR, "u_1") == "u_1"
    later(module.LATEST)
    assert await other.ledger.user_id("support", VISITOR, "u_1") == "alice"
    await other.aclose()


async def test_so_it_is_by_a_clock_that_is_set_back(
    database: Database,
    ledger: Ledger,
    later: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right = time.time
    monkeypatch.setattr(module.time, "time", lambda: right() + 3600)
    forgotten = Memory()
    merges = Merges(database, forgotten)
    monkeypatch.setattr(module.time, "time", right)
    assert await ledger.become(VISITOR, ALICE)
    later(module.LATEST)
    await merges.catch_up()
    assert forgotten.told == [{VISITOR, ALICE}]


async def test_so_is_one_who_was_renamed_and_whoever_was_them(
    ledger: Ledger, url: str, later: Callable[[float], None]
) -> None:
    other, renamed = await Store.open(url), Person("acme", "renamed")
    await ledger.become(VISITOR, ALICE)
    assert await other.ledger.user_id("support", VISITOR, "alice") == "alice"
    assert await ledger.user_id("support", renamed, "renamed") == "renamed"
    await ledger.become(ALICE, renamed)
    later(module.LATEST)
    assert await other.ledger.user_id("support", VISITOR, "alice") == "renamed"
    await other.aclose()


async def test_nobody_waits_while_somebody_asks_all_the_time(
    database: Database, later: Callable[[float], None]
) -> None:
    memory = Memory()
    merges = Merges(database, memory)
    await merges.catch_up()
    assert merges._looking is None
    later(module.EVERY)
    await asyncio.gather(*(merges.catch_up() for _ in range(100)))
    assert memory.told == []  # one look has begun
    while merges._looking is not None:
        await asyncio.wait([merges._looking])
    assert memory.told == [set()]


async def test_what_is_remembered_holds_until_it_is_time_to_look_again(
    database: Database, later: Callable[[float], None]
) -> None:
    ledger = Ledger(database)
    await ledger.user_id("support", ALICE, "alice")
    assert ledger.remembered_user_id("support", ALICE) == "alice"
    later(module.EVERY)
    assert ledger.remembered_user_id("support", ALICE) is None
    assert await ledger.user_id("support", ALICE, "other") == "alice"
    looking = ledger._merges._looking
    assert looking is not None
    await asyncio.wait([looking])
    assert ledger.remembered_user_id("support", ALICE) == "alice"


async def test_while_somebody_looks_the_others_go_by_what_is_remembered(
    database: Database, later: Callable[[float], None]
) -> None:
    ledger = Ledger(database)
    await ledger.user_id("support", ALICE, "alice")
    later(module.EVERY)
    await ledger._merges.catch_up()
    assert ledger._merges._looking is not None
    assert ledger.remembered_user_id("support", ALICE) == "alice"
    later(module.LATEST - module.EVERY)
    assert ledger.remembered_user_id("support", ALICE) is None  # not for ever


async def test_while_the_store_is_away_what_is_remembered_serves(
    database: Database, later: Callable[[float], None]
) -> None:
    ledger = Ledger(database)
    await ledger.user_id("support", ALICE, "alice")
    await database.aclose()
    later(module.LATEST)
    assert await ledger.user_id("support", ALICE, "other") == "alice"


async def test_when_there_are_too_many_to_look_at_all_is_forgotten(
    database: Database,
    direct: Direct,
    later: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    monkeypatch.setattr(module, "_LATELY", module._LATELY.limit(2))
    memory = Memory()
    merges = Merges(database, memory)
    for subject, ago in (("a", 60), ("b", 50), ("c", 40), ("d", -1), ("e", -1), ("f", -1)):
        direct("INSERT INTO aliases VALUES ('acme', ?, 'x', ?)", subject, int(time.time()) - ago)
        if subject in "cf":
            later(module.LATEST)
            await merges.catch_up()
    assert memory.told == [{Person("acme", name) for name in "bcx"}, None]
