"""A moment by which something must have happened, cheap to move.

An event stream moves its deadline with every chunk. So one timer stays armed, at or before the
moment, and looks at it when it rings: moving it onwards is an assignment, where a timer of its own
for each wait costs two steps in the loop's heap.
"""

import asyncio
import math
from collections.abc import Callable


def _nothing() -> None:
    pass


class Deadline:
    """Calls `overdue` once the moment has passed. There is none at first."""

    __slots__ = ("_armed", "_at", "_loop", "_overdue", "_timer")

    def __init__(self, overdue: Callable[[], None]) -> None:
        self._overdue = overdue
        self._loop = asyncio.get_running_loop()
        self._at = math.inf  # by the loop's clock
        self._armed = math.inf  # when the timer rings; never after `_at`
        self._timer: asyncio.TimerHandle | None = None

    def set(self, seconds: float) -> None:
        """So many seconds from now, in place of the one before."""
        self._at = self._loop.time() + seconds
        if self._at < self._armed:
            self._arm()

    def clear(self) -> None:
        """None for now."""
        self._at = math.inf

    def close(self) -> None:
        """None any more; the loop keeps nothing of it, and it keeps nothing of its owner."""
        self._at = math.inf
        self._armed = -math.inf
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._overdue = _nothing

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed = self._at
        self._timer = self._loop.call_at(self._at, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._armed = math.inf
        if self._loop.time() >= self._at:
            self._at = math.inf
            self._overdue()
        elif self._at < math.inf:
            self._arm()
