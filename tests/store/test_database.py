import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import bindparam, insert, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.errors import LedgerUnavailable
from gateway.store import database as module
from gateway.store.database import READERS, Database
from gateway.store.location import ensure
from gateway.store.prepare import prepare
from gateway.store.schema import secrets
from tests.store.conftest import locked

pytestmark = pytest.mark.anyio

READ_CLOCK = 0.3  # seconds; of these tests
VALUE = select(secrets.c.value).where(secrets.c.name == bindparam("name"))
SLOW = text(  # SQLite counts for more than half a second
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) "
    "SELECT count(*) FROM n"
)


@pytest.fixture
async def database(path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    monkeypatch.setattr(module, "READ_CLOCK", READ_CLOCK)
    ensure(path)
    await prepare(path)
    database = Database(path)
    yield database
    await ended(database)
    await database.aclose()


async def ended(database: Database) -> None:
    """Wait for what goes on though nobody waits for it any more."""
    while database._running:
        await asyncio.wait(database._running)


async def write(database: Database, name: str) -> None:
    async def work(connection: AsyncConnection) -> None:
        await connection.execute(insert(secrets), {"name": name, "value": b"value"})

    await database.start(database.commit(work))


async def test_reads_what_was_committed(database: Database) -> None:
    assert await database.scalar(VALUE, {"name": "a"}) is None
    await write(database, "a")
    assert await database.scalar(VALUE, {"name": "a"}) == b"value"


async def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    async def work(connection: AsyncConnection) -> None:
        await connection.execute(insert(secrets), {"name": "a", "value": b"value"})
        await connection.execute(insert(secrets), {"name": "a", "value": b"other"})

    with pytest.raises(LedgerUnavailable):
        await database.start(database.commit(work))
    assert await database.scalar(VALUE, {"name": "a"}) is None
    await write(database, "a")


async def test_each_commit_is_synced_to_the_disk(database: Database) -> None:
    async def work(connection: AsyncConnection) -> tuple[object, object]:
        synchronous = await connection.exec_driver_sql("PRAGMA synchronous")
        mode = await connection.exec_driver_sql("PRAGMA journal_mode")
        return synchronous.scalar(), mode.scalar()

    full = 2
    assert await database.start(database.commit(work)) == (full, "wal")


async def test_a_reading_connection_cannot_write(database: Database) -> None:
    await write(database, "a")
    with pytest.raises(LedgerUnavailable):
        await database.scalar(text("DELETE FROM secrets"), {})
    assert await database.scalar(VALUE, {"name": "a"}) == b"value"


async def test_reads_go_on_while_another_process_writes(database: Database, path: Path) -> None:
    await write(database, "a")
    with locked(path):
        assert await database.scalar(VALUE, {"name": "a"}) == b"value"


async def test_slow_reads_are_given_up_at_the_clock_and_hold_up_nobody(database: Database) -> None:
    await write(database, "a")
    slow = [asyncio.create_task(database.scalar(SLOW, {})) for _ in range(READERS - 1)]
    await asyncio.sleep(0)
    assert await database.scalar(VALUE, {"name": "a"}) == b"value"
    started = time.monotonic()
    outcomes = await asyncio.gather(*slow, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [LedgerUnavailable] * len(slow)
    assert time.monotonic() - started < 3 * READ_CLOCK


async def test_reads_wait_for_a_connection_within_their_clock(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TURN_CLOCK", READ_CLOCK)
    slow = [asyncio.create_task(database.scalar(SLOW, {})) for _ in range(READERS)]
    await asyncio.sleep(0)
    with pytest.raises(LedgerUnavailable):
        await database.scalar(VALUE, {"name": "a"})
    await asyncio.gather(*slow, return_exceptions=True)
    await ended(database)
    assert await database.scalar(VALUE, {"name": "a"}) is None


async def test_a_burst_of_reads_is_served_in_turn(database: Database) -> None:
    values = await asyncio.gather(*(database.scalar(VALUE, {"name": "a"}) for _ in range(300)))
    assert values == [None] * 300


async def test_cancelled_reads_cost_no_connection(database: Database) -> None:
    await write(database, "a")
    for steps in range(40):
        reading = asyncio.create_task(database.scalar(VALUE, {"name": "a"}))
        for _ in range(steps):
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait([reading])
    await ended(database)
    assert await database.scalar(VALUE, {"name": "a"}) == b"value"


async def test_ping_passes_while_the_file_can_be_read(database: Database) -> None:
    await database.ping()


@pytest.mark.parametrize("replaced", [False, True], ids=["removed", "replaced"])
async def test_nothing_is_written_into_a_file_that_is_no_longer_there(
    database: Database, path: Path, replaced: bool
) -> None:
    path.rename(path.with_name("moved.db"))
    if replaced:
        path.write_bytes(path.with_name("moved.db").read_bytes())
    with pytest.raises(LedgerUnavailable):
        await write(database, "a")
    with pytest.raises(LedgerUnavailable):
        await database.ping()


async def test_a_lost_file_is_never_made_anew(database: Database, path: Path) -> None:
    path.rename(path.with_name("moved.db"))
    with pytest.raises(LedgerUnavailable):
        await database.scalar(VALUE, {"name": "a"})
    assert not path.exists()
    # The thread of the connection that failed has yet to tell this loop that it ends.
    while failing := [one for one in threading.enumerate() if "_connection_worker" in one.name]:
        await asyncio.to_thread(failing[0].join)


async def test_values_stay_out_of_errors_and_logs(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await write(database, "hunter2")
    assert await database.scalar(VALUE, {"name": "hunter2"}) == b"value"
    with pytest.raises(LedgerUnavailable) as refusal:
        await write(database, "hunter2")
    assert isinstance(refusal.value.__cause__, SQLAlchemyError)
    assert "hunter2" not in str(refusal.value.__cause__) + str(refusal.value) + caplog.text


async def test_nothing_works_once_it_is_closed(database: Database) -> None:
    await database.aclose()
    with pytest.raises(LedgerUnavailable):
        await database.scalar(VALUE, {"name": "a"})
    with pytest.raises(LedgerUnavailable):
        await write(database, "a")
    with pytest.raises(LedgerUnavailable):
        await database.ping()


async def test_closing_waits_for_what_has_begun(database: Database, path: Path) -> None:
    writing = asyncio.create_task(write(database, "a"))
    await asyncio.sleep(0)
    assert not writing.done()
    await database.aclose()
    await writing
    again = Database(path)
    assert await again.scalar(VALUE, {"name": "a"}) == b"value"
    await again.aclose()
