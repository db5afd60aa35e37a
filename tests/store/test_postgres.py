"""PostgreSQL gone, restarted, stopped, full, read-only, out of connections, behind PgBouncer."""

import asyncio
import re
import signal
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.errors import LedgerUnavailable
from gateway.core.people.identity import Person
from gateway.ports import Whose
from gateway.store import database as database_module
from gateway.store import group as group_module
from gateway.store import postgres as postgres_module
from gateway.store.address import address
from gateway.store.database import READ_CLOCK, TURN_CLOCK, WRITE_CLOCK
from gateway.store.opening import opened
from gateway.store.postgres import READERS, REST, WRITERS, Connecting
from gateway.store.store import Store
from tests.support import postgres
from tests.support.clock import OwnTime
from tests.support.line import line
from tests.support.loop import the_loop_runs_on

pytestmark = pytest.mark.anyio

ALICE, BOB = Person("acme", "alice"), Person("acme", "bob")


@pytest.fixture
def url() -> Iterator[str]:
    with postgres.store() as url:
        yield url


@pytest.fixture(scope="module")
def own_server() -> Iterator[postgres.Server]:
    """A server that tests of this file stop; it is up again when they have ended."""
    with postgres.server() as server:
        yield server


@pytest.fixture
def server(own_server: postgres.Server) -> Iterator[postgres.Server]:
    yield own_server
    own_server.stop(signal.SIGQUIT)
    own_server.start()


@pytest.fixture
def on_server(server: postgres.Server) -> Iterator[str]:
    with postgres.database(server.url, drop=False) as url:
        yield url


@asynccontextmanager
async def open_store(url: str) -> AsyncIterator[Store]:
    store = await Store.open(url)
    try:
        yield store
    finally:
        await store.aclose()


async def warmed(store: Store) -> None:
    """Have all readers connected, which a busy machine may not be done with at a read's clock."""
    async with asyncio.timeout(30):
        while True:
            reads = (store.ledger.owner("acme", "support", "c-0") for _ in range(50))
            found = await asyncio.gather(*reads, return_exceptions=True)
            if not any(isinstance(one, LedgerUnavailable) for one in found):
                return


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clocks that no machine exceeds by being busy."""
    for module, clock in (
        (database_module, "TURN_CLOCK"),
        (database_module, "READ_CLOCK"),
        (group_module, "WRITE_CLOCK"),
        (postgres_module, "WRITE_CLOCK"),
    ):
        monkeypatch.setattr(module, clock, 30.0)


def through(port: int, url: str) -> str:
    return re.sub(r":\d+/", f":{port}/", url)


async def refusals(store: Store, count: int = 300) -> set[object]:
    """How reads and writes of many people at once end."""
    ledger = store.ledger
    outcomes = await asyncio.gather(
        *(ledger.claim("support", f"new-{number}", ALICE) for number in range(count)),
        *(ledger.whose("support", f"other-{number}", BOB) for number in range(count)),
        ledger.user_id("support", BOB, "bob"),
        store.ping(),
        return_exceptions=True,
    )
    return {type(outcome) for outcome in outcomes}


async def back(store: Store) -> None:
    """Wait until it can be used again, which it must be without help."""
    async with asyncio.timeout(20):
        while True:
            try:
                assert await store.ledger.claim("support", "again", ALICE)
                assert await store.ledger.owner("acme", "support", "again") == ALICE
            except LedgerUnavailable:
                await asyncio.sleep(0.05)
            else:
                return


async def settings(connection: AsyncConnection) -> list[object]:
    names = (
        "statement_timeout",
        "lock_timeout",
        "idle_in_transaction_session_timeout",
        "synchronous_commit",
        "transaction_isolation",
        "transaction_read_only",
    )
    return [
        (await connection.execute(text("SELECT current_setting(:name)"), {"name": name})).scalar()
        for name in names
    ]


LEFT_OF_A_CLOCK = r"[12]s|1?\d{1,3}ms"  # as PostgreSQL writes what is left of 2 s


async def test_each_transaction_has_limits_and_is_durable(url: str) -> None:
    name = urlsplit(url).path.strip("/")
    with postgres.connected(url) as admin:
        admin.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
        admin.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = serializable")
    database = await opened(url)
    written = await database.start(database.commit(settings))
    assert written[3:] == ["on", "read committed", "off"]
    assert all(re.fullmatch(LEFT_OF_A_CLOCK, str(limit)) for limit in written[:3])
    read = await database.read(settings)
    assert read[4:] == ["read committed", "on"]
    assert all(re.fullmatch(LEFT_OF_A_CLOCK, str(limit)) for limit in read[:3])
    await database.aclose()


async def test_what_an_administrator_made_stronger_stays(url: str) -> None:
    name = urlsplit(url).path.strip("/")
    with postgres.connected(url) as admin:
        admin.execute(f"ALTER DATABASE {name} SET synchronous_commit = remote_apply")
    database = await opened(url)
    assert (await database.start(database.commit(settings)))[3] == "remote_apply"
    await database.aclose()


async def test_one_who_stops_in_a_transaction_holds_nobody_up_for_long(url: str) -> None:
    """Whoever is stopped leaves locks behind; the server takes them back at the pause's limit."""
    database = await opened(url)
    put = "INSERT INTO secrets VALUES ('a', '') ON CONFLICT DO NOTHING"

    def another_process() -> float:
        stopped.wait()
        started = time.monotonic()
        with postgres.connected(url) as other:
            other.execute(put)
        return time.monotonic() - started

    async def stops(connection: AsyncConnection) -> None:
        await connection.execute(text(put))
        if not stopped.is_set():
            stopped.set()
            time.sleep(2 * WRITE_CLOCK)  # noqa: ASYNC251 -- all of this process stops
        await connection.execute(text(put))

    stopped = threading.Event()
    waiting = asyncio.create_task(asyncio.to_thread(another_process))
    with pytest.raises(LedgerUnavailable):
        await database.start(database.commit(stops))
    assert await waiting < 1.75 * WRITE_CLOCK
    await database.start(database.commit(stops))
    await database.aclose()


