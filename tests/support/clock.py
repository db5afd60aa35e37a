"""A clock that stands still until a test winds it, and one that a busy machine cannot hurry."""

import time
from pathlib import Path

_SCHEDULED = Path("/proc/thread-self/schedstat")  # nanoseconds: run, ready to run; and how often


class WoundClock:
    """Seconds since the epoch, as told: `clock.now += 61`."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class OwnTime:
    """Seconds that pass for this thread: while it runs or waits for something, and not while it
    could run and others have the processors.

        watch = OwnTime()
        ...
        assert watch() < 0.1     # holds or not, whatever else the machine does
    """

    def __init__(self) -> None:
        self._began = _own()

    def __call__(self) -> float:
        return _own() - self._began


def _own() -> float:
    try:
        ready = int(_SCHEDULED.read_text().split()[1]) / 1e9
    except (OSError, IndexError):  # another system: then it is as any clock
        ready = 0.0
    return time.monotonic() - ready
