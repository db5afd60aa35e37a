"""A deadline rings once, when it is due, wherever it was moved before."""

import asyncio

import pytest

from gateway.net.deadline import Deadline

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


async def test_moving_it_onwards_makes_no_new_timer():
    timers = 0
    loop = asyncio.get_running_loop()

    class Counting(Deadline):
        __slots__ = ()

        def _arm(self) -> None:
            nonlocal timers
            timers += 1
            super()._arm()

    deadline = Counting(loop.stop)
    for _ in range(100):
        deadline.set(60)
        deadline.clear()
    assert timers == 1
    deadline.close()
