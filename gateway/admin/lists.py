"""Lists of the store over HTTP: a page as JSON, or all of it as CSV or NDJSON, row by row."""

import asyncio
import io
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from gateway.admin.query import OF_EVERY_LIST, Wanted, cursor_of, wanted
from gateway.admin.rows import Csv, Ndjson
from gateway.core import problem
from gateway.core.errors import Overloaded
from gateway.core.problem import Answer
from gateway.store.columns import (
    CONVERSATION,
    EVENT,
    columns_of,
    of_conversation,
    of_event,
    of_usage,
)
from gateway.store.database import Database
from gateway.store.listings import conversations_of, events_of
from gateway.store.reading import each, page, usage_by_day, usage_report
from gateway.store.reports import Report
from gateway.store.trace import leave_trace
from gateway.store.verify import Verdict, verify

REPORTS = 2  # at once: the store has four turns for reading, and people wait for the others
PATIENCE = 20.0  # seconds that a page waits for others
REMEMBERED = 60.0  # seconds: to add up a month takes several, of millions of rows
CHUNK = 64 * 1024  # bytes
MEDIA = {"csv": b"text/csv; charset=utf-8", "ndjson": b"application/x-ndjson"}

Row = Mapping[str, Any]
Send = Callable[[bytes], Awaitable[None]]  # raises when the client has left


@dataclass(frozen=True, slots=True)
class Listing:
    """A report, its columns, and how a row of it is written."""

    report: Report
    columns: Sequence[str]
    write: Callable[[Row], Row]


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of a list, and what stands for those that follow; None: there are none."""

    columns: Sequence[str]
    rows: Sequence[Row]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Whole:
    """A list to be written as it is read."""

    media: bytes
    write: Callable[[Send], Awaitable[None]]


class Lists:
    """The lists of one store; `orgs` are names to external_ids."""

    def __init__(self, database: Database, orgs: Mapping[str, str]) -> None:
        self._database = database
        self._orgs = orgs
        self._names = {external_id: name for name, external_id in orgs.items()}
        self._turns = asyncio.Semaphore(REPORTS)
        self._adding = asyncio.Semaphore(1)
        self._verifying = asyncio.Semaphore(1)
        self._days: tuple[int, float, Sequence[Row]] = (0, -REMEMBERED, ())  # since, when, what

    async def answer(self, what: str, query: Sequence[tuple[str, str]], who: str) -> Answer | Whole:
        """What is asked for. Whoever asks is in the audit trail before.

        Raises:
            BadRequest, LedgerUnavailable, Overloaded: it cannot be given.
        """
        asked = self.wanted(what, query)
        if asked.form == "json":
            page = await self.page(what, asked, who)
            rows: list[Any] = [*page.rows]
            paging: Any = {"cursor": page.cursor, "hasMore": page.cursor is not None}
            return problem.of_json({"data": rows, "pagination": paging})
        listing = await self._listing(what, asked)
        asked.after(listing.report)  # a cursor that is none of this list is refused here, too
        await self._leave_trace("exported", what, asked, who)
        return Whole(MEDIA[asked.form], lambda send: self._write(listing, asked, send))

    def wanted(self, what: str, query: Sequence[tuple[str, str]]) -> Wanted:
        """What a query for a list means.

        Raises:
            BadRequest: nothing.
        """
        known = (*(("by",) if what == "usage" else ()), *OF_EVERY_LIST)
        return wanted(query, known, self._orgs)

    async def page(self, what: str, asked: Wanted, who: str, *, backwards: bool = False) -> Page:
        """A page of a list; `backwards`: the last rows first. The audit trail says who looked.

        Raises:
            BadRequest, LedgerUnavailable, Overloaded: it cannot be given.
        """
        listing = await self._listing(what, asked)
        after = asked.after(listing.report)
        await self._leave_trace("looked_up", what, asked, who)
        async with _turn(self._turns):
            rows = await page(
                self._database, listing.report, after, asked.limit, backwards=backwards
            )
        has_more = len(rows) > asked.limit
        return Page(
            listing.columns,
            [self._named(listing, row) for row in rows[: asked.limit]],
            cursor_of(listing.report, rows[asked.limit - 1]) if has_more else None,
        )

    async def days(self, *, since: int) -> Sequence[Row]:
        """What each day since then came to a minute ago at most, of all orgs; in milliseconds.

        Raises:
            LedgerUnavailable, Overloaded: it cannot be added up.
        """
        async with _turn(self._adding):
            asked, when, rows = self._days
            if asked != since or when + REMEMBERED <= time.monotonic():
                async with _turn(self._turns):
                    rows = await usage_by_day(self._database, since=since)
                self._days = (since, time.monotonic(), rows)
            return rows

    async def verified(self, *, org: str | None) -> Verdict:
        """Whether the audit trail is as it was written, of all orgs or of one by its external_id.

        One look at a time: it is mostly digests, which streams wait for.

        Raises:
            LedgerUnavailable, Overloaded: it cannot be said.
        """
        async with _turn(self._verifying):
            return await verify(self._database, org=org)

    async def _leave_trace(self, event: str, what: str, asked: Wanted, who: str) -> None:
        by = asked.by if what == "usage" else None
        await leave_trace(self._database, event, what, asked.which, who=f"operator:{who}", by=by)

    async def _listing(self, what: str, asked: Wanted) -> Listing:
        if what == "conversations":
            return Listing(conversations_of(asked.which), CONVERSATION, of_conversation)
        if what == "audit":
            return Listing(events_of(asked.which), EVENT, of_event)
        now = int(time.time() * 1000)
        report = await usage_report(self._database, asked.by, asked.which, now=now)
        return Listing(report, columns_of(asked.by), lambda row: of_usage(asked.by, row))

    def _named(self, listing: Listing, row: Row) -> dict[str, Any]:
        written = dict(listing.write(row))
        written["org"] = self._names.get(written["org"], written["org"])
        return {name: written[name] for name in listing.columns}

    async def _write(self, listing: Listing, asked: Wanted, send: Send) -> None:
        out = io.StringIO()
        rows = (Csv if asked.form == "csv" else Ndjson)(listing.columns, out)

        async def flush() -> None:
            content = out.getvalue().encode()
            out.seek(0)
            out.truncate()
            await send(content)

        def take(row: Row) -> Awaitable[None] | None:
            rows.add(self._named(listing, row))
            return flush() if out.tell() >= CHUNK else None

        if self._turns.locked():
            raise Overloaded("Other reports are being written: ask again later")
        async with self._turns:
            await each(self._database, listing.report, take)
        await flush()


@asynccontextmanager
async def _turn(turns: asyncio.Semaphore) -> AsyncIterator[None]:
    """One of them; whole reports may keep them for an hour, and a page is not to hang so long."""
    try:
        async with asyncio.timeout(PATIENCE):
            await turns.acquire()
    except TimeoutError as error:
        raise Overloaded("Other reports are being read: ask again later") from error
    try:
        yield
    finally:
        turns.release()
