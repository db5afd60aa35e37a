"""What is remembered of contacts, on both databases."""

import pytest

from gateway.core.people.identity import Person
from gateway.ports import Noted
from gateway.store.store import Store

pytestmark = pytest.mark.anyio

ALICE, BOB = Person("acme", "alice"), Person("acme", "bob")


async def noted(store: Store, *subjects: str, org: str = "acme") -> dict[str, Noted]:
    return dict(await store.contacts.noted(org, "support", subjects))


async def test_a_digest_is_what_the_vendor_has(store: Store) -> None:
    assert await noted(store, "alice") == {}
    await store.contacts.sent("acme", "support", {"alice": b"1", "bob": b"2"}, {})
    await store.contacts.sent("acme", "support", {"alice": b"3"}, {})
    found = await noted(store, "alice", "bob", "carol")
    assert found == {"alice": Noted(sent=b"3"), "bob": Noted(sent=b"2")}
    assert await noted(store, "alice", org="globex") == {}


async def test_a_push_is_owed_until_the_vendor_has_it(store: Store) -> None:
    said = {"plan": "pro", "seats": 3, "vip": True, "gone": None, "odd": "\0 caf\u00e9 \U0001f600"}
    await store.contacts.push("support", ALICE, said)
    (kept,) = (await noted(store, "alice")).values()
    assert (kept.sent, kept.pushed) == (None, said)
    assert await store.contacts.owed() == {("acme", "support"): ["alice"]}
    assert kept.owed is not None
    await store.contacts.sent("acme", "support", {"alice": b"1"}, {"alice": kept.owed})
    assert await store.contacts.owed() == {}
    assert (await noted(store, "alice"))["alice"] == Noted(sent=b"1", pushed=said)


async def test_a_push_that_came_meanwhile_is_still_owed(store: Store) -> None:
    await store.contacts.push("support", ALICE, {"plan": "free"})
    (kept,) = (await noted(store, "alice")).values()
    await store.contacts.push("support", ALICE, {"plan": "pro"})
    await store.contacts.sent("acme", "support", {"alice": b"1"}, {"alice": kept.owed or b""})
    assert await store.contacts.owed() == {("acme", "support"): ["alice"]}
    assert (await noted(store, "alice"))["alice"].pushed == {"plan": "pro"}


async def test_it_is_kept(store: Store, url: str) -> None:
    await store.contacts.push("support", ALICE, {"plan": "pro"})
    await store.contacts.sent("acme", "support", {"bob": b"2"}, {})
    await store.aclose()
    again = await Store.open(url)
    try:
        assert await again.contacts.owed() == {("acme", "support"): ["alice"]}
        assert await noted(again, "bob") == {"bob": Noted(sent=b"2")}
    finally:
        await again.aclose()


async def test_a_thousand_people_are_one_look(store: Store) -> None:
    names = [f"p{number}" for number in range(1000)]
    await store.contacts.sent("acme", "support", dict.fromkeys(names, b"1"), {})
    assert len(await noted(store, *names)) == 1000
