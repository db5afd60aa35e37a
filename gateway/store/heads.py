"""The heads of days, told outside the store: whoever can write there cannot take them back.

Told at least once: they are marked in the store after they were told, so a crash between the two,
or two processes, tells one again.
"""

from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy import and_, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.database import Database
from gateway.store.schema import audit, audit_heads
from gateway.store.verify import CLOCK, Head

Tell = Callable[[Sequence[Head]], Awaitable[None]]

_SINCE = select(func.min(audit_heads.c.told)).where(audit_heads.c.told < bindparam("yesterday"))
_ENDS = (
    select(audit.c.org, audit.c.day, func.max(audit.c.number).label("number"))
    .where(audit.c.day > bindparam("since"), audit.c.day <= bindparam("yesterday"))
    .group_by(audit.c.org, audit.c.day)
    .subquery()
)
_HEADS = (
    select(audit.c.org, audit.c.day, audit.c.number, audit.c.hash)
    .join(_ENDS, and_(audit.c.org == _ENDS.c.org, audit.c.number == _ENDS.c.number))
    .join(audit_heads, and_(audit_heads.c.org == audit.c.org, audit.c.day > audit_heads.c.told))
    .order_by(audit.c.org, audit.c.number)
)
_TOLD = (
    update(audit_heads)
    .where(audit_heads.c.told < bindparam("yesterday"))
    .values(told=bindparam("yesterday"))
)


async def tell_heads(database: Database, tell: Tell, *, today: int) -> int:
    """Tell the heads of all days before `today` that were not told yet; how many these are.

    Raises:
        LedgerUnavailable: the store is away; later, then.
    """
    yesterday = {"yesterday": today - 1}
    since = await database.scalar(_SINCE, yesterday)
    if since is None:
        return 0
    rows = await database.rows(_HEADS, {"since": since, **yesterday}, clock=CLOCK)
    heads = [Head(row.org, row.day, row.number, row.hash) for row in rows]
    if heads:
        await tell(heads)

    async def mark(connection: AsyncConnection) -> None:
        await connection.execute(_TOLD, yesterday)

    await database.start(database.commit(mark))
    return len(heads)
