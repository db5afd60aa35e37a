"""Rows that nobody waits for, written together: usage and audit.

rule 1: `add` appends to a list: it never waits or raises. What is in the list is written
        every `interval`; that much a crash can lose, and no more.
rule 2: A batch that is not in the database within `PATIENCE` goes to the spool, on the local disk,
        and so do the ones after it, until the database answers again. Then the spool is replayed.
rule 3: A row carries its own id and writing it twice is as good as once: so a batch may go both
        ways, and a segment that was replayed by half is replayed again.
rule 4: Memory and spool have a bound. What fits in neither is lost, and counted.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Generic, ParamSpec, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.errors import LedgerUnavailable
from gateway.store.database import Database, retrieve
from gateway.store.spool import Spool, held

LOG = logging.getLogger("gateway.store")

INTERVAL = 0.2  # seconds
PATIENCE = 0.2  # seconds, for a commit; a slow one only goes both ways
RETRY = 1.0  # seconds between two attempts while the database is away
MOST_WAITING = 50_000  # rows in memory: some 20 MB, and 30 s of a busy process
MOST_TOGETHER = 500  # rows a transaction: 10 ms in which no conversation can be claimed

Row = TypeVar("Row")
Result = TypeVar("Result")
Given = ParamSpec("Given")


class Batches(Generic[Row]):
    """Rows, of which `write` writes many in one transaction.

    `encode` makes a line of a row, and `decode` a row of a line; ValueError where it is none.
    """

    def __init__(
        self,
        database: Database,
        spool: Spool,
        *,
        write: Callable[[AsyncConnection, Sequence[Row]], Awaitable[None]],
        encode: Callable[[Row], bytes],
        decode: Callable[[bytes], Row],
        interval: float = INTERVAL,
        most: int = MOST_WAITING,
    ) -> None:
        self._database = database
        self._spool = spool
        self._write = write
        self._encode = encode
        self._decode = decode
        self._interval = interval
        self._most = most
        self._rows: deque[Row] = deque()
        self._next: asyncio.TimerHandle | None = None
        self._retry: asyncio.TimerHandle | None = None
        self._emptying: asyncio.Task[None] | None = None
        self._replaying: asyncio.Task[None] | None = None
        self._file = asyncio.Lock()
        self._is_away = False
        self._has_left = bool(spool.bytes)  # lines in the spool
        self._closed = False
        self.lost = 0  # rows

    @property
    def waiting(self) -> int:
        """Rows in memory."""
        return len(self._rows)

    @property
    def spooled(self) -> int:
        """Bytes on the local disk."""
        return self._spool.bytes

    def begin(self) -> None:
        """Write what an earlier process left in the spool."""
        if self._has_left:
            self._replaying = asyncio.create_task(self._replay())

    def add(self, row: Row) -> None:
        """Take one row."""
        if self._closed:  # the process is about to end: there is nothing left to hold up
            if not self._spool.put(self._encode(row) + b"\n"):
                self._lose(1)
            self._spool.close()
            return
        if len(self._rows) >= self._most:
            self._lose(1)
            return
        self._rows.append(row)
        if self._next is None:
            self._next = asyncio.get_running_loop().call_later(self._interval, self._begin)

    async def flush(self) -> None:
        """Write what there is now; return once it is in the database or in the spool."""
        while self._rows or self._emptying is not None:
            self._begin()
            if self._emptying is not None:
                await asyncio.wait([self._emptying])

    async def aclose(self) -> None:
        """Write what there is, for the last time."""
        await self.flush()
        self._closed = True
        if self._retry is not None:
            self._retry.cancel()
        if self._replaying is not None:
            self._replaying.cancel()
            await asyncio.wait([self._replaying])
        await self._blocking(self._spool.close)

    def _begin(self) -> None:
        """Empty the list; whoever is at it already goes on until nothing is left."""
        if self._next is not None:
            self._next.cancel()
            self._next = None
        if self._emptying is None:
            self._emptying = asyncio.create_task(self._empty())

    async def _empty(self) -> None:
        try:
            while self._rows:
                count = min(len(self._rows), MOST_TOGETHER)
                rows = [self._rows.popleft() for _ in range(count)]
                if self._is_away or not await self._written(rows):
                    self._is_away = True
                    await self._set_aside(rows)
        finally:
            self._emptying = None

    async def _written(self, rows: Sequence[Row]) -> bool:
        """Whether that is done with; False: the database is away, and they may be written yet."""
        try:
            writing = self._database.start(
                self._database.commit(lambda connection: self._write(connection, rows))
            )
        except LedgerUnavailable:
            return False
        writing.add_done_callback(retrieve)
        await asyncio.wait([writing], timeout=PATIENCE)
        if not writing.done():
            return False
        error = writing.exception()
        if error is None or isinstance(error, LedgerUnavailable):
            return error is None
        LOG.error("rows that the database does not take are lost", exc_info=error)
        self._lose(len(rows))
        return True

    async def _set_aside(self, rows: Sequence[Row]) -> None:
        lines = b"".join(self._encode(row) + b"\n" for row in rows)
        if await self._blocking(self._spool.put, lines):
            self._has_left = True
        else:
            self._lose(len(rows))
        self._try_again()

    def _try_again(self) -> None:
        if self._retry is None and self._replaying is None and not self._closed:
            self._retry = asyncio.get_running_loop().call_later(RETRY, self._begin_replay)

    def _begin_replay(self) -> None:
        self._retry = None
        self._replaying = asyncio.create_task(self._replay())

    async def _replay(self) -> None:
        """Write what is in the spool; when nothing is left in it, the database is back."""
        try:
            while self._has_left:
                self._has_left = False
                for path in await self._blocking(self._spool.left):
                    if not await self._replayed(path):
                        self._has_left = True
                        return
            self._is_away = False
        finally:
            self._replaying = None
            if self._has_left:
                self._try_again()

    async def _replayed(self, path: Path) -> bool:
        with held(path) as lines:
            if lines is None:
                return True  # it is another process's
            rows = self._decoded(lines)
            while some := list(islice(rows, MOST_TOGETHER)):
                if not await self._written(some):
                    return False
            await self._blocking(self._spool.remove, path)
        return True

    def _decoded(self, lines: Sequence[bytes]) -> Iterator[Row]:
        for line in lines:
            try:
                yield self._decode(line)
            except ValueError:
                self._lose(1)

    async def _blocking(
        self, work: Callable[Given, Result], *given: Given.args, **named: Given.kwargs
    ) -> Result:
        """Run a file operation in a thread, one at a time."""
        async with self._file:
            return await asyncio.to_thread(work, *given, **named)

    def _lose(self, count: int) -> None:
        if not self.lost:
            LOG.error("rows of usage or audit are being lost: there is no room left to keep them")
        self.lost += count
