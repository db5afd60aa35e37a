"""The file as the gateway works with it: connections that read, one that writes, clocks on both.

rule 1: A caller waits for its clock at most, then gets `LedgerUnavailable`; so does every failure
        of the database.
rule 2: What has begun is never cancelled: it runs in a task of its own, and a caller who leaves
        leaves it alone. A cancelled statement would cost its connection, and waiting for SQLite
        to let go of it would hold up the caller beyond any clock.
rule 3: A write is on the disk when it returns: WAL with synchronous=FULL syncs at each commit.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Executable, event, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from gateway.core.errors import LedgerUnavailable
from gateway.store.schema import VERSION_TABLE

Result = TypeVar("Result")

TURN_CLOCK = 1.0  # seconds, for a connection to read with
READ_CLOCK = 2.0  # from then on; at 0.5 a machine that was merely busy gave reads up
WRITE_CLOCK = 2.0  # at 1.0 the same, of one fsync among those of many others
PING = text(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608 -- our own constant
READERS = 4  # SQLite's readers never wait for its writer in WAL mode

# At INFO they log statements, at DEBUG values too: whose conversation is which, and the identity
# secret as it is read.
for _name in ("aiosqlite", "sqlalchemy"):
    logging.getLogger(_name).setLevel(logging.WARNING)


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


@contextmanager
def unavailable() -> Iterator[None]:
    """Any failure of the database, and a clock that ran out, as `LedgerUnavailable`."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        raise LedgerUnavailable from error


class Database:
    """One open file. Made within a running event loop, closed with `aclose`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inode = _inode(path)
        self._reader = reading_engine(path)
        self._writer = writing_engine(path, patience=WRITE_CLOCK)
        self._turns = asyncio.Semaphore(READERS)
        self._running: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def scalar(self, statement: Executable, values: Mapping[str, object]) -> Any:
        """The first column of the first row, or None.

        Raises:
            LedgerUnavailable: it cannot be read within `TURN_CLOCK` and `READ_CLOCK`.
        """
        with unavailable():
            async with asyncio.timeout(TURN_CLOCK):
                await self._turns.acquire()
        reading = self.start(self._read(statement, values))
        reading.add_done_callback(_see)
        await asyncio.wait([reading], timeout=READ_CLOCK)
        if not reading.done():
            raise LedgerUnavailable
        with unavailable():
            return reading.result()

    async def commit(self, work: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
        """Run `work` in a transaction; return its result once that is on the disk.

        It must not be cancelled: call it from a task that `start` started.

        Raises:
            LedgerUnavailable: it cannot be written.
        """
        with unavailable():
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
        await self.scalar(PING, {})

    def start(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        """Run `work` in a task of its own, which `aclose` waits for.

        Raises:
            LedgerUnavailable: the file is closed.
        """
        if self._closed:
            work.close()
            raise LedgerUnavailable
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def aclose(self) -> None:
        """Let what has begun end, for as long as `WRITE_CLOCK`, and close the file."""
        self._closed = True
        if self._running:
            await asyncio.wait(self._running, timeout=WRITE_CLOCK)
        await self._reader.dispose()
        await self._writer.dispose()

    async def _read(self, statement: Executable, values: Mapping[str, object]) -> Any:
        try:
            async with self._reader.connect() as connection:
                return (await connection.execute(statement, values)).scalar()
        finally:
            self._turns.release()

    def _check(self) -> None:
        """What goes into a removed or replaced file is lost, and SQLite sees no error in it."""
        if _inode(self._path) != self._inode:
            raise OSError(f"{self._path} was replaced while it was open")


def _see(task: asyncio.Task[Any]) -> None:
    """Look at how a task ended: asyncio reports those that nobody looked at."""
    if not task.cancelled():
        task.exception()


def _inode(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
