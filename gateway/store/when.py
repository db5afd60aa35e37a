"""Times as people write them: a day, a time, or how long ago."""

import re
from datetime import UTC, datetime, timedelta

HINT = "a day (2026-11-22), a time (2026-11-22T10:00:00Z), or how long ago (90m, 24h, 7d)"
_AGO = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def when(written: str, now: datetime) -> int:
    """A time in milliseconds since the epoch; what is before that is 0.

    Raises:
        ValueError: it is none.
    """
    if ago := _AGO.fullmatch(written):
        try:
            found = now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        except OverflowError:
            return 0
    else:
        found = datetime.fromisoformat(written)
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return max(0, int(found.timestamp() * 1000))
