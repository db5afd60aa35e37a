"""Erasing a person: nothing names them, nobody inherits, and the trail holds."""

import asyncio
import json
import time
from pathlib import Path

import pytest

from gateway.core.events.event import Event
from gateway.core.people.identity import ERASED, Person
from gateway.ports import Whose
from gateway.store.inbox import EventInbox
from gateway.store.ledger import Ledger
from gateway.store.people import erasing
from gateway.store.people.blocking import block
from gateway.store.people.erasing import Erased, erase
from gateway.store.people.renaming import become
from gateway.store.reports import Filter, report
from gateway.store.schema import metadata
from gateway.store.store import Store
from gateway.store.usage import UsageLog, row_of, write
from gateway.store.verify import verify
from tests.store.conftest import Direct
from tests.store.test_usage import finished
from tests.store.trails import event, put

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patience")]

ROOT = "operator:root"
VISITOR = "anon_" + 26 * "x"
NAMES = ("alice", "alice-old", VISITOR)
NOW = time.time()


def person(subject: str) -> Person:
    return Person("acme", subject)


async def used(store: Store, *subjects: str, at: float = NOW - 60, actor: str = "") -> None:
    done = [finished(at + number / 1000) for number in range(len(subjects))]
    for one, subject in zip(done, subjects, strict=True):
        one.record.org_id, one.record.subject, one.record.actor = "acme", subject, actor
    rows = [row_of(*one) for one in done]
    await store.database.start(store.database.commit(lambda connection: write(connection, rows)))


@pytest.fixture
async def lived(store: Store) -> Store:
    """A store in which alice, who was alice-old and a visitor before, and bob have been."""
    for subject in (*NAMES, "bob"):
        await store.ledger.claim("support", f"c-{subject}", person(subject))
        await store.ledger.user_id("support", person(subject), f"id-of-{subject}")
        await used(store, subject, subject)
        await store.contacts.push("support", person(subject), {"mail": f"{subject}@example"})
        await put(store.database, event(1, subject=subject, user_id="u", request_id=f"r-{subject}"))
    for subject in (*NAMES, "bob"):
        await told(store, subject)
    await used(store, "bob", at=NOW - 30, actor="alice")
    await put(
        store.database,
        event(9, subject="bob", actor="alice", user_id="u"),
        event(10, subject="bob", user_id="u"),
    )
    await store.ledger.become(person(VISITOR), person("alice-old"))
    await become(store.database, "renamed", "acme", "alice-old", "alice", by=ROOT)
    await block(store.database, "acme", "alice", by=ROOT)
    return store


async def erased(store: Store, subject: str = "alice") -> Erased:
    return await erase(store.database, "acme", subject, by=ROOT, settled=0, pause=0)


async def told(store: Store, subject: str) -> None:
    """A vendor tells of somebody, and the company is to hear of it."""
    event = Event(
        id=f"e-{len(subject)}",
        source=f"s-{len(subject)}",
        org="acme",
        upstream="support",
        kind="message",
        at=1,
        subject=subject,
        user=f"id-of-{subject}",
        conversation=None,
        data=json.dumps({"who": subject}).encode(),
    )
    assert await EventInbox(store.database, lambda: None).put(event, ["https://app.example"])


def everything(direct: Direct) -> str:
    """All that the store holds, as text."""
    return "\n".join(
        f"{table.name} {row}"
        for table in metadata.sorted_tables
        for row in direct(f"SELECT * FROM {table.name}")  # noqa: S608
    )


@pytest.mark.parametrize("subject", ["alice", VISITOR])
async def test_no_table_names_them_by_any_name(lived: Store, direct: Direct, subject: str) -> None:
    done = await erased(lived, subject)
    text = everything(direct)
    for name in (*NAMES, "id-of-alice", "r-alice"):
        # A tombstone has the conversation's own id, for nobody may open it again.
        assert name not in text.replace(f"c-{name}", ""), name
    assert ERASED.fullmatch(done.tomb)
    assert done.conversations == 3
    assert done.usage == 7
    assert done.audit >= 5


async def test_what_is_of_others_stays_as_it_was(lived: Store, direct: Direct) -> None:
    before = direct("SELECT * FROM users WHERE subject = 'bob'")
    await erased(lived)
    assert direct("SELECT * FROM users WHERE subject = 'bob'") == before
    assert direct("SELECT count(*) FROM usage WHERE subject = 'bob'") == [(3,)]
    assert direct("SELECT count(*) FROM audit WHERE subject = 'bob'") == [(2,)]
    assert await lived.ledger.whose("support", "c-bob", person("bob")) is Whose.THEIRS


