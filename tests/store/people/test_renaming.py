import asyncio
import json

import pytest

from gateway.core.people.identity import Person
from gateway.ports import Whose
from gateway.store.cutoffs import FOREVER
from gateway.store.database import Database
from gateway.store.ledger import Ledger
from gateway.store.people.blocking import block, unblock
from gateway.store.people.renaming import CannotBecome, Kind, become, looked_at
from gateway.store.store import Store
from tests.store.conftest import Direct

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patience")]

ROOT = "operator:root"
VISITOR = "anon_" + 26 * "x"


def person(subject: str, org: str = "acme") -> Person:
    return Person(org, subject)


async def made(database: Database, how: Kind, one: str, other: str) -> bool:
    return await become(database, how, "acme", one, other, by=ROOT)


async def ids(ledger: Ledger, *named: tuple[str, str, str]) -> None:
    for upstream, subject, user_id in named:
        assert await ledger.user_id(upstream, person(subject), user_id) == user_id


async def known(url: str, upstream: str, subject: str) -> str | None:
    """What another process says."""
    store = await Store.open(url)
    try:
        return await store.ledger.known_user_id(upstream, person(subject))
    finally:
        await store.aclose()


@pytest.mark.parametrize("how", ["renamed", "merged"])
async def test_a_new_name_has_the_history_and_the_ids_of_the_old_one(
    ledger: Ledger, database: Database, url: str, how: Kind
) -> None:
    await ledger.claim("support", "c-1", person("alice"))
    await ids(ledger, ("support", "alice", "alice"), ("docs", "alice", "u_1"))
    await ids(ledger, ("support", "bob", "bob"))
    assert await made(database, how, "alice", "alicia")
    assert await ledger.whose("support", "c-1", person("alicia")) is Whose.THEIRS
    assert await ledger.whose("support", "c-1", person("alice")) is Whose.THEIRS
    assert await ledger.whose("support", "c-1", person("bob")) is Whose.ANOTHERS
    assert await known(url, "support", "alicia") == await known(url, "support", "alice") == "alice"
    assert await known(url, "docs", "alicia") == "u_1"
    assert await ledger.person_named("support", "acme", "alice") == person("alicia")
    assert await known(url, "support", "bob") == "bob"
    assert not await made(database, how, "alice", "alicia"), "it is done"


async def test_of_two_ids_a_rename_keeps_the_old_names_and_remembers_the_other(
    ledger: Ledger, database: Database, url: str
) -> None:
    await ids(ledger, ("support", "alice", "alice"), ("support", "alicia", "alicia"))
    await ids(ledger, ("docs", "alicia", "u_2"))
    assert await made(database, "renamed", "alice", "alicia")
    assert await known(url, "support", "alicia") == "alice"
    assert await known(url, "docs", "alicia") == "u_2"
    assert await ledger.was_named("support", person("alicia"), "alicia")
    assert not await ledger.was_named("support", person("bob"), "alicia")


async def test_of_two_ids_a_merge_keeps_the_one_of_whom_they_become(
    ledger: Ledger, database: Database, url: str
) -> None:
    await ids(ledger, ("support", "alice", "alice"), ("support", "bob", "bob"))
    await ids(ledger, ("docs", "alice", "u_1"))
    await ledger.claim("support", "c-1", person("alice"))
    await ledger.claim("support", "c-2", person("bob"))
    assert await made(database, "merged", "alice", "bob")
    assert await known(url, "support", "bob") == "bob"
    assert await known(url, "docs", "bob") == "u_1"
    assert await ledger.was_named("support", person("bob"), "alice")
    for conversation in ("c-1", "c-2"):
        assert await ledger.whose("support", conversation, person("bob")) is Whose.THEIRS


async def test_a_rename_can_be_taken_back(
    ledger: Ledger, database: Database, url: str, direct: Direct
) -> None:
    await ids(ledger, ("support", "alice", "alice"), ("support", "alicia", "alicia"))
    await ledger.become(person(VISITOR), person("alice"))
    assert await made(database, "renamed", "alice", "alicia")
    assert await made(database, "renamed", "alicia", "alice")
    assert await known(url, "support", "alice") == "alice"
    found = dict(direct("SELECT subject, becomes FROM aliases"))
    assert found == {"alicia": "alice", VISITOR: "alice"}


@pytest.mark.parametrize("order", [1, -1], ids=["a to b first", "b to c first"])
async def test_of_two_at_once_no_name_is_two_hops_away(
    ledger: Ledger, database: Database, url: str, direct: Direct, order: int
) -> None:
    await ids(ledger, ("support", "a", "id-of-a"))
    other = await Store.open(url)
    pairs = [("a", "b"), ("b", "c")][::order]
    done = await asyncio.gather(
        made(database, "renamed", *pairs[0]),
        made(other.database, "renamed", *pairs[1]),
        return_exceptions=True,
    )
    for (one, _), was in zip(pairs, done, strict=True):
        if was is not True:
            assert isinstance(was, CannotBecome)  # that name is another's by then
            assert await made(database, "renamed", one, "c")
    assert dict(direct("SELECT subject, becomes FROM aliases")) == {"a": "c", "b": "c"}
    assert await known(url, "support", "c") == "id-of-a"
    await other.aclose()


