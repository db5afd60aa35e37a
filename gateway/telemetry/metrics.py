"""Prometheus metrics: what happens to requests, and how full the queues are.

Labels are names of the configuration and codes of ours: never a person, a conversation, an address
or anything else a client may choose.

Where PROMETHEUS_MULTIPROC_DIR is set, processes count together in its files; what one of them has
carried is there when it next looks, within a second, or when there is room for it.
"""

import threading
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Literal, TypeAlias

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector

from gateway.ports import AuditSink, Record, UsageSink
from gateway.telemetry.tallies import DURATIONS, Kind, Poured, Tally, Times
from gateway.telemetry.together import has_room, where_to_count

Together: TypeAlias = Literal["livesum", "livemin", "livemax"]  # over the processes that live

MEDIA = CONTENT_TYPE_LATEST
SIGN_IN_CODES = frozenset({"ambiguous_credentials", "wrong_org", "origin_refused", "org_required"})
OVERRIDDEN = frozenset({"identity_overridden"})
DENIED = frozenset({"conversation_denied", "conversation_of_another"})


class Metrics(UsageSink, AuditSink):
    """Keeps both ports by counting."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._folder = where_to_count()
        self._has_room = True
        self._looks: list[tuple[Gauge, Callable[[], float]]] = []
        where = ["org", "upstream"]
        self._requests = self._counter(
            "gateway_requests",
            "Exchanges; code is the gateway's own, else the status.",
            [*where, "operation", "code"],
        )
        self._interrupted = self._counter(
            "gateway_interrupted", "Answers that ended early, by who ended them.", ["by"]
        )
        self._durations = self._histogram("gateway_request_duration_seconds", "Whole exchanges.")
        self._first_bytes = self._histogram(
            "gateway_upstream_first_byte_seconds", "Until the upstream began to answer."
        )
        # As many as there are labels in the client, which are names of the configuration and codes.
        self._tallies: dict[tuple[str, str, str, str | int], Tally] = {}
        self._times: dict[tuple[str, str], tuple[Times, Times]] = {}
        self._pouring = threading.Lock()
        self._auth_failures = self._counter(
            "gateway_auth_failures", "Requests of nobody we know, by why.", ["reason"]
        )
        self._overridden = self._counter(
            "gateway_identity_overridden", "Requests that said who asks, and were not heard.", where
        )
        self._denied = self._counter(
            "gateway_ownership_denied", "Conversations that are another's, or nobody's.", where
        )
        self._deliveries = self._counter(
            "gateway_event_deliveries",
            "Attempts to tell a receiver of an event; died: the last one.",
            [*where, "outcome"],
        )
        self._reloaded = self._gauge(
            "gateway_config_last_reload_successful",
            "1, or 0: the old configuration serves on.",
            together="livemin",
        )
        self.reloaded(ok=True)
        built = self._gauge(
            "gateway_build_info", "1; the version is a label.", ["version"], "livemin"
        )
        built.labels(version_of_ours()).set(1)
        self._rows = self._gauge(
            "gateway_ledger_queue_rows", "Rows in memory, to be written next.", ["kind"]
        )
        self._spool = self._gauge(
            "gateway_spool_bytes", "Rows on the local disk: the store was away.", ["kind"]
        )
        self._lost = self._gauge(
            "gateway_rows_lost", "Rows that there was no room for since the start.", ["kind"]
        )

    def record(self, record: Record) -> None:
        kind = (record.org, record.upstream, record.operation, record.code or record.status)
        tally = self._tallies.get(kind) or self._tally(Kind(*kind))
        tally.count += 1
        tally.durations.note(record.duration_ms / 1000)
        if record.upstream_status and record.first_byte_ms is not None:
            tally.first_bytes.note(record.first_byte_ms / 1000)
        if record.interrupted:
            self._one_more(self._interrupted, record.interrupted)
        if record.status == 401 or record.code in SIGN_IN_CODES:
            self._one_more(self._auth_failures, record.code)

    def note(self, event: str, record: Record) -> None:
        if event in OVERRIDDEN:
            self._one_more(self._overridden, record.org, record.upstream)
        elif event in DENIED:
            self._one_more(self._denied, record.org, record.upstream)

    def reloaded(self, *, ok: bool) -> None:
        """Say whether the last configuration there was could be taken."""
        self._reloaded.set(int(ok))

    def delivered(self, org: str, upstream: str, outcome: str) -> None:
        self._one_more(self._deliveries, org, upstream, outcome)

    def watch(
        self, name: str, text: str, look: Callable[[], float], *, together: Together = "livesum"
    ) -> None:
        """Show what `look` gives, whenever somebody asks; of several processes, `together`."""
        self._look(self._gauge(name, text, together=together), look)

    def watch_rows(
        self,
        kind: str,
        waiting: Callable[[], float],
        spooled: Callable[[], float],
        lost: Callable[[], float],
    ) -> None:
        """Show how a kind of row is doing on its way into the store."""
        for gauge, look in ((self._rows, waiting), (self._spool, spooled), (self._lost, lost)):
            self._look(gauge.labels(kind), look)

    def text(self) -> bytes:
        """All of them, in Prometheus' own format. A thousand orgs take a while: for a thread."""
        self.look()
        if self._folder is None:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, self._folder)  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    @property
    def is_of_several(self) -> bool:
        """Whether several processes count together; then each has to `look` now and then."""
        return self._folder is not None

    def look(self) -> None:
        """Let whoever asks, any process, see what has been carried and what is watched here."""
        self._has_room = self._folder is None or has_room(self._folder)
        if not self._has_room:
            return
        with self._pouring:
            for tally in list(self._tallies.values()):
                tally.pour(self._requests)
            for durations, first_bytes in list(self._times.values()):
                durations.pour()
                first_bytes.pour()
        for gauge, look in self._looks:
            gauge.set(look())

    def _one_more(self, counter: Counter, *labels: str) -> None:
        if self._has_room:
            counter.labels(*labels).inc()

    def _tally(self, kind: Kind) -> Tally:
        place = (kind.upstream, kind.operation)
        times = self._times.get(place)
        if times is None:
            times = Times(self._durations, place), Times(self._first_bytes, place)
            self._times[place] = times
        tally = self._tallies[kind] = Tally(kind, *times)
        return tally

    def _look(self, gauge: Gauge, look: Callable[[], float]) -> None:
        if self._folder is None:
            gauge.set_function(look)
        else:
            self._looks.append((gauge, look))

    def _counter(self, name: str, text: str, labels: list[str]) -> Counter:
        return Counter(name, text, labels, registry=self._registry)

    def _gauge(
        self,
        name: str,
        text: str,
        labels: list[str] | None = None,
        together: Together = "livesum",
    ) -> Gauge:
        return Gauge(name, text, labels or [], registry=self._registry, multiprocess_mode=together)

    def _histogram(self, name: str, text: str) -> Poured:
        labels = ["upstream", "operation"]  # with the org, ten thousand of them have 15 series each
        return Poured(name, text, labels, buckets=DURATIONS, registry=self._registry)


def version_of_ours() -> str:
    """The version of this package."""
    try:
        return version("chat-identity-gateway")
    except PackageNotFoundError:
        return "unknown"
