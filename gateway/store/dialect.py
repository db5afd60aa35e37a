"""What SQLite and PostgreSQL say in two ways, said in one."""

import hashlib
import time
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from sqlalchemy import LargeBinary, Table, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.schema import VERSION_TABLE

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

    Insert: TypeAlias = sqlite.Insert | postgresql.Insert

POSTGRESQL = "postgresql"
# Execution options: of an INSERT, SQLAlchemy forgets the count of rows unless asked.
COUNTED = {"preserve_rowcount": True}

# To write is to hold SQLite's one write lock, until the transaction ends.
_TOUCH = text(f"UPDATE {VERSION_TABLE} SET version_num = version_num")  # noqa: S608 -- a constant
_CLOCK = text("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)")
_LOCK = text("SELECT pg_advisory_xact_lock(:key)")


def can_hold(name: str) -> bool:
    """Whether both can hold a text: half a surrogate pair, which JSON can spell, has no UTF-8, and
    PostgreSQL knows no NUL.
    """
    try:
        return b"\0" not in name.encode()
    except UnicodeEncodeError:
        return False


def insert(connection: AsyncConnection, table: Table) -> "Insert":
    """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
    if connection.dialect.name != POSTGRESQL:
        return sqlite.insert(table)
    # Imported here: 20 ms, of which a store in a file needs none.
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


async def insert_new(
    connection: AsyncConnection, table: Table, rows: Sequence[msgspec.Struct]
) -> None:
    """Insert rows, which have the table's columns in their order; those that are there stay.

    Without SQLAlchemy, which looks at each value of each row. psycopg does too, so PostgreSQL gets
    one value: 17 µs a row became 6, and the time until they are written a third.
    """
    if connection.dialect.name != POSTGRESQL:
        values: list[tuple[Any, ...]] = [msgspec.structs.astuple(row) for row in rows]
        await connection.exec_driver_sql(_new(table), values)
    else:
        content = msgspec.json.encode(rows).decode()
        await connection.exec_driver_sql(_new_of_json(table), (content,))


@cache
def _new(table: Table) -> str:
    marks = ", ".join("?" for _ in table.c)
    return _new_from(table, f"VALUES ({marks})")


@cache
def _new_of_json(table: Table) -> str:
    from sqlalchemy.dialects import postgresql  # here, as above

    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    types, found = [], []
    for name, column in table.c.items():
        if isinstance(column.type, LargeBinary):  # in JSON as msgspec writes it
            types.append(f"{name} TEXT")
            found.append(f"decode({name}, 'base64')")
        else:
            types.append(f"{name} {column.type.compile(dialect)}")
            found.append(name)
    given = f"json_to_recordset(%s) AS given({', '.join(types)})"
    return _new_from(table, f"SELECT {', '.join(found)} FROM {given}")  # noqa: S608 -- names of ours


def _new_from(table: Table, rows: str) -> str:
    columns = ", ".join(table.c.keys())
    return f"INSERT INTO {table.name} ({columns}) {rows} ON CONFLICT DO NOTHING"


async def alone(connection: AsyncConnection, name: str) -> None:
    """Take the lock called `name`, and hold it until the transaction ends; in all processes.

    On SQLite it is the one lock of all writing. Take it first: what was read before may have
    changed.
    """
    if connection.dialect.name != POSTGRESQL:
        await connection.execute(_TOUCH)
    else:
        await connection.execute(_LOCK, {"key": key_of_lock(name)})


async def clock(connection: AsyncConnection) -> int:
    """Milliseconds since the epoch, by the one clock that all who share the database go by."""
    if connection.dialect.name != POSTGRESQL:
        return int(time.time() * 1000)  # a file is shared on one machine
    return int((await connection.execute(_CLOCK)).scalar_one())


def key_of_lock(name: str) -> int:
    """The key of an advisory lock: 64 bits, since others may use some in the same database."""
    digest = hashlib.sha256(f"chat-identity-gateway {name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
