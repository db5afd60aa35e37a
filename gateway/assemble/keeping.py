"""What is kept of exchanges, and who is told of them."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.assemble.background import in_background
from gateway.config.model import Settings
from gateway.config.model import Store as StoreSettings
from gateway.ports import AuditSink, FaultSink, Record, UsageSink
from gateway.steps.interrupt import Running
from gateway.store.address import is_postgres
from gateway.store.audit import AuditTrail
from gateway.store.auditor import Auditor
from gateway.store.batches import Batches
from gateway.store.location import locate
from gateway.store.store import Store
from gateway.store.usage import UsageLog
from gateway.telemetry.lines import Lines
from gateway.telemetry.log import ExchangeLog

if TYPE_CHECKING:
    from gateway.telemetry.metrics import Metrics

SPOOL = ".spool"
LOOK = 1.0  # seconds


class Sinks(UsageSink, AuditSink):
    """Tells several sinks of each exchange.

    Sinks in `later` are told at the end of a turn of the loop, of all exchanges that ended in it:
    code that runs many times in a row stays in the processor's caches (7 of 218 µs a request).
    Sinks in `at_once` are told from within the request: a log that is not ours may look at what
    is around it. Where a sink in `later` fails, `faults` hear of it, and the others go on.
    """

    def __init__(
        self,
        later: Sequence[UsageSink],
        audit: Sequence[AuditSink],
        faults: FaultSink,
        *,
        at_once: Sequence[UsageSink] = (),
    ) -> None:
        self._at_once = tuple(sink.record for sink in at_once)
        self._later = tuple(sink.record for sink in later)
        self._note = tuple(sink.note for sink in audit)
        self._faults = faults
        self._ended: list[Record] = []

    def record(self, record: Record) -> None:
        for take in self._at_once:
            take(record)
        if not self._ended:
            asyncio.get_running_loop().call_soon(self.flush)
        self._ended.append(record)

    def flush(self) -> None:
        """Tell what has not been told yet."""
        ended, self._ended = self._ended, []
        for take in self._later:
            for record in ended:
                try:
                    take(record)
                except Exception as error:  # noqa: BLE001 - a fault of our own, at the last border
                    self._faults.fault(error, record)

    def note(self, event: str, record: Record) -> None:
        for take in self._note:
            take(event, record)


@dataclass(frozen=True, slots=True)
class Kept:
    """What takes rows for the store."""

    usage: UsageLog
    trail: AuditTrail
    auditor: Auditor


def keep(settings: Settings, store: Store, stack: AsyncExitStack) -> Kept:
    """Usage and audit that go into the store; what is left is written when `stack` closes."""
    folder, most = spool_folder(settings.store), settings.store.spool_max
    interval = settings.store.batch_interval
    lines = None
    if settings.audit.file is not None:
        lines = Lines(settings.audit.file)
        stack.callback(lines.close)
    trail = AuditTrail(store.database, folder, interval=interval, most=most, lines=lines)
    usage = UsageLog(store.database, folder, interval=interval, most=most)
    for batches in (trail.batches, usage.batches):
        batches.begin()
        stack.push_async_callback(batches.aclose)
    auditor = Auditor(trail)
    stack.callback(auditor.close)
    return Kept(usage, trail, auditor)


def build_metrics(kept: Kept, running: Running, log: ExchangeLog) -> "Metrics":
    """Metrics of one gateway, and of its queues."""
    # Imported here: 30 ms, of which a gateway without [admin] needs none.
    from gateway.telemetry.metrics import Metrics

    metrics = Metrics()
    metrics.watch("gateway_streams_in_progress", "Exchanges that run now.", lambda: len(running))
    metrics.watch(
        "gateway_log_lines_dropped", "Lines nobody read in time.", lambda: log.lines_dropped
    )
    for kind, batches in (("usage", kept.usage.batches), ("audit", kept.trail.batches)):
        metrics.watch_rows(kind, *looks(batches))
    return metrics


def look_on(metrics: "Metrics", stack: AsyncExitStack) -> None:
    """Write what this process counts and watches to where the others find it, until `stack` closes,
    and then for the last time.
    """
    stack.callback(metrics.look)

    async def now_and_then() -> None:
        while True:
            metrics.look()
            await asyncio.sleep(LOOK)

    in_background(now_and_then(), stack)


def looks(batches: Batches[Any]) -> tuple[Callable[[], float], ...]:
    """What there is to see of a kind of row on its way."""
    return lambda: batches.waiting, lambda: batches.spooled, lambda: batches.lost


def spool_folder(settings: StoreSettings) -> Path:
    """Where rows wait while the database is away: beside a store that is a file, else here."""
    if settings.spool is not None:
        return Path(settings.spool).absolute()
    path = Path("gateway").absolute() if is_postgres(settings.url) else locate(settings.url)
    return path.with_name(path.name + SPOOL)
