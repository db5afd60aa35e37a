import asyncio
import logging

import pytest
from sqlalchemy import bindparam, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.errors import LedgerUnavailable
from gateway.store import database as module
from gateway.store.database import READERS, Database
from gateway.store.opening import opened
from gateway.store.schema import secrets
from tests.support.clock import OwnTime

pytestmark = pytest.mark.anyio

SHORT, LONG = 0.3, 60.0  # clocks, in seconds: one that runs out here, and one that never does
VALUE = select(secrets.c.value).where(secrets.c.name == bindparam("name"))
SLOW = {  # for more than half a second
    "sqlite": text(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) "
        "SELECT count(*) FROM n"
    ),
    "postgresql": text("SELECT pg_sleep(0.8)"),
}


@pytest.fixture(autouse=True)
def long_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TURN_CLOCK", LONG)
    monkeypatch.setattr(module, "READ_CLOCK", LONG)


async def ended(database: Database) -> None:
    """Wait for what goes on though nobody waits for it any more."""
    while database._running:
        await asyncio.wait(database._running)


def behind(error: BaseException | None) -> list[BaseException]:
    """An error, and all that a log may show behind it."""
    return [error, *behind(error.__cause__), *behind(error.__context__)] if error else []


async def write(database: Database, name: str) -> None:
    async def work(connection: AsyncConnection) -> None:
        await connection.execute(insert(secrets), {"name": name, "value": b"value"})

    await database.start(database.commit(work))


async def test_reads_what_was_committed(database: Database) -> None:
    assert await database.scalar(VALUE, {"name": "a"}) is None
    await write(database, "a")
    assert await database.scalar(VALUE, {"name": "a"}) == b"value"


async def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    async def work(connection: AsyncConnection) -> None:
        await connection.execute(insert(secrets), {"name": "a", "value": b"value"})
        await connection.execute(insert(secrets), {"name": "a", "value": b"other"})

    with pytest.raises(LedgerUnavailable):
        await database.start(database.commit(work))
    assert await database.scalar(VALUE, {"name": "a"}) is None
    await write(database, "a")


async def test_a_reading_connection_cannot_write(database: Database) -> None:
    await write(database, "a")
    with pytest.raises(LedgerUnavailable):
        await database.scalar(text("DELETE FROM secrets"), {})
    assert await database.scalar(VALUE, {"name": "a"}) == b"value"


async def test_slow_reads_are_given_up_at_the_clock_and_hold_up_nobody(
    database: Database, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write(database, "a")
    with monkeypatch.context() as patch:
        patch.setattr(module, "READ_CLOCK", SHORT)
        since = OwnTime()
        slow = [asyncio.create_task(database.scalar(SLOW[kind], {})) for _ in range(READERS - 1)]
        await asyncio.sleep(0)
    reading = asyncio.create_task(database.scalar(VALUE, {"name": "a"}))
    outcomes = await asyncio.gather(*slow, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [LedgerUnavailable] * len(slow)
    assert since() < 3 * SHORT
    assert await reading == b"value"


async def test_reads_wait_for_a_connection_within_their_clock(
    database: Database, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = [asyncio.create_task(database.scalar(SLOW[kind], {})) for _ in range(READERS)]
    await asyncio.sleep(0)
    with monkeypatch.context() as patch:
        patch.setattr(module, "TURN_CLOCK", SHORT)
        with pytest.raises(LedgerUnavailable):
            await database.scalar(VALUE, {"name": "a"})
    await asyncio.gather(*slow)
    assert await database.scalar(VALUE, {"name": "a"}) is None


async def test_many_rows_and_many_statements_are_read_at_one_time(database: Database) -> None:
    for name in "ab":
        await write(database, name)
    all_of_them = select(secrets.c.name).order_by(secrets.c.name)
    assert [row.name for row in await database.rows(all_of_them, {})] == ["a", "b"]

    async def get(connection: AsyncConnection) -> list[object]:
        return [(await connection.execute(VALUE, {"name": name})).scalar() for name in "abc"]

    assert await database.read(get) == [b"value", b"value", None]


async def test_a_report_may_take_longer(
    database: Database, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "READ_CLOCK", SHORT)
    assert len(await database.rows(SLOW[kind], {}, clock=30)) == 1


async def test_a_burst_of_reads_is_served_in_turn(database: Database) -> None:
    values = await asyncio.gather(*(database.scalar(VALUE, {"name": "a"}) for _ in range(300)))
    assert values == [None] * 300


async def test_cancelled_reads_cost_no_connection(database: Database) -> None:
    await write(database, "a")
    for steps in range(40):
        reading = asyncio.create_task(database.scalar(VALUE, {"name": "a"}))
        for _ in range(steps):
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait([reading])
    await ended(database)
    assert await database.scalar(VALUE, {"name": "a"}) == b"value"


async def test_ping_passes_while_the_file_can_be_read(database: Database) -> None:
    await database.ping()


async def test_values_stay_out_of_errors_and_logs(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await write(database, "hunter2")
    assert await database.scalar(VALUE, {"name": "hunter2"}) == b"value"
    with pytest.raises(LedgerUnavailable) as refusal:
        await write(database, "hunter2")
    assert refusal.value.__cause__ is not None
    assert refusal.value.reason
    assert "hunter2" not in refusal.value.reason
    assert "hunter2" not in " ".join(map(str, behind(refusal.value))) + caplog.text


async def test_nothing_works_once_it_is_closed(database: Database) -> None:
    await database.aclose()
    with pytest.raises(LedgerUnavailable):
        await database.scalar(VALUE, {"name": "a"})
    with pytest.raises(LedgerUnavailable):
        await write(database, "a")
    with pytest.raises(LedgerUnavailable):
        await database.ping()


async def test_closing_waits_for_what_has_begun(database: Database, url: str) -> None:
    writing = asyncio.create_task(write(database, "a"))
    await asyncio.sleep(0)
    assert not writing.done()
    await database.aclose()
    await writing
    again = await opened(url)
    assert await again.scalar(VALUE, {"name": "a"}) == b"value"
    await again.aclose()
