"""From SQLite to PostgreSQL: every row of every table, in one transaction, or nothing.

rule 1: The PostgreSQL store is empty, and nobody writes to it meanwhile: its tables are locked.
rule 2: Nobody writes to the SQLite store meanwhile: its write lock is held.
rule 3: What has arrived is counted before it is committed.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Table, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.address import Address
from gateway.store.errors import StoreError
from gateway.store.prepare_postgres import connected, prepare
from gateway.store.schema import HEAD, VERSION_TABLE, metadata

TOGETHER = 1000  # rows between two words of progress
_VERSION = f"SELECT version_num FROM {VERSION_TABLE}"  # noqa: S608 -- our own constant


async def move(
    source: Path, target: Address, told: Callable[[int, int], None]
) -> Mapping[str, int]:
    """Copy the store at `source` into the empty one at `target`; how many rows of each table.

    `told` is called with the rows that are copied and all there are.

    Raises:
        StoreError: it cannot be done, and nothing is.
    """
    with _held(source) as old:
        counts = {table.name: _count(old, table) for table in metadata.sorted_tables}
        await prepare(target)
        async with connected(target) as connection, connection.begin():
            await _be_alone_and_empty(connection, target)
            done = 0
            for table in metadata.sorted_tables:
                for copied in _rows_told(old, table):
                    await _copy(connection, table, copied)
                    done += len(copied)
                    told(done, sum(counts.values()))
            await _count_on(connection)
            await _be_all(connection, counts)
    return counts


@contextmanager
def _held(source: Path) -> Iterator[sqlite3.Connection]:
    """The file, which nobody else can write to."""
    try:
        uri = f"{source.as_uri()}?mode=rw"
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=5)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            form = connection.execute(_VERSION).fetchone()[0]
            if form != HEAD:
                raise StoreError(
                    f"{source} is in the form {form}, not {HEAD}: run `gateway db migrate` with "
                    "the configuration that names it, first"
                )
            yield connection
    except sqlite3.Error as error:
        raise StoreError(f"{source} cannot be read as a store: {error}") from error


def _count(old: sqlite3.Connection, table: Table) -> int:
    return int(old.execute(f"SELECT count(*) FROM {table.name}").fetchone()[0])  # noqa: S608


def _rows_told(old: sqlite3.Connection, table: Table) -> Iterator[list[tuple[Any, ...]]]:
    names = ", ".join(table.columns.keys())
    cursor = old.execute(f"SELECT {names} FROM {table.name}")  # noqa: S608 -- names of our own
    while rows := cursor.fetchmany(TOGETHER):
        yield rows


async def _be_alone_and_empty(connection: AsyncConnection, target: Address) -> None:
    names = ", ".join(table.name for table in metadata.sorted_tables)
    await connection.execute(text(f"LOCK TABLE {names} IN EXCLUSIVE MODE"))
    for table in metadata.sorted_tables:
        if (await connection.execute(select(table).limit(1))).first() is not None:
            raise StoreError(
                f"{target.shown} is in use already: there are rows in {table.name}. Import into an "
                "empty database, before any gateway has been started on it"
            )


async def _copy(connection: AsyncConnection, table: Table, rows: list[tuple[Any, ...]]) -> None:
    import psycopg  # is there by now; who has no PostgreSQL needs none

    driver: Any = (await connection.get_raw_connection()).driver_connection
    names = ", ".join(table.columns.keys())
    statement = f"COPY {table.name} ({names}) FROM STDIN"
    try:
        async with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                await copy.write_row(row)
    except psycopg.DataError as error:
        told = f"a row of {table.name} holds what PostgreSQL cannot ({type(error).__name__})"
        raise StoreError(told) from None
    except psycopg.Error as error:
        told = f"{table.name} could not be copied ({type(error).__name__} {error.sqlstate or ''})"
        raise StoreError(told) from None


async def _count_on(connection: AsyncConnection) -> None:
    """Numbers that the database counts go on after those that were copied."""
    for table in metadata.sorted_tables:
        column = table.autoincrement_column
        if column is not None:
            last = select(func.max(column)).scalar_subquery()
            counter = func.pg_get_serial_sequence(table.name, column.name)
            await connection.execute(select(func.setval(counter, last)))


async def _be_all(connection: AsyncConnection, counts: Mapping[str, int]) -> None:
    for table in metadata.sorted_tables:
        arrived = (await connection.execute(select(func.count()).select_from(table))).scalar_one()
        if arrived != counts[table.name]:
            raise StoreError(
                f"of {counts[table.name]} rows of {table.name}, {arrived} arrived: nothing is kept"
            )
