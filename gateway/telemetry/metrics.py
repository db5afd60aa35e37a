"""Prometheus metrics: what happens to requests, and how full the queues are.

Labels are names of the configuration and codes of ours: never a person, a conversation, an address
or anything else a client may choose.

Where PROMETHEUS_MULTIPROC_DIR is set, processes count together in its files.
"""

import os
from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Literal, TypeAlias

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector

from gateway.ports import AuditSink, Record, UsageSink

Together: TypeAlias = Literal["livesum", "livemin", "livemax"]  # over the processes that live

MEDIA = CONTENT_TYPE_LATEST
# Seconds. A chat answers in some; its stream may go on for minutes.
DURATIONS = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900)
SIGN_IN_CODES = frozenset({"ambiguous_credentials", "wrong_org", "origin_refused", "org_required"})
REMEMBERED = 4096  # sets of labels, of each kind: to find one costs the client 1.2 µs
OVERRIDDEN = frozenset({"identity_overridden"})
DENIED = frozenset({"conversation_denied", "conversation_of_another"})


class Metrics(UsageSink, AuditSink):
    """Keeps both ports by counting."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        self._looks: list[tuple[Gauge, Callable[[], float]]] = []
        where = ["org", "upstream"]
        requests = self._counter(
            "gateway_requests",
            "Exchanges; code is the gateway's own, else the status.",
            [*where, "operation", "code"],
        )
        self._requests = lru_cache(REMEMBERED)(requests.labels)
        self._interrupted = self._counter(
            "gateway_interrupted", "Answers that ended early, by who ended them.", ["by"]
        )
        durations = self._histogram("gateway_request_duration_seconds", "Whole exchanges.")
        self._durations = lru_cache(REMEMBERED)(durations.labels)
        first_bytes = self._histogram(
            "gateway_upstream_first_byte_seconds", "Until the upstream began to answer."
        )
        self._first_bytes = lru_cache(REMEMBERED)(first_bytes.labels)
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
        code = record.code or str(record.status)
        upstream, operation = record.upstream, record.operation
        self._requests(record.org, upstream, operation, code).inc()
        self._durations(upstream, operation).observe(record.duration_ms / 1000)
        if record.upstream_status and record.first_byte_ms is not None:
            self._first_bytes(upstream, operation).observe(record.first_byte_ms / 1000)
        if record.interrupted:
            self._interrupted.labels(record.interrupted).inc()
        if record.status == 401 or record.code in SIGN_IN_CODES:
            self._auth_failures.labels(record.code).inc()

    def note(self, event: str, record: Record) -> None:
        if event in OVERRIDDEN:
            self._overridden.labels(record.org, record.upstream).inc()
        elif event in DENIED:
            self._denied.labels(record.org, record.upstream).inc()

    def reloaded(self, *, ok: bool) -> None:
        """Say whether the last configuration there was could be taken."""
        self._reloaded.set(int(ok))

    def delivered(self, org: str, upstream: str, outcome: str) -> None:
        self._deliveries.labels(org, upstream, outcome).inc()

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
        if self._folder is None:
            return generate_latest(self._registry)
        self.look()
        registry = CollectorRegistry()
        MultiProcessCollector(registry, self._folder)  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    @property
    def is_of_several(self) -> bool:
        """Whether several processes count together; then each has to `look` now and then."""
        return self._folder is not None

    def look(self) -> None:
        """Let the other processes see what this one watches."""
        for gauge, look in self._looks:
            gauge.set(look())

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

    def _histogram(self, name: str, text: str) -> Histogram:
        labels = ["upstream", "operation"]  # with the org, ten thousand of them have 15 series each
        return Histogram(name, text, labels, buckets=DURATIONS, registry=self._registry)


def version_of_ours() -> str:
    """The version of this package."""
    try:
        return version("chat-identity-gateway")
    except PackageNotFoundError:
        return "unknown"
