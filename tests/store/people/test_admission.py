import time

import pytest

from gateway.core.errors import Blocked, LedgerUnavailable
from gateway.core.people.identity import Identity, Person
from gateway.store.cutoffs import Cutoffs
from gateway.store.people import admission
from gateway.store.people.admission import LONGEST, Blocks, people_of
from gateway.store.people.blocking import block, unblock
from gateway.store.store import Store

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patience")]


async def let_by(cutoffs: Cutoffs, *people: tuple[str, str]) -> list[bool]:
    await cutoffs.look()
    found = []
    for org, subject in people:
        try:
            Blocks(cutoffs).check(Identity(org, subject))
            found.append(True)
        except Blocked:
            found.append(False)
    return found


async def test_a_person_or_an_org_is_blocked_and_nobody_else(store: Store) -> None:
    everybody = (("acme", "alice"), ("acme", "bob"), ("globex", "alice"), ("acme", ""))
    assert await let_by(store.cutoffs, *everybody) == [True, True, True, True]
    await block(store.database, "acme", "alice", by="operator:x")
    assert await let_by(store.cutoffs, *everybody) == [False, True, True, True]
    await block(store.database, "acme", None, by="operator:x")
    assert await let_by(store.cutoffs, *everybody) == [False, False, True, False]
    await unblock(store.database, "acme", None, by="operator:x")
    assert await let_by(store.cutoffs, *everybody) == [False, True, True, True]


async def test_nobody_is_let_by_while_that_is_unknown(store: Store) -> None:
    with pytest.raises(LedgerUnavailable):
        Blocks(store.cutoffs).check(Identity("acme", "alice"))


async def test_who_was_kept_out_since_they_were_let_in_is_perhaps_another(store: Store) -> None:
    blocks, alice = Blocks(store.cutoffs), Identity("acme", "alice")
    await store.cutoffs.look()
    before = time.monotonic()
    await block(store.database, "acme", "alice", by="operator:x")
    await store.cutoffs.look()
    await unblock(store.database, "acme", "alice", by="operator:x")
    await store.cutoffs.look()
    with pytest.raises(Blocked):
        blocks.check(alice, since=before)
    blocks.check(alice, since=time.monotonic())
    blocks.check(alice)
    blocks.check(Identity("acme", "bob"), since=before)
    blocks.check(Identity("globex", "alice"), since=before)


async def test_when_that_was_is_not_remembered_for_ever(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = Blocks(store.cutoffs)
    await store.cutoffs.look()
    await block(store.database, "acme", "alice", by="operator:x")
    await store.cutoffs.look()
    later = time.monotonic() + LONGEST + 1
    monkeypatch.setattr(admission.time, "monotonic", lambda: later)
    blocks._hear({("person", "acme", "bob")})
    assert list(blocks._changed) == [Person("acme", "bob")]


def test_people_are_told_from_other_facts() -> None:
    keys = {("person", "acme", "alice"), ("org", "acme", ""), ("session", "https://id", "s")}
    assert people_of(keys) == {Person("acme", "alice")}