async def test_the_trail_is_as_it_was_written(lived: Store) -> None:
    done = await erased(lived)
    verdict = await verify(lived.database)
    assert verdict.faults == []
    assert verdict.erased == done.audit
    await put(lived.database, event(20, subject="bob"))
    assert (await verify(lived.database)).faults == []


async def test_nobody_inherits_a_conversation(lived: Store) -> None:
    await erased(lived)
    ledger = Ledger(lived.database)
    for who in (*NAMES, "bob", "carol"):
        for name in NAMES:
            assert await ledger.whose("support", f"c-{name}", person(who)) is Whose.ANOTHERS
            assert not await ledger.claim("support", f"c-{name}", person(who))
        assert await ledger.claim("support", f"c-new-of-{who}", person(who))


async def test_a_same_named_person_is_a_new_one(lived: Store, direct: Direct) -> None:
    await erased(lived)
    ledger = Ledger(lived.database)
    assert not await ledger.has_become(person("alice-old"))
    await ledger.claim("support", "c-1", person("alice"))
    assert await ledger.whose("support", "c-1", person("alice-old")) is Whose.ANOTHERS
    await lived.cutoffs.look()
    assert not lived.cutoffs.before("person", "acme", "alice"), "a block is forgotten, too"


async def test_erased_again_the_new_one_goes_the_same_way(lived: Store, direct: Direct) -> None:
    first = await erased(lived)
    ledger = Ledger(lived.database)
    await ledger.claim("support", "c-again", person("alice"))
    await ledger.user_id("support", person("alice"), "id-of-alice")
    await used(lived, "alice", at=time.time())
    second = await erased(lived)
    assert second.tomb == first.tomb
    assert (second.conversations, second.usage) == (1, 1)
    assert direct("SELECT count(*) FROM users WHERE subject = 'alice'") == [(0,)]
    assert await ledger.user_id("support", person("alice"), "id-of-alice") != "id-of-alice"


async def test_sums_of_what_was_used_stay(lived: Store, direct: Direct) -> None:
    def sums() -> object:
        return direct("SELECT count(*), sum(tokens_in), sum(credits) FROM usage")

    before = sums()
    done = await erased(lived)
    assert sums() == before
    asked = Filter(org="acme", user=done.tomb)
    rows = await lived.database.rows(report("user", asked).statement, {})
    assert [(row.user, row.requests) for row in rows] == [(done.tomb, 6)]


