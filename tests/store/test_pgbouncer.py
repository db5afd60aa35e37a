"""Behind PgBouncer in transaction mode: each transaction may have another session."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.errors import LedgerUnavailable
from gateway.core.people.identity import Person
from gateway.store import postgres as postgres_module
from gateway.store.address import address
from gateway.store.moving import move
from gateway.store.prepare_postgres import version
from gateway.store.schema import HEAD
from gateway.store.store import Store
from tests.store.conftest import Direct, process, said, tell
from tests.support import pgbouncer, postgres

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.usefixtures("patience"),
    pytest.mark.skipif(not pgbouncer.found(), reason=f"no pgbouncer: {pgbouncer.MISSING}"),
]

ALICE, BOB = Person("acme", "alice"), Person("acme", "bob")


@pytest.fixture
def straight() -> Iterator[str]:
    with postgres.database() as url:
        yield url


@pytest.fixture
def pooled(straight: str) -> Iterator[str]:
    with pgbouncer.pooled(straight) as url:
        yield url


@pytest.fixture
async def replicas(pooled: str) -> AsyncIterator[list[Store]]:
    """Five, with thirty connections, on two sessions of the server."""
    async with AsyncExitStack() as stack:
        stores = await asyncio.gather(*(Store.open(pooled) for _ in range(5)))
        for store in stores:
            stack.push_async_callback(store.aclose)
        yield list(stores)


async def test_replicas_that_start_at_once_make_one_store(
    replicas: list[Store], straight: str
) -> None:
    assert len({await store.identity_secret() for store in replicas}) == 1
    assert await version(address(straight)) == HEAD


async def test_replicas_agree_on_who_owns_what(replicas: list[Store], straight: str) -> None:
    names = [f"c-{number}" for number in range(100)]
    people = [Person("acme", f"p-{number}") for number in range(len(replicas))]
    made = await asyncio.gather(
        *(
            store.ledger.claim("support", name, person)
            for store, person in zip(replicas, people, strict=True)
            for name in names
        )
    )
    assert sum(made) == len(names)
    assert Direct(straight)("SELECT count(*) FROM conversations") == [(len(names),)]
    for store in replicas:
        ids = await asyncio.gather(*(store.ledger.user_id("s", p, p.subject) for p in people))
        assert ids == [person.subject for person in people]


async def test_nothing_outlives_a_transaction(replicas: list[Store], pooled: str) -> None:
    await asyncio.gather(*(store.ledger.claim("s", "c-1", ALICE) for store in replicas))
    names = "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"
    for _ in range(10):  # whichever session comes
        with postgres.connected(pooled) as other:
            for name in names:
                assert other.execute(f"SHOW {name}").fetchone() == ("0",)
            assert other.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() == (0,)
            assert other.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
            ).fetchone() == (0,)


async def test_one_statement_said_often_is_never_prepared(replicas: list[Store]) -> None:
    """psycopg would, from the sixth time on, and the next session does not know it."""
    for number in range(20):
        assert await replicas[0].ledger.claim("s", f"c-{number}", ALICE)
        outcomes = await asyncio.gather(
            *(store.ledger.owner("acme", "s", f"c-{number}") for store in replicas)
        )
        assert outcomes == [ALICE] * len(replicas)


async def test_a_statement_that_takes_too_long_spoils_no_session(
    replicas: list[Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(connection: AsyncConnection) -> None:
        await connection.execute(text("SELECT pg_sleep(20)"))

    database = replicas[0].database
    with monkeypatch.context() as patch:
        patch.setattr(postgres_module, "WRITE_CLOCK", 0.3)
        with pytest.raises(LedgerUnavailable):
            await database.start(database.commit(slow))
    assert await replicas[0].ledger.claim("s", "c-1", ALICE)
    assert not await replicas[1].ledger.claim("s", "c-1", BOB)


def test_two_processes_race_for_one_id_i_05(pooled: str) -> None:
    worker = ("-m", "tests.store.worker", pooled, "races")
    with process(*worker, "alice") as one, process(*worker, "bob") as two:
        assert (said(one), said(two)) == ("ready", "ready")
        tell(one, "go")
        tell(two, "go")
        assert {said(one), said(two)} == {"50", "0"}


async def test_a_sqlite_store_moves_in(pooled: str, straight: str, tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    store = await Store.open(f"sqlite:///{path}")
    await asyncio.gather(*(store.ledger.claim("s", f"c-{each}", ALICE) for each in range(2000)))
    await store.aclose()
    await move(path, address(pooled), lambda done, all_of_them: None)
    assert Direct(straight)("SELECT count(*) FROM conversations") == [(2000,)]
