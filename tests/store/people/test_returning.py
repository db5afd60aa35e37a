import pytest

from gateway.core.errors import IdentityNotRepresentable
from gateway.core.people.identity import OPAQUE, Person
from gateway.store.ledger import Ledger
from gateway.store.people.erasing import erase
from gateway.store.store import Store

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patience")]

ALICE, BOB = Person("acme", "alice"), Person("acme", "bob")


async def erased(store: Store, subject: str) -> Ledger:
    """The ledger of a process that begins after somebody was erased."""
    await erase(store.database, "acme", subject, by="operator:x", settled=0, pause=0)
    return Ledger(store.database)


async def test_whoever_comes_by_the_same_name_gets_an_id_of_their_own(store: Store) -> None:
    assert await store.ledger.user_id("support", ALICE, "alice") == "alice"
    ledger = await erased(store, "alice")
    fresh = await ledger.user_id("support", ALICE, "alice")
    assert OPAQUE.fullmatch(fresh)
    assert await ledger.user_id("support", ALICE, "alice") == fresh
    assert await Ledger(store.database).user_id("support", ALICE, "other") == fresh
    assert await ledger.person_named("support", "acme", fresh) == ALICE
    assert await ledger.person_named("support", "acme", "alice") is None
    assert await ledger.user_id("docs", ALICE, "alice") == "alice", "nobody was known there"


async def test_so_does_somebody_else_who_is_to_have_that_id(store: Store) -> None:
    await store.ledger.user_id("support", ALICE, "shared-name")
    ledger = await erased(store, "alice")
    assert OPAQUE.fullmatch(await ledger.user_id("support", BOB, "shared-name"))


async def test_others_have_the_ids_they_would_have(store: Store) -> None:
    await store.ledger.user_id("support", ALICE, "alice")
    await store.ledger.user_id("support", BOB, "bob")
    ledger = await erased(store, "alice")
    assert await ledger.user_id("support", BOB, "other") == "bob"
    assert await ledger.user_id("support", Person("acme", "carol"), "carol") == "carol"
    assert await ledger.user_id("support", Person("globex", "alice"), "alice") == "alice"
    with pytest.raises(IdentityNotRepresentable):
        await ledger.user_id("support", Person("acme", "dave"), "bob")
