"""What is done to the store in the background: old rows go, heads of audit are told."""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import msgspec
import structlog

from gateway.assemble.background import in_background
from gateway.authn.visitors import MAX_AGE
from gateway.core.errors import LedgerUnavailable
from gateway.store.chain import MILLISECONDS_A_DAY
from gateway.store.cutoffs import tidy
from gateway.store.database import Database
from gateway.store.heads import tell_heads
from gateway.store.passers_by import forget_visitors
from gateway.store.retention import retain
from gateway.store.undelivered import drop_older, expire
from gateway.store.verify import Head
from gateway.telemetry.outside import tell_outside

LOG = logging.getLogger("gateway.store")

FIRST = 30.0  # seconds after the start
EVERY = 3600.0  # seconds
STEP = 60.0  # seconds; a clock that was set by more is believed the next time, if it stays
LONGEST = 31 * 86400.0  # seconds, a day more than any receiver may be waited for


@dataclass(frozen=True, kw_only=True)
class Upkeep:
    """The work of the background, on one database."""

    database: Database
    retention: float  # seconds
    dead_events: float = 30 * 86400.0  # seconds
    outside: str | None  # where heads are told besides the log: a file or a URL

    def begin(self, stack: AsyncExitStack) -> None:
        """Do it now and then, until `stack` closes."""
        in_background(self._for_ever(), stack)

    async def do(self, now: float) -> None:
        """Do it once; `now` in seconds since the epoch. Never raises."""
        try:
            today = int(now * 1000) // MILLISECONDS_A_DAY
            await self._tell_heads(today)
            await tidy(self.database, now=now)
            await expire(self.database, now - LONGEST)
            gone = await drop_older(self.database, now - self.dead_events)
            gone += await retain(self.database, before=now - self.retention)
            if gone:
                LOG.info("%d rows of usage, audit and events were older than the retention", gone)
            if gone := await forget_visitors(self.database, before=now - MAX_AGE):
                LOG.info("%d ids of visitors who opened nothing, and whose time is over", gone)
        except LedgerUnavailable:
            LOG.warning("the store is away: old rows and heads of audit wait")

    async def _tell_heads(self, today: int) -> None:
        try:
            await tell_heads(self.database, self._tell, today=today)
        except OSError as error:
            LOG.warning("heads of audit could not be told outside, and wait: %s", error)

    async def _for_ever(self) -> None:
        ahead = _ahead()
        await asyncio.sleep(FIRST)
        while True:
            before, ahead = ahead, _ahead()
            if abs(ahead - before) > STEP:  # what is deleted by a wrong clock does not come back
                LOG.warning("the clock was set by %+.0f s: old rows wait", ahead - before)
            else:
                await self.do(time.time())
            await asyncio.sleep(EVERY)

    async def _tell(self, heads: Sequence[Head]) -> None:
        lines = [line(head) for head in heads]
        if self.outside is not None:
            await tell_outside(
                self.outside, b"".join(msgspec.json.encode(one) + b"\n" for one in lines)
            )
        for one in lines:
            structlog.get_logger("gateway").info("audit_head", **one)


def _ahead() -> float:
    """Seconds of the clock on the wall before the one that nobody sets."""
    return time.time() - time.monotonic()


def line(head: Head) -> dict[str, object]:
    """A head as it is told, and as `gateway audit --verify --heads` reads it."""
    day = time.strftime("%Y-%m-%d", time.gmtime(head.day * MILLISECONDS_A_DAY // 1000))
    return {"org": head.org, "day": day, "number": head.number, "hash": head.hash.hex()}
