"""Whether the store takes writes: on a full disk it is read as ever, and nothing more is kept."""

import time
from collections.abc import Callable

SURE = 1.0  # seconds of failures alone: one may be of its own rows, and several of a busy moment
STEADY = 10.0  # seconds without a failure: of a disk that is nearly full, some writes come through


class Writing:
    """How the last transactions of one database ended. `monotonic` is in seconds."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._failed_at = -STEADY
        self._failing_since: float | None = None
        self.fails = False  # none is written now, as far as is known
        self._cause = ""

    @property
    def is_in_doubt(self) -> bool:
        """Whether the last one failed: another is to be tried."""
        return self._failing_since is not None

    @property
    def refuses(self) -> str:
        """Why nothing is written, in a word of the database's; "" where it is."""
        steady = self._monotonic() - self._failed_at >= STEADY
        return "" if steady and not self.fails else self._cause

    def failed(self, cause: str) -> None:
        now = self._monotonic()
        if self._failing_since is None:
            self._failing_since = now
        if now - self._failing_since >= SURE or self.refuses:
            self.fails, self._failed_at, self._cause = True, now, cause

    def succeeded(self) -> None:
        self.fails, self._failing_since = False, None
