"""How long is waited, and when a receiver is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.events.patience import Patience, Waits

WAITS = Waits(first=1.0, longest=60.0)


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_a_wait_is_bounded(failures: int, chance: float) -> None:
    assert 0.5 <= WAITS.after(failures, chance) <= 60


def test_waits_grow() -> None:
    assert [WAITS.after(count, 1.0) for count in range(1, 7)] == [1, 3, 9, 27, 60, 60]
    assert WAITS.after(1, 0.0) == 0.5


def test_who_is_there_gets_several_at_once() -> None:
    patience = Patience(WAITS, at_once=4)
    assert [patience.room(running, 0.0) for running in (0, 3, 4, 5)] == [4, 1, 0, 0]


def test_who_is_away_gets_one_now_and_then() -> None:
    patience = Patience(WAITS, at_once=4)
    patience.missed(0.0, 10.0, 1.0)
    assert patience.is_away
    assert patience.room(0, 10.9) == 0
    assert (patience.room(0, 11.0), patience.room(1, 11.0)) == (1, 0)
    patience.missed(11.0, 12.0, 1.0)
    assert patience.until == 15.0
    patience.found()
    assert (patience.room(0, 12.0), patience.is_away) == (4, False)


def test_attempts_side_by_side_see_one_absence() -> None:
    patience = Patience(WAITS, at_once=4)
    for began in (0.0, 0.1, 0.2):
        patience.missed(began, 1.0 + began, 1.0)
    assert patience.until == 2.0


@pytest.mark.parametrize(("asked", "until"), [(0.1, 2.0), (30.0, 31.0), (3600.0, 61.0)])
def test_who_asks_to_be_left_alone_is_within_reason(asked: float, until: float) -> None:
    patience = Patience(WAITS, at_once=4)
    patience.missed(0.0, 1.0, 1.0, asked=asked)
    assert patience.until == until


def test_who_was_there_again_and_goes_is_away() -> None:
    patience = Patience(WAITS, at_once=4)
    patience.missed(0.0, 10.0, 1.0)
    patience.found()
    assert patience.until == 0.0
    patience.missed(20.0, 21.0, 1.0)
    assert (patience.is_away, patience.until) == (True, 22.0)


def test_who_asks_for_nothing_is_left_for_as_long_as_chance_says() -> None:
    patience = Patience(WAITS, at_once=4)
    patience.missed(0.0, 1.0, 0.0)
    assert patience.until == 1.5
