"""What is to be delivered: handed out to one at a time, in order, and gone when it has arrived."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.events.event import Event
from gateway.ports import Due, Lane, NotDelivered
from gateway.store import inbox
from gateway.store import outbox as outbox_module
from gateway.store.database import Database
from gateway.store.inbox import EventInbox
from gateway.store.outbox import EventOutbox
from tests.events.test_envelope import EVENT
from tests.store.conftest import Direct

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patience")]

A, B = "webhook a", "webhook b"
AWAY = NotDelivered("connection_refused", is_away=True)
REFUSED = NotDelivered("answered 422", is_away=False, status=422)


@pytest.fixture
def outbox(database: Database) -> EventOutbox:
    return EventOutbox(database)


@pytest.fixture
def other(database: Database) -> EventOutbox:
    """Another process's."""
    return EventOutbox(database)


async def put(database: Database, *events: tuple[str, str], targets: Sequence[str] = (A,)) -> None:
    """Events by id and conversation, one after another."""
    inbox = EventInbox(database, lambda: None)
    for name, conversation in events:
        event = replace(EVENT, id=name, source=f"id:{name}", conversation=conversation)
        assert await inbox.put(event, targets)


async def held(outbox: EventOutbox) -> Lane:
    (lane,) = await outbox.hold(await outbox.due((), 10))
    return lane


def ids(due: Sequence[Due]) -> list[str]:
    return [one.event.id for one in due]


async def test_a_lane_is_one_process_s_at_a_time(
    database: Database, outbox: EventOutbox, other: EventOutbox
) -> None:
    await put(database, ("e1", "c"), ("e2", "c"))
    seen = await other.due((), 10)
    lane = await held(outbox)
    assert await other.hold(seen) == []
    assert await other.due((), 10) == []
    assert ids(await outbox.next(lane, 10)) == ["e1", "e2"]


async def test_of_two_who_take_at_once_one_gets_each(database: Database) -> None:
    await put(database, *((f"e{number}", f"c{number}") for number in range(30)))
    outboxes = [EventOutbox(database) for _ in range(4)]
    seen = await outboxes[0].due((), 100)
    assert len(seen) == 30
    taken = await asyncio.gather(*(one.hold(seen) for one in outboxes))
    keys = [lane.key for some in taken for lane in some]
    assert sorted(keys) == sorted(lane.key for lane in seen)


async def test_what_has_arrived_is_gone_and_what_it_said_too(
    database: Database, outbox: EventOutbox, direct: Direct
) -> None:
    await put(database, ("e1", "c"), targets=(A, B))
    for left in (1, 0):
        lane = (await outbox.hold((await outbox.due((), 10))[:1]))[0]
        (due,) = await outbox.next(lane, 10)
        assert due.event == replace(EVENT, id="e1", source="id:e1", conversation="c")
        await outbox.done(due)
        await outbox.let_go(lane, 0)
        assert direct("SELECT count(*) FROM deliveries") == [(left,)]
        assert direct("SELECT count(body) FROM events") == [(min(left, 1),)]
    assert direct("SELECT count(*) FROM lanes") == [(0,)]
    assert direct("SELECT id FROM events") == [("e1",)]


async def test_what_two_receivers_have_at_once_is_forgotten_by_one_of_them(
    database: Database, outbox: EventOutbox, other: EventOutbox, direct: Direct
) -> None:
    await put(database, ("e1", "c"), targets=(A, B))
    lanes = await outbox.hold(await outbox.due((), 10))
    first, second = [(await outbox.next(lane, 10))[0] for lane in lanes]
    is_in, gate = asyncio.Event(), asyncio.Event()

    async def slowly(connection: AsyncConnection) -> None:
        await outbox_module._arrived(connection, [first])
        is_in.set()
        await gate.wait()

    slow = database.start(database.commit(slowly))
    await is_in.wait()
    quick = asyncio.create_task(other.done(second))
    await asyncio.sleep(0.2)
    gate.set()
    await asyncio.gather(slow, quick)
    assert direct("SELECT count(*), count(body) FROM events") == [(1, 0)]


async def test_what_comes_while_a_lane_is_held_is_not_lost(
    database: Database, outbox: EventOutbox
) -> None:
    await put(database, ("e1", "c"))
    lane = await held(outbox)
    (due,) = await outbox.next(lane, 10)
    await outbox.done(due)
    await put(database, ("e2", "c"))
    await outbox.let_go(lane, 0)
    again = await held(outbox)
    assert ids(await outbox.next(again, 10)) == ["e2"]


async def test_what_comes_at_the_moment_a_lane_is_let_go_is_not_lost(
    database: Database, outbox: EventOutbox
) -> None:
    """The lane is the lock: whoever lets it go sees what another transaction has put in."""
    await put(database, ("e1", "c"))
    lane = await held(outbox)
    (due,) = await outbox.next(lane, 10)
    await outbox.done(due)
    is_in, gate = asyncio.Event(), asyncio.Event()

    async def slowly(connection: AsyncConnection) -> None:
        event = replace(EVENT, id="e2", source="id:e2", conversation="c")
        await inbox._put(connection, [inbox.Coming(event, (A,))])
        is_in.set()
        await gate.wait()

    putting = database.start(database.commit(slowly))
    await is_in.wait()
    letting_go = asyncio.create_task(outbox.let_go(lane, 0))
    await asyncio.sleep(0.2)
    assert not letting_go.done()
    gate.set()
    await asyncio.gather(putting, letting_go)
    again = await held(outbox)
    assert ids(await outbox.next(again, 10)) == ["e2"]


