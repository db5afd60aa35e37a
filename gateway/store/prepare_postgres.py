"""Before the first use: is the database one we can use, and is our schema in its newest form?

A migration is one transaction under an advisory lock of that transaction: of replicas that start at
once one migrates and the others wait, and one that is killed leaves no half of it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.address import Address
from gateway.store.dialect import alone
from gateway.store.errors import StoreError
from gateway.store.postgres import engine
from gateway.store.schema import HEAD, VERSION_TABLE, metadata
from gateway.store.upgrade import upgrade

PATIENCE = 30.0  # seconds to wait while another process migrates
OLDEST_SERVER = 15

_SERVER = text(
    "SELECT current_setting('server_version_num')::int / 10000, "
    "current_setting('server_encoding'), "
    "pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on', "
    "current_schema()"
)
_SIZE = text("SELECT pg_database_size(current_database())")
_THERE = text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
_VERSION = text(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608 -- our own constant
_TOUCH = text(f"UPDATE {VERSION_TABLE} SET version_num = version_num")  # noqa: S608 -- alike


async def prepare(address: Address) -> None:
    """Bring the schema to its newest form.

    Raises:
        StoreError: the database cannot be reached or used, or is from a newer gateway.
    """
    async with connected(address) as connection:
        async with connection.begin() as transaction:
            await _be_usable(connection, address)
            newest = await _version(connection, address) == HEAD
            if newest:
                await connection.execute(_TOUCH)  # so that one who may not write learns it now
            await transaction.rollback()
        if newest:
            return
        async with connection.begin():
            await alone(connection, "migration")
            if await _version(connection, address) != HEAD:  # nobody was faster
                await connection.run_sync(upgrade)


async def version(address: Address) -> str | None:
    """The migration a database is at; None where there is nothing of ours.

    Raises:
        StoreError: it cannot be reached, or is from a newer gateway.
    """
    async with connected(address) as connection, connection.begin():
        return await _version(connection, address)


async def size(address: Address) -> int:
    """The bytes of the whole database.

    Raises:
        StoreError: it cannot be reached.
    """
    async with connected(address) as connection, connection.begin():
        return int((await connection.execute(_SIZE)).scalar_one())


@asynccontextmanager
async def connected(address: Address) -> AsyncIterator[AsyncConnection]:
    """A connection for what takes its time; any failure in it is a `StoreError`."""
    # A migration takes its time; only for a lock it does not wait for ever.
    made = engine(address, clock=0, lock=PATIENCE, size=1)
    try:
        async with made.connect() as connection:
            yield connection
    except DBAPIError as error:
        raise StoreError(f"{_named(address)} {_explained(error)}") from None
    finally:
        await made.dispose()


async def _be_usable(connection: AsyncConnection, address: Address) -> None:
    release, encoding, read_only, schema = (await connection.execute(_SERVER)).one()
    if release < OLDEST_SERVER:
        told = f"is of PostgreSQL {release}: {OLDEST_SERVER} is the oldest that will do"
    elif encoding != "UTF8":
        told = f"is encoded in {encoding}: make one with ENCODING 'UTF8'"
    elif read_only:
        told = "is read-only, a standby perhaps: name the primary in store.url"
    elif schema is None:
        told = "has no schema that its user may use: see search_path, or GRANT USAGE on one"
    else:
        return
    raise StoreError(f"{_named(address)} {told}")


async def _version(connection: AsyncConnection, address: Address) -> str | None:
    there = set((await connection.execute(_THERE)).scalars())
    if VERSION_TABLE not in there:
        taken = sorted(there & set(metadata.tables))
        if taken:
            raise StoreError(
                f"{_named(address)} has tables of somebody else ({', '.join(taken)}): give the "
                "gateway a database of its own"
            )
        return None
    found: str | None = (await connection.execute(_VERSION)).scalar()
    if found is not None and found > HEAD:
        raise StoreError(
            f"{_named(address)} was written by a newer gateway (its form is {found}, this one "
            f"knows {HEAD}): run that version, or restore a backup from before"
        )
    return found


def _named(address: Address) -> str:
    return address.shown[0].upper() + address.shown[1:]


def _explained(error: DBAPIError) -> str:
    """Of what connecting, looking and DDL can fail with, none quotes a row or a password."""
    state = getattr(error.orig, "sqlstate", None)
    if state == "55P03":
        return "is being migrated by another process: look at pg_stat_activity, and try again"
    if state == "42501":
        return f"does not let its user do that: {_first_line(error)}"
    if state is None:
        return f"cannot be reached: {_first_line(error)}"
    return f"cannot be used: {_first_line(error)}"


def _first_line(error: DBAPIError) -> str:
    lines = str(error.orig).strip().splitlines()
    return lines[0] if lines else type(error.orig).__name__
