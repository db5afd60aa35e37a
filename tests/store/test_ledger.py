import asyncio
import random
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core.errors import IdentityNotRepresentable
from gateway.core.people.identity import Person
from gateway.ports import Whose
from gateway.store.database import Database
from gateway.store.ledger import LONGEST, Ledger
from gateway.store.store import Store
from tests.store.conftest import Direct

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patience")]

ALICE = Person("acme", "alice")
BOB = Person("acme", "bob")
CAROL = Person("globex", "alice")

# Half a surrogate pair, NUL, and pairs that look alike: rare in what Hypothesis draws by itself.
MakeAlias = Callable[[str, str, str], None]
any_text = st.text(st.one_of(st.characters(), st.sampled_from("\ud800\udfff\0aA\u00e9e\u0301")))


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)


@pytest.fixture
def make_alias(direct: Direct) -> MakeAlias:
    def make(org: str, subject: str, becomes: str) -> None:
        direct("INSERT INTO aliases VALUES (?, ?, ?, 0)", org, subject, becomes)

    return make


# Who owns a conversation


async def test_nobody_owns_what_nobody_claimed(ledger: Ledger) -> None:
    assert await ledger.owner("acme", "support", "c-1") is None


async def test_who_claims_first_owns_for_good(ledger: Ledger) -> None:
    assert await ledger.claim("support", "c-1", ALICE)
    assert not await ledger.claim("support", "c-1", BOB)
    assert await ledger.claim("support", "c-1", ALICE)
    assert await ledger.owner("acme", "support", "c-1") == ALICE
    assert not await ledger.claim("support", "c-1", BOB)


