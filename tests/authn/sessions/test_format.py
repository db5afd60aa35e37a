"""When a session is over."""

import pytest

from gateway.authn.sessions.format import AHEAD, Session, expiry
from gateway.core.errors import CredentialsExpired, CredentialsInvalid


@pytest.mark.parametrize("now", [1000.0, 1000.0 - AHEAD, 1099.9])
def test_a_session_is_good_from_its_signature_until_its_age(now: float) -> None:
    assert expiry(1000.0, max_age=100.0, now=now) == 1100.0


@pytest.mark.parametrize("now", [1100.0, 1e9])
def test_it_is_over_then(now: float) -> None:
    with pytest.raises(CredentialsExpired):
        expiry(1000.0, max_age=100.0, now=now)


def test_nobody_signs_in_a_time_to_come() -> None:
    with pytest.raises(CredentialsInvalid):
        expiry(1000.0 + AHEAD + 1, max_age=100.0, now=1000.0)


def test_a_session_is_not_shown() -> None:
    assert "alice" not in repr(Session({"user": "alice"}, None))


def test_the_limits_are_these() -> None:
    assert AHEAD == 30
