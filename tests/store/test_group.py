import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.errors import LedgerUnavailable
from gateway.store import group as module
from gateway.store.database import Database
from gateway.store.group import Group

pytestmark = pytest.mark.anyio


class Writing:
    """What a group writes with: notes what came together; waits and fails as told."""

    def __init__(self) -> None:
        self.together: list[list[int]] = []
        self.began = asyncio.Event()
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.fails = False

    async def __call__(self, connection: AsyncConnection, items: Sequence[int]) -> list[int]:
        self.together.append(list(items))
        self.began.set()
        await self.may_go_on.wait()
        if self.fails:
            raise OperationalError("INSERT", {}, OSError("disk full"))
        return [item * 2 for item in items]


async def added(group: Group[int, int], *items: int) -> list[asyncio.Task[int]]:
    """The tasks that wait for `items`."""
    tasks = [asyncio.create_task(group.add(item)) for item in items]
    await asyncio.sleep(0)
    return tasks


async def test_everybody_gets_their_own_result(database: Database) -> None:
    group = Group(database, Writing())
    assert await asyncio.gather(*map(group.add, range(1000))) == [2 * item for item in range(1000)]


async def test_what_comes_during_a_commit_shares_the_next(database: Database) -> None:
    writing = Writing()
    group = Group(database, writing)
    writing.may_go_on.clear()
    tasks = await added(group, 1)
    await writing.began.wait()
    tasks += await added(group, 2, 3, 4)
    assert not any(task.done() for task in tasks)
    writing.may_go_on.set()
    assert await asyncio.gather(*tasks) == [2, 4, 6, 8]
    assert writing.together == [[1], [2, 3, 4]]


async def test_a_group_has_a_largest_size(database: Database) -> None:
    writing = Writing()
    await asyncio.gather(*map(Group(database, writing).add, range(600)))
    assert max(map(len, writing.together)) == module.MOST_TOGETHER


async def test_a_failure_is_everybodys_and_the_next_group_is_unharmed(database: Database) -> None:
    writing = Writing()
    group = Group(database, writing)
    writing.fails = True
    outcomes = await asyncio.gather(*map(group.add, range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [LedgerUnavailable] * 3
    assert all(outcome.reason for outcome in outcomes if isinstance(outcome, LedgerUnavailable))
    writing.fails = False
    assert await group.add(7) == 14


async def test_waits_for_its_clock_at_most(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WRITE_CLOCK", 0.05)
    writing = Writing()
    group = Group(database, writing)
    writing.may_go_on.clear()
    with pytest.raises(LedgerUnavailable):
        await group.add(1)
    monkeypatch.undo()
    writing.may_go_on.set()
    assert await group.add(2) == 4


async def test_the_queue_is_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 2)
    writing = Writing()
    group = Group(database, writing)
    writing.may_go_on.clear()
    tasks = await added(group, 1)
    await writing.began.wait()
    tasks += await added(group, 2, 3)
    with pytest.raises(LedgerUnavailable):
        await group.add(4)
    writing.may_go_on.set()
    assert await asyncio.gather(*tasks) == [2, 4, 6]


async def test_one_who_leaves_is_written_all_the_same_and_disturbs_nobody(
    database: Database,
) -> None:
    writing = Writing()
    group = Group(database, writing)
    writing.may_go_on.clear()
    first, second, third = await added(group, 1, 2, 3)
    await writing.began.wait()
    second.cancel()
    await asyncio.wait([second])
    writing.may_go_on.set()
    assert list(await asyncio.gather(first, third)) == [2, 6]
    assert second.cancelled()
    assert [item for items in writing.together for item in items] == [1, 2, 3]
