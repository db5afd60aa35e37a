import pytest

from gateway.core.people.identity import Person
from gateway.limits import Unlimited
from gateway.ports import Record
from gateway.vendors.chatbase import VENDOR

pytestmark = pytest.mark.anyio
CHAT = VENDOR.operations["chat"]
ALICE = Person("acme", "alice")


async def test_admits_everybody_any_number_of_times_at_once() -> None:
    limits, record = Unlimited(), Record("r", "POST", 0.0)
    one, another = (limits.admit(ALICE, "support", CHAT, record) for _ in range(2))
    async with one, another:
        await one.spend()
        await another.spend()
    assert record.quotas == ()
    assert limits.told("support", CHAT) == ()
