"""What only this process can show: its clocks, and what it forgets."""

import pytest

from gateway.limits.counts import Called, Rated, Reserved, Slot, Standing
from gateway.limits.local import LATE, LocalCounts
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
