"""A store of every older form, with rows in it: what becomes of them, and of who still uses it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, LargeBinary, MetaData, Table, Text, create_engine, select

from gateway.store.schema import HEAD, VERSION_TABLE
from gateway.store.state import state
from gateway.store.store import Store
from tests.store.test_schema import scripts
from tests.support import postgres

pytestmark = pytest.mark.anyio

OLDER = sorted(one.revision for one in scripts().walk_revisions() if one.revision != HEAD)
Rows = dict[str, list[tuple[Any, ...]]]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        (tmp_path / "gateway.db").touch(mode=0o600)
        yield f"sqlite:///{tmp_path}/gateway.db"
    else:
        with postgres.database() as made:
            yield made


def engine_of(url: str) -> Engine:
    return create_engine(url.replace("postgresql:", "postgresql+psycopg:"))


def migrate(connection: Connection, form: str) -> None:
    config = Config()
    config.set_main_option("script_location", "gateway.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, form)


def tables(connection: Connection) -> list[Table]:
    found = MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name != VERSION_TABLE]


def a_row(table: Table, number: int) -> dict[str, Any]:
    """Of everything something, all of it unlike that of other rows."""
    row: dict[str, Any] = {}
    for name, column in table.c.items():
        if isinstance(column.type, Text):
            row[name] = f"{name} {number}"
        elif isinstance(column.type, LargeBinary):
            row[name] = f"{name} {number}".encode()
        else:
            row[name] = number
    return row


def write(connection: Connection, some: list[Table], *numbers: int) -> None:
    for table in some:
        connection.execute(table.insert(), [a_row(table, number) for number in numbers])


def read(connection: Connection, some: list[Table]) -> Rows:
    return {
        table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
        for table in some
    }


@pytest.mark.parametrize("form", OLDER)
async def test_a_store_of_an_older_form_keeps_every_row(url: str, form: str) -> None:
    engine = engine_of(url)
    with engine.begin() as connection:
        migrate(connection, form)
        before = tables(connection)
        write(connection, before, 1, 2)
        rows = read(connection, before)
    found = await state(url)
    assert (found.form, found.is_newest) == (form, False)
    store = await Store.open(url)
    try:
        assert (await state(url)).is_newest
        owner = await store.ledger.owner("org 1", "upstream 1", "conversation 1")
        assert owner is not None
        assert owner.subject == "becomes 1"  # which subject 1 has
        with engine.begin() as connection:
            assert read(connection, before) == rows
            write(connection, before, 3)  # as a gateway of that form does, which still runs
            assert all(len(some) == 3 for some in read(connection, before).values())
    finally:
        engine.dispose()
        await store.aclose()
