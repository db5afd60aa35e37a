"""What could not be delivered: listed, tried again, forgotten; each on record."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.ports import NotDelivered
from gateway.store.inbox import EventInbox
from gateway.store.outbox import EventOutbox
from gateway.store.store import Store
from tests.cli.looked import look, rows
from tests.events.test_envelope import EVENT
from tests.support import config
from tests.support.tokens import Issuer

A, B = "webhook hooks.example 01234567", "lines stdout 89abcdef"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Three events, of two of which the first receiver wants to know nothing."""
    written = tmp_path / "gateway.toml"
    written.write_text(config.chatbase("http://127.0.0.1:9", Issuer(), store=tmp_path / "g.db"))
    asyncio.run(with_store(tmp_path, fill))
    return written


async def with_store(folder: Path, work: Callable[[Store], Awaitable[None]]) -> None:
    store = await Store.open(f"sqlite:///{folder}/g.db")
    try:
        await work(store)
    finally:
        await store.aclose()


async def fill(store: Store) -> None:
    inbox, outbox = EventInbox(store.database, lambda: None), EventOutbox(store.database)
    for number, subject in enumerate(("alice", "bob", "alice")):
        event = replace(
            EVENT,
            id=f"evt_{number}",
            source=f"id:{number}",
            org="default",
            subject=subject,
            conversation=f"c-{number}",
        )
        assert await inbox.put(event, (A, B))
    refused = NotDelivered("answered 422", is_away=False, status=422)
    for lane in await outbox.hold(await outbox.due((B,), 10)):
        for due in await outbox.next(lane, 10):
            if due.event.id != "evt_2":
                await outbox.failed(due, refused, dies=True)
        await outbox.let_go(lane, 0)


def dead(file: Path) -> list[str]:
    return [row["id"] for row in rows(file, "events", "list", "--state", "dead")]


def test_lists_what_is_to_be_delivered_and_what_was_given_up(file: Path) -> None:
    assert dead(file) == ["evt_0", "evt_1"]
    assert len(rows(file, "events", "list", "--state", "waiting")) == 4
    found = rows(file, "events", "list", "--user", "bob")
    assert [(row["state"], row["target"]) for row in found] in (
        [("dead", A), ("waiting", B)],
        [("waiting", B), ("dead", A)],
    )
    (row,) = [row for row in found if row["state"] == "dead"]
    assert (row["org"], row["type"], row["conversation"]) == ("default", "lead.created", "c-1")
    assert (row["tries"], row["status"], row["reason"]) == (1, 422, "answered 422")
    assert row["time"].startswith("2025-12-17T")
    assert row["died_at"].endswith("Z")
    assert rows(file, "events", "list", "--since", "1h") == []


def test_what_an_event_says_is_not_shown(file: Path) -> None:
    assert "mallory" not in look(file, "events", "list").output


def test_what_was_given_up_waits_again(file: Path, tmp_path: Path) -> None:
    done = look(file, "events", "replay", "evt_1")
    assert (done.exit_code, dead(file)) == (0, ["evt_0"])
    assert "1 delivery" in done.stdout
    done = look(file, "events", "replay", "--all")
    assert (done.exit_code, dead(file)) == (0, [])

    async def is_handed_out(store: Store) -> None:
        outbox = EventOutbox(store.database)
        for lane in await outbox.hold(await outbox.due((B,), 10)):
            (due,) = await outbox.next(lane, 10)
            assert due.tries == 0
            await outbox.done(due)

    asyncio.run(with_store(tmp_path, is_handed_out))
    assert {row["target"] for row in rows(file, "events", "list")} == {B}


def test_what_was_given_up_is_forgotten_and_what_it_said_too(file: Path, tmp_path: Path) -> None:
    for words in (("evt_0",), ("--all", "--user", "bob")):
        assert look(file, "events", "drop", *words).exit_code == 0
    assert dead(file) == []

    async def arrives(store: Store) -> None:
        outbox = EventOutbox(store.database)
        for lane in await outbox.hold(await outbox.due((), 10)):
            for due in await outbox.next(lane, 10):
                await outbox.done(due)
        found = await store.database.rows(_bodies(), {})
        assert [row.body for row in found] == [None] * 3

    asyncio.run(with_store(tmp_path, arrives))


def _bodies() -> object:
    from sqlalchemy import select

    from gateway.store.schema import events

    return select(events.c.body)


@pytest.mark.parametrize("command", ["replay", "drop"])
def test_says_which_or_all(file: Path, command: str) -> None:
    for words in ((), ("evt_0", "--all")):
        done = look(file, "events", command, *words)
        assert (done.exit_code, "Say which" in done.stderr) == (1, True)
    done = look(file, "events", command, "evt_9")
    assert (done.exit_code, dead(file)) == (1, ["evt_0", "evt_1"])
    assert "No such event was given up" in done.stderr


def test_who_looks_is_on_record(file: Path) -> None:
    look(file, "events", "list")
    look(file, "events", "replay", "--all")
    details = [row["detail"] for row in rows(file, "audit") if row["event"] == "looked_up"]
    assert '"what": "events"' in details[0]
    assert "waits to be delivered again" in details[1]
