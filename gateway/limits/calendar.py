"""Days and months of UTC, by the clock on the wall: the windows of budgets."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway.core.limits.quota import Period


@dataclass(frozen=True, slots=True)
class Window:
    """One day or month; `begins` and `ends` are in seconds since the epoch."""

    name: str
    begins: float
    ends: float


def window(period: Period, now: float) -> Window:
    """The day or month of `now`, which is in seconds since the epoch."""
    day = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "day":
        return _window(f"{day:%Y-%m-%d}", day, day + timedelta(days=1))
    first = day.replace(day=1)
    return _window(f"{first:%Y-%m}", first, (first + timedelta(days=31)).replace(day=1))


def _window(name: str, begins: datetime, ends: datetime) -> Window:
    return Window(name, begins.timestamp(), ends.timestamp())


class Calendar:
    """The present windows, each worked out once. `clock` is in seconds since the epoch, and tells
    `now`.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.now = clock
        self._present: dict[Period, Window] = {}

    def window(self, period: Period, now: float) -> Window:
        found = self._present.get(period)
        if found is None or not found.begins <= now < found.ends:
            found = self._present[period] = window(period, now)
        return found
