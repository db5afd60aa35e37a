from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.limits.fairshare import FairShare


def test_one_busy_person_leaves_a_third() -> None:
    share = FairShare(100, 10.0)
    assert sum(share.take("robot", 0.0) for _ in range(500)) == 67
    assert share.free == 33
    assert share.take("human", 0.1)


def test_who_comes_late_is_served_and_gets_as_much_in_the_end() -> None:
    share, granted = FairShare(100, 10.0), Counter[str]()
    for step in range(6000):  # 60 seconds; the second one begins after 20
        now = step / 100
        for person in ("first", "second")[: 1 + (now >= 20)]:
            if share.take(person, now) and now >= 40:
                granted[person] += 1
        if step % 500 == 250:
            assert share.take(f"human {step}", now), "starved"
    assert abs(granted["first"] - granted["second"]) <= 10
    assert sum(granted.values()) > 120  # of 200 in these 20 seconds


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
def test_a_small_limit_is_used(limit: int) -> None:
    share = FairShare(limit, 10.0)
    assert share.take("a", 0.0)
    assert sum(share.take(f"p{n}", 0.0) for n in range(100)) == limit - 1
    assert share.wait(0.0) == 10.0
    assert not share.take("late", 9.9)
    assert share.take("late", 10.0)


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(0, 3)), max_size=200),
    st.integers(1, 20),
)
def test_in_no_time_so_long_does_the_vendor_get_more(
    asks: list[tuple[str, float]], limit: int
) -> None:
    share, now = FairShare(limit, 10.0), 0.0
    granted: list[float] = []
    for person, passed in asks:
        now += passed
        if share.take(person, now):
            granted.append(now)
        assert share.free >= 0
    for start in granted:
        assert sum(start <= one < start + 10.0 for one in granted) <= limit


@given(st.lists(st.sampled_from("abcdef"), max_size=300), st.integers(1, 50))
def test_a_person_without_a_call_is_refused_only_when_nothing_is_free(
    asks: list[str], limit: int
) -> None:
    share, called = FairShare(limit, 10.0), Counter[str]()
    for person in asks:
        if share.take(person, 0.0):
            called[person] += 1
        elif not called[person]:
            assert share.free == 0


def test_who_waits_is_told_when_the_first_call_is_over() -> None:
    share = FairShare(2, 10.0)
    assert share.wait(1.0) == 0.0
    assert (share.take("a", 1.0), share.take("b", 4.0)) == (True, True)
    assert share.wait(5.0) == 6.0
