from collections.abc import Sequence

import pytest

from gateway.store.database import Database
from gateway.store.heads import tell_heads
from gateway.store.verify import Head
from tests.store.conftest import Direct
from tests.store.trails import DAY, event, put

pytestmark = pytest.mark.anyio


class Told:
    def __init__(self) -> None:
        self.heads: list[tuple[str, int, int]] = []

    async def __call__(self, heads: Sequence[Head]) -> None:
        self.heads += [(head.org, head.day - DAY, head.number) for head in heads]


async def test_each_days_head_is_told_once_the_day_is_over(
    database: Database, direct: Direct
) -> None:
    told = Told()
    await put(database, event(1), event(2), event(1, org="globex"))
    assert await tell_heads(database, told, today=DAY) == 0
    await put(database, event(3, day=DAY + 1), event(4, day=DAY + 3))
    assert await tell_heads(database, told, today=DAY + 3) == 3
    assert told.heads == [("acme", 0, 2), ("acme", 1, 3), ("globex", 0, 1)]
    assert await tell_heads(database, told, today=DAY + 3) == 0
    assert await tell_heads(database, told, today=DAY + 4) == 1
    assert told.heads[3:] == [("acme", 3, 4)]


async def test_what_could_not_be_told_is_told_later(database: Database) -> None:
    async def fails(heads: Sequence[Head]) -> None:
        raise OSError("no room")

    told = Told()
    await put(database, event(1))
    with pytest.raises(OSError, match="no room"):
        await tell_heads(database, fails, today=DAY + 1)
    assert await tell_heads(database, told, today=DAY + 1) == 1
