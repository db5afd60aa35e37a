"""What is to be delivered, handed out lane by lane: one process at a time works at one.

rule 1: A lane is held by a lease in the database, by the database's clock. A process that dies lets
        go of what it held when the lease ends; one that lost a lease no more writes when it is due.
rule 2: What has arrived is deleted; with the last receiver's delivery goes the event's body.
rule 3: A lane goes when it is empty; not if something came since it was handed out (`version`).
"""

import os
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Integer, Row, and_, bindparam, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.events.event import Event
from gateway.ports.events import LEASE, Due, Lane, NotDelivered, Outbox
from gateway.store.database import Database, Work
from gateway.store.dialect import clock
from gateway.store.group import Group
from gateway.store.schema import aliases, deliveries, events, lanes

_IS_WAITING = deliveries.c.died_at.is_(None)
_IS_FREE = and_(lanes.c.due <= bindparam("now"), lanes.c.held_until <= bindparam("now"))
_DUE = (
    select(lanes.c.lane, lanes.c.target)
    .where(_IS_FREE, lanes.c.target.not_in(bindparam("blocked", expanding=True)))
    .order_by(lanes.c.due)
    .limit(bindparam("most"))
)
# SKIP LOCKED: what another process is taking at this moment is not waited for.
_HOLD = (
    update(lanes)
    .where(
        lanes.c.lane.in_(
            select(lanes.c.lane)
            .where(_IS_FREE, lanes.c.lane.in_(bindparam("lanes", expanding=True)))
            .with_for_update(skip_locked=True)
        )
    )
    .values(holder=bindparam("me"), held_until=bindparam("until"))
    .returning(lanes.c.lane, lanes.c.target, lanes.c.version)
)
_OURS = and_(lanes.c.lane == bindparam("key"), lanes.c.holder == bindparam("me"))
_RENEW = update(lanes).where(_OURS).values(held_until=bindparam("until"))
_OF_EVENT = [column for column in events.c if column.name not in {"number", "subject"}]
# Who they are by now.
_BECAME = select(aliases.c.becomes).where(
    aliases.c.org == events.c.org, aliases.c.subject == events.c.subject
)
_SUBJECT = func.coalesce(_BECAME.scalar_subquery(), events.c.subject).label("subject")
_NEXT = (
    select(deliveries.c.number, deliveries.c.since, deliveries.c.tries, *_OF_EVENT, _SUBJECT)
    .join(events, events.c.number == deliveries.c.number)
    .where(deliveries.c.lane == bindparam("key"), _IS_WAITING)
    .order_by(deliveries.c.number)
    .limit(bindparam("most"))
)
_HOLDS_MORE = exists().where(deliveries.c.lane == lanes.c.lane, _IS_WAITING)
_EMPTY = delete(lanes).where(_OURS, lanes.c.version == bindparam("seen"), ~_HOLDS_MORE)
_LET_GO = update(lanes).where(_OURS).values(holder="", held_until=0, due=bindparam("then"))
_THIS = and_(deliveries.c.lane == bindparam("key"), deliveries.c.number == bindparam("event"))
_ARRIVED = delete(deliveries).where(_THIS)
_FAILED = (
    update(deliveries)
    .where(_THIS)
    .values(
        tries=deliveries.c.tries + bindparam("counts", type_=Integer),
        status=bindparam("answer"),
        reason=bindparam("why"),
        died_at=bindparam("died"),
    )
)
_BURY = (
    update(deliveries)
    .where(
        deliveries.c.target == bindparam("whom"),
        _IS_WAITING,
        deliveries.c.since < bindparam("before"),
    )
    .values(died_at=bindparam("died"), reason=bindparam("why"))
)
_IS_WANTED = exists().where(deliveries.c.number == events.c.number)
_THESE = events.c.number.in_(bindparam("numbers", expanding=True))
# Of two receivers who have the same event at once, the later one forgets what it said.
_ALONE = select(events.c.number).where(_THESE).order_by(events.c.number).with_for_update()
_FORGET = update(events).where(_THESE, ~_IS_WANTED).values(body=None)


@dataclass(frozen=True, slots=True)
class HeldLane(Lane):
    """A lane of ours, as it was when we got it."""

    version: int