async def test_two_in_each_others_way_both_get_through(url: str) -> None:
    """A deadlock: the server ends one of the two, which then runs once more."""
    database = await opened(url)
    runs: list[str] = []
    held: set[str] = set()
    each_holds_one = asyncio.Event()

    async def both(first: str, second: str) -> None:
        async def work(connection: AsyncConnection) -> None:
            runs.append(first)
            for name in (first, second):
                put = text("INSERT INTO secrets VALUES (:name, '') ON CONFLICT DO NOTHING")
                await connection.execute(put, {"name": name})
                held.add(name)
                if len(held) == 2:
                    each_holds_one.set()
                await each_holds_one.wait()

        await database.start(database.commit(work))

    await asyncio.gather(both("a", "b"), both("b", "a"))
    assert len(runs) == 3
    await database.aclose()


@pytest.mark.usefixtures("patient")
async def test_a_restart_is_not_even_noticed_rf_40(server: postgres.Server, on_server: str) -> None:
    async with open_store(on_server) as store:
        for number in range(READERS):
            await store.ledger.claim("support", f"c-{number}", ALICE)
        await warmed(store)
        for how in (signal.SIGINT, signal.SIGQUIT):
            server.stop(how)
            server.start()
            owners = await asyncio.gather(
                *(store.ledger.owner("acme", "support", "c-1") for _ in range(50))
            )
            assert set(owners) == {ALICE}
            assert await store.ledger.claim("support", f"after {how}", ALICE)


async def test_a_server_that_is_gone_is_an_answer_and_comes_back_rf_40(
    server: postgres.Server, on_server: str
) -> None:
    async with open_store(on_server) as store:
        await store.ledger.claim("support", "before", ALICE)
        await store.ledger.user_id("support", ALICE, "alice")
        server.stop()
        since = OwnTime()
        async with the_loop_runs_on():
            assert await refusals(store) == {LedgerUnavailable}
        assert since() < WRITE_CLOCK
        assert await store.ledger.whose("support", "before", ALICE) is Whose.THEIRS
        assert await store.ledger.user_id("support", ALICE, "other") == "alice"
        server.start()
        await back(store)
        assert await store.ledger.owner("acme", "support", "new-0") in (None, ALICE)


