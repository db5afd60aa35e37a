import time

import pytest

from gateway.authn import once as module
from gateway.authn.once import REMEMBERED, Once
from gateway.core.signature import TOLERANCE


def test_a_name_is_first_once() -> None:
    once = Once()
    assert once.is_first("acme", "support", "orders", "m-1")
    assert not once.is_first("acme", "support", "orders", "m-1")


def test_no_two_callers_share_a_name() -> None:
    once = Once()
    names = [("a", "b", "m"), ("ab", "m"), ("a", "bm"), ("a", "b", "n")]
    assert all(once.is_first(*name) for name in names)


def test_it_is_known_for_as_long_as_its_time_stamp_may_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Signed five minutes ahead, and sent again until it is five minutes old."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    once = Once()
    assert module.TTLCache is type(once._known)
    assert (once._known.ttl, once._known.maxsize) == (2 * TOLERANCE, REMEMBERED)
