"""A vendor's own limit for one key, shared among the people behind it.

A call is granted while its person's calls in the window are fewer than twice what is still free.
One busy person alone gets two thirds, two get two fifths each, n get 2/(2n+1): those who are busy
end up with equal shares, whatever they started with, and something is always free for whoever
comes next. Nobody needs to be counted for that. (Switches share buffers among queues so: Choudhury
and Hahne, Dynamic Queue Length Thresholds, 1998.)

The window moves with each call, for a vendor's own window begins at any time.
"""

from collections import Counter, deque

GREED = 2  # how many times what is free one person may have


class FairShare:
    """The calls of the last `seconds`, `limit` at most. The clock is monotonic, in seconds."""

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._calls: deque[tuple[float, str]] = deque()
        self._of: Counter[str] = Counter()

    def take(self, person: str, now: float) -> bool:
        """Count a call, if it may be made now."""
        self._forget(now - self._seconds)
        if self._of[person] >= GREED * self.free:
            return False
        self._of[person] += 1
        self._calls.append((now, person))
        return True

    @property
    def free(self) -> int:
        """How many calls the vendor would take, as of the last `take`."""
        return self._limit - len(self._calls)

    def wait(self, now: float) -> float:
        """Seconds until something becomes free."""
        return self._calls[0][0] + self._seconds - now if self._calls else 0.0

    def _forget(self, until: float) -> None:
        while self._calls and self._calls[0][0] <= until:
            _, person = self._calls.popleft()
            self._of[person] -= 1
            if not self._of[person]:
                del self._of[person]
