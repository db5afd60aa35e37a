import asyncio

import msgspec
import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.database import Database
from gateway.store.dialect import alone, insert, insert_new, key_of_lock
from gateway.store.opening import opened
from gateway.store.schema import secrets

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patience")]

ROW = {"name": "counter", "value": b"\0"}
VALUE = select(secrets.c.value).where(secrets.c.name == "counter")


async def put(connection: AsyncConnection) -> int:
    new = insert(connection, secrets).on_conflict_do_nothing()
    made = await connection.execute(new, [ROW], execution_options={"preserve_rowcount": True})
    return made.rowcount


async def test_what_is_there_is_left_alone(database: Database) -> None:
    assert [await database.start(database.commit(put)) for _ in range(2)] == [1, 0]


class Secret(msgspec.Struct):
    name: str
    value: bytes


@pytest.mark.parametrize("count", [1, 3])
async def test_rows_are_inserted_once(database: Database, count: int) -> None:
    rows = [Secret(f"name-{number}", b"\0%s'\xff") for number in range(count)]

    async def put_new(connection: AsyncConnection) -> None:
        await insert_new(connection, secrets, rows)
        await insert_new(connection, secrets, [Secret(row.name, b"other") for row in rows])

    await database.start(database.commit(put_new))
    found = await database.rows(select(secrets).where(secrets.c.name.like("name-%")), {})
    assert sorted(map(tuple, found)) == [(row.name, row.value) for row in rows]


async def test_or_changed_where_that_is_asked_for(database: Database) -> None:
    async def put_or_change(connection: AsyncConnection) -> None:
        new = insert(connection, secrets).values(name="counter", value=b"new")
        changed = new.on_conflict_do_update(
            index_elements=["name"], set_={"value": new.excluded.value}
        )
        await connection.execute(changed)

    await database.start(database.commit(put))
    await database.start(database.commit(put_or_change))
    assert await database.scalar(VALUE, {}) == b"new"


async def test_what_is_done_alone_is_done_one_after_another(database: Database, url: str) -> None:
    async def count(connection: AsyncConnection) -> None:
        await alone(connection, "counting")
        last = (await connection.execute(VALUE)).scalar_one()
        await asyncio.sleep(0.001)
        await connection.execute(update(secrets).values(value=bytes([last[0] + 1])))

    other = await opened(url)
    await database.start(database.commit(put))
    both = (database, other) * 20
    await asyncio.gather(*(one.start(one.commit(count)) for one in both))
    assert await database.scalar(VALUE, {}) == bytes([40])
    await other.aclose()


def test_names_of_locks_are_far_apart() -> None:
    keys = {key_of_lock(str(number)) for number in range(1000)}
    assert len(keys) == 1000
    assert all(-(2**63) <= key < 2**63 for key in keys)
