"""The ledger among crashes, locks, full disks and other processes."""

import asyncio
from pathlib import Path

import pytest

from gateway.core.errors import LedgerUnavailable
from gateway.core.people.identity import Person
from gateway.store.address import is_postgres
from gateway.store.database import WRITE_CLOCK
from gateway.store.sqlite import SqliteDatabase
from gateway.store.store import Store
from tests.store.conftest import Direct, locked, process, said, tell
from tests.support.clock import OwnTime
from tests.support.loop import the_loop_runs_on

pytestmark = pytest.mark.anyio

ALICE = Person("acme", "alice")


def worker(url: str, work: str, argument: str) -> tuple[str, ...]:
    return ("-m", "tests.store.worker", url, work, argument)


def recorded(url: str) -> set[str]:
    """The conversations in the store; a file must be whole as well."""
    direct = Direct(url)
    if not is_postgres(url):
        assert direct("PRAGMA integrity_check") == [("ok",)]
    return {name for (name,) in direct("SELECT conversation FROM conversations")}


def test_kill_9_loses_no_claim_that_has_returned_i_18(url: str) -> None:
    told: set[str] = set()
    for attempt in range(5):
        with process(*worker(url, "claims_for_ever", str(attempt * 100_000))) as running:
            told |= {said(running) for _ in range(3 + 7 * attempt)}
            running.kill()
            assert running.stdout is not None
            told |= {line.strip() for line in running.stdout if line.endswith("\n")}
        assert told <= recorded(url)


def test_two_processes_race_for_one_id_i_05(url: str) -> None:
    with (
        process(*worker(url, "races", "alice")) as one,
        process(*worker(url, "races", "bob")) as two,
    ):
        assert (said(one), said(two)) == ("ready", "ready")
        tell(one, "go")
        tell(two, "go")
        assert {said(one), said(two)} == {"50", "0"}


def test_a_full_disk_is_an_answer_and_passes_rf_37(url: str, path: Path) -> None:
    with process(*worker(url, "fills_the_disk", str(path))) as running:
        assert said(running) == "full"
        assert said(running) == str(ALICE)
        assert said(running) == "True"
        assert running.wait() == 0
    assert {"before", "after"} <= recorded(f"sqlite:///{path}")


async def test_a_locked_store_answers_at_its_clock_and_comes_back_rf_36(
    store: Store, path: Path
) -> None:
    ledger = store.ledger
    await ledger.claim("support", "before", ALICE)
    await ledger.user_id("support", ALICE, "alice")
    with locked(path):
        since = OwnTime()
        async with the_loop_runs_on():
            outcomes = await asyncio.gather(
                *(ledger.claim("support", f"c-{number}", ALICE) for number in range(300)),
                ledger.user_id("support", Person("acme", "bob"), "bob"),
                return_exceptions=True,
            )
        assert {type(outcome) for outcome in outcomes} == {LedgerUnavailable}
        assert since() < 1.5 * WRITE_CLOCK
        assert await ledger.owner("acme", "support", "before") == ALICE
        assert await ledger.user_id("support", ALICE, "alice") == "alice"
        await store.ping()
    assert await ledger.claim("support", "after", ALICE)


async def test_a_claim_waits_for_a_short_lock_n_18(store: Store, path: Path) -> None:
    with locked(path):
        claim = asyncio.create_task(store.ledger.claim("support", "c-1", ALICE))
        await asyncio.sleep(0.2)
        assert not claim.done()
    assert await claim


async def test_a_store_that_turns_corrupt_answers_and_gives_nothing_away_rf_39(
    url: str, path: Path
) -> None:
    store = await Store.open(url)
    for number in range(100):
        await store.ledger.claim("support", f"c-{number}", ALICE)
    await store.aclose()
    store = Store(SqliteDatabase(path))
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xaa" * (path.stat().st_size - 4096))
    with pytest.raises(LedgerUnavailable):
        await store.ledger.owner("acme", "support", "c-1")
    with pytest.raises(LedgerUnavailable):
        await store.ledger.claim("support", "c-1", Person("acme", "bob"))
    await store.aclose()
