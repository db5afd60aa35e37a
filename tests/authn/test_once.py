import pytest

from gateway.authn.once import REMEMBERED, Once
from gateway.core.events.signature import TOLERANCE

pytestmark = pytest.mark.anyio


async def test_a_name_is_first_once() -> None:
    once = Once()
    assert await once.is_first("acme", "support", "orders", "m-1")
    assert not await once.is_first("acme", "support", "orders", "m-1")


async def test_no_two_callers_share_a_name() -> None:
    once = Once()
    names = [("a", "b", "m"), ("ab", "m"), ("a", "bm"), ("a", "b", "n")]
    assert all([await once.is_first(*name) for name in names])


def test_it_is_known_for_as_long_as_its_time_stamp_may_count() -> None:
    """Signed five minutes ahead, and sent again until it is five minutes old."""
    once = Once()
    assert (once._known.ttl, once._known.maxsize) == (2 * TOLERANCE, REMEMBERED)


def test_the_limits_are_these() -> None:
    assert REMEMBERED == 100_000
