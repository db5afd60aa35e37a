"""A line that is bounded, in which nobody overtakes, and of which nothing gets lost.

`test_pool.py` tries it as the line of a pool, under storms of cancellations.
"""

import asyncio

import pytest

from gateway.core.errors import Overloaded
from gateway.net.upstream.line import Line

pytestmark = pytest.mark.anyio

PATIENCE = 10.0


async def standing(line: Line[str], many: int) -> list[asyncio.Task[str]]:
    tasks = [asyncio.create_task(line.stand()) for _ in range(many)]
    async with asyncio.timeout(PATIENCE):
        while len(line) < many:  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0)
    return tasks


async def test_whoever_has_waited_longest_is_given_first() -> None:
    line: Line[str] = Line(most=3, patience=PATIENCE, back=[].append)
    tasks = await standing(line, 3)
    assert [line.pass_on(thing) for thing in "abcd"] == [True, True, True, False]
    assert await asyncio.gather(*tasks) == ["a", "b", "c"]
    assert len(line) == 0


async def test_no_more_wait_than_may_and_none_longer_than_it_has_patience() -> None:
    line: Line[str] = Line(most=1, patience=0.05, back=[].append)
    (waiting,) = await standing(line, 1)
    with pytest.raises(Overloaded):
        await line.stand()
    with pytest.raises(Overloaded):
        await waiting
    assert not line.pass_on("a")


async def test_what_a_cancelled_waiter_was_given_goes_back() -> None:
    back: list[str] = []
    line: Line[str] = Line(most=2, patience=PATIENCE, back=back.append)
    first, second = await standing(line, 2)
    second.cancel()
    await asyncio.wait({second})
    assert back == []
    assert line.pass_on("a")
    first.cancel()
    await asyncio.wait({first})
    assert back == ["a"]
    assert len(line) == 0


async def test_a_closed_line_sends_everybody_away_and_whoever_comes() -> None:
    line: Line[str] = Line(most=2, patience=PATIENCE, back=[].append)
    tasks = await standing(line, 2)
    line.close()
    for waiting in (*tasks, asyncio.ensure_future(line.stand())):
        with pytest.raises(Overloaded):
            await waiting
