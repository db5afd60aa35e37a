from gateway.core.limits.quota import PERIODS, TENTHS, THOUSANDTHS, fields, policy, standing


def test_says_what_is_allowed_and_what_is_left() -> None:
    """The example of draft-ietf-httpapi-ratelimit-headers-11."""
    quotas = [
        (policy("per-user", 60, window=60), f"{standing('per-user')}12;t=31"),
        (
            policy("budget-per-user", 9, window=86400, unit="credits"),
            f"{standing('budget-per-user')}3;t=7",
        ),
    ]
    assert fields(quotas) == [
        (b"ratelimit-policy", b'"per-user";q=60;w=60, "budget-per-user";q=9;qu="credits";w=86400'),
        (b"ratelimit", b'"per-user";r=12;t=31, "budget-per-user";r=3;t=7'),
    ]


def test_what_has_no_window_has_no_time() -> None:
    name = "per-user-streams"
    quota = policy(name, 5, unit="concurrent-requests"), f"{standing(name)}0"
    assert fields([quota]) == [
        (b"ratelimit-policy", b'"per-user-streams";q=5;qu="concurrent-requests"'),
        (b"ratelimit", b'"per-user-streams";r=0'),
    ]


def test_without_limits_nothing_is_said() -> None:
    assert fields([]) == []


def test_amounts_and_times_are_counted_in_these() -> None:
    """Stores hold them."""
    assert (TENTHS, THOUSANDTHS) == (10, 1000)
    assert PERIODS == {"day": 24 * 60 * 60, "month": 31 * 24 * 60 * 60}
