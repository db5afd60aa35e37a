"""Exchanges, counted plainly: `Metrics` pours what came since the last look into the client's own.

The client takes a lock for each number, and of several processes writes it into a file: where these
numbers cost 0.7 µs an exchange, the client's cost 2.3, or 6. One thread counts here, and numbers
only grow; whoever pours, in whatever thread, keeps in mind how much of them has been.
"""

from bisect import bisect_left
from typing import NamedTuple

from prometheus_client import Counter, Histogram

# Seconds. A chat answers in some; its stream may go on for minutes.
DURATIONS = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900)


class Poured(Histogram):
    """A histogram that takes many times together."""

    def take(self, counts: list[int], seconds: float) -> None:
        """Add to each bucket its count; all of them together took `seconds`."""
        for bucket, count in zip(self._buckets, counts, strict=True):
            if count:
                bucket.inc(count)
        self._sum.inc(seconds)


class Times:
    """How long something took, each time."""

    __slots__ = ("_counts", "_into", "_labels", "_poured", "_poured_seconds", "_seconds")

    def __init__(self, into: Poured, labels: tuple[str, ...]) -> None:
        self._into = into
        self._labels = labels
        self._counts = [0] * (len(DURATIONS) + 1)  # each bucket's, and of what is longer than all
        self._poured = list(self._counts)
        self._seconds = self._poured_seconds = 0.0

    def note(self, seconds: float) -> None:
        self._counts[bisect_left(DURATIONS, seconds)] += 1
        self._seconds += seconds

    def pour(self) -> None:
        counts, seconds = list(self._counts), self._seconds
        if counts == self._poured:
            return
        new = [now - then for now, then in zip(counts, self._poured, strict=True)]
        self._into.labels(*self._labels).take(new, seconds - self._poured_seconds)
        self._poured, self._poured_seconds = counts, seconds


class Kind(NamedTuple):
    """What an exchange is counted as."""

    org: str
    upstream: str
    operation: str
    code: str | int  # the gateway's own, else the status


class Tally:
    """How many exchanges of one kind there were; the times are those of all of its operation."""

    __slots__ = ("_kind", "_poured", "count", "durations", "first_bytes")

    def __init__(self, kind: Kind, durations: Times, first_bytes: Times) -> None:
        self._kind = kind
        self._poured = 0
        self.count = 0
        self.durations = durations
        self.first_bytes = first_bytes

    def pour(self, into: Counter) -> None:
        count = self.count
        if count > self._poured:
            into.labels(*self._kind).inc(count - self._poured)
            self._poured = count
