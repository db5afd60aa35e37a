"""A `store.url` → the database it names, in its newest form."""

from gateway.store import location
from gateway.store.address import address, is_postgres
from gateway.store.database import Database


async def opened(url: str) -> Database:
    """Make or migrate what the URL names, and open it.

    Raises:
        StoreError: it cannot be used; the text says what to do.
    """
    # Each engine is imported where it is used: the other's driver may not even be there.
    if is_postgres(url):
        from gateway.store import prepare_postgres
        from gateway.store.postgres import PostgresDatabase

        at = address(url)
        await prepare_postgres.prepare(at)
        return PostgresDatabase(at)
    from gateway.store.prepare_sqlite import prepare
    from gateway.store.sqlite import SqliteDatabase

    path = location.locate(url)
    location.ensure(path)
    await prepare(path)
    return SqliteDatabase(path)


async def is_there(url: str) -> bool:
    """Whether there is a store already.

    Raises:
        StoreError: nobody can tell.
    """
    if is_postgres(url):
        from gateway.store.prepare_postgres import version

        return await version(address(url)) is not None
    return location.locate(url).exists()
