"""A clock that stands still until a test winds it."""


class WoundClock:
    """Seconds since the epoch, as told: `clock.now += 61`."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
