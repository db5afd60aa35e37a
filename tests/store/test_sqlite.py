import asyncio
import threading
from pathlib import Path

import pytest
from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.errors import LedgerUnavailable
from gateway.store.database import Database
from gateway.store.schema import secrets
from tests.store.conftest import locked
from tests.store.test_database import write

pytestmark = pytest.mark.anyio

VALUE = select(secrets.c.value).where(secrets.c.name == bindparam("name"))


async def test_ping_passes_while_the_file_can_be_read(database: Database, path: Path) -> None:
    assert path.exists()
    await database.ping()


async def test_each_commit_is_synced_to_the_disk(database: Database, path: Path) -> None:
    async def work(connection: AsyncConnection) -> tuple[object, object]:
        synchronous = await connection.exec_driver_sql("PRAGMA synchronous")
        mode = await connection.exec_driver_sql("PRAGMA journal_mode")
        return synchronous.scalar(), mode.scalar()

    full = 2
    assert await database.start(database.commit(work)) == (full, "wal")


async def test_reads_go_on_while_another_process_writes(database: Database, path: Path) -> None:
    await write(database, "a")
    with locked(path):
        assert await database.scalar(VALUE, {"name": "a"}) == b"value"


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("INSERT INTO secrets (name, value) VALUES ('CANARY', zeroblob(9000000))", "SQLITE_FULL"),
        ("SELECT 'CANARY' FROM nothing", "SQLITE_ERROR"),
    ],
)
async def test_the_log_hears_of_what_kind_a_failure_is(
    database: Database, path: Path, statement: str, reason: str
) -> None:
    async def work(connection: AsyncConnection) -> None:
        await connection.exec_driver_sql("PRAGMA max_page_count = 1")
        await connection.exec_driver_sql(statement)

    with pytest.raises(LedgerUnavailable) as refusal:
        await database.start(database.commit(work))
    assert (refusal.value.reason, refusal.value.detail) == (reason, LedgerUnavailable.title)


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
    others = set(threading.enumerate())
    path.rename(path.with_name("moved.db"))
    with pytest.raises(LedgerUnavailable):
        await database.scalar(VALUE, {"name": "a"})
    assert not path.exists()
    # The thread of the connection that failed has yet to tell this loop that it ends.
    for one in set(threading.enumerate()) - others:
        if "_connection_worker" in one.name:
            await asyncio.to_thread(one.join)
