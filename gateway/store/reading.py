"""Taking the rows of a report: all of them as they come, or a page."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.errors import LedgerUnavailable
from gateway.store.database import Database
from gateway.store.reports import By, Filter, Report, daily, months_between, report
from gateway.store.schema import usage

LONG = 3600.0  # seconds a whole report may take
PAGE = 30.0  # seconds a page may take
AT_ONCE = 1000  # rows in memory

Take = Callable[[Mapping[str, Any]], Awaitable[None] | None]


async def each(database: Database, report: Report, take: Take) -> None:
    """Give `take` every row, in order, however many; a few of them are in memory at a time.

    The next row is read when `take` is done with one; what it raises ends the report.

    Raises:
        LedgerUnavailable: the store cannot be read, or can no longer.
    """

    begun = False

    async def get(connection: AsyncConnection) -> None:
        nonlocal begun
        if begun:  # the connection was lost, and what was taken cannot be taken back
            raise LedgerUnavailable("The store went away in the middle of a report")
        begun = True
        found = await connection.stream(
            report.statement, execution_options={"max_row_buffer": AT_ONCE}
        )
        async for row in found:
            waiting = take(row._mapping)
            if waiting is not None:
                await waiting

    await database.read(get, clock=LONG)


async def page(
    database: Database,
    report: Report,
    after: Sequence[object] | None,
    limit: int,
    *,
    backwards: bool = False,
) -> Sequence[Mapping[str, Any]]:
    """The rows that follow a key; one more than `limit` where there are more.

    `backwards`: the last rows first.

    Raises:
        LedgerUnavailable: the store cannot be read.
    """
    rows = await database.rows(report.after(after, limit + 1, backwards=backwards), {}, clock=PAGE)
    return [dict(row._mapping) for row in rows]


async def usage_report(database: Database, by: By, which: Filter, *, now: int) -> Report:
    """The report of usage that is asked for; `now` in milliseconds since the epoch.

    Raises:
        LedgerUnavailable: the store cannot be read.
    """
    if by != "month":
        return report(by, which)
    first = await database.scalar(select(usage.c.id).order_by(usage.c.id).limit(1), {})
    earliest = now if first is None else int.from_bytes(first[:6], "big")
    since = max(earliest, min(which.since or 0, now))
    until = max(since, now if which.until is None else min(which.until, now))
    return report(by, which, months=months_between(since, until + 1))


async def usage_by_day(database: Database, *, since: int) -> Sequence[Mapping[str, Any]]:
    """What each day since then came to, of all orgs together; `since` in milliseconds.

    Raises:
        LedgerUnavailable: the store cannot be read.
    """
    rows = await database.rows(daily(since), {}, clock=PAGE)
    return [dict(row._mapping) for row in rows]
