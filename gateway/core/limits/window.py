"""Requests in the last so many seconds: a sliding window of two counters.

Of the window before, as much counts as still lies in the last `seconds`, as if its requests had
come evenly. So a limit needs two numbers a person, whatever it allows, and a burst at the seam of
two windows does not pass twice. The clock is monotonic, in seconds; counts are of any one unit.
"""

import math
from collections.abc import Callable, MutableMapping


class Windows:
    """The counters of every key, for windows of one length.

    Counters live in the table of their window; with the window the table goes, so nothing is ever
    searched for what has expired. `table` makes one: another may keep a few keys and not all.
    """

    def __init__(self, seconds: int, table: Callable[[], MutableMapping[str, int]] = dict) -> None:
        self._seconds = seconds
        self._index = 0
        self._table = table
        self._current = table()
        self._before = table()

    def __len__(self) -> int:
        return len(self._current) + len(self._before)

    def take(self, key: str, cost: int, limit: int, now: float) -> tuple[float, float]:
        """Count `cost` more for `key`, unless more than `limit` would count then.

        Returns:
            What is left of the limit after that; less than 0: there is no room, and nothing was
            counted. And in how many seconds the next window begins.
        """
        left = self._index + 1 - now / self._seconds
        if not 0 < left <= 1:
            left = 1 - self._turn(now)
        current = self._current
        counted = current[key] + cost if key in current else cost
        room: float = limit - counted
        if key in self._before:
            room -= self._before[key] * left
        if room >= 0:
            current[key] = counted
        return room, self._seconds * left

    def give_back(self, key: str, cost: int) -> None:
        """Undo what has just been counted, so that nothing is kept of who was refused."""
        self._current[key] -= cost
        if not self._current[key]:
            del self._current[key]

    def wait(self, key: str, room: int, now: float) -> float:
        """Seconds until no more than `room` counts for `key`, if nobody adds to it."""
        passed = self._turn(now)
        current, before = self._current.get(key, 0), self._before.get(key, 0)
        if current <= room:
            share = (room - current) / before if before else 1.0
            return max(0.0, 1 - share - passed) * self._seconds
        return (1 - passed + 1 - room / current) * self._seconds

    def _turn(self, now: float) -> float:
        """Go on to the window of `now`; how much of it has passed, from 0 to 1."""
        windows = now / self._seconds
        index = math.floor(windows)
        if index != self._index:
            self._before = self._current if index == self._index + 1 else self._table()
            self._current = self._table()
            self._index = index
        return windows - index