async def test_a_server_that_hangs_is_given_up_at_the_clock_rf_40(
    server: postgres.Server, on_server: str
) -> None:
    async with open_store(on_server) as store:
        await store.ledger.claim("support", "before", ALICE)
        await warmed(store)
        server.signal_all(signal.SIGSTOP)
        try:
            since = OwnTime()
            async with the_loop_runs_on():
                assert await refusals(store) == {LedgerUnavailable}
            assert since() < 2 * (TURN_CLOCK + READ_CLOCK)
            assert await store.ledger.whose("support", "before", ALICE) is Whose.THEIRS
            async with asyncio.timeout(10):  # nothing stays behind, though the server still hangs
                while store.database._running:
                    await asyncio.wait(store.database._running)
        finally:
            server.signal_all(signal.SIGCONT)
        await back(store)
    with postgres.connected(on_server) as admin:
        stuck = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
        assert admin.execute(stuck).fetchone() == (0,)


async def test_a_failover_is_followed_though_the_old_server_hangs_rf_40(
    url: str, server: postgres.Server
) -> None:
    name = urlsplit(url).path.strip("/")
    with postgres.database(server.url, name=name, drop=False) as old:
        await (await Store.open(old)).aclose()
        async with line(server.port) as at, open_store(through(at.port, old)) as store:
            await store.ledger.claim("support", "before", ALICE)
            server.signal_all(signal.SIGSTOP)
            try:
                assert LedgerUnavailable in await refusals(store, 10)
                at.to = urlsplit(url).port  # where the name leads from now on
                await back(store)
            finally:
                server.signal_all(signal.SIGCONT)


async def test_a_line_that_is_cut_anywhere_loses_no_claim_that_has_returned(url: str) -> None:
    told: set[str] = set()
    async with (
        asyncio.timeout(60),
        line(urlsplit(url).port) as between,
        open_store(through(between.port, url)) as store,
    ):
        for number in range(30):
            names = [f"{number}-{each}" for each in range(10)]
            claims = [asyncio.create_task(store.ledger.claim("s", name, ALICE)) for name in names]
            await asyncio.sleep(number / 5000)
            between.cut()
            outcomes = await asyncio.gather(*claims, return_exceptions=True)
            assert all(one is True or isinstance(one, LedgerUnavailable) for one in outcomes)
            told |= {name for name, one in zip(names, outcomes, strict=True) if one is True}
        await back(store)
    with postgres.connected(url) as admin:
        found = admin.execute("SELECT conversation FROM conversations WHERE subject = 'alice'")
        assert told <= {name for (name,) in found}


async def test_a_locked_table_is_an_answer_and_passes_rf_36(url: str) -> None:
    async with open_store(url) as store:
        await store.ledger.claim("support", "before", ALICE)
        with postgres.connected(url) as other, other.transaction():
            other.execute("LOCK TABLE conversations, users IN ACCESS EXCLUSIVE MODE")
            since = OwnTime()
            async with the_loop_runs_on():
                outcomes = await asyncio.gather(
                    *(store.ledger.claim("support", f"c-{number}", ALICE) for number in range(300)),
                    store.ledger.user_id("support", BOB, "bob"),
                    return_exceptions=True,
                )
            assert {type(outcome) for outcome in outcomes} == {LedgerUnavailable}
            assert since() < 1.5 * WRITE_CLOCK
            assert await store.ledger.whose("support", "before", ALICE) is Whose.THEIRS
        await back(store)


async def test_a_claim_waits_for_a_short_lock_n_18(url: str) -> None:
    async with open_store(url) as store:
        with postgres.connected(url) as other, other.transaction():
            other.execute("LOCK TABLE conversations IN ACCESS EXCLUSIVE MODE")
            claim = asyncio.create_task(store.ledger.claim("support", "c-1", ALICE))
            await asyncio.wait([claim], timeout=0.2)
            assert not claim.done()
        assert await claim


