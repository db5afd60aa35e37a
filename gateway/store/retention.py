"""Old rows of usage, audit and events go, a few at a time, and names of what was asked.

Ownership stays. The last row of every audit chain stays too, for the next one holds its hash;
whom it names goes.
"""

import asyncio
import time
from typing import Any

from sqlalchemy import Delete, Update, and_, bindparam, delete, exists, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store import chain
from gateway.store.askings import KEPT
from gateway.store.database import Database, Work
from gateway.store.dialect import alone
from gateway.store.schema import askings, audit, audit_heads, deliveries, events, usage

TOGETHER = 500  # rows a transaction: 10 ms in which no conversation can be claimed
PAUSE = 0.1  # seconds between two: whoever waits to write goes first

_USAGE = delete(usage).where(
    usage.c.id.in_(
        select(usage.c.id)
        .where(usage.c.id < bindparam("before"))
        .order_by(usage.c.id)
        .limit(TOGETHER)
    )
)
_AUDIT = delete(audit).where(
    tuple_(audit.c.org, audit.c.number).in_(
        select(audit.c.org, audit.c.number)
        .join(audit_heads, audit_heads.c.org == audit.c.org)
        .where(audit.c.day < bindparam("before"), audit.c.number < audit_heads.c.number)
        .order_by(audit.c.day, audit.c.org, audit.c.number)
        .limit(TOGETHER)
    )
)
_ASKINGS = delete(askings).where(
    askings.c.name.in_(
        select(askings.c.name)
        .where(askings.c.asked_at < bindparam("before"))
        .order_by(askings.c.asked_at)
        .limit(TOGETHER)
    )
)
_LAST = (
    update(audit)
    .where(and_(audit.c.day < bindparam("before"), audit.c.salt.is_not(None)))
    .values(dict.fromkeys((*chain.PERSONAL, "salt")))
)
_EVENTS = delete(events).where(
    events.c.number.in_(
        select(events.c.number)
        .where(events.c.at < bindparam("before"))
        .where(~exists().where(deliveries.c.number == events.c.number))
        .order_by(events.c.at)
        .limit(TOGETHER)
    )
)


async def retain(database: Database, *, before: float, pause: float = PAUSE) -> int:
    """Delete what is older than `before`, in seconds since the epoch; how many rows that were.

    Raises:
        LedgerUnavailable: the store is away; what is gone is gone.
    """
    milliseconds = int(before * 1000)
    day = chain.day_of(milliseconds)
    gone = await _all(database, _EVENTS, {"before": milliseconds}, pause)
    gone += await _all(database, _USAGE, {"before": milliseconds.to_bytes(6, "big")}, pause)
    gone += await _all(database, _AUDIT, {"before": day}, pause)
    await _all(database, _ASKINGS, {"before": int(time.time()) - KEPT}, pause)
    await database.start(database.commit(_run(_LAST, {"before": day})))
    return gone


async def _all(database: Database, some: Delete, values: dict[str, Any], pause: float) -> int:
    gone = 0
    while True:
        count = await database.start(database.commit(_run(some, values)))
        gone += count
        if count < TOGETHER:
            return gone
        await asyncio.sleep(pause)


def _run(statement: Delete | Update, values: dict[str, Any]) -> Work[int]:
    async def run(connection: AsyncConnection) -> int:
        await alone(connection, "retention")
        return (await connection.execute(statement, values)).rowcount

    return run
