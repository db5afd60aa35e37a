import asyncio
import json
from pathlib import Path

import msgspec
import pytest

from gateway.store import chain
from gateway.store.audit import AuditEvent, AuditTrail, line_of
from gateway.store.database import Database
from gateway.store.opening import opened
from gateway.store.store import Store
from gateway.store.verify import verify
from tests.store.conftest import Direct
from tests.store.trails import DAY, event, put

pytestmark = pytest.mark.anyio


async def test_each_row_holds_the_hash_of_the_one_before(
    database: Database, direct: Direct
) -> None:
    await put(database, event(1), event(2), event(1, org="globex"))
    await put(database, event(3))
    found = direct("SELECT org, number, previous, hash FROM audit ORDER BY org, number")
    assert [row[:2] for row in found] == [("acme", 1), ("acme", 2), ("acme", 3), ("globex", 1)]
    assert [bytes(row[2]) for row in found] == [
        chain.beginning("acme"),
        bytes(found[0][3]),
        bytes(found[1][3]),
        chain.beginning("globex"),
    ]
    assert not (await verify(database)).faults


async def test_an_event_that_comes_twice_is_there_once(database: Database, direct: Direct) -> None:
    one, two = event(1), event(2)
    await put(database, one)
    await put(database, one, two)
    await put(database, two)
    assert direct("SELECT count(*) FROM audit") == [(2,)]
    assert not (await verify(database)).faults


async def test_what_waited_past_midnight_belongs_to_the_day_it_is_written_in(
    database: Database, direct: Direct
) -> None:
    await put(database, event(1, day=DAY + 1))
    await put(database, event(1))
    assert direct("SELECT number, day FROM audit ORDER BY number") == [(1, DAY + 1), (2, DAY + 1)]
    assert not (await verify(database)).faults


async def test_several_processes_make_one_chain(url: str) -> None:
    databases = [await opened(url) for _ in range(3)]
    await asyncio.gather(
        *(
            put(database, *(event(number * 10 + one) for one in range(5)))
            for number, database in enumerate(databases * 7)
        )
    )
    verdict = await verify(databases[0])
    assert (verdict.rows, verdict.faults) == (105, [])
    for database in databases:
        await database.aclose()


async def test_the_trail_keeps_events_in_batches(store: Store, tmp_path: Path) -> None:
    heard: list[bytes] = []

    class Heard:
        def add(self, line: bytes) -> None:
            heard.append(line)

    trail = AuditTrail(store.database, tmp_path / "spool", lines=Heard())
    trail.add(event(1))
    trail.add(event(2))
    await trail.batches.aclose()
    assert (await verify(store.database)).rows == 2
    assert [json.loads(line)["conversation"] for line in heard] == ["c-1", "c-2"]


def test_a_line_says_what_an_event_has_and_no_more() -> None:
    line = json.loads(line_of(event(1)))
    assert line.pop("id")[14] == "7"  # the version of a UUID
    assert line == {
        "time": "2024-10-04T12:00:01Z",
        "org": "acme",
        "event": "spoke",
        "upstream": "support",
        "times": 1,
        "subject": "alice",
        "user_id": "u_alice",
        "conversation": "c-1",
    }


def test_an_event_comes_back_from_the_spool_as_it_was() -> None:
    one = event(1, detail="{}")
    assert msgspec.json.decode(msgspec.json.encode(one), type=AuditEvent) == one
