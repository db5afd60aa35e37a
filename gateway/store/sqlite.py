"""SQLite as the gateway works with it: connections that read, one that writes, in WAL mode.

synchronous=FULL syncs at each commit. A file that was removed or replaced is noticed.
"""

from pathlib import Path
from typing import Any

from sqlalchemy import URL, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from gateway.store.database import (
    READ_CLOCK,
    READERS,
    WRITE_CLOCK,
    Database,
    Result,
    Work,
    unavailable,
)


def writing_engine(path: Path, *, patience: float) -> AsyncEngine:
    """One connection, which waits `patience` seconds for the write lock.

    Python's sqlite3 begins a transaction at its first INSERT, UPDATE or DELETE: what is read
    before that is not part of it.
    """
    return _engine(path, "synchronous=FULL", patience, size=1)


def reading_engine(path: Path) -> AsyncEngine:
    return _engine(
        path,
        "query_only=ON",
        READ_CLOCK,
        size=READERS,
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
    )


def _engine(path: Path, pragma: str, patience: float, *, size: int, **options: Any) -> AsyncEngine:
    # mode=rw: SQLite itself never makes a file, so a lost one is an error and not an empty store.
    url = URL.create(
        "sqlite+aiosqlite", database=path.as_uri(), query={"uri": "true", "mode": "rw"}
    )
    engine = create_async_engine(
        url,
        connect_args={"timeout": patience},
        pool_size=size,
        max_overflow=0,
        pool_timeout=patience,
        hide_parameters=True,  # ids and the identity secret stay out of exceptions
        **options,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


class SqliteDatabase(Database):
    """One open file."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._inode = _inode(path)
        self._reader = reading_engine(path)
        self._writer = writing_engine(path, patience=WRITE_CLOCK)

    async def _commit(self, work: Work[Result]) -> Result:
        self._check()
        async with self._writer.begin() as connection:
            return await work(connection)

    async def ping(self) -> None:
        """Read a row.

        Raises:
            LedgerUnavailable: the file cannot be read, or is no longer the one that was opened.
        """
        with unavailable():
            self._check()
        await super().ping()

    async def _read(self, get: Work[Result], clock: float) -> Result:
        del clock  # nothing ends a statement early: who asked for it does not wait for it
        async with self._reader.connect() as connection:
            return await get(connection)

    async def _dispose(self) -> None:
        await self._reader.dispose()
        await self._writer.dispose()

    def _check(self) -> None:
        """What goes into a removed or replaced file is lost, and SQLite sees no error in it."""
        if _inode(self._path) != self._inode:
            raise OSError(f"{self._path} was replaced while it was open")


def _inode(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
