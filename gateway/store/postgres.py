"""PostgreSQL as the gateway works with it: a few connections that read, a few that write.

Safe behind PgBouncer in transaction mode: nothing is prepared, and nothing is set for longer than
its transaction. Each transaction begins with its own limits, in the same round trip: a statement, a
wait for a lock and a pause between statements that take longer are ended by the server.

The server ends nothing while it is stopped, or cut off from us. So each use of a connection has a
clock on our side too, and when that runs out the connection is hung up. What the other end then
does is the server's affair; whoever asked has been told `LedgerUnavailable`.
"""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from gateway.core.errors import LedgerUnavailable
from gateway.store.address import Address
from gateway.store.database import (
    READ_CLOCK,
    READERS,
    WRITE_CLOCK,
    Database,
    Result,
    Work,
)
from gateway.store.errors import DatabaseFault, StoreError

WRITERS = 2
CONNECTING = 2  # seconds; psycopg knows no shorter time
OLDEST = 300.0  # seconds; then a connection is made anew, and follows the name to a new address
REST = 0.2  # seconds without a further attempt, once no connection could be made
LEAST = 0.1  # seconds that must be left for a second attempt
CLOCK = "gateway_clock"  # the execution option that says a transaction's

# Somebody was in the way, and is no more: serialisation, deadlock, a row that was not there yet.
_IN_THE_WAY = frozenset({"40001", "40P01", "23505"})
# It shuts down, starts, crashed; it was tired of us; it has become a standby. PgBouncer lost it:
# 08P01.
_GONE = frozenset({"57P01", "57P02", "57P03", "25P03", "25006", "08P01", "08003", "08006"})

# If the administrator allowed commits to be forgotten, ours are not.
_DURABLE = (
    "; SELECT set_config('synchronous_commit', 'on', true) "
    "WHERE current_setting('synchronous_commit') = 'off'"
)


class Connecting:
    """Makes connections; for a moment none, after one could not be made."""

    def __init__(self, address: Address) -> None:
        self._parameters: dict[str, Any] = {
            "connect_timeout": CONNECTING,
            "application_name": "gateway",
            "keepalives_idle": 10,
            "keepalives_interval": 3,
            "keepalives_count": 3,
            **address.parameters,
            # The transaction is begun by `_begin`; a statement prepared is one of the session.
            "autocommit": True,
            "prepare_threshold": None,
        }
        self._rest_until = 0.0  # monotonic

    async def __call__(self, **given: Any) -> Any:
        import psycopg

        if time.monotonic() < self._rest_until:
            raise psycopg.OperationalError("no connection could be made a moment ago")
        try:
            return await psycopg.AsyncConnection.connect(**given, **self._parameters)
        except psycopg.Error:
            self._rest_until = time.monotonic() + REST
            raise


def engine(
    address: Address, *, clock: float, size: int, lock: float | None = None, reads: bool = False
) -> AsyncEngine:
    """`clock` and `lock` in seconds, for a statement and for a lock; 0 is no limit.

    Raises:
        StoreError: the driver is not installed.
    """
    try:
        made = create_async_engine(
            "postgresql+psycopg://",
            async_creator=Connecting(address),
            pool_size=size,
            max_overflow=0,
            pool_timeout=WRITE_CLOCK,
            pool_recycle=OLDEST,
            pool_use_lifo=True,
            use_native_hstore=False,
            hide_parameters=True,
        )
    except ImportError as error:
        raise StoreError(
            "A store in PostgreSQL needs its driver: pip install 'chat-identity-gateway[postgres]'"
        ) from error

    @event.listens_for(made.sync_engine, "begin")
    def begin(connection: Any) -> None:
        least = connection.get_execution_options().get(CLOCK, clock)
        connection.exec_driver_sql(_begin(least, least if lock is None else lock, reads=reads))

    @event.listens_for(made.sync_engine, "handle_error")
    def judge(context: Any) -> None:
        if getattr(context.original_exception, "sqlstate", None) in _GONE:
            context.is_disconnect = True

    return made


def _begin(clock: float, lock: float, *, reads: bool) -> str:
    """Begin a transaction and set its limits: one message, so one round trip."""
    limits = {
        "statement_timeout": clock,
        "lock_timeout": lock,
        "idle_in_transaction_session_timeout": clock,
    }
    mode = " READ ONLY" if reads else ""  # else as the administrator says
    sets = [f"SET LOCAL {name} = {round(limit * 1000)}" for name, limit in limits.items()]
    begun = "; ".join([f"BEGIN ISOLATION LEVEL READ COMMITTED{mode}", *sets])
    return begun if reads else begun + _DURABLE


class PostgresDatabase(Database):
    """One database of a server, by whatever connections are up."""

    def __init__(self, address: Address) -> None:
        super().__init__()
        self._reader = engine(address, clock=READ_CLOCK, size=READERS, reads=True)
        self._writer = engine(address, clock=WRITE_CLOCK, size=WRITERS)

    async def _commit(self, work: Work[Result]) -> Result:
        async def once(clock: float) -> Result:
            async with _using(self._writer, clock) as connection, connection.begin():
                return await work(connection)

        return await _perhaps_twice(once, WRITE_CLOCK)

    async def _read(self, get: Work[Result], clock: float) -> Result:
        async def once(left: float) -> Result:
            async with _using(self._reader, left) as connection:
                return await get(connection)

        return await _perhaps_twice(once, clock)

    async def _dispose(self) -> None:
        await self._reader.dispose()
        await self._writer.dispose()


async def _perhaps_twice(attempt: Callable[[float], Awaitable[Result]], clock: float) -> Result:
    """What `attempt` gives, in `clock` seconds; of a second attempt where the first was unlucky."""
    started = time.monotonic()
    fault: DatabaseFault | None = None
    for _ in range(2):
        left = clock - (time.monotonic() - started)
        if fault is not None and left < LEAST:
            break
        try:
            return await attempt(left)
        except DBAPIError as error:
            fault = _nameless(error)
            if not (error.connection_invalidated or _sqlstate(error) in _IN_THE_WAY):
                break
    raise fault or LedgerUnavailable()


def _nameless(error: DBAPIError) -> DatabaseFault:
    """The error without its text: PostgreSQL quotes the values of a row that it refuses."""
    return DatabaseFault(f"{type(error.orig).__name__} {_sqlstate(error)}".rstrip())


def _sqlstate(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""


@asynccontextmanager
async def _using(engine: AsyncEngine, clock: float) -> AsyncIterator[AsyncConnection]:
    """A connection, which is hung up after `clock` seconds; and not used again if anything fails.

    What is not committed by the end is rolled back.
    """
    async with engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        hanging_up = asyncio.get_running_loop().call_later(clock, hang_up, driver)
        try:
            yield await connection.execution_options(**{CLOCK: clock})
            await connection.rollback()
        except BaseException:
            await connection.invalidate()
            raise
        finally:
            hanging_up.cancel()


def hang_up(connection: Any) -> None:
    """End both directions at our end, so that whoever waits for the server's word hears of it.

    Closing would be wrong: the loop still watches that descriptor, and the number may be given to
    another connection at once.
    """
    if connection.closed:
        return
    with socket.socket(fileno=os.dup(connection.fileno())) as line, suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)  # fails where the other end was faster
