"""What is kept of exchanges, and who is told of them."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from gateway.config.model import Store as StoreSettings
from gateway.ports import AuditSink, Record, UsageSink
from gateway.store.address import is_postgres
from gateway.store.location import locate
from gateway.store.store import Store
from gateway.store.usage import UsageLog

SPOOL = ".spool"


class Sinks(UsageSink, AuditSink):
    """Tells each of several sinks."""

    def __init__(self, usage: Sequence[UsageSink], audit: Sequence[AuditSink]) -> None:
        self._usage = tuple(usage)
        self._audit = tuple(audit)

    def record(self, record: Record) -> None:
        for sink in self._usage:
            sink.record(record)

    def note(self, event: str, record: Record) -> None:
        for sink in self._audit:
            sink.note(event, record)


def keep_usage(settings: StoreSettings, store: Store, stack: AsyncExitStack) -> UsageLog:
    """Usage that goes into the store; what is left of it is written when `stack` closes."""
    usage = UsageLog(
        store.database,
        spool_folder(settings),
        interval=settings.batch_interval,
        most=settings.spool_max,
    )
    usage.batches.begin()
    stack.push_async_callback(usage.batches.aclose)
    return usage


def spool_folder(settings: StoreSettings) -> Path:
    """Where rows wait while the database is away: beside a store that is a file, else here."""
    if settings.spool is not None:
        return Path(settings.spool).absolute()
    path = Path("gateway").absolute() if is_postgres(settings.url) else locate(settings.url)
    return path.with_name(path.name + SPOOL)
