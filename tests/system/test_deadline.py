"""A deadline rings once, when it is due, wherever it was moved before."""

import asyncio
import heapq
import math
import weakref
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.system.deadline import FINE, Deadline

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request):
    return "asyncio", {"use_uvloop": request.param}


class Bell:
    """When it rang, in seconds since it was hung up."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.start = self.loop.time()
        self.rang: list[float] = []
        self.rung = asyncio.Event()

    def ring(self) -> None:
        self.rang.append(self.loop.time() - self.start)
        self.rung.set()


def calling(overdue: Callable[[], None]) -> Deadline:
    return Deadline(SimpleNamespace(overdue=overdue))


async def test_rings_once():
    bell = Bell()
    calling(bell.ring).set(0.02)
    await bell.rung.wait()
    await asyncio.sleep(0.05)
    assert len(bell.rang) == 1
    assert bell.rang[0] >= 0.019


async def test_can_be_moved_onwards():
    bell = Bell()
    deadline = calling(bell.ring)
    deadline.set(0.02)
    deadline.set(0.1)
    await bell.rung.wait()
    assert bell.rang[0] >= 0.099


async def test_can_be_moved_nearer():
    bell = Bell()
    deadline = calling(bell.ring)
    deadline.set(60)
    deadline.set(0.02)
    async with asyncio.timeout(10):
        await bell.rung.wait()


@pytest.mark.parametrize("end", [Deadline.clear, Deadline.close])
async def test_rings_no_more_once_it_is_cleared_or_closed(end):
    bell = Bell()
    deadline = calling(bell.ring)
    deadline.set(0.01)
    end(deadline)
    await asyncio.sleep(0.03)
    assert bell.rang == []


async def test_can_be_set_again_after_it_was_cleared_and_after_it_rang():
    bell = Bell()
    deadline = calling(bell.ring)
    deadline.set(0.01)
    deadline.clear()
    await asyncio.sleep(0.02)
    for _ in range(2):
        deadline.set(0.01)
        async with asyncio.timeout(10):
            await bell.rung.wait()
        bell.rung.clear()
    assert len(bell.rang) == 2


async def test_once_closed_it_is_never_set_again():
    bell = Bell()
    deadline = calling(bell.ring)
    deadline.close()
    deadline.set(0.0)
    await asyncio.sleep(0.02)
    assert bell.rang == []


def timers_of(loop, monkeypatch) -> list[float]:
    """The moments for which the loop is asked to ring, from now on."""
    moments: list[float] = []
    call_at = loop.call_at

    def counting(when, *called):
        moments.append(when)
        return call_at(when, *called)

    monkeypatch.setattr("gateway.system.deadline._Rounds.latest", None)
    counted = type("Loop", (), {"time": loop.time, "call_at": staticmethod(counting)})()
    monkeypatch.setattr("asyncio.get_running_loop", lambda: counted)
    return moments


async def test_moving_it_onwards_makes_no_new_timer(monkeypatch):
    moments = timers_of(asyncio.get_running_loop(), monkeypatch)
    deadline = calling(lambda: None)
    for _ in range(100):
        deadline.set(60)
        deadline.clear()
    deadline.close()
    assert len(moments) == 1


async def test_those_that_are_closed_soon_share_one_timer_however_long_they_were(monkeypatch):
    moments = timers_of(asyncio.get_running_loop(), monkeypatch)
    for seconds in range(2, 5000):
        deadline = calling(lambda: None)
        deadline.set(seconds)
        deadline.close()
    assert len(moments) <= 2  # the second passed meanwhile, or did not


@pytest.mark.parametrize("seconds", [0.5, 10, 120, 900])
async def test_many_share_a_timer(monkeypatch, seconds):
    moments = timers_of(asyncio.get_running_loop(), monkeypatch)
    deadlines = [calling(lambda: None) for _ in range(500)]
    for number, deadline in enumerate(deadlines):
        deadline.set(seconds * (1 - number / 1000))
    assert len(moments) <= 2**FINE + 2
    for deadline in deadlines:
        deadline.close()


class Clockwork:
    """A loop in which nothing takes time but waiting."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.timers: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, ring: Callable[..., None], *told: Any) -> None:
        heapq.heappush(self.timers, (when, len(self.timers), ring, told))

    def call_soon(self, ring: Callable[..., None]) -> None:
        self.call_at(self.now, ring)

    def run(self, until: float = math.inf) -> int:
        """How many timers rang until none is left."""
        rang = 0
        while self.timers and self.timers[0][0] <= until:
            when, _, ring, told = heapq.heappop(self.timers)
            self.now = max(self.now, when)
            ring(*told)
            rang += 1
        self.now = self.now if until == math.inf else until
        return rang


@given(
    st.floats(0, 1e6),
    st.lists(st.one_of(st.floats(0, 2), st.floats(0, 1e5)), min_size=1, max_size=5),
)
def test_rings_after_the_last_moment_it_was_set_to_and_hardly_later(
    now: float, moves: list[float]
) -> None:
    rang: list[float] = []
    loop = Clockwork(now)
    with patch("asyncio.get_running_loop", lambda: loop):
        deadline = calling(lambda: rang.append(loop.now))
        for seconds in moves:
            deadline.set(seconds)
        looks = loop.run()
    (rang_at,) = rang
    assert now + moves[-1] <= rang_at <= now + moves[-1] + 1 / 2**FINE
    assert looks <= 20 * len(moves)


@given(st.lists(st.floats(0, 5), max_size=20), st.floats(1.5, 100))
def test_one_that_comes_later_rings_too(pauses: list[float], seconds: float) -> None:
    """Whichever round of new ones it meets: one that is to come, or one that has been."""
    loop = Clockwork(0)
    late: list[float] = []

    def ring_at(moment: float) -> Callable[[], None]:
        return lambda: late.append(loop.now - moment)

    with patch("asyncio.get_running_loop", lambda: loop):
        for pause in pauses:
            loop.run(until=loop.now + pause)
            calling(ring_at(loop.now + seconds)).set(seconds)
        loop.run()
    assert len(late) == len(pauses)
    assert all(0 <= one <= 1 / 2**FINE for one in late)


async def test_nothing_is_kept_of_those_that_were_closed():
    bells = weakref.WeakSet()
    for _ in range(50):
        one = Bell()
        bells.add(one)
        deadline = calling(one.ring)
        deadline.set(60)
        deadline.close()
    del one, deadline
    assert len(bells) == 0


async def test_one_that_fails_keeps_no_other_from_ringing():
    bells, failed = [Bell(), Bell()], []

    def fail() -> None:
        raise ValueError

    bells[0].loop.set_exception_handler(lambda _, context: failed.append(context["exception"]))
    for overdue in (bells[0].ring, fail, bells[1].ring):
        calling(overdue).set(0.05)
    async with asyncio.timeout(10):
        await bells[0].rung.wait()
        await bells[1].rung.wait()
    await asyncio.sleep(0)
    bells[0].loop.set_exception_handler(None)
    assert [type(error) for error in failed] == [ValueError]


async def test_one_may_close_another_of_the_same_moment():
    bells = [Bell(), Bell()]
    deadlines: list[Deadline] = []

    def ring(number: int) -> None:
        bells[number].ring()
        deadlines[1 - number].close()

    deadlines += [calling(lambda: ring(0)), calling(lambda: ring(1))]
    for deadline in deadlines:
        deadline.set(0.05)
    await asyncio.sleep(0.2)
    assert sum(len(bell.rang) for bell in bells) == 1
