import pytest

from gateway.core.identity import Identity
from gateway.limits import Unlimited


def test_admits_everybody_any_number_of_times_at_once() -> None:
    limits = Unlimited()
    alice = Identity("acme", "alice")
    with limits.admit(alice, "support"), limits.admit(alice, "support"):
        pass


def test_lets_what_goes_wrong_inside_out() -> None:
    with pytest.raises(ZeroDivisionError), Unlimited().admit(Identity("acme", "bob"), "support"):
        raise ZeroDivisionError
