"""Who has become whom: for good, in one hop, and first come."""

import asyncio
from itertools import permutations

import pytest

from gateway.core.people.identity import Person
from gateway.ports import Whose
from gateway.store.ledger import Ledger
from gateway.store.store import Store
from tests.store.conftest import Direct

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patience")]

VISITOR = Person("acme", "anon_" + 26 * "x")
ALICE = Person("acme", "alice")
BOB = Person("acme", "bob")


async def test_nobody_has_become_another_at_first(ledger: Ledger) -> None:
    assert not await ledger.has_become(VISITOR)


async def test_whoever_becomes_another_brings_what_is_theirs(ledger: Ledger) -> None:
    assert await ledger.claim("support", "c-1", VISITOR)
    assert await ledger.become(VISITOR, ALICE)
    assert await ledger.become(VISITOR, ALICE)
    assert await ledger.has_become(VISITOR)
    assert await ledger.whose("support", "c-1", ALICE) is Whose.THEIRS
    assert await ledger.whose("support", "c-1", BOB) is Whose.ANOTHERS


async def test_nobody_becomes_two_people(ledger: Ledger) -> None:
    assert await ledger.become(VISITOR, ALICE)
    assert not await ledger.become(VISITOR, BOB)
    assert await ledger.become(VISITOR, ALICE)


async def test_of_many_at_once_one_is_first(ledger: Ledger, url: str) -> None:
    other = await Store.open(url)
    people = [Person("acme", f"person-{number}") for number in range(10)]
    made = await asyncio.gather(
        *(one.become(VISITOR, person) for person in people for one in (ledger, other.ledger))
    )
    winners = {person for person, *_ in zip(people, made[::2], made[1::2], strict=True) if _[0]}
    assert len(winners) == 1
    assert sum(made) == 2, "the same person, asked twice"
    assert await other.ledger.has_become(VISITOR)
    await other.aclose()


@pytest.mark.parametrize("order", list(permutations([("a", "b"), ("b", "c"), ("c", "d")])), ids=str)
async def test_whatever_comes_at_once_no_alias_is_two_hops(
    ledger: Ledger, url: str, direct: Direct, order: tuple[tuple[str, str], ...]
) -> None:
    other = await Store.open(url)
    pairs = [(Person("acme", one), Person("acme", two)) for one, two in order]
    ledgers = (ledger, other.ledger, ledger)
    assert all(await asyncio.gather(*map(Ledger.become, ledgers, *zip(*pairs, strict=True))))
    found = dict(direct("SELECT subject, becomes FROM aliases"))
    assert found == {"a": "d", "b": "d", "c": "d"}
    await other.aclose()


async def test_they_go_by_the_others_id_at_once(ledger: Ledger) -> None:
    assert await ledger.user_id("support", ALICE, "alice") == "alice"
    assert await ledger.user_id("support", VISITOR, "u_1") == "u_1"
    await ledger.become(VISITOR, ALICE)
    assert await ledger.user_id("support", VISITOR, "u_1") == "alice"


async def test_one_hop_leads_to_the_person_of_today(ledger: Ledger) -> None:
    assert await ledger.claim("support", "c-1", VISITOR)
    assert await ledger.become(VISITOR, ALICE)
    renamed = Person("acme", "alice-2")
    assert await ledger.become(ALICE, renamed)
    assert await ledger.owner("acme", "support", "c-1") == renamed
    assert await ledger.become(Person("acme", "anon_" + 26 * "y"), ALICE)
    assert await ledger.claim("support", "c-2", Person("acme", "anon_" + 26 * "y"))
    assert await ledger.owner("acme", "support", "c-2") == renamed


async def test_nobody_becomes_a_visitor(ledger: Ledger) -> None:
    assert not await ledger.become(ALICE, VISITOR)
    assert not await ledger.become(Person("acme", "anon_" + 26 * "y"), VISITOR)


async def test_a_person_was_named_as_those_were_who_became_them(ledger: Ledger) -> None:
    for person in (VISITOR, ALICE, BOB):
        await ledger.user_id("support", person, f"id-of-{person.subject}")
    assert await ledger.was_named("support", ALICE, "id-of-alice")
    assert not await ledger.was_named("support", ALICE, f"id-of-{VISITOR.subject}")
    assert await ledger.become(VISITOR, ALICE)
    assert await ledger.was_named("support", ALICE, f"id-of-{VISITOR.subject}")
    assert not await ledger.was_named("support", BOB, f"id-of-{VISITOR.subject}")
    assert not await ledger.was_named("support", ALICE, "id-of-bob")
    assert not await ledger.was_named("docs", ALICE, "id-of-alice")
    assert not await ledger.was_named("support", ALICE, "nobody's")


async def test_nobody_becomes_themselves_by_any_way(ledger: Ledger) -> None:
    assert not await ledger.become(ALICE, ALICE)
    assert await ledger.become(ALICE, BOB)
    assert not await ledger.become(BOB, ALICE)
    assert not await ledger.has_become(BOB)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Person("acme", "x"), Person("globex", "x")),
        (Person("acme", "\ud800"), ALICE),
        (VISITOR, Person("acme", "\udfff")),
    ],
    ids=["another org", "no text", "to no text"],
)
async def test_what_cannot_be_is_refused(ledger: Ledger, one: Person, other: Person) -> None:
    assert not await ledger.become(one, other)
    assert not await ledger.has_become(one)