async def test_goes_on_where_it_was_after_a_crash(
    lived: Store, direct: Direct, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after each step in turn, and said again under any name."""

    class Killed(BaseException):
        pass

    async def killed(*_: object) -> None:
        raise Killed

    for step in ("_bury", "_all", "_forget"):
        with monkeypatch.context() as patched:
            patched.setattr(erasing, step, killed)
            with pytest.raises(Killed):
                await erased(lived, "alice-old")
    await erased(lived, "alice-old")
    text = everything(direct)
    assert all(name not in text.replace(f"c-{name}", "") for name in NAMES)
    assert (await verify(lived.database)).faults == []


async def test_many_rows_go_a_few_at_a_time(
    store: Store, direct: Direct, monkeypatch: pytest.MonkeyPatch
) -> None:
    await used(store, *["alice"] * 1203)
    await put(store.database, *(event(number) for number in range(1101)))
    done = await erased(store)
    assert (done.usage, done.audit) == (1203, 1101)
    assert direct("SELECT DISTINCT subject FROM usage") == [(done.tomb,)]


async def test_whoever_did_it_is_in_the_trail_and_not_whom_it_was_about(
    lived: Store, direct: Direct
) -> None:
    done = await erased(lived)
    ((subject, actor, detail),) = direct(
        "SELECT subject, actor, detail FROM audit WHERE event = 'erased'"
    )
    assert (subject, actor, json.loads(detail)) == (done.tomb, ROOT, {"conversations": 3})


async def test_rows_that_come_late_name_nobody(
    lived: Store, direct: Direct, tmp_path: Path
) -> None:
    """What waited in the spool of a gateway whose database was away."""
    await erased(lived)
    before = len(direct("SELECT id FROM audit"))
    await used(lived, "alice", VISITOR, at=NOW - 10)
    await used(lived, "bob", at=NOW - 5, actor="alice-old")
    await put(
        lived.database, event(30, request_id="r-late"), event(31, actor="alice-old", user_id="u")
    )
    assert len(direct("SELECT id FROM audit")) == before + 2
    text = everything(direct)
    assert all(name not in text.replace(f"c-{name}", "") for name in (*NAMES, "r-late"))
    assert (await verify(lived.database)).faults == []
    log = UsageLog(lived.database, tmp_path / "spool")
    alive = finished(time.time()).record
    alive.org_id, alive.subject = "acme", "alice"
    log.record(alive)
    await log.batches.aclose()
    assert direct("SELECT count(*) FROM usage WHERE subject = 'alice'") == [(1,)], "a new one"


async def test_whoever_is_erased_is_let_in_by_no_gateway_meanwhile(
    lived: Store, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = await Store.open(url)
    await other.cutoffs.look()
    assert await other.ledger.user_id("support", person("alice"), "id-of-alice")
    blocked: list[bool] = []

    async def settle(seconds: float) -> None:
        if seconds == 1.5:
            await other.cutoffs.look()
            blocked.append(other.cutoffs.before("person", "acme", VISITOR) > 0)

    monkeypatch.setattr(erasing.asyncio, "sleep", settle)
    await erase(lived.database, "acme", "alice", by=ROOT, settled=1.5, pause=0)
    assert blocked == [True, False]
    await other.aclose()


async def test_who_becomes_them_meanwhile_is_erased_with_them(
    lived: Store, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row I-21: a gateway that has not heard yet takes a visitor for the person they sign in as."""
    other, visitor = await Store.open(url), person("anon_" + 26 * "y")
    await other.cutoffs.look()
    assert await other.ledger.claim("support", "c-y", visitor)
    kept_out = []

    async def settle(seconds: float) -> None:
        if not kept_out:
            assert await other.ledger.become(visitor, person("alice"))
        await other.cutoffs.look()
        kept_out.append(other.cutoffs.before("person", "acme", visitor.subject) > 0)

    monkeypatch.setattr(erasing.asyncio, "sleep", settle)
    done = await erase(lived.database, "acme", "alice", by=ROOT, settled=1.5, pause=0)
    assert done.conversations == 4
    assert kept_out == [False, True, False], "nowhere, then everywhere, then buried"
    for who in (visitor, person("alice")):
        assert await Ledger(lived.database).whose("support", "c-y", who) is Whose.ANOTHERS
    await other.aclose()


async def test_naming_and_erasing_at_once_leaves_no_id_of_the_old_one(
    store: Store, url: str, direct: Direct
) -> None:
    other = await Store.open(url)
    upstreams = [f"up-{number}" for number in range(10)]
    for upstream in upstreams[:5]:
        await store.ledger.user_id(upstream, person("alice"), "alice")
    asked = [Ledger(other.database).user_id(one, person("alice"), "alice") for one in upstreams]
    await asyncio.gather(*asked[:5], erased(store), *asked[5:])
    for upstream in upstreams[:5]:
        known = await Ledger(store.database).known_user_id(upstream, person("alice"))
        assert known != "alice"
    await other.aclose()


async def test_what_is_written_to_a_vendor_meanwhile_is_not_noted(
    lived: Store, direct: Direct
) -> None:
    await erased(lived)
    await lived.contacts.sent("acme", "support", {"alice": b"d", "bob": b"d"}, {})
    assert direct("SELECT subject FROM contacts") == [("bob",)]


async def test_what_a_vendor_told_of_them_is_delivered_to_nobody(
    lived: Store, direct: Direct
) -> None:
    await erased(lived)
    assert direct("SELECT subject FROM events WHERE body IS NOT NULL") == [("bob",)]
    assert direct("SELECT count(*) FROM deliveries") == [(1,)]


async def test_what_is_younger_than_the_tombstone_is_the_next_ones(
    lived: Store, direct: Direct
) -> None:
    """Who comes back while rows are still being changed keeps what is theirs."""
    later = time.time() + 60
    await used(lived, "alice", at=later)
    await used(lived, "bob", at=later, actor="alice")
    tomorrow = int(later // 86_400) + 1
    await put(lived.database, event(1, day=tomorrow))
    await erased(lived)
    assert direct("SELECT count(*) FROM usage WHERE subject = 'alice'") == [(1,)]
    assert direct("SELECT count(*) FROM usage WHERE actor = 'alice'") == [(1,)]
    assert direct("SELECT count(*) FROM audit WHERE subject = 'alice'") == [(1,)]
