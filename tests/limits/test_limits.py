import pytest

from gateway.core.identity import Person
from gateway.limits import Unlimited
from gateway.ports import Record
from gateway.vendors.chatbase import VENDOR

pytestmark = pytest.mark.anyio
CHAT = VENDOR.operations["chat"]
ALICE = Person("acme", "alice")


async def test_admits_everybody_any_number_of_times_at_once() -> None:
    limits, record = Unlimited(), Record("r", "POST", 0.0)
    for enter in (limits.admit, limits.spend):
        asked = ALICE, "support", CHAT, record
        async with enter(*asked), enter(*asked):
            pass
    assert record.quotas == []
    assert limits.told("support", CHAT) == ()


async def test_lets_what_goes_wrong_inside_out() -> None:
    asked = ALICE, "support", CHAT, Record("r", "POST", 0.0)
    with pytest.raises(ZeroDivisionError):
        async with Unlimited().admit(*asked):
            raise ZeroDivisionError