async def test_another_ledger_on_the_file_sees_a_claim_at_once(ledger: Ledger, url: str) -> None:
    other = await Store.open(url)
    assert await other.ledger.owner("acme", "support", "c-1") is None
    assert await ledger.claim("support", "c-1", ALICE)
    assert await other.ledger.owner("acme", "support", "c-1") == ALICE
    assert not await other.ledger.claim("support", "c-1", BOB)
    await other.aclose()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(("a:c", "b", "x"), ("c", "a:b", "x"), id="O-06 org and upstream"),
        pytest.param(("a", "b:c", "x"), ("a", "b", "c:x"), id="O-06 upstream and conversation"),
        pytest.param(("a", "b", "c-1"), ("a", "b", "C-1"), id="I-07 case"),
        pytest.param(("a", "b", "c-1"), ("a", "b", "c-1 "), id="I-07 trailing space"),
        pytest.param(("a", "b", "c-1"), ("a", "b", "c%2d1"), id="I-07 percent"),
        pytest.param(("a", "b", "c-1"), ("a", "b", "c\u20101"), id="I-07 another hyphen"),
        pytest.param(("a", "b", "caf\u00e9"), ("a", "b", "cafe\u0301"), id="I-07 composition"),
        pytest.param(("a", "b", "7"), ("a", "b", "7.0"), id="I-07 a number"),
        pytest.param(("a", "b", "7"), ("a", "b", "07"), id="I-07 a leading zero"),
        pytest.param(("a", "b", "x"), ("a", "b", "x' OR '1'='1"), id="C-09 SQL"),
        pytest.param(("a", "b", "%"), ("a", "b", "x"), id="C-09 a wildcard"),
        pytest.param(("a", "b", "x"), ("A", "b", "x"), id="O-10 case of the org"),
    ],
)
async def test_names_are_compared_byte_by_byte(
    ledger: Ledger, one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    for (org, upstream, conversation), subject in ((one, "alice"), (other, "bob")):
        assert await ledger.claim(upstream, conversation, Person(org, subject))
    assert await ledger.owner(*one) == Person(one[0], "alice")
    assert await ledger.owner(*other) == Person(other[0], "bob")


async def test_the_same_subject_of_two_orgs_is_two_people(ledger: Ledger) -> None:
    assert await ledger.claim("support", "c-1", ALICE)
    assert await ledger.claim("support", "c-1", CAROL)
    assert await ledger.owner("acme", "support", "c-1") == ALICE
    assert await ledger.owner("globex", "support", "c-1") == CAROL


@pytest.mark.parametrize(
    ("upstream", "conversation"),
    [
        pytest.param("b\0c", "x", id="O-06 NUL"),
        pytest.param("b", "x\0y", id="O-06 cut off at NUL"),
        pytest.param("b", "\ud800", id="half a surrogate pair"),
        pytest.param("b", "x" * (LONGEST + 1), id="N-14 a byte too long"),
        pytest.param("b", "\u00e9" * (LONGEST // 2 + 1), id="N-14 a letter too long"),
    ],
)
async def test_what_not_every_database_can_hold_is_nobodys(
    ledger: Ledger, upstream: str, conversation: str
) -> None:
    assert not await ledger.claim(upstream, conversation, ALICE)
    assert await ledger.whose(upstream, conversation, ALICE) is Whose.NOBODYS
    assert await ledger.owner("acme", upstream, conversation) is None
    with pytest.raises(IdentityNotRepresentable):
        await ledger.user_id(upstream, Person("acme", conversation), "u_1")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(any_text, any_text, any_text, any_text)
async def test_any_text_is_a_name_or_is_refused(
    ledger: Ledger, org: str, upstream: str, conversation: str, subject: str
) -> None:
    person = Person(org, subject)
    before = await ledger.owner(org, upstream, conversation)
    theirs = await ledger.claim(upstream, conversation, person)
    after = await ledger.owner(org, upstream, conversation)
    names = "".join((org, upstream, conversation, subject))
    if "\0" in names or any("\ud800" <= character <= "\udfff" for character in names):
        assert (theirs, after) == (False, before)
    else:
        assert after == (before or person)
        assert theirs == (after == person)


@pytest.mark.parametrize("bytes_", [1, 2, 4])
async def test_the_longest_names_there_are_are_held(ledger: Ledger, bytes_: int) -> None:
    """Of characters that no compression makes less of; a key of PostgreSQL's has 2,704 bytes."""
    chance = random.Random(bytes_)  # noqa: S311 - the same each time
    first, last = {1: (0x21, 0x7E), 2: (0x100, 0x7FF), 4: (0x10000, 0x10FFFF)}[bytes_]

    def drawn(count: int) -> str:
        return "".join(chr(chance.randint(first, last)) for _ in range(count))

    longest, org = (
        drawn(LONGEST // bytes_),
        "".join(chr(chance.randint(33, 126)) for _ in range(256)),
    )
    person = Person(org, drawn(512))
    assert await ledger.claim("support", longest, person)
    assert await ledger.owner(org, "support", longest) == person
    assert await ledger.user_id("support", person, longest) == longest


async def test_a_name_too_long_takes_nobody_along(ledger: Ledger) -> None:
    """N-14: claims that come at once are one transaction, of whichever orgs they are."""
    long = secrets.token_hex(100_000)
    claims = [ledger.claim("support", f"c-{n}" if n != 5 else long, ALICE) for n in range(10)]
    assert await asyncio.gather(*claims) == [n != 5 for n in range(10)]
    people = [Person("acme", f"p-{n}" if n != 5 else long) for n in range(10)]
    named = [ledger.user_id("support", one, f"u-{n}") for n, one in enumerate(people)]
    found = await asyncio.gather(*named, return_exceptions=True)
    assert isinstance(found.pop(5), IdentityNotRepresentable)
    assert found == [f"u-{n}" for n in range(10) if n != 5]


# Races


async def test_one_of_two_who_race_for_one_id_wins_i_05(ledger: Ledger) -> None:
    people = [ALICE, BOB] * 25
    outcomes = await asyncio.gather(*(ledger.claim("support", "c-1", who) for who in people))
    owner = await ledger.owner("acme", "support", "c-1")
    assert owner in (ALICE, BOB)
    assert outcomes == [who == owner for who in people]


async def test_many_claims_at_once_are_each_recorded(ledger: Ledger, direct: Direct) -> None:
    names = [f"c-{number}" for number in range(1000)]
    assert all(await asyncio.gather(*(ledger.claim("support", name, ALICE) for name in names)))
    assert direct("SELECT count(*), count(DISTINCT subject) FROM conversations") == [(1000, 1)]


async def test_claims_are_on_the_disk_when_they_return(ledger: Ledger, direct: Direct) -> None:
    """Seen by another connection; that a crash cannot undo it, `test_durability` shows."""
    for number in range(20):
        assert await ledger.claim("support", f"c-{number}", ALICE)
        assert direct("SELECT count(*) FROM conversations") == [(number + 1,)]


async def test_a_claim_cancelled_anywhere_leaves_the_ledger_usable(ledger: Ledger) -> None:
    for steps in range(60):
        claim = asyncio.create_task(ledger.claim("support", f"c-{steps}", ALICE))
        for _ in range(steps):
            await asyncio.sleep(0)
        claim.cancel()
        await asyncio.wait([claim])
    for steps in range(60):
        theirs = await ledger.claim("support", f"c-{steps}", BOB)
        owner = await ledger.owner("acme", "support", f"c-{steps}")
        assert owner == (BOB if theirs else ALICE)


# What is remembered


async def test_what_is_theirs_is_remembered_for_ever(ledger: Ledger, database: Database) -> None:
    await ledger.claim("support", "c-1", ALICE)
    assert await ledger.whose("support", "c-1", ALICE) is Whose.THEIRS
    await database.aclose()
    assert await ledger.whose("support", "c-1", ALICE) is Whose.THEIRS
    assert await ledger.claim("support", "c-1", ALICE)


async def test_what_was_read_as_theirs_is_remembered_too(
    ledger: Ledger, database: Database, direct: Direct
) -> None:
    direct("INSERT INTO conversations VALUES ('acme', 'support', 'c-1', 'alice', 0)")
    assert await ledger.whose("support", "c-1", ALICE) is Whose.THEIRS
    await database.aclose()
    assert await ledger.whose("support", "c-1", ALICE) is Whose.THEIRS


async def test_nobodys_is_never_remembered(ledger: Ledger, direct: Direct) -> None:
    assert await ledger.whose("support", "c-1", BOB) is Whose.NOBODYS
    direct("INSERT INTO conversations VALUES ('acme', 'support', 'c-1', 'bob', 0)")
    assert await ledger.whose("support", "c-1", BOB) is Whose.THEIRS


async def test_anothers_and_nobodys_are_looked_up_alike(
    ledger: Ledger, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the time of an answer would tell the two apart (I-16)."""
    await ledger.claim("support", "c-1", ALICE)
    assert await ledger.whose("support", "c-1", ALICE) is Whose.THEIRS
    reads = []
    scalar = database.scalar

    async def counted(statement: Any, values: Any) -> Any:
        reads.append(str(statement))
        return await scalar(statement, values)

    monkeypatch.setattr(database, "scalar", counted)
    for _ in range(2):
        assert await ledger.whose("support", "c-1", BOB) is Whose.ANOTHERS
        assert await ledger.whose("support", "c-2", BOB) is Whose.NOBODYS
    assert len(reads) == 4
    assert len(set(reads)) == 1


async def test_a_refused_claim_is_never_remembered_as_a_claim(ledger: Ledger) -> None:
    await ledger.claim("support", "c-1", BOB)
    assert not await ledger.claim("support", "c-1", ALICE)
    assert await ledger.whose("support", "c-1", ALICE) is Whose.ANOTHERS
    assert await ledger.owner("acme", "support", "c-1") == BOB


async def test_memory_is_bounded(database: Database) -> None:
    ledger = Ledger(database, remembered=10)
    for number in range(50):
        await ledger.claim("support", f"c-{number}", ALICE)
        await ledger.user_id("support", Person("acme", f"u-{number}"), f"u-{number}")
    assert len(ledger._theirs) == len(ledger._user_ids) == 10
    assert await ledger.whose("support", "c-0", ALICE) is Whose.THEIRS


async def test_memory_keeps_what_is_used(database: Database) -> None:
    ledger = Ledger(database, remembered=2)
    await ledger.claim("support", "used", ALICE)
    for number in range(5):
        assert await ledger.whose("support", "used", ALICE) is Whose.THEIRS
        await ledger.claim("support", f"c-{number}", ALICE)
    await database.aclose()
    assert await ledger.whose("support", "used", ALICE) is Whose.THEIRS


async def test_an_id_is_known_once_it_was_given(ledger: Ledger) -> None:
    assert await ledger.known_user_id("support", ALICE) is None
    await ledger.user_id("support", ALICE, "alice")
    assert await ledger.known_user_id("support", ALICE) == "alice"
    assert await ledger.known_user_id("support", Person("acme", "\ud800")) is None


# User ids


async def test_an_id_that_was_looked_up_is_remembered_until_people_are_forgotten(
    ledger: Ledger, url: str
) -> None:
    assert ledger.remembered_user_id("support", ALICE) is None
    assert await ledger.known_user_id("support", ALICE) is None
    assert ledger.remembered_user_id("support", ALICE) is None
    await ledger.user_id("support", ALICE, "alice")
    assert ledger.remembered_user_id("support", ALICE) == "alice"
    for upstream, person in (("other", ALICE), ("support", BOB), ("support", CAROL)):
        assert ledger.remembered_user_id(upstream, person) is None
    ledger.forget([ALICE])
    assert ledger.remembered_user_id("support", ALICE) is None


async def test_the_first_id_stays_whatever_is_proposed_later(ledger: Ledger, url: str) -> None:
    assert await ledger.user_id("support", ALICE, "alice") == "alice"
    assert await ledger.user_id("support", ALICE, "u_other") == "alice"
    later = await Store.open(url)
    assert await later.ledger.user_id("support", ALICE, "u_other") == "alice"
    await later.aclose()


async def test_each_upstream_and_each_org_has_its_own_ids(ledger: Ledger) -> None:
    assert await ledger.user_id("support", ALICE, "alice") == "alice"
    assert await ledger.user_id("sales", ALICE, "u_1") == "u_1"
    assert await ledger.user_id("support", CAROL, "alice") == "alice"


async def test_an_id_that_is_another_persons_is_refused(ledger: Ledger) -> None:
    await ledger.user_id("support", ALICE, "alice")
    for _ in range(2):
        with pytest.raises(IdentityNotRepresentable):
            await ledger.user_id("support", BOB, "alice")
    assert await ledger.user_id("support", BOB, "bob") == "bob"
    assert await ledger.user_id("support", BOB, "alice") == "bob"


async def test_of_many_who_propose_one_id_at_once_one_gets_it(ledger: Ledger) -> None:
    people = [Person("acme", f"u-{number}") for number in range(50)]
    outcomes = await asyncio.gather(
        *(ledger.user_id("support", person, "wanted") for person in people), return_exceptions=True
    )
    assert outcomes.count("wanted") == 1
    refused = [outcome for outcome in outcomes if outcome != "wanted"]
    assert {type(outcome) for outcome in refused} == {IdentityNotRepresentable}


async def test_who_may_have_an_id_does_not_hang_on_who_asks_beside_them(ledger: Ledger) -> None:
    await ledger.user_id("support", ALICE, "alice")
    people = [Person("acme", f"u-{number}") for number in range(200)]
    proposed = ["alice" if number % 3 else f"u-{number}" for number in range(200)]
    outcomes = await asyncio.gather(
        *(ledger.user_id("support", *each) for each in zip(people, proposed, strict=True)),
        return_exceptions=True,
    )
    for wanted, outcome in zip(proposed, outcomes, strict=True):
        assert (
            isinstance(outcome, IdentityNotRepresentable)
            if wanted == "alice"
            else (outcome == wanted)
        )


async def test_one_who_comes_many_times_at_once_has_one_id(ledger: Ledger) -> None:
    ids = await asyncio.gather(*(ledger.user_id("support", ALICE, f"u_{n}") for n in range(50)))
    assert len(set(ids)) == 1


async def test_a_name_that_is_no_text_has_no_id(ledger: Ledger) -> None:
    with pytest.raises(IdentityNotRepresentable):
        await ledger.user_id("support", Person("acme", "\ud800"), "u_1")


# People who have become others


async def test_what_one_opened_belongs_to_who_they_have_become(
    ledger: Ledger, make_alias: MakeAlias
) -> None:
    visitor = Person("acme", "anonymous-1")
    await ledger.claim("support", "c-1", visitor)
    make_alias("acme", "anonymous-1", "alice")
    assert await ledger.owner("acme", "support", "c-1") == ALICE
    assert await ledger.claim("support", "c-1", ALICE)
    assert await ledger.claim("support", "c-1", visitor)
    assert not await ledger.claim("support", "c-1", BOB)


async def test_two_who_have_become_one_are_the_same(ledger: Ledger, make_alias: MakeAlias) -> None:
    one, two = Person("acme", "anonymous-1"), Person("acme", "anonymous-2")
    await ledger.claim("support", "c-1", one)
    make_alias("acme", "anonymous-1", "alice")
    make_alias("acme", "anonymous-2", "alice")
    assert await ledger.claim("support", "c-1", two)


async def test_an_alias_holds_in_its_own_org_alone(ledger: Ledger, make_alias: MakeAlias) -> None:
    await ledger.claim("support", "c-1", BOB)
    make_alias("globex", "bob", "alice")
    assert await ledger.owner("acme", "support", "c-1") == BOB
    assert not await ledger.claim("support", "c-1", ALICE)


async def test_an_alias_is_one_hop(ledger: Ledger, make_alias: MakeAlias) -> None:
    await ledger.claim("support", "c-1", Person("acme", "a"))
    make_alias("acme", "a", "b")
    make_alias("acme", "b", "a")
    assert await ledger.owner("acme", "support", "c-1") == Person("acme", "b")


async def test_one_who_has_become_another_goes_by_the_others_id(
    ledger: Ledger, make_alias: MakeAlias
) -> None:
    await ledger.user_id("support", ALICE, "alice")
    make_alias("acme", "anonymous-1", "alice")
    assert await ledger.user_id("support", Person("acme", "anonymous-1"), "u_1") == "alice"
    make_alias("acme", "anonymous-2", "bob")
    assert await ledger.user_id("support", Person("acme", "anonymous-2"), "u_2") == "u_2"
    assert await ledger.user_id("support", BOB, "bob") == "u_2"
