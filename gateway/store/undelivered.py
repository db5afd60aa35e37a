"""What vendors told of and somebody has not heard: to look through, to try again, to forget."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.among import Among
from gateway.store.database import Database, Work
from gateway.store.dialect import clock
from gateway.store.inbox import touch
from gateway.store.outbox import forgetting
from gateway.store.reports import Filter, Report
from gateway.store.schema import deliveries, events

State: TypeAlias = Literal["waiting", "dead"]

TOGETHER = 500  # deliveries a transaction
THESE = Among((deliveries.c.lane, deliveries.c.number))
AGAIN = (
    update(deliveries)
    .where(THESE.condition)
    .values(died_at=None, tries=0, since=bindparam("from_now"))
)
DROP = delete(deliveries).where(THESE.condition)
_JOINED = deliveries.join(events, events.c.number == deliveries.c.number)


@dataclass(frozen=True, slots=True)
class Depth:
    """How much is to be delivered. `since` is of what waits longest, in milliseconds."""

    waiting: int
    dead: int
    since: int | None


async def depth(database: Database) -> Depth:
    """Look how much there is.

    Raises:
        LedgerUnavailable: the store is away.
    """
    dead = func.count(deliveries.c.died_at)
    waits = deliveries.c.died_at.is_(None)
    oldest = select(func.min(deliveries.c.since)).where(waits).scalar_subquery()
    counted = select(func.count() - dead, dead, oldest).select_from(deliveries)
    row: Any = (await database.rows(counted, {}))[0]
    return Depth(*row)


def undelivered(which: Filter, state: State | None = None) -> Report:
    """What is on its way or was given up, in the order it came."""
    columns = [
        deliveries.c.number,
        deliveries.c.lane,
        *(events.c[name] for name in ("id", "at", "org", "upstream", "kind", "conversation")),
        events.c.subject.label("user"),
        *(deliveries.c[name] for name in ("target", "tries", "status", "reason", "died_at")),
    ]
    statement = select(*columns).select_from(_JOINED).where(_meant(which, state))
    order = (deliveries.c.number, deliveries.c.lane)
    return Report(statement.order_by(*order), ("number", "lane"))


async def replay(database: Database, which: Filter, ids: Collection[str]) -> int:
    """Try again what was given up, of these events or of all that are meant; how many it were.

    Raises:
        LedgerUnavailable: the store is away; what was begun goes on.
    """

    async def again(connection: AsyncConnection) -> int:
        found = await _some(connection, _wanted(which, ids))
        if not found:
            return 0
        since = await touch(connection, [(row.lane, row.target) for row in found])
        await connection.execute(AGAIN, {**_these(found), "from_now": since})
        return len(found)

    return await _all(database, again)


async def drop(database: Database, which: Filter, ids: Collection[str]) -> int:
    """Forget what was given up; as `replay`."""
    return await _all(database, lambda connection: _drop(connection, _wanted(which, ids)))


async def drop_older(database: Database, before: float) -> int:
    """Forget what was given up before that, in seconds since the epoch; as `replay`."""
    old = deliveries.c.died_at < int(before * 1000)
    return await _all(database, lambda connection: _drop(connection, old))


async def expire(database: Database, before: float) -> None:
    """Give up what has waited since before that, in seconds since the epoch: nobody knows whom for.

    Raises:
        LedgerUnavailable: the store is away; later, then.
    """

    async def give_up(connection: AsyncConnection) -> None:
        waits = and_(deliveries.c.died_at.is_(None), deliveries.c.since < int(before * 1000))
        died = {"died_at": await clock(connection), "reason": "no such receiver any more"}
        await connection.execute(update(deliveries).where(waits).values(died))

    await database.start(database.commit(give_up))


async def _drop(connection: AsyncConnection, wanted: ColumnElement[bool]) -> int:
    found = await _some(connection, wanted)
    if not found:
        return 0
    async with forgetting(connection, {row.number for row in found}):
        await connection.execute(DROP, _these(found))
    return len(found)


async def _all(database: Database, some: Work[int]) -> int:
    done = 0
    while count := await database.start(database.commit(some)):
        done += count
    return done


def _wanted(which: Filter, ids: Collection[str]) -> ColumnElement[bool]:
    """What was given up, of these events or of all."""
    wanted = _meant(which, "dead")
    return and_(wanted, events.c.id.in_(list(ids))) if ids else wanted


async def _some(connection: AsyncConnection, wanted: ColumnElement[bool]) -> Any:
    columns = (deliveries.c.lane, deliveries.c.number, deliveries.c.target)
    some = select(*columns).select_from(_JOINED).where(wanted).limit(TOGETHER)
    return (await connection.execute(some)).all()


def _these(rows: Any) -> dict[str, Any]:
    return THESE.values([(row.lane, row.number) for row in rows])


def _meant(which: Filter, state: State | None) -> ColumnElement[bool]:
    died = deliveries.c.died_at
    return and_(
        True,
        *([events.c.org == which.org] if which.org is not None else []),
        *([events.c.subject == which.user] if which.user is not None else []),
        *([events.c.at >= which.since] if which.since is not None else []),
        *([events.c.at < which.until] if which.until is not None else []),
        *([died.is_(None)] if state == "waiting" else []),
        *([died.is_not(None)] if state == "dead" else []),
    )
