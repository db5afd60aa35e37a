import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.people.identity import Person
from gateway.store.people.blocking import block
from gateway.store.people.holdings import Holdings, UserId, holdings_of
from gateway.store.people.names import names_of
from gateway.store.store import Store
from gateway.store.usage import row_of, write
from tests.store.test_usage import finished
from tests.store.trails import event, put

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patience")]


async def held(store: Store, subject: str, org: str = "acme") -> Holdings:
    async def get(connection: AsyncConnection) -> Holdings:
        return await holdings_of(connection, await names_of(connection, Person(org, subject)))

    return await store.database.read(get, clock=30)


async def test_counts_what_is_held_by_any_name(store: Store) -> None:
    visitor, alice = Person("acme", "anon_" + 26 * "x"), Person("acme", "alice")
    for number, person in enumerate((visitor, alice, Person("acme", "bob"))):
        await store.ledger.claim("support", f"c-{number}", person)
        await store.ledger.user_id("support", person, f"id-{number}")
    await store.ledger.become(visitor, alice)
    done = finished(1_800_000_000)
    done.record.org_id, done.record.subject = "acme", "alice"
    rows = [row_of(*done)]
    await store.database.start(store.database.commit(lambda connection: write(connection, rows)))
    await put(store.database, event(1), event(2, subject="bob", actor="alice"), event(3, org="x"))
    found = await held(store, "alice")
    assert found.conversations == {"support": 2}
    assert found.user_ids == [
        UserId("support", "alice", "id-1"),
        UserId("support", visitor.subject, "id-0"),
    ]
    assert (found.usage, found.audit) == (1, 2)
    assert not found.is_stranger
    assert not found.is_blocked


async def test_of_a_stranger_nothing_is_held(store: Store) -> None:
    assert (await held(store, "nobody")).is_stranger
    await block(store.database, "acme", "nobody", by="operator:x")
    found = await held(store, "nobody")
    assert found.is_blocked
    assert not found.is_stranger
