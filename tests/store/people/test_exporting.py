import json
from typing import Any

import pytest

from gateway.core.people.identity import Person
from gateway.store.people.blocking import block
from gateway.store.people.exporting import export
from gateway.store.people.holdings import held_by
from gateway.store.schema import metadata
from gateway.store.store import Store
from tests.store.people.test_erasing import told, used
from tests.store.trails import event, put

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patience")]

VISITOR = "anon_" + 26 * "x"


async def exported(store: Store, subject: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    held = await held_by(store.database, Person("acme", subject))
    await export(store.database, held, lambda row: rows.append(json.loads(json.dumps(row))))
    return rows


async def test_everything_that_is_held_of_a_person_comes_out_and_of_nobody_else(
    store: Store,
) -> None:
    for subject in ("alice", VISITOR, "bob"):
        await store.ledger.claim("support", f"c-{subject}", Person("acme", subject))
        await store.ledger.user_id("support", Person("acme", subject), f"id-{subject}")
        await used(store, subject)
        await told(store, subject)
        await store.contacts.push("support", Person("acme", subject), {"plan": f"of {subject}"})
        await put(store.database, event(1, subject=subject), event(2, org="x", subject=subject))
    await used(store, "bob", actor="alice", at=1_800_000_000)
    await put(store.database, event(3, subject="carol", actor="alice"))
    await store.ledger.become(Person("acme", VISITOR), Person("acme", "alice"))
    await block(store.database, "acme", "alice", by="operator:x")
    rows = await exported(store, VISITOR)
    assert rows[0] == {"kind": "person", "org": "acme", "subject": "alice", "blocked": True}
    kinds = [row["kind"] for row in rows]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "person": 1,
        "name": 1,
        "user_id": 2,
        "conversation": 2,
        "contact": 2,
        "event": 2,
        "usage": 3,
        "audit": 4,
    }
    assert {row["org"] for row in rows} == {"acme"}
    ours = {"alice", VISITOR}
    for row in rows:
        assert {row.get("subject"), row.get("user"), row.get("actor")} & ours, row
    contacts = [row for row in rows if row["kind"] == "contact"]
    assert {row["pushed"]["plan"] for row in contacts} == {"of alice", f"of {VISITOR}"}
    (name,) = [row for row in rows if row["kind"] == "name"]
    assert name["made_at"].endswith("Z")


async def test_of_a_stranger_there_is_a_name_alone(store: Store) -> None:
    assert [row["kind"] for row in await exported(store, "nobody")] == ["person"]


def test_every_table_that_names_people_is_thought_of() -> None:
    """Who adds one says here that it is exported, erased and renamed."""
    known = {"conversations", "users", "aliases", "usage", "audit", "contacts", "events"}
    naming = {table.name for table in metadata.sorted_tables if "subject" in table.columns}
    assert naming == known
