import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.limits.window import Windows

MUCH = 10**9


def add(windows: Windows, key: str, cost: int, now: float) -> None:
    assert windows.take(key, cost, MUCH, now)[0] >= 0


def look(windows: Windows, key: str, now: float) -> tuple[float, float]:
    """How much counts for it, and in how many seconds the next window begins."""
    room, left = windows.take(key, 0, 0, now)
    return -room, left


def test_counts_what_came_in_this_window() -> None:
    windows = Windows(60)
    add(windows, "a", 10, 120.0)
    add(windows, "a", 1, 150.0)
    add(windows, "b", 5, 150.0)
    assert look(windows, "a", 179.0)[0] == 11
    assert look(windows, "b", 179.0)[0] == 5
    assert look(windows, "c", 179.0)[0] == 0


def test_of_the_window_before_counts_what_lies_in_the_last_seconds() -> None:
    windows = Windows(60)
    add(windows, "a", 40, 119.0)
    assert look(windows, "a", 120.0)[0] == 40
    assert look(windows, "a", 150.0)[0] == 20
    assert look(windows, "a", 165.0)[0] == 10


def test_a_burst_at_the_seam_of_two_windows_does_not_pass_twice() -> None:
    windows = Windows(60)
    add(windows, "a", 60, 119.9)
    assert look(windows, "a", 120.1)[0] > 59


def test_what_is_older_is_forgotten_with_its_window() -> None:
    windows = Windows(60)
    for number in range(1000):
        add(windows, f"k{number}", 1, 60.0)
    assert len(windows) == 1000
    add(windows, "a", 1, 121.0)
    assert len(windows) == 1001
    add(windows, "a", 1, 181.0)
    assert len(windows) == 2
    add(windows, "a", 1, 1000.0)
    assert len(windows) == 1


def test_what_there_is_no_room_for_is_not_counted() -> None:
    windows = Windows(60)
    assert windows.take("a", 10, 25, 60.0) == (15, 60)
    assert windows.take("a", 10, 25, 60.0) == (5, 60)
    assert windows.take("a", 10, 25, 60.0) == (-5, 60)
    assert windows.take("a", 5, 25, 60.0) == (0, 60), "to the last of it"
    assert look(windows, "a", 60.0)[0] == 25
    assert windows.take("a", 1, 25, 120.0) == (-1, 60), "the whole of the window before counts"
    assert windows.take("a", 10, 25, 150.0) == (2.5, 30)


def test_what_is_given_back_counts_no_more() -> None:
    windows = Windows(60)
    add(windows, "a", 10, 60.0)
    add(windows, "a", 5, 60.0)
    windows.give_back("a", 5)
    assert look(windows, "a", 60.0)[0] == 10
    windows.give_back("a", 10)
    assert len(windows) == 0


def test_says_when_the_next_window_begins() -> None:
    assert look(Windows(60), "a", 75.0)[1] == 45


@pytest.mark.parametrize(
    ("before", "current", "room", "now", "wait"),
    [
        pytest.param(40, 0, 10, 120.0, 45.0, id="three quarters of the one before must pass"),
        pytest.param(40, 0, 10, 150.0, 15.0, id="half of it has"),
        pytest.param(40, 0, 10, 165.0, 0.0, id="all of it has"),
        pytest.param(40, 5, 15, 120.0, 45.0, id="what has come since has its part of the room"),
        pytest.param(0, 5, 5, 150.0, 0.0, id="just room enough"),
        pytest.param(0, 20, 5, 135.0, 90.0, id="three quarters of this one must pass, in the next"),
        pytest.param(40, 20, 5, 135.0, 90.0, id="whatever came before it"),
    ],
)
def test_the_wait_is_until_the_window_has_moved_far_enough(
    before: int, current: int, room: int, now: float, wait: float
) -> None:
    windows = Windows(60)
    add(windows, "a", before, 60.0)
    add(windows, "a", current, 120.0)
    assert windows.wait("a", room, now) == wait
    assert windows.wait("b", room, now) == 0


@given(
    st.lists(st.tuples(st.floats(0, 200), st.integers(1, 30)), max_size=20),
    st.integers(0, 60),
)
def test_after_the_wait_there_is_room(adds: list[tuple[float, int]], room: int) -> None:
    windows, now = Windows(60), 0.0
    for passed, cost in adds:
        now += passed
        add(windows, "a", cost, now)
    wait = windows.wait("a", room, now)
    assert wait >= 0
    if wait > 0.01:
        assert look(windows, "a", now + wait - 0.005)[0] > room
    assert look(windows, "a", now + wait + 0.001)[0] <= room + 1e-6
