"""How much is to be delivered, looked at now and then for whoever asks for metrics."""

import asyncio
import time
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING

from gateway.assemble.background import in_background
from gateway.core.errors import LedgerUnavailable
from gateway.store.database import Database
from gateway.store.undelivered import Depth, depth

if TYPE_CHECKING:
    from gateway.telemetry.metrics import Metrics

EVERY = 5.0  # seconds


def watch_depth(database: Database, metrics: "Metrics", stack: AsyncExitStack) -> None:
    """Show it, until `stack` closes."""
    depths = Depths(database)
    depths.show(metrics)
    depths.begin(stack)


class Depths:
    """What was seen last; all replicas see the same, for the queue is one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.seen = Depth(0, 0, None)

    @property
    def age(self) -> float:
        """Of what waits longest, in seconds; 0 where nothing waits."""
        since = self.seen.since
        return 0.0 if since is None else max(0.0, time.time() - since / 1000)

    def show(self, metrics: "Metrics") -> None:
        for name, text, look in (
            ("waiting", "Deliveries to be made.", lambda: float(self.seen.waiting)),
            ("oldest_seconds", "How long the oldest waits.", lambda: self.age),
            ("dead", "Deliveries that were given up.", lambda: float(self.seen.dead)),
        ):
            metrics.watch(f"gateway_events_{name}", text, look, together="livemax")

    def begin(self, stack: AsyncExitStack) -> None:
        """Look, until `stack` closes."""
        in_background(self._for_ever(), stack)

    async def _for_ever(self) -> None:
        while True:
            with suppress(LedgerUnavailable):  # then what was seen last
                self.seen = await depth(self._database)
            await asyncio.sleep(EVERY)
