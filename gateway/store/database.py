"""The seam between what is remembered and the database it is in: SQLite or PostgreSQL.

Whatever is kept is written against this class, in SQLAlchemy Core over the tables of `schema`, and
so runs on both: `gateway.store.sqlite` and `gateway.store.postgres` are its two engines. Where the
two differ in words, `gateway.store.dialect` has one function for both: `insert`, `alone`.

rule 1: A caller waits for its clock at most, then gets `LedgerUnavailable`; so does every failure
        of the database.
rule 2: What has begun is never cancelled: it runs in a task of its own, and a caller who leaves
        leaves it alone. A cancelled statement would cost its connection, and waiting for SQLite
        to let go of it would hold up the caller beyond any clock.
rule 3: A write is on the disk when it returns.
rule 4: What is given to `read` and `commit` may be run twice, when a connection was lost or two
        transactions stood in each other's way: also after a commit of which no word came back.
        Write it so that twice is as good as once.
rule 5: Many rows are written in the order of their primary key: two replicas that lock the same
        rows in two orders would wait for each other.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Executable, Row, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.errors import LedgerUnavailable
from gateway.store.errors import DatabaseFault
from gateway.store.schema import VERSION_TABLE
from gateway.store.writing import Writing

Result = TypeVar("Result")
Work: TypeAlias = Callable[[AsyncConnection], Awaitable[Result]]

TURN_CLOCK = 1.0  # seconds, for a connection to read with
READ_CLOCK = 2.0  # from then on; at 0.5 a machine that was merely busy gave reads up
WRITE_CLOCK = 2.0  # at 1.0 the same, of one fsync among those of many others
PING = text(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608 -- our own constant
_REWRITE = text(f"UPDATE {VERSION_TABLE} SET version_num = version_num")  # noqa: S608 -- as above
READERS = 4  # SQLite's never wait for its writer in WAL mode, nor do PostgreSQL's

# At INFO they log statements, at DEBUG values too: whose conversation is which, and the identity
# secret as it is read.
for _name in ("aiosqlite", "psycopg", "sqlalchemy"):
    logging.getLogger(_name).setLevel(logging.WARNING)


@contextmanager
def unavailable() -> Iterator[None]:
    """Any failure of the database, and a clock that ran out, as `LedgerUnavailable`."""
    try:
        yield
    except (SQLAlchemyError, DatabaseFault, OSError) as error:
        raise LedgerUnavailable(cause=_word_for(error)) from error


def _word_for(error: Exception) -> str:
    """Of which kind a failure is. Its own text may quote a row."""
    if isinstance(error, DatabaseFault):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    found = error.orig if isinstance(error, DBAPIError) else error
    return str(getattr(found, "sqlite_errorname", type(found).__name__))


class Database(ABC):
    """One open database. Made within a running event loop, closed with `aclose`."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(READERS)
        self._running: set[asyncio.Task[Any]] = set()
        self._closed = False
        self.writing = Writing()

    async def scalar(self, statement: Executable, values: Mapping[str, object]) -> Any:
        """The first column of the first row, or None.

        Raises:
            LedgerUnavailable: it cannot be read within `TURN_CLOCK` and `READ_CLOCK`.
        """

        async def get(connection: AsyncConnection) -> Any:
            return (await connection.execute(statement, values)).scalar()

        return await self.read(get)

    async def rows(
        self, statement: Executable, values: Mapping[str, object], *, clock: float | None = None
    ) -> Sequence[Row[Any]]:
        """All rows: of a statement with a LIMIT, for they are held in memory.

        Raises:
            LedgerUnavailable: they cannot be read within `TURN_CLOCK` and `clock`.
        """

        async def get(connection: AsyncConnection) -> Sequence[Row[Any]]:
            return (await connection.execute(statement, values)).all()

        return await self.read(get, clock=clock)

    async def read(self, get: Work[Result], *, clock: float | None = None) -> Result:
        """What `get` reads with one connection, which cannot write; several statements, perhaps.

        `clock` in seconds is `READ_CLOCK`, unless it is a report that somebody waits for.

        Raises:
            LedgerUnavailable: it cannot be read within `TURN_CLOCK` and `clock`.
        """
        patience = READ_CLOCK if clock is None else clock
        with unavailable():
            async with asyncio.timeout(TURN_CLOCK):
                await self._turns.acquire()
        reading = self.start(self._in_turn(get, patience))
        reading.add_done_callback(retrieve)
        await asyncio.wait([reading], timeout=patience)
        if not reading.done():
            raise LedgerUnavailable
        with unavailable():
            return reading.result()

    async def commit(self, work: Work[Result]) -> Result:
        """Run `work` in a transaction; return its result once that is on the disk.

        It must not be cancelled: call it from a task that `start` started.

        Raises:
            LedgerUnavailable: it cannot be written.
        """
        try:
            with unavailable():
                result = await self._commit(work)
        except LedgerUnavailable as error:
            self.writing.failed(error.cause or type(error).__name__)
            raise
        self.writing.succeeded()
        return result

    async def try_writing(self) -> None:
        """Write what changes nothing.

        Raises:
            LedgerUnavailable: it cannot be written.
        """
        await self.start(self.commit(_rewritten))

    async def ping(self) -> None:
        """Read a row.

        Raises:
            LedgerUnavailable: it cannot be read.
        """
        await self.scalar(PING, {})

    def start(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        """Run `work` in a task of its own, which `aclose` waits for.

        Raises:
            LedgerUnavailable: the database is closed.
        """
        if self._closed:
            work.close()
            raise LedgerUnavailable
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def aclose(self) -> None:
        """Let what has begun end, for as long as `WRITE_CLOCK`, and close the database."""
        self._closed = True
        if self._running:
            await asyncio.wait(self._running, timeout=WRITE_CLOCK)
        await self._dispose()

    @abstractmethod
    async def _commit(self, work: Work[Result]) -> Result:
        """Run `work` in a transaction. What it raises is the database's."""

    @abstractmethod
    async def _read(self, get: Work[Result], clock: float) -> Result:
        """Run `get` on a connection for reading, which is given up after `clock` seconds."""

    @abstractmethod
    async def _dispose(self) -> None:
        """Close every connection."""

    async def _in_turn(self, get: Work[Result], clock: float) -> Result:
        try:
            return await self._read(get, clock)
        finally:
            self._turns.release()


async def _rewritten(connection: AsyncConnection) -> None:
    await connection.execute(_REWRITE)


def retrieve(task: asyncio.Task[Any]) -> None:
    """Look at how a task ended: asyncio logs an exception that was never retrieved."""
    if not task.cancelled():
        task.exception()
