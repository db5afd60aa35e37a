"""What is asked once, in every process, on both databases."""

import asyncio

import pytest

from gateway.core.errors import LedgerUnavailable
from gateway.core.request.idempotency import Earlier
from gateway.store import askings as module
from gateway.store.askings import KEPT, Askings
from gateway.store.database import Database
from gateway.store.opening import opened
from gateway.store.retention import retain

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patience")]

NAME, OTHER = b"n" * 32, b"o" * 32
FIRST, SECOND = Earlier("req-1", b"c"), Earlier("req-2", b"d")


async def test_the_first_one_has_the_name(database: Database) -> None:
    askings = Askings(database)
    assert await askings.begin(NAME, FIRST) is None
    assert await askings.begin(NAME, SECOND) == FIRST
    assert await askings.begin(OTHER, SECOND) is None


async def test_so_it_is_for_another_process(database: Database, url: str) -> None:
    other = await opened(url)
    assert await Askings(database).begin(NAME, FIRST) is None
    assert await Askings(other).begin(NAME, SECOND) == FIRST
    await Askings(other).end(NAME, "conv-1")
    assert await Askings(database).begin(NAME, SECOND) == Earlier("req-1", b"c", "conv-1")
    await other.aclose()


async def test_of_fifty_at_once_one_has_it(database: Database, url: str) -> None:
    other = await opened(url)
    both = [Askings(database), Askings(other)]
    asked = [both[n % 2].begin(NAME, Earlier(f"req-{n}", b"c")) for n in range(50)]
    found = await asyncio.gather(*asked)
    assert found.count(None) == 1
    winner = f"req-{found.index(None)}"
    assert {one.request_id for one in found if one is not None} == {winner}
    await other.aclose()


async def test_a_name_that_is_forgotten_is_free(database: Database) -> None:
    askings = Askings(database)
    await askings.begin(NAME, FIRST)
    await askings.forget(NAME)
    await askings.end(NAME, "conv-1")
    assert await askings.begin(NAME, SECOND) is None


async def test_after_a_day_it_is_free_and_its_row_goes(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    askings = Askings(database)
    await askings.begin(NAME, FIRST)
    await askings.begin(OTHER, FIRST)
    now = module.time.time
    monkeypatch.setattr(module.time, "time", lambda: now() + KEPT - 60)
    await retain(database, before=0)
    assert await askings.begin(NAME, SECOND) == FIRST
    monkeypatch.setattr(module.time, "time", lambda: now() + KEPT + 60)
    assert await askings.begin(NAME, SECOND) is None
    await retain(database, before=0)
    left = await database.rows(module.select(module.askings.c.name), {})
    assert [bytes(name) for (name,) in left] == [NAME]


async def test_where_the_store_is_away_nobody_knows(database: Database) -> None:
    askings = Askings(database)
    await database.aclose()
    with pytest.raises(LedgerUnavailable):
        await askings.begin(NAME, FIRST)
