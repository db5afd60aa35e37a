from gateway.core.quota import Quota, fields


def test_says_what_is_allowed_and_what_is_left() -> None:
    """The example of draft-ietf-httpapi-ratelimit-headers-11."""
    quotas = [
        Quota("per-user", 60, 12, 60, 31),
        Quota("budget-per-user", 9, 3, 86400, 7, "credits"),
    ]
    assert fields(quotas) == [
        (b"ratelimit-policy", b'"per-user";q=60;w=60, "budget-per-user";q=9;qu="credits";w=86400'),
        (b"ratelimit", b'"per-user";r=12;t=31, "budget-per-user";r=3;t=7'),
    ]


def test_what_has_no_window_has_no_time() -> None:
    quota = Quota("per-user-streams", 5, 0, unit="concurrent-requests")
    assert fields([quota]) == [
        (b"ratelimit-policy", b'"per-user-streams";q=5;qu="concurrent-requests"'),
        (b"ratelimit", b'"per-user-streams";r=0'),
    ]


def test_without_limits_nothing_is_said() -> None:
    assert fields([]) == []
