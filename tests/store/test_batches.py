import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store import batches
from gateway.store.batches import Batches
from gateway.store.spool import Spool
from gateway.store.store import Store
from tests.store.conftest import locked

pytestmark = pytest.mark.anyio

Numbers = Batches[int]
INSERT = text("INSERT OR IGNORE INTO numbers VALUES (:number)")


async def write(connection: AsyncConnection, rows: Sequence[int]) -> None:
    if any(row < 0 for row in rows):
        raise ValueError("negative")
    await connection.execute(INSERT, [{"number": row} for row in rows])


def decode(line: bytes) -> int:
    return int(json.loads(line))


@asynccontextmanager
async def numbers(store: Store, folder: Path, *, most: int = 10**9) -> AsyncIterator[Numbers]:
    made: Numbers = Batches(
        store.database,
        Spool(folder / "spool", "numbers", most=most),
        write=write,
        encode=lambda row: str(row).encode(),
        decode=decode,
        interval=0.02,
        most=1000,
    )
    made.begin()
    try:
        yield made
    finally:
        await made.aclose()


@pytest.fixture(autouse=True)
def table(path: Path, store: Store) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE numbers (number INTEGER PRIMARY KEY)")


@pytest.fixture(autouse=True)
def clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database of a machine that is merely busy is not away."""
    monkeypatch.setattr(batches, "PATIENCE", 20.0)
    monkeypatch.setattr(batches, "RETRY", 0.1)


@pytest.fixture
def impatient(clocks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is away is soon known to be."""
    monkeypatch.setattr(batches, "PATIENCE", 0.1)


def written(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as connection:
        return [number for (number,) in connection.execute("SELECT number FROM numbers ORDER BY 1")]


async def until(path: Path, expected: Sequence[int]) -> None:
    end = time.monotonic() + 20
    while written(path) != list(expected):
        assert time.monotonic() < end, written(path)
        await asyncio.sleep(0.02)


async def test_writes_what_came_within_the_interval_together(store: Store, path: Path) -> None:
    async with numbers(store, path.parent) as kept:
        for number in range(700):
            kept.add(number)
        assert kept.waiting == 700
        await until(path, range(700))
        assert (kept.waiting, kept.spooled, kept.lost) == (0, 0, 0)


async def test_a_flush_returns_when_all_is_written(store: Store, path: Path) -> None:
    async with numbers(store, path.parent) as kept:
        kept.add(1)
        await kept.flush()
        assert written(path) == [1]


async def test_closing_writes_the_rest_and_later_ones_wait_for_the_next_process(
    store: Store, path: Path
) -> None:
    async with numbers(store, path.parent) as kept:
        kept.add(1)
    assert written(path) == [1]
    kept.add(2)
    async with numbers(store, path.parent):
        await until(path, [1, 2])


@pytest.mark.usefixtures("impatient")
async def test_while_the_database_is_away_rows_wait_on_the_disk_and_are_replayed(
    store: Store, path: Path
) -> None:
    async with numbers(store, path.parent) as kept:
        with locked(path):
            for number in range(20):
                kept.add(number)
                await kept.flush()
            assert kept.spooled > 0
        await until(path, range(20))
        kept.add(20)
        await until(path, range(21))
        async with asyncio.timeout(20):
            while kept.spooled:  # noqa: ASYNC110 - a file that is removed once its rows are written
                await asyncio.sleep(0.01)
        assert kept.lost == 0


@pytest.mark.usefixtures("impatient")
async def test_what_a_process_could_not_write_the_next_one_does(store: Store, path: Path) -> None:
    with locked(path):
        async with numbers(store, path.parent) as kept:
            kept.add(1)
    assert kept.lost == 0
    async with numbers(store, path.parent):
        await until(path, [1])


@pytest.mark.usefixtures("impatient")
async def test_what_is_in_neither_place_is_lost_and_counted(
    store: Store, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with numbers(store, path.parent, most=4) as kept:
        with locked(path):
            for number in range(1, 5):
                kept.add(number)
                await kept.flush()
            assert (kept.spooled, kept.lost) == (4, 2)
        await until(path, [1, 2])
    assert "no room" in caplog.text


async def test_memory_has_a_bound(store: Store, path: Path) -> None:
    async with numbers(store, path.parent) as kept:
        for number in range(1003):
            kept.add(number)
        assert (kept.waiting, kept.lost) == (1000, 3)


async def test_rows_that_the_database_does_not_take_do_not_stop_the_others(
    store: Store, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with numbers(store, path.parent) as kept:
        kept.add(-1)
        await kept.flush()
        kept.add(1)
        await kept.flush()
        assert written(path) == [1]
        assert kept.lost == 1
    assert "ValueError" in caplog.text


async def test_a_line_that_is_no_row_is_passed_over(store: Store, path: Path) -> None:
    with closing(Spool(path.parent / "spool", "numbers")) as spool:
        spool.put(b"1\nnonsense\n2\n")
    async with numbers(store, path.parent) as kept:
        await until(path, [1, 2])
        assert kept.lost == 1


@pytest.mark.usefixtures("impatient")
async def test_two_processes_may_share_a_spool(store: Store, path: Path) -> None:
    async with numbers(store, path.parent) as one, numbers(store, path.parent) as two:
        with locked(path):
            for number in range(10):
                (one, two)[number % 2].add(number)
                await asyncio.gather(one.flush(), two.flush())
        await until(path, range(10))
        assert (one.lost, two.lost) == (0, 0)