async def test_a_database_that_turns_read_only_is_read_and_comes_back(url: str) -> None:
    name = urlsplit(url).path.strip("/")
    async with open_store(url) as store:
        await store.ledger.claim("support", "before", ALICE)
        with postgres.connected(url) as admin:
            admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        await store.database._dispose()  # as if it had been restarted
        with pytest.raises(LedgerUnavailable):
            await store.ledger.claim("support", "c-1", ALICE)
        assert await store.ledger.owner("acme", "support", "before") == ALICE
        with postgres.connected(url) as admin:
            admin.execute("SET default_transaction_read_only = off")
            admin.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        await back(store)


async def test_a_server_without_a_free_connection_is_an_answer_rf_41(url: str) -> None:
    name = urlsplit(url).path.strip("/")
    with postgres.connected(url) as admin:
        admin.execute("CREATE ROLE gateway_few LOGIN SUPERUSER")
        try:
            async with open_store(re.sub("//[^@]*@", "//gateway_few@", url)) as store:
                admin.execute("ALTER ROLE gateway_few NOSUPERUSER CONNECTION LIMIT 0")
                admin.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO gateway_few; -- {name}")
                await store.database._dispose()
                since = OwnTime()
                assert await refusals(store) == {LedgerUnavailable}
                assert since() < 1
                admin.execute("ALTER ROLE gateway_few CONNECTION LIMIT 10")
                await back(store)
        finally:
            admin.execute("DROP OWNED BY gateway_few; DROP ROLE gateway_few")


async def test_a_server_that_takes_nobody_is_not_stormed_rf_41() -> None:
    async with line(None) as nowhere:
        connect = Connecting(address(f"postgresql://u@127.0.0.1:{nowhere.port}/x"))
        for _ in range(100):
            with pytest.raises(Exception, match="connection"):
                await connect()
        assert nowhere.made == 1
        await asyncio.sleep(REST)
        with pytest.raises(Exception, match="connection"):
            await connect()
        assert nowhere.made == 2


async def test_a_full_disk_is_an_answer_and_passes_rf_37(
    server: postgres.Server, on_server: str
) -> None:
    async with open_store(on_server) as store:
        await store.ledger.claim("support", "before", ALICE)
        with postgres.connected(on_server) as admin:
            admin.execute(
                "INSERT INTO conversations SELECT 'acme', 'filler', n::text, 'alice', 0 "
                "FROM generate_series(1, 300000) n"
            )
        server.stop()
        server.start(largest_file=17 * 2**20)  # logs have 16 MiB from the start, the table more
        outcomes: set[object] = set()
        for number in range(100):
            names = (f"full-{number}-{each}" for each in range(256))
            claims = (store.ledger.claim("support", name, ALICE) for name in names)
            outcomes |= set(map(type, await asyncio.gather(*claims, return_exceptions=True)))
            if LedgerUnavailable in outcomes:
                break
        assert outcomes <= {bool, LedgerUnavailable}
        assert LedgerUnavailable in outcomes
        assert await store.ledger.owner("acme", "support", "before") == ALICE
        server.stop()
        server.start()
        await back(store)


async def test_open_connections_are_few(url: str) -> None:
    """However many ask at once: a server has a hundred for all replicas."""
    database = await opened(url)
    go_on = asyncio.Event()

    async def holds(connection: AsyncConnection) -> None:
        await connection.execute(text("SELECT 1"))
        await go_on.wait()

    asking = [asyncio.create_task(database.read(holds)) for _ in range(3 * READERS)]
    asking += [database.start(database.commit(holds)) for _ in range(3 * WRITERS)]
    name = urlsplit(url).path.strip("/")
    count = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND application_name = %s"
    with postgres.connected(url) as admin:
        counts = set()
        async with asyncio.timeout(20):
            while (READERS + WRITERS,) not in counts:
                counts.add(admin.execute(count, [name, "gateway"]).fetchone())
                await asyncio.sleep(0.01)
        assert max(counts) == (READERS + WRITERS,)
    go_on.set()
    await asyncio.gather(*asking, return_exceptions=True)
    await database.aclose()
