"""Before the first use: is the file a store of ours, whole, writable, and in its newest form?

All of it happens under SQLite's own write lock, in one transaction: of two processes that start at
once one waits for the other, and one that is killed half-way leaves no half of a migration.
"""

import asyncio
import sqlite3
import time
from pathlib import Path

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.errors import StoreError
from gateway.store.schema import HEAD, VERSION_TABLE
from gateway.store.sqlite import reading_engine, writing_engine
from gateway.store.upgrade import upgrade

PATIENCE = 30.0  # seconds to wait while another process migrates
PAUSE = 0.01  # seconds between two attempts where SQLite does not wait
# quick_check reads the whole file: 2 ms a MiB from the page cache. A larger file starts unchecked,
# and a page that cannot be read then is a conversation that nobody can continue.
CHECKED_BYTES = 64 * 2**20

_WAL = "PRAGMA journal_mode=WAL"
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"
_VERSION = f"SELECT version_num FROM {VERSION_TABLE}"  # noqa: S608 -- our own constant
_TOUCH = f"UPDATE {VERSION_TABLE} SET version_num = version_num"  # noqa: S608 -- alike
_REASONS = {
    sqlite3.SQLITE_NOTADB: "is not a SQLite database: name another file in store.url",
    sqlite3.SQLITE_CORRUPT: "is corrupt: stop every gateway and restore it from a backup",
    sqlite3.SQLITE_READONLY: "is read-only: make the file and its directory writable for the user "
    "the gateway runs as",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: make the file and its directory readable and "
    "writable for the user the gateway runs as",
    sqlite3.SQLITE_BUSY: "is locked by another process: find it, with fuser perhaps, and end it",
    sqlite3.SQLITE_FULL: "is on a full disk: make room",
}


async def prepare(path: Path) -> None:
    """Bring the store to its newest form.

    Raises:
        StoreError: it is not ours, not whole, not writable, or from a newer gateway.
    """
    engine = writing_engine(path, patience=PATIENCE)
    try:
        async with engine.connect() as connection:
            if _is_small(path):
                await _be_whole(connection, path)
            await _use_wal(connection, path)
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
            if await _version(connection, path) == HEAD:
                # On a read-only file BEGIN IMMEDIATE begins a mere read; a write is refused.
                await connection.exec_driver_sql(_TOUCH)
                await connection.rollback()
            else:
                await connection.run_sync(upgrade)
                await connection.commit()
    except DBAPIError as error:
        raise _explained(path, error) from error
    finally:
        await engine.dispose()


async def version(path: Path) -> str | None:
    """The migration a file that is there is at; None for one without tables.

    Raises:
        StoreError: it is not ours, cannot be read, or is from a newer gateway.
    """
    engine = reading_engine(path)
    try:
        async with engine.connect() as connection:
            return await _version(connection, path)
    except DBAPIError as error:
        raise _explained(path, error) from error
    finally:
        await engine.dispose()


def _is_small(path: Path) -> bool:
    return path.stat().st_size <= CHECKED_BYTES


async def _be_whole(connection: AsyncConnection, path: Path) -> None:
    verdict = (await connection.exec_driver_sql("PRAGMA quick_check(1)")).scalar()
    if verdict != "ok":
        raise StoreError(f"{path} {_REASONS[sqlite3.SQLITE_CORRUPT]}")


async def _use_wal(connection: AsyncConnection, path: Path) -> None:
    if await _mode_now_wal(connection) != "wal":
        raise StoreError(
            f"{path} is on a file system that cannot share memory between processes (SQLite's WAL "
            "mode): put it on a local disk"
        )


async def _mode_now_wal(connection: AsyncConnection) -> str | None:
    """SQLite waits for nobody here: of two processes that begin a file one is told at once that it
    is locked, for the moment in which the other has it.
    """
    end = time.monotonic() + PATIENCE
    while True:
        try:
            mode: str | None = (await connection.exec_driver_sql(_WAL)).scalar()
        except DBAPIError as error:
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() >= end:
                raise
            await asyncio.sleep(PAUSE)
        else:
            return mode


async def _version(connection: AsyncConnection, path: Path) -> str | None:
    """The migration the file is at; None for a file without tables."""
    tables = set((await connection.exec_driver_sql(_TABLES)).scalars())
    if not tables:
        return None
    if VERSION_TABLE not in tables:
        raise StoreError(f"{path} is another application's database: name another file")
    version: str | None = (await connection.exec_driver_sql(_VERSION)).scalar()
    if version is not None and version > HEAD:
        raise StoreError(
            f"{path} was written by a newer gateway (its form is {version}, this one knows "
            f"{HEAD}): run that version, or restore a backup from before"
        )
    return version


def _explained(path: Path, error: DBAPIError) -> StoreError:
    return StoreError(f"{path} {_REASONS.get(_code(error), f'cannot be used: {error.orig}')}")


def _code(error: DBAPIError) -> int:
    """SQLite's result code, without its extension."""
    return int(getattr(error.orig, "sqlite_errorcode", 0)) & 0xFF
