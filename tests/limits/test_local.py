"""What only this process can show: its clocks, and what it forgets."""

from collections.abc import Sized

import pytest

from gateway.core.people.identity import Person
from gateway.limits.counts import Called, Rated, Reserved, Slot, Standing
from gateway.limits.keys import Keys
from gateway.limits.local import LATE, VISITORS, LocalCounts
from tests.support.clock import WoundClock

pytestmark = pytest.mark.anyio


def day(name: str, left: float = 3600.0, *, budget: int = 10) -> Reserved:
    """A day of which so many seconds are left when a clock begins."""
    return Reserved("k", name, WoundClock().now + left, budget, 1)


async def test_after_the_wait_it_is_granted() -> None:
    clock = WoundClock(60.0)
    counts = LocalCounts(clock, clock)
    one = Rated("k", 20, 60, 10)
    for _ in range(2):
        assert (await counts.admit([one], [], "t", 60.0))[0].granted
    (refused,) = await counts.admit([one], [], "t", 60.0)
    assert refused.wait == 90.0
    clock.now += 89
    assert not (await counts.admit([one], [], "t", 60.0))[0].granted
    clock.now += 1.1
    assert (await counts.admit([one], [], "t", 60.0))[0].granted


async def test_the_wall_clock_moves_no_window_of_requests() -> None:
    """Row RF-50."""
    monotonic, wall = WoundClock(60.0), WoundClock()
    counts = LocalCounts(monotonic, wall)
    one = Rated("k", 10, 60, 10)
    assert (await counts.admit([one], [], "t", 60.0))[0].granted
    for step in (3600, -7200, 86_400):
        wall.now += step
        assert not (await counts.admit([one], [], "t", 60.0))[0].granted


async def test_a_clock_that_steps_back_over_midnight_forgets_no_spending() -> None:
    """Row RF-50."""
    clock = WoundClock()
    counts = LocalCounts(clock, clock)
    await counts.reserve([day("2026-11-22", 1.0, budget=1)], "a", 60.0)
    await counts.settle([day("2026-11-22", budget=1)], [1], "a")
    clock.now += 2
    assert (await counts.reserve([day("2026-11-23", budget=1)], "b", 60.0))[0].granted
    clock.now -= 2
    assert not (await counts.reserve([day("2026-11-22", 1.0, budget=1)], "c", 60.0))[0].granted


async def test_days_long_past_are_forgotten() -> None:
    clock = WoundClock()
    counts = LocalCounts(clock, clock)
    await counts.reserve([day("2026-11-22", 10.0)], "a", 60.0)
    clock.now += 11 + LATE
    await counts.reserve([day("2026-11-23")], "b", 60.0)
    assert list(counts._books) == ["2026-11-23"]
    await counts.settle([day("2026-11-22")], [5], "a")


async def test_places_that_nobody_holds_are_forgotten() -> None:
    counts = LocalCounts(WoundClock(), WoundClock())
    slot = Slot("k", 3)
    await counts.admit([], [slot], "a", 60.0)
    await counts.leave([slot], "a")
    assert not counts._under_way


async def test_a_call_comes_free_with_time() -> None:
    clock = WoundClock()
    counts = LocalCounts(clock, clock)
    called = Called("k", "alice", 1, 10)
    assert await counts.call(called, "a") == Standing(True, 0, 10.0)
    clock.now += 4
    assert await counts.call(called, "b") == Standing(False, 0, 6.0)
    clock.now += 6
    assert (await counts.call(called, "c") or Standing(False, 0, 0.0)).granted


async def test_knows_what_was_spent_elsewhere() -> None:
    counts = LocalCounts(WoundClock(), WoundClock())
    counts.know([day("2026-11-22")], [Standing(True, 2, 3600.0)])
    first = await counts.reserve([day("2026-11-22")], "a", 60.0)
    assert first[0].remaining == 2


def visitor(number: int) -> str:
    letters = f"{number:026o}".translate(str.maketrans("01", "ab"))
    return Keys(b"s").person(Person("acme", f"anon_{letters}"))


def kept(counts: LocalCounts) -> int:
    """How many counters there are, of whatever kind."""
    tables: list[Sized] = [*counts._windows.values(), *counts._of_visitors.values()]
    for book in counts._books.values():
        tables += [book.people, book.visitors]
    return sum(map(len, tables))


async def ask(counts: LocalCounts, key: str, ticket: str) -> list[bool]:
    """One request a day that costs one of two; whether it was granted."""
    rated, reserved = Rated(key, 10, 86_400, 10), Reserved(key, "2026-11-22", 2e9, 2, 1)
    standings = [*await counts.admit([rated], [], ticket, 60.0)]
    standings += await counts.reserve([reserved], ticket, 60.0)
    await counts.settle([reserved], [1], ticket)
    return [one.granted for one in standings]


async def test_strangers_take_up_no_more_however_many_they_are() -> None:
    counts = LocalCounts(WoundClock(60.0), WoundClock())
    alice, first = Keys(b"s").person(Person("acme", "alice")), visitor(0)
    assert await ask(counts, alice, "a") == [True, True]
    for number in range(VISITORS):
        await ask(counts, visitor(number), str(number))
    full = kept(counts)
    assert await ask(counts, first, "again") == [False, True]  # is remembered, and now the latest
    for number in range(VISITORS, VISITORS + VISITORS // 10):
        await ask(counts, visitor(number), str(number))
    assert kept(counts) == full
    assert await ask(counts, first, "and again") == [False, False]
    assert await ask(counts, visitor(1), "back") == [True, True]
    assert await ask(counts, alice, "b") == [False, True]
    assert await ask(counts, alice, "c") == [False, False]


async def test_a_visitor_who_is_forgotten_while_they_ask_is_charged_nothing() -> None:
    counts = LocalCounts(WoundClock(60.0), WoundClock())
    one = Reserved(visitor(0), "2026-11-22", 2e9, 2, 1)
    await counts.reserve([one], "a", 60.0)
    for number in range(1, VISITORS + 1):
        await counts.reserve([Reserved(visitor(number), "2026-11-22", 2e9, 2, 1)], "b", 60.0)
    await counts.settle([one], [2], "a")
    assert (await counts.reserve([one], "c", 60.0))[0].granted