@pytest.mark.parametrize(
    ("one", "to", "says"),
    [
        ("alice", VISITOR, "is a visitor"),
        ("bob", "old", "old has become carol: say that name"),
    ],
    ids=["a visitor", "a name of somebody else"],
)
async def test_what_cannot_be_is_refused(
    ledger: Ledger, database: Database, direct: Direct, one: str, to: str, says: str
) -> None:
    await ledger.become(person("old"), person("carol"))
    with pytest.raises(CannotBecome, match=says):
        await made(database, "renamed", one, to)
    with pytest.raises(CannotBecome, match=says):
        await looked_at(database, "acme", one, to)
    assert direct("SELECT subject FROM aliases") == [("old",)]


async def test_orgs_are_apart(ledger: Ledger, database: Database) -> None:
    await ledger.claim("support", "c-1", person("alice", "globex"))
    await made(database, "renamed", "alice", "alicia")
    assert await ledger.whose("support", "c-1", person("alicia", "globex")) is Whose.ANOTHERS
    assert await ledger.whose("support", "c-1", person("alice", "globex")) is Whose.THEIRS


@pytest.mark.parametrize("who", ["alice", "alicia"])
async def test_who_was_blocked_as_one_is_blocked_as_both(store: Store, who: str) -> None:
    await block(store.database, "acme", who, by=ROOT)
    await made(store.database, "merged", "alice", "alicia")
    await store.cutoffs.look()
    for name in ("alice", "alicia"):
        assert store.cutoffs.before("person", "acme", name) == FOREVER
    assert await unblock(store.database, "acme", "alicia", by=ROOT)
    await store.cutoffs.look()
    for name in ("alice", "alicia"):
        assert store.cutoffs.before("person", "acme", name) == 0


async def test_whoever_does_it_is_in_the_trail(database: Database, direct: Direct) -> None:
    await made(database, "renamed", "alice", "alicia")
    await made(database, "merged", "alicia", "bob")
    rows = direct("SELECT event, subject, actor, detail FROM audit ORDER BY number")
    assert [(*row[:3], json.loads(row[3])) for row in rows] == [
        ("renamed", "alice", ROOT, {"to": "alicia"}),
        ("merged", "alicia", ROOT, {"to": "bob"}),
    ]


async def test_says_what_would_become_one(ledger: Ledger, database: Database) -> None:
    await ledger.claim("support", "c-1", person("alice"))
    await ledger.become(person(VISITOR), person("alice"))
    found = await looked_at(database, "acme", VISITOR, "bob")
    assert found.one.names.person == person("alice")
    assert found.one.conversations == {"support": 1}
    assert found.other is not None
    assert found.other.is_stranger
    assert (await looked_at(database, "acme", "alice", VISITOR[:-1])).other is not None
    assert (await looked_at(database, "acme", VISITOR, "alice")).other is None


async def test_whoever_asks_meanwhile_has_one_id_and_keeps_it(
    ledger: Ledger, database: Database, url: str, direct: Direct
) -> None:
    """Naming and renaming at once, from two processes: no upstream gets a second id."""
    other = await Store.open(url)
    upstreams = [f"up-{number}" for number in range(20)]
    asked = [
        one.user_id(upstream, person(subject), f"id-of-{subject}")
        for upstream in upstreams
        for subject, one in (("alice", ledger), ("alice", other.ledger))
    ]
    await asyncio.gather(*asked[:20], made(database, "renamed", "alice", "alicia"), *asked[20:])
    assert direct("SELECT count(*), count(DISTINCT upstream) FROM users") == [(20, 20)]
    assert direct("SELECT DISTINCT subject, user_id FROM users") == [("alicia", "id-of-alice")]
    await other.aclose()


async def test_what_was_pushed_goes_along_and_is_written_again(store: Store) -> None:
    await store.contacts.push("support", person("alice"), {"plan": "pro"})
    await store.contacts.push("docs", person("alice"), {"plan": "old"})
    await store.contacts.push("docs", person("alicia"), {"plan": "new"})
    await store.contacts.sent("acme", "support", {"alice": b"d"}, {})
    await made(store.database, "renamed", "alice", "alicia")
    found = {
        upstream: (await store.contacts.noted("acme", upstream, ["alice", "alicia"]))
        for upstream in ("support", "docs")
    }
    assert {up: {who: one.pushed for who, one in of.items()} for up, of in found.items()} == {
        "support": {"alicia": {"plan": "pro"}},
        "docs": {"alicia": {"plan": "new"}},
    }
    assert found["support"]["alicia"].sent is None
