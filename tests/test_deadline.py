"""A deadline rings once, when it is due, wherever it was moved before."""

import asyncio
import weakref

import pytest

from gateway.deadline import LATE, Deadline

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


async def test_rings_once():
    bell = Bell()
    Deadline(bell.ring).set(0.02)
    await bell.rung.wait()
    await asyncio.sleep(0.05)
    assert len(bell.rang) == 1
    assert bell.rang[0] >= 0.019


async def test_can_be_moved_onwards():
    bell = Bell()
    deadline = Deadline(bell.ring)
    deadline.set(0.02)
    deadline.set(0.1)
    await bell.rung.wait()
    assert bell.rang[0] >= 0.099


async def test_can_be_moved_nearer():
    bell = Bell()
    deadline = Deadline(bell.ring)
    deadline.set(60)
    deadline.set(0.02)
    async with asyncio.timeout(10):
        await bell.rung.wait()


@pytest.mark.parametrize("end", [Deadline.clear, Deadline.close])
async def test_rings_no_more_once_it_is_cleared_or_closed(end):
    bell = Bell()
    deadline = Deadline(bell.ring)
    deadline.set(0.01)
    end(deadline)
    await asyncio.sleep(0.03)
    assert bell.rang == []


async def test_can_be_set_again_after_it_was_cleared_and_after_it_rang():
    bell = Bell()
    deadline = Deadline(bell.ring)
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
    deadline = Deadline(bell.ring)
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

    monkeypatch.setattr("gateway.deadline._Rounds.latest", None)
    counted = type("Loop", (), {"time": loop.time, "call_at": staticmethod(counting)})()
    monkeypatch.setattr("asyncio.get_running_loop", lambda: counted)
    return moments


async def test_moving_it_onwards_makes_no_new_timer(monkeypatch):
    moments = timers_of(asyncio.get_running_loop(), monkeypatch)
    deadline = Deadline(lambda: None)
    for _ in range(100):
        deadline.set(60)
        deadline.clear()
    deadline.close()
    assert len(moments) == 1


@pytest.mark.parametrize("seconds", [0.5, 10, 120, 900])
async def test_many_share_a_timer_that_rings_hardly_late(monkeypatch, seconds):
    loop = asyncio.get_running_loop()
    start = loop.time()
    moments = timers_of(loop, monkeypatch)
    deadlines = [Deadline(lambda: None) for _ in range(500)]
    for number, deadline in enumerate(deadlines):
        deadline.set(seconds * (1 - number / 1000))
    assert len(moments) <= 2**LATE + 2
    assert min(moments) >= start + seconds / 2
    assert max(moments) <= loop.time() + seconds * (1 + 1 / 2**LATE)
    for deadline in deadlines:
        deadline.close()


async def test_nothing_is_kept_of_those_that_were_closed():
    bells = weakref.WeakSet()
    for _ in range(50):
        one = Bell()
        bells.add(one)
        deadline = Deadline(one.ring)
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
        Deadline(overdue).set(0.05)
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

    deadlines += [Deadline(lambda: ring(0)), Deadline(lambda: ring(1))]
    for deadline in deadlines:
        deadline.set(0.05)
    await asyncio.sleep(0.2)
    assert sum(len(bell.rang) for bell in bells) == 1
