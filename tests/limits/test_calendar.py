from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.limits.quota import Period
from gateway.limits.calendar import Calendar, window
from tests.support.clock import WoundClock


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("period", "now", "name", "ends"),
    [
        ("day", "2026-11-22T00:00:00", "2026-11-22", "2026-11-23"),
        ("day", "2026-11-22T23:59:59", "2026-11-22", "2026-11-23"),
        ("day", "2028-02-28T12:00:00", "2028-02-28", "2028-02-29"),
        ("month", "2026-11-22T13:00:00", "2026-11", "2026-12-01"),
        ("month", "2026-12-31T23:59:59", "2026-12", "2027-01-01"),
        ("month", "2028-02-29T00:00:00", "2028-02", "2028-03-01"),
        ("month", "2038-01-19T03:14:08", "2038-01", "2038-02-01"),
    ],
)
def test_days_and_months_are_those_of_utc(period: Period, now: str, name: str, ends: str) -> None:
    found = window(period, at(now))
    assert (found.name, found.ends) == (name, at(ends))


@given(st.sampled_from(["day", "month"]), st.integers(0, 4_000_000_000))
def test_every_moment_is_in_its_window_and_the_next_begins_where_it_ends(
    period: Period, now: int
) -> None:
    found = window(period, now)
    assert found.begins <= now < found.ends
    assert window(period, found.ends).begins == found.ends
    assert window(period, found.ends - 1) == found


def test_the_present_window_turns_with_the_clock_in_both_directions() -> None:
    clock = WoundClock(at("2026-11-22T23:59:59"))
    calendar = Calendar(clock)
    assert calendar.window("day", calendar.now()).name == "2026-11-22"
    clock.now += 1
    assert calendar.window("day", calendar.now()).name == "2026-11-23"
    clock.now -= 1
    assert calendar.window("day", calendar.now()).name == "2026-11-22"
    assert calendar.window("month", calendar.now()).name == "2026-11"
