"""What a gateway has for as long as it runs, whichever configuration it serves by."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from gateway.assemble.background import in_background
from gateway.assemble.depths import watch_depth
from gateway.assemble.following import follow_cutoffs
from gateway.assemble.host import Host
from gateway.assemble.keeping import Kept, Sinks, build_metrics, keep, look_on
from gateway.assemble.limits import Counting, build_counting, watch_counting
from gateway.assemble.signing_out import BackChannel, Ended, StillIn
from gateway.assemble.tracing import build_traces
from gateway.assemble.upkeep import Upkeep
from gateway.assemble.watched import State, Watched
from gateway.assemble.writing import look_whether_it_takes_writes
from gateway.authn.seen import SeenLately
from gateway.config.model import Settings
from gateway.core.errors import Unavailable
from gateway.events.delivery import Courier
from gateway.limits.questions import AskedLately
from gateway.limits.rounds import ToolRounds
from gateway.net.upstream.resting import Resting
from gateway.orgs.site import Standing
from gateway.ports import Admission
from gateway.steps.interrupt import Running
from gateway.store.inbox import EventInbox
from gateway.store.outbox import EventOutbox
from gateway.store.people.admission import Blocks
from gateway.store.store import Store
from gateway.store.writing import Writing
from gateway.telemetry.log import ExchangeLog

if TYPE_CHECKING:
    from gateway.telemetry.metrics import Metrics
    from gateway.telemetry.traces import Traces


@dataclass(slots=True)
class Readiness:
    """Whether new work should come: not while the process drains, nor while the store is away.

    While the store is only read, it should: what is known goes on, and no other replica could do
    more, for the store is the same.
    """

    store: Store
    draining: bool = False

    async def check(self) -> str:
        """`ready`; or `degraded`, while the store takes no writes.

        Raises:
            Unavailable: it should not come.
        """
        if self.draining:
            raise Unavailable("The gateway is shutting down")
        await self.store.ping()
        return self.status

    @property
    def status(self) -> str:
        """As `check`, of a store that can be read."""
        return "degraded" if self.store.database.writing.refuses else "ready"


@dataclass(frozen=True, kw_only=True)
class Process:
    """The store, what is counted and remembered, and what writes of it."""

    host: Host
    store: Store
    secret: bytes = field(repr=False)  # for opaque user ids
    readiness: Readiness
    resting: Resting
    admission: Admission
    running: Running
    kept: Kept
    sinks: Sinks
    back_channel: BackChannel
    log: ExchangeLog
    metrics: "Metrics | None"  # None: nobody may ask for them
    traces: "Traces | None"  # None: exchanges have no spans
    counting: Counting
    questions: AskedLately
    watched: Watched
    inbox: EventInbox
    courier: Courier  # who runs the gateway begins it
    seen: SeenLately = field(default_factory=SeenLately)
    rounds: ToolRounds = field(default_factory=ToolRounds)
    standing: Standing = field(default_factory=Standing)


@asynccontextmanager
async def process(settings: Settings, host: Host) -> AsyncIterator[Process]:
    """Open all that, and close it at the end.

    Raises:
        StoreError: the store cannot be opened.
    """
    async with AsyncExitStack() as stack:
        store = await Store.open(settings.store.url)
        stack.push_async_callback(store.aclose)
        resting = Resting()
        stack.callback(resting.close)
        log = ExchangeLog()
        kept = keep(settings, store, stack)
        admission = Blocks(store.cutoffs)
        running, watched = Running(StillIn(admission, Ended(store.cutoffs))), Watched()
        seen = SeenLately()
        await follow_cutoffs(store, running, watched, stack, seen=seen, tell=kept.auditor.close)
        in_background(look_whether_it_takes_writes(store.database), stack)
        watched.add("writes to the store", partial(_of_writes, store.database.writing))
        metrics = None if settings.admin is None else build_metrics(kept, running, log)
        counting = [] if metrics is None else [metrics]
        if metrics is not None:
            metrics.watch(
                "gateway_store_takes_writes",
                "1, or 0: nothing new can begin.",
                lambda: float(not store.database.writing.refuses),
                together="livemin",
            )
            watch_depth(store.database, metrics, stack)
            if metrics.is_of_several:
                look_on(metrics, stack)
        courier = Courier(EventOutbox(store.database), [log, *counting])
        upkeep = Upkeep(
            database=store.database,
            retention=settings.store.retention,
            dead_events=settings.store.dead_events,
            outside=settings.audit.head,
        )
        upkeep.begin(stack)
        secret = await identity_secret(settings, store)
        traces = build_traces(settings.traces, secret, stack, watched, metrics)
        later = [kept.usage, kept.auditor, *counting, *([] if traces is None else [traces])]
        sinks = Sinks(
            [log, *later] if log.is_ours else later,
            [log, kept.auditor, *counting],
            log,
            at_once=() if log.is_ours else [log],
        )
        stack.callback(sinks.flush)
        counted = build_counting(settings.shared, secret, stack, watched)
        if metrics is not None:
            watch_counting(metrics, counted.counts)
        yield Process(
            host=host,
            store=store,
            secret=secret,
            readiness=Readiness(store),
            resting=resting,
            admission=admission,
            running=running,
            kept=kept,
            sinks=sinks,
            back_channel=BackChannel(store, sinks),
            log=log,
            metrics=metrics,
            traces=traces,
            counting=counted,
            questions=AskedLately(time.monotonic),
            watched=watched,
            inbox=EventInbox(store.database, courier.wake),
            courier=courier,
            seen=seen,
        )


def _of_writes(writing: Writing) -> State:
    return State(ok=not writing.refuses, age=0.0, says=writing.refuses)


async def identity_secret(settings: Settings, store: Store) -> bytes:
    """The configured secret for opaque user ids, else the one the store keeps."""
    if settings.identity.secret is not None:
        return settings.identity.secret.get_secret_value().encode()
    return await store.identity_secret()
