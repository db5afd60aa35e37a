import asyncio
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from gateway.core.people.identity import Person
from gateway.store import prepare_postgres as module
from gateway.store.address import address
from gateway.store.dialect import key_of_lock
from gateway.store.errors import StoreError
from gateway.store.prepare_postgres import prepare, version
from gateway.store.schema import HEAD
from gateway.store.store import Store
from tests.store.conftest import process, said
from tests.support import postgres
from tests.support.ports import free_port

pytestmark = pytest.mark.anyio


@pytest.fixture
def empty() -> Iterator[str]:
    with postgres.database() as url:
        yield url


def run(url: str, *statements: str) -> None:
    with postgres.connected(url) as connection:
        for statement in statements:
            connection.execute(statement)


def tables(url: str) -> set[str]:
    with postgres.connected(url) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return {name for (name,) in found}


async def test_makes_the_schema_in_an_empty_database(empty: str) -> None:
    assert await version(address(empty)) is None
    await prepare(address(empty))
    assert await version(address(empty)) == HEAD
    assert "conversations" in tables(empty)


async def test_all_text_is_compared_byte_by_byte(empty: str) -> None:
    await prepare(address(empty))
    with postgres.connected(empty) as connection:
        found = connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = 'public' AND table_name <> 'gateway_schema' "
            "AND data_type IN ('text', 'character varying', 'character') "
            "AND collation_name IS DISTINCT FROM 'C'"
        ).fetchall()
    assert found == []


async def test_other_tables_may_stand_beside_ours(empty: str) -> None:
    run(empty, "CREATE TABLE customers (name text)", "CREATE TABLE alembic_version (n text)")
    await prepare(address(empty))
    assert {"customers", "conversations"} <= tables(empty)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        pytest.param("CREATE TABLE users (name text)", r"of somebody else \(users\)", id="another"),
        pytest.param(
            f"CREATE TABLE gateway_schema AS SELECT '9999' AS version_num; -- {HEAD}",
            "newer gateway .*9999.*: run that version",
            id="RF-55 newer",
        ),
    ],
)
async def test_refuses_a_database_and_leaves_it_as_it_was(
    empty: str, spoil: str, reason: str
) -> None:
    run(empty, spoil)
    before = tables(empty)
    with pytest.raises(StoreError, match=reason):
        await prepare(address(empty))
    assert tables(empty) == before


async def test_refuses_one_that_cannot_be_written(empty: str) -> None:
    name = empty.rpartition("/")[2]
    run(empty, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with pytest.raises(StoreError, match="is read-only, a standby perhaps"):
        await prepare(address(empty))


async def test_of_several_hosts_it_is_one_that_takes_writes(empty: str) -> None:
    """As the page about the store says it for a primary and its standby."""
    dead = f"127.0.0.1:{postgres.free_port()}"
    several = address(empty.replace("@", f"@{dead},") + "?target_session_attrs=read-write")
    await prepare(several)
    assert await version(several) == HEAD
    name = empty.rpartition("/")[2]
    run(empty, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with pytest.raises(StoreError, match="cannot be reached: "):
        await prepare(several)


async def test_refuses_another_encoding() -> None:
    latin = "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
    told = "is encoded in LATIN1: make one with ENCODING 'UTF8'"
    with postgres.database(more=latin) as url, pytest.raises(StoreError, match=told):
        await prepare(address(url))


async def test_refuses_a_user_who_may_not_make_tables(empty: str) -> None:
    run(empty, "CREATE ROLE gateway_poor LOGIN PASSWORD 'CANARY'")
    poor = re.sub("//[^@]*@", "//gateway_poor:CANARY@", empty)
    try:
        with pytest.raises(StoreError, match="does not let its user do that: permission") as told:
            await prepare(address(poor))
        assert "CANARY" not in str(told.value)
    finally:
        run(empty, "DROP ROLE gateway_poor")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://gw:CANARY@127.0.0.1:{port}/x", "cannot be reached"),
        ("postgresql://gw:CANARY@host.invalid/x", "cannot be reached"),
        ("postgresql://gw:CANARY@127.0.0.1:{port}/x?sslmod=require", "cannot be"),
        ("postgresql://gw:CANARY@127.0.0.1:{port}/x?connect_timeout=CANARY", "cannot be"),
    ],
)
async def test_says_so_when_there_is_no_server_and_shows_no_password(url: str, reason: str) -> None:
    at = address(url.format(port=free_port()))
    started = time.monotonic()
    with pytest.raises(StoreError, match=reason) as told:
        await prepare(at)
    assert "CANARY@" not in str(told.value)
    assert time.monotonic() - started < 10


async def test_says_so_when_there_is_no_such_database(empty: str) -> None:
    with pytest.raises(StoreError, match=r'database "gateway_none" does not exist'):
        await prepare(address(postgres.of_database(empty, "gateway_none")))


@pytest.mark.parametrize("attempt", range(2))
def test_replicas_that_start_at_once_make_one_store(empty: str, attempt: int) -> None:
    worker = ("-m", "tests.store.worker", empty, "opens")
    with process(*worker) as one, process(*worker) as two, process(*worker) as three:
        secrets = {said(one), said(two), said(three)}
        assert (one.wait(), two.wait(), three.wait()) == (0, 0, 0)
    assert len(secrets) == 1
    assert len(secrets.pop()) == 64


async def test_waits_for_another_that_migrates(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.2)
    with postgres.connected(empty) as other, other.transaction():
        other.execute("SELECT pg_advisory_xact_lock(%s)", [key_of_lock("migration")])
        with pytest.raises(StoreError, match="is being migrated by another process"):
            await prepare(address(empty))
        monkeypatch.setattr(module, "PATIENCE", 30)
        waiting = asyncio.create_task(prepare(address(empty)))
        await asyncio.wait([waiting], timeout=0.3)
        assert not waiting.done()
    await waiting
    assert await version(address(empty)) == HEAD


async def test_a_migration_that_dies_half_way_leaves_nothing(
    empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(connection: Connection) -> None:
        upgrade(connection)
        raise KeyboardInterrupt

    upgrade = module.upgrade
    monkeypatch.setattr(module, "upgrade", half)
    with pytest.raises(KeyboardInterrupt):
        await prepare(address(empty))
    assert tables(empty) == set()
    monkeypatch.undo()
    await prepare(address(empty))
    assert await version(address(empty)) == HEAD


def releases() -> list[Path]:
    """Other releases of PostgreSQL that happen to be installed."""
    return sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@pytest.mark.parametrize("bin_path", [None, *releases()], ids=lambda path: str(path))
async def test_works_on_every_release_there_is(bin_path: Path | None) -> None:
    with postgres.server(bin_path=bin_path) as server:
        store = await Store.open(server.url)
        assert await store.ledger.claim("support", "c-1", Person("acme", "alice"))
        assert not await store.ledger.claim("support", "c-1", Person("acme", "bob"))
        await store.aclose()
