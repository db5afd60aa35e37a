import pytest

from gateway.core.errors import Blocked, LedgerUnavailable
from gateway.core.people.identity import Identity, Person
from gateway.store.cutoffs import Cutoffs
from gateway.store.people.admission import Blocks, people_of
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


def test_people_are_told_from_other_facts() -> None:
    keys = {("person", "acme", "alice"), ("org", "acme", ""), ("session", "https://id", "s")}
    assert people_of(keys) == {Person("acme", "alice")}
