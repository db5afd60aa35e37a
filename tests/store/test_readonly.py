import pytest

from gateway.core.errors import LedgerUnavailable
from gateway.core.people.identity import Person
from gateway.ports import Whose
from gateway.store.readonly import ReadOnlyLedger
from gateway.store.store import Store

pytestmark = pytest.mark.anyio
ALICE, BOB = Person("acme", "alice"), Person("acme", "bob")


async def test_answers_as_the_ledger_does_and_writes_nothing(url: str) -> None:
    store = await Store.open(url)
    try:
        await store.ledger.claim("support", "c-1", ALICE)
        await store.ledger.user_id("support", ALICE, "alice")
        looking = ReadOnlyLedger(store.ledger)
        assert await looking.whose("support", "c-1", ALICE) is Whose.THEIRS
        assert await looking.whose("support", "c-1", BOB) is Whose.ANOTHERS
        assert await looking.user_id("support", ALICE, "other") == "alice"
        assert await looking.user_id("support", BOB, "bob") == "bob"
        assert looking.remembered_user_id("support", ALICE) == "alice"
        assert looking.remembered_user_id("support", BOB) is None
        assert await store.ledger.known_user_id("support", BOB) is None
        with pytest.raises(LedgerUnavailable):
            await looking.claim("support", "c-2", ALICE)
    finally:
        await store.aclose()
