from datetime import UTC, datetime

import pytest

from gateway.store.when import when

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("2026-11-22", "2026-11-22T00:00:00+00:00"),
        ("2026-11-22T10:00:00Z", "2026-11-22T10:00:00+00:00"),
        ("2026-11-22T10:00:00+02:00", "2026-11-22T08:00:00+00:00"),
        ("90m", "2026-11-22T10:30:00+00:00"),
        ("24h", "2026-11-21T12:00:00+00:00"),
        ("7d", "2026-11-15T12:00:00+00:00"),
        ("1901-01-01", "1970-01-01T00:00:00+00:00"),
        ("999999d", "1970-01-01T00:00:00+00:00"),
    ],
)
def test_a_time_is_a_day_a_time_or_how_long_ago(written: str, found: str) -> None:
    assert when(written, NOW) == datetime.fromisoformat(found).timestamp() * 1000


@pytest.mark.parametrize(
    "written", ["yesterday", "", "7", "7w", "2026-13-01", "-7d", "\u0667d", "9999999d"]
)
def test_anything_else_is_none(written: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of the standard library, in its words
        when(written, NOW)
