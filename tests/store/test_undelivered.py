"""What somebody has not heard: counted, tried again, forgotten; in both databases."""

from dataclasses import replace

import pytest

from gateway.ports import NotDelivered
from gateway.store.database import Database
from gateway.store.inbox import EventInbox
from gateway.store.outbox import EventOutbox
from gateway.store.reading import each
from gateway.store.reports import Filter
from gateway.store.undelivered import Depth, depth, drop, drop_older, expire, replay, undelivered
from tests.events.test_envelope import EVENT
from tests.store.conftest import Direct

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patience")]

A, B = "webhook a", "webhook b"
ALL = Filter()
REFUSED = NotDelivered("answered 422", is_away=False, status=422)


@pytest.fixture
async def outbox(database: Database) -> EventOutbox:
    """Three events for two receivers each; the first receiver's are all dead."""
    inbox, outbox = EventInbox(database, lambda: None), EventOutbox(database)
    for number, subject in enumerate(("alice", "bob", "alice")):
        event = replace(EVENT, id=f"e{number}", source=f"id:{number}", subject=subject)
        assert await inbox.put(event, (A, B))
    (lane,) = await outbox.hold(await outbox.due((B,), 10))
    for due in await outbox.next(lane, 10):
        await outbox.failed(due, REFUSED, dies=True)
    await outbox.let_go(lane, 0)
    return outbox


async def states(database: Database) -> list[tuple[str, str, bool]]:
    found: list[tuple[str, str, bool]] = []
    await each(
        database,
        undelivered(ALL),
        lambda row: found.append((row["id"], row["target"], row["died_at"] is not None)),
    )
    return sorted(found)


async def test_counts_what_waits_and_what_died(database: Database, outbox: EventOutbox) -> None:
    seen = await depth(database)
    assert (seen.waiting, seen.dead) == (3, 3)
    assert seen.since is not None


async def test_of_nothing_there_is_none(database: Database) -> None:
    assert await depth(database) == Depth(0, 0, None)


async def test_what_died_is_handed_out_again_in_its_order(
    database: Database, outbox: EventOutbox
) -> None:
    assert await replay(database, Filter(user="alice"), ()) == 2
    assert await replay(database, ALL, ("e0", "e9")) == 0
    (lane,) = await outbox.hold(await outbox.due((B,), 10))
    assert [(due.event.id, due.tries) for due in await outbox.next(lane, 10)] == [
        ("e0", 0),
        ("e2", 0),
    ]
    await outbox.let_go(lane, 0)
    assert await replay(database, ALL, ("e1",)) == 1
    assert [dead for _, _, dead in await states(database)] == [False] * 6


async def test_what_is_dropped_is_gone_and_what_it_said_when_nobody_waits_for_it(
    database: Database, outbox: EventOutbox, direct: Direct
) -> None:
    assert await drop(database, ALL, ("e0", "e1")) == 2
    assert [(one, target) for one, target, _ in await states(database)] == [
        *(("e0", B), ("e1", B), ("e2", A), ("e2", B)),
    ]
    assert direct("SELECT count(body) FROM events") == [(3,)]
    direct("UPDATE deliveries SET died_at = 1")
    assert await drop(database, ALL, ()) == 4
    assert direct("SELECT count(body) FROM events") == [(0,)]


async def test_what_waits_for_a_receiver_that_is_no_more_dies_in_the_end(
    database: Database, outbox: EventOutbox, direct: Direct
) -> None:
    await expire(database, 1.0)
    assert (await depth(database)).waiting == 3
    direct("UPDATE deliveries SET since = 500 WHERE target = ?", B)
    await expire(database, 1.0)
    assert await depth(database) == Depth(0, 6, None)


async def test_what_died_long_ago_is_forgotten(database: Database, outbox: EventOutbox) -> None:
    assert await drop_older(database, 1.0) == 0
    assert await drop_older(database, 1e11) == 3
    assert await drop_older(database, 1e11) == 0
    assert {target for _, target, _ in await states(database)} == {B}