async def test_what_failed_is_ahead_of_what_came_later_and_waits(
    database: Database, outbox: EventOutbox
) -> None:
    await put(database, ("e1", "c"))
    lane = await held(outbox)
    (due,) = await outbox.next(lane, 10)
    await outbox.failed(due, REFUSED, dies=False)
    await outbox.let_go(lane, 3600)
    await put(database, ("e2", "c"), ("e3", "d"))
    (lane,) = await outbox.due((), 10)
    (lane,) = await outbox.hold([lane])
    assert ids(await outbox.next(lane, 10)) == ["e3"]


async def test_tries_count_what_was_refused_and_not_who_was_away(
    database: Database, outbox: EventOutbox, direct: Direct
) -> None:
    await put(database, ("e1", "c"))
    lane = await held(outbox)
    (due,) = await outbox.next(lane, 10)
    for error in (AWAY, REFUSED, AWAY):
        await outbox.failed(due, error, dies=False)
    assert direct("SELECT tries, status, reason FROM deliveries") == [(1, 0, "connection_refused")]
    assert [one.tries for one in await outbox.next(lane, 10)] == [1]


async def test_what_died_makes_way_and_is_kept(
    database: Database, outbox: EventOutbox, direct: Direct
) -> None:
    await put(database, ("e1", "c"), ("e2", "c"))
    lane = await held(outbox)
    due = await outbox.next(lane, 10)
    await outbox.failed(due[0], REFUSED, dies=True)
    assert ids(await outbox.next(lane, 10)) == ["e2"]
    await outbox.done(due[1])
    await outbox.let_go(lane, 0)
    assert direct("SELECT count(*) FROM lanes") == [(0,)]
    assert direct("SELECT id, body IS NULL FROM events ORDER BY id") in (
        [("e1", 0), ("e2", 1)],
        [("e1", False), ("e2", True)],
    )


async def test_a_receiver_is_given_up_for_what_is_old(
    database: Database, outbox: EventOutbox, direct: Direct
) -> None:
    await put(database, ("e1", "c"), ("e2", "d"), targets=(A, B))
    ((since,),) = direct("SELECT min(since) FROM deliveries")
    await outbox.bury(A, since, AWAY)
    assert direct("SELECT count(died_at) FROM deliveries") == [(0,)]
    direct("UPDATE deliveries SET since = ?", since)
    await outbox.bury(A, since + 1, AWAY)
    found = direct("SELECT target, count(died_at) FROM deliveries GROUP BY target ORDER BY target")
    assert found == [(A, 2), (B, 0)]


async def test_whom_nobody_may_try_is_not_handed_out(
    database: Database, outbox: EventOutbox
) -> None:
    await put(database, ("e1", "c"), ("e2", "d"), targets=(A, B))
    assert {lane.target for lane in await outbox.due((), 10)} == {A, B}
    assert {lane.target for lane in await outbox.due((A,), 10)} == {B}
    assert len(await outbox.due((), 3)) == 3


async def test_a_lease_ends_unless_it_is_renewed(
    database: Database, outbox: EventOutbox, other: EventOutbox, direct: Direct
) -> None:
    await put(database, ("e1", "c"))
    lane = await held(outbox)
    direct("UPDATE lanes SET held_until = 1")  # it did not renew: it is dead
    taken = await held(other)
    assert taken.key == lane.key
    before = direct("SELECT holder, held_until FROM lanes")
    await outbox.renew([lane])  # it was not, after all
    await outbox.let_go(lane, 3600)
    assert direct("SELECT holder, held_until FROM lanes") == before
    direct("UPDATE lanes SET held_until = 1")
    await other.renew([taken])
    assert await outbox.due((), 10) == []


async def test_who_is_another_by_now_is_named_so(
    database: Database, outbox: EventOutbox, direct: Direct
) -> None:
    await put(database, ("e1", "c"))
    direct("INSERT INTO aliases VALUES (?, ?, ?, ?)", EVENT.org, "alice", "alice.smith", 1)
    direct("INSERT INTO aliases VALUES (?, ?, ?, ?)", "org_globex", "alice", "other", 1)
    lane = await held(outbox)
    assert [due.event.subject for due in await outbox.next(lane, 10)] == ["alice.smith"]


async def test_an_event_comes_out_as_it_went_in(database: Database, outbox: EventOutbox) -> None:
    event: Event = replace(EVENT, subject=None, user=None, conversation=None, data=b"\x00{}")
    await EventInbox(database, lambda: None).put(event, (A,))
    lane = await held(outbox)
    assert [due.event for due in await outbox.next(lane, 10)] == [event]
