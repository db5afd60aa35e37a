from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.admin.throttle import MOST_ADDRESSES, MOST_WRONG, WINDOW, Throttle, network_of
from gateway.core.errors import TooManyRequests
from tests.admin.stage import TOKEN, Operators, operators
from tests.support.clock import WoundClock


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[Operators]:
    async with operators(tmp_path) as there:
        yield there


def is_let(throttle: Throttle, address: str) -> bool:
    try:
        throttle.check(address)
    except TooManyRequests:
        return False
    return True


def test_so_many_wrong_ones_and_then_a_pause() -> None:
    clock = WoundClock(0.0)
    throttle = Throttle(clock)
    for _ in range(MOST_WRONG):
        assert is_let(throttle, "192.0.2.1")
        throttle.note("192.0.2.1")
    assert not is_let(throttle, "192.0.2.1")
    assert is_let(throttle, "192.0.2.2")
    clock.now += WINDOW - 1
    assert not is_let(throttle, "192.0.2.1")
    clock.now += 1
    assert is_let(throttle, "192.0.2.1")
    throttle.note("192.0.2.1")
    assert is_let(throttle, "192.0.2.1"), "it is counted from the beginning"


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "", True),
        ("a socket", "another", False),
    ],
)
def test_of_ipv6_a_network_counts_as_one(one: str, other: str, is_same: bool) -> None:
    assert (network_of(one) == network_of(other)) is is_same


def test_it_remembers_no_more_than_so_many() -> None:
    throttle = Throttle()
    for number in range(MOST_ADDRESSES + 100):
        throttle.note(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(throttle._wrong) == MOST_ADDRESSES


@pytest.mark.anyio
@pytest.mark.one_process("each counts wrong tokens for itself")
async def test_who_guesses_is_not_told_whether_a_guess_was_right(there: Operators) -> None:
    """Row Z-03: ten wrong tokens a minute; then none is looked at, were it the right one."""
    for number in range(MOST_WRONG):
        answer = await there.ask("/usage", token=f"{TOKEN[:-2]}{number:02}")
        assert answer.status == 401
    for token in (TOKEN, "another"):
        answer = await there.ask("/usage", token=token)
        assert answer.status == 429
        assert 0 < int(answer.values("retry-after")[0]) <= WINDOW + 1
    assert (await there.ask("/livez", token=None)).status == 200


@pytest.mark.anyio
async def test_who_shows_no_token_guesses_nothing(there: Operators) -> None:
    for _ in range(MOST_WRONG + 2):
        assert (await there.ask("/usage", token=None)).status == 401
    assert (await there.ask("/usage")).status == 200