class EventOutbox(Outbox):
    """The `Outbox` of one process over one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._me = f"{os.getpid()}-{os.urandom(8).hex()}"
        self._done: Group[Due, None] = Group(database, _arrived)

    async def due(self, blocked: Collection[str], most: int) -> Sequence[Lane]:
        async def get(connection: AsyncConnection) -> Sequence[Any]:
            values = {"now": await clock(connection), "blocked": list(blocked), "most": most}
            return (await connection.execute(_DUE, values)).all()

        rows = await self._database.read(get)
        return [Lane(row.lane, row.target) for row in rows]

    async def hold(self, lanes: Sequence[Lane]) -> Sequence[Lane]:
        async def take(connection: AsyncConnection) -> Sequence[Row[Any]]:
            now = await clock(connection)
            values = {"now": now, "me": self._me, "until": now + int(LEASE * 1000)}
            keys = sorted(lane.key for lane in lanes)
            return (await connection.execute(_HOLD, {**values, "lanes": keys})).all()

        return [HeldLane(row.lane, row.target, row.version) for row in await self._write(take)]

    async def renew(self, lanes: Sequence[Lane]) -> None:
        async def hold_on(connection: AsyncConnection) -> None:
            until = await clock(connection) + int(LEASE * 1000)
            keys = sorted(lane.key for lane in lanes)
            rows = [{"key": key, "me": self._me, "until": until} for key in keys]
            await connection.execute(_RENEW, rows)

        if lanes:
            await self._write(hold_on)

    async def next(self, lane: Lane, most: int) -> Sequence[Due]:
        rows = await self._database.rows(_NEXT, {"key": lane.key, "most": most})
        return [Due(lane, row.number, row.since, row.tries, event_of(row)) for row in rows]

    async def done(self, due: Due) -> None:
        await self._done.add(due)

    async def failed(self, due: Due, error: NotDelivered, *, dies: bool) -> None:
        async def note(connection: AsyncConnection) -> None:
            died = await clock(connection) if dies else None
            counts = 0 if error.is_away else 1
            told = {"answer": error.status, "why": error.reason, "died": died, "counts": counts}
            await connection.execute(_FAILED, _named(due) | told)

        await self._write(note)

    async def bury(self, target: str, before: int, error: NotDelivered) -> None:
        async def give_up(connection: AsyncConnection) -> None:
            died = await clock(connection)
            values = {"whom": target, "before": before, "why": error.reason, "died": died}
            await connection.execute(_BURY, values)

        await self._write(give_up)

    async def let_go(self, lane: Lane, wait: float) -> None:
        async def leave(connection: AsyncConnection) -> None:
            ours = {"key": lane.key, "me": self._me}
            seen = lane.version if isinstance(lane, HeldLane) else -1
            if (await connection.execute(_EMPTY, ours | {"seen": seen})).rowcount == 0:
                then = await clock(connection) + int(wait * 1000)
                await connection.execute(_LET_GO, ours | {"then": then})

        await self._write(leave)

    async def _write(self, work: "Work[Any]") -> Any:
        return await self._database.start(self._database.commit(work))


def event_of(row: Row[Any]) -> Event:
    """The event of a row that has its columns."""
    return Event(
        id=row.id,
        source=row.source,
        org=row.org,
        upstream=row.upstream,
        kind=row.kind,
        at=row.at,
        subject=row.subject,
        user=row.user_id,
        conversation=row.conversation,
        data=row.body,
    )


async def _arrived(connection: AsyncConnection, some: Sequence[Due]) -> Sequence[None]:
    in_order = sorted(some, key=lambda due: (due.lane.key, due.number))
    async with forgetting(connection, {due.number for due in some}):
        await connection.execute(_ARRIVED, [_named(due) for due in in_order])
    return [None] * len(some)


@asynccontextmanager
async def forgetting(connection: AsyncConnection, numbers: Iterable[int]) -> AsyncIterator[None]:
    """Forget what these events say, where after the block nobody is to hear it any more."""
    some = {"numbers": sorted(numbers)}
    await connection.execute(_ALONE, some)
    yield
    await connection.execute(_FORGET, some)


def _named(due: Due) -> dict[str, Any]:
    return {"key": due.lane.key, "event": due.number}
