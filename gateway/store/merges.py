"""Who has lately become another, in any process: what is remembered of both is forgotten then.

One look at the newest aliases every few seconds, while anybody asks: far cheaper than to let all
that is remembered grow old. Nobody waits for it, unless nobody has asked for so long that what is
remembered may be older than `LATEST`. While the store is away nothing is forgotten: what is
remembered was true, and is refused to nobody but those two who have become one.
"""

import asyncio
import time
from collections.abc import Callable, Collection
from contextlib import suppress

from sqlalchemy import bindparam, select

from gateway.core.errors import LedgerUnavailable
from gateway.core.people.identity import Person
from gateway.store.database import Database
from gateway.store.schema import aliases

EVERY = 2.0  # seconds
LATEST = 10.0  # seconds after which everybody knows
SLACK = 120  # seconds by which clocks may differ, and a transaction may take
MOST = 5000  # aliases at one look

_LATELY = (
    select(aliases.c.org, aliases.c.subject, aliases.c.becomes, aliases.c.made_at)
    .where(aliases.c.made_at >= bindparam("since"))
    .order_by(aliases.c.made_at.desc())
    .limit(MOST)
)


class Merges:
    """`forget` is called with people who have become another; with None, when any may have."""

    def __init__(
        self, database: Database, forget: Callable[[Collection[Person] | None], None]
    ) -> None:
        self._database = database
        self._forget = forget
        self._newest = int(time.time())
        self._looked = time.monotonic()
        self._looking: asyncio.Task[None] | None = None

    def are_due(self) -> bool:
        """Whether it is time to look, or to wait for it: until then what is remembered holds."""
        age = time.monotonic() - self._looked
        return age >= (EVERY if self._looking is None else LATEST)

    async def catch_up(self) -> None:
        """See to it that what was merged `LATEST` seconds ago has been forgotten."""
        if not self.are_due():
            return
        age = time.monotonic() - self._looked
        if self._looking is None:
            with suppress(LedgerUnavailable):  # the store is closed
                self._looking = self._database.start(self._look())
        if age >= LATEST and self._looking is not None:
            await asyncio.wait([self._looking])

    async def _look(self) -> None:
        newest = min(self._newest, int(time.time()))  # a clock may have been set back since
        try:
            lately = await self._database.rows(_LATELY, {"since": newest - SLACK})
        except LedgerUnavailable:
            lately = ()
        unseen = len(lately) == MOST and lately[-1].made_at >= newest
        # Who was renamed took their id along: so whom they became goes by another, too.
        people = {Person(row.org, name) for row in lately for name in (row.subject, row.becomes)}
        self._forget(None if unseen else people)
        self._newest = max([self._newest, *(row.made_at for row in lately)])
        self._looked = time.monotonic()
        self._looking = None
