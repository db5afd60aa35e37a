from dataclasses import replace
from pathlib import Path

import pytest

from gateway.core.people.identity import Person
from gateway.store import retention
from gateway.store.inbox import EventInbox
from gateway.store.retention import retain
from gateway.store.store import Store
from gateway.store.usage import row_of, write
from gateway.store.verify import verify
from tests.events.test_envelope import EVENT
from tests.store.conftest import Direct
from tests.store.test_usage import finished
from tests.store.trails import DAY, event, put

pytestmark = pytest.mark.anyio

CUT = (DAY + 1) * 86_400.0


async def use(store: Store, *times: float) -> None:
    rows = [row_of(*finished(time)) for time in times]
    await store.database.start(store.database.commit(lambda connection: write(connection, rows)))


async def test_old_usage_goes_and_ownership_stays(
    store: Store, direct: Direct, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "TOGETHER", 500)
    await store.ledger.claim("support", "c-1", Person("acme", "alice"))
    await use(store, *(CUT - 1 - number / 100 for number in range(1203)), CUT, CUT + 1)
    assert await retain(store.database, before=CUT, pause=0) == 1203
    assert direct("SELECT count(*) FROM usage") == [(2,)]
    assert direct("SELECT count(*) FROM conversations") == [(1,)]
    assert await retain(store.database, before=CUT, pause=0) == 0


async def test_old_audit_goes_and_the_rest_of_the_chain_holds(store: Store, direct: Direct) -> None:
    database = store.database
    await put(database, *(event(number) for number in range(4)), event(9, org="globex"))
    await put(database, event(5, day=DAY + 1), event(6, day=DAY + 2))
    assert await retain(database, before=CUT, pause=0) == 4
    assert direct("SELECT org, number FROM audit ORDER BY 1, 2") == [
        ("acme", 5),
        ("acme", 6),
        ("globex", 1),
    ]
    assert not (await verify(database)).faults


async def test_the_last_row_of_a_chain_stays_and_names_nobody(store: Store, direct: Direct) -> None:
    await put(store.database, event(1), event(2))
    await retain(store.database, before=CUT, pause=0)
    assert direct("SELECT number, subject, salt FROM audit") == [(2, None, None)]
    await put(store.database, event(1, day=DAY + 1))
    assert (await verify(store.database)).faults == []


async def test_which_events_came_is_forgotten_and_what_waits_is_not(
    store: Store, direct: Direct
) -> None:
    inbox = EventInbox(store.database, lambda: None)
    for number, (at, targets) in enumerate(
        [(CUT - 2, ()), (CUT - 1, ("webhook a",)), (CUT - 1, ()), (CUT, ())]
    ):
        event_of = replace(EVENT, id=f"e{number}", source=f"id:{number}", at=int(at * 1000))
        await inbox.put(event_of, targets)
    assert await retain(store.database, before=CUT, pause=0) == 2
    assert direct("SELECT id FROM events ORDER BY id") == [("e1",), ("e3",)]


async def test_a_store_without_rows_has_none_to_lose(store: Store, tmp_path: Path) -> None:
    assert await retain(store.database, before=CUT) == 0
