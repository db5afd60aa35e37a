"""How long to wait before something is tried again, and when to leave a receiver alone.

Each attempt that fails makes the next wait three times as long, up to a bound, and a random part of
it is left out: whoever failed together does not come back together (AWS, "Exponential backoff and
jitter"). The clock is monotonic, in seconds.
"""

from dataclasses import dataclass

FACTOR = 3.0
MOST_STEPS = 24  # 3**24 times the first wait is beyond any bound


@dataclass(frozen=True, slots=True)
class Waits:
    """The first wait and the longest one, in seconds."""

    first: float
    longest: float

    def after(self, failures: int, chance: float) -> float:
        """The wait after so many failures, at least one; `chance` is from 0 to 1."""
        whole: float = min(self.longest, self.first * FACTOR ** min(failures - 1, MOST_STEPS))
        return whole * (0.5 + chance / 2)


class Patience:
    """One receiver, as its attempts have found it: while it is away, one attempt at a time."""

    def __init__(self, waits: Waits, at_once: int) -> None:
        self._waits = waits
        self._at_once = at_once
        self._failures = 0
        self._failed_at = 0.0
        self.until = 0.0  # nothing is tried before

    @property
    def is_away(self) -> bool:
        return self._failures > 0

    def room(self, running: int, now: float) -> int:
        """How many attempts may begin beside those that run."""
        if now < self.until:
            return 0
        return max(0, (1 if self.is_away else self._at_once) - running)

    def found(self) -> None:
        """Note that the receiver has answered."""
        self._failures, self.until = 0, 0.0

    def missed(
        self, began: float, now: float, chance: float, *, asked: float | None = None
    ) -> None:
        """Note that an attempt which `began` then has failed; all times are in seconds.

        `asked` is for how long the receiver wants to be left alone, where it has said so. Attempts
        that ran side by side have seen one absence, not many.
        """
        if began < self._failed_at:
            return
        self._failures += 1
        self._failed_at = now
        wait = self._waits.after(self._failures, chance)
        self.until = now + max(wait, min(asked or 0.0, self._waits.longest))
