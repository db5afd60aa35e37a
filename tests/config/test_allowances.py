import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.allowances import (
    Reserve,
    allowance,
    budget,
    rate,
    reserve,
    vendor_limit,
    written_allowance,
    written_budget,
    written_rate,
    written_reserve,
)
from gateway.core.limits.quota import Budget, Rate, Streams


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("60/minute", Rate(60, 60)),
        ("60/min", Rate(60, 60)),
        ("60 / minute", Rate(60, 60)),
        ("5/s", Rate(5, 1)),
        ("5/seconds", Rate(5, 1)),
        ("100/10s", Rate(100, 10)),
        ("100/10 seconds", Rate(100, 10)),
        ("7/2h", Rate(7, 7200)),
        ("1/31d", Rate(1, 31 * 86_400)),
        ("5 streams", Streams(5)),
        ("1 stream", Streams(1)),
    ],
)
def test_reads_what_is_allowed(written: str, expected: Rate | Streams) -> None:
    assert allowance(written) == expected


@pytest.mark.parametrize(
    "written",
    [
        *("", "60", "60/", "/minute", "0/minute", "-1/minute", "1.5/minute", "60/fortnight"),
        *("60/minute\n", " 60/minute", "60/ss", "60/Minute", "6٣/minute", "60 per minute"),
        *("0 streams", "5streams", "5 Streams", "streams", "1/32d", "1/minute, 5 streams"),
        *(60, 60.0, True, None, ["60/minute"]),
    ],
)
def test_refuses_what_says_something_else(written: object) -> None:
    with pytest.raises(ValueError, match=r"as in \"5 streams\"|31 days"):
        allowance(written)


def test_a_vendors_limit_can_be_remembered_call_by_call() -> None:
    assert vendor_limit("10000/minute") == Rate(10_000, 60)
    with pytest.raises(ValueError, match="write it for a shorter time"):
        vendor_limit("10001/minute")
    with pytest.raises(ValueError, match='as in "60/minute" or "100/10s"'):
        vendor_limit("5 streams")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("200 credits/day", Budget(200_000, "credits", "day")),
        ("1 credit/day", Budget(1000, "credits", "day")),
        ("0.125 credits/month", Budget(125, "credits", "month")),
        ("2000000 tokens / month", Budget(2_000_000_000, "tokens", "month")),
    ],
)
def test_reads_a_budget(written: str, expected: Budget) -> None:
    assert budget(written) == expected


@pytest.mark.parametrize(
    "written",
    [
        *(
            "",
            "200",
            "200 credits",
            "200/day",
            "0 credits/day",
            "0.000 credits/day",
            "-1 credits/day",
        ),
        *("0.0001 credits/day", "200 credits/week", "200 dollars/day", "1e3 credits/day"),
        *("200 credits/day ", "inf credits/day", "1_000 credits/day", 200, None),
    ],
)
def test_refuses_what_is_no_budget(written: object) -> None:
    with pytest.raises(ValueError, match='as in "200 credits/day"'):
        budget(written)


def test_reads_a_reserve() -> None:
    assert reserve("1 credit") == Reserve(1000, "credits")
    assert reserve("0.5 credits") == Reserve(500, "credits")
    assert reserve("1500 tokens") == Reserve(1_500_000, "tokens")
    for written in ("1", "0 credits", "1 credit/day", "credit", 1, None):
        with pytest.raises(ValueError, match='as in "1 credit"'):
            reserve(written)


@given(st.integers(1, 10**6), st.integers(1, 31 * 86_400))
def test_a_rate_is_written_as_it_is_read(count: int, seconds: int) -> None:
    assert rate(written_rate(Rate(count, seconds))) == Rate(count, seconds)
    assert allowance(written_allowance(Streams(count))) == Streams(count)


@given(st.integers(1, 10**12))
def test_so_is_an_amount(thousandths: int) -> None:
    one = Budget(thousandths, "tokens", "month")
    assert budget(written_budget(one)) == one
    held = Reserve(thousandths, "credits")
    assert reserve(written_reserve(held)) == held
