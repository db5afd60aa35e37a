"""Events as they come: each once, in one order, and on the disk before anybody is told."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.core.errors import LedgerUnavailable
from gateway.core.events.event import Event
from gateway.store.database import Database
from gateway.store.inbox import EventInbox, lane_key
from gateway.store.opening import opened
from tests.events.test_envelope import EVENT
from tests.store.conftest import Direct, locked

pytestmark = pytest.mark.anyio

TWO = ("webhook a", "webhook b")


def nothing() -> None:
    """Nobody waits for what is new."""


def event(number: int) -> Event:
    return replace(EVENT, id=f"evt_{number}", source=f"id:{number}")


@pytest.fixture
def inbox(database: Database) -> EventInbox:
    return EventInbox(database, nothing)


async def test_an_event_is_kept_with_what_is_to_be_delivered(
    inbox: EventInbox, direct: Direct
) -> None:
    assert await inbox.put(EVENT, TWO)
    ((number, source, subject, body),) = direct("SELECT number, source, subject, body FROM events")
    assert (source, subject, bytes(body)) == ("id:e-1", "alice", EVENT.data)
    rows = direct("SELECT number, target, tries, died_at FROM deliveries ORDER BY target")
    assert rows == [(number, "webhook a", 0, None), (number, "webhook b", 0, None)]
    assert sorted(direct("SELECT lane FROM lanes")) == sorted(direct("SELECT lane FROM deliveries"))


async def test_the_second_of_one_is_none(inbox: EventInbox, direct: Direct) -> None:
    assert await inbox.put(EVENT, TWO)
    assert not await inbox.put(replace(EVENT, id="evt_2", kind="other"), TWO)
    assert direct("SELECT count(*) FROM events") == [(1,)]
    assert direct("SELECT count(*) FROM deliveries") == [(2,)]


@pytest.mark.usefixtures("patience")
async def test_of_the_same_at_once_one_counts(inbox: EventInbox, url: str) -> None:
    """Also where two processes are told."""
    other = await opened(url)
    try:
        inboxes = (inbox, EventInbox(other, nothing))
        puts = [
            one.put(replace(EVENT, id=f"evt_{number}"), TWO)
            for number in range(20)
            for one in [inboxes[number % 2]]
        ]
        assert sorted(await asyncio.gather(*puts)) == [False] * 19 + [True]
    finally:
        await other.aclose()


async def test_the_same_source_elsewhere_is_another(inbox: EventInbox) -> None:
    assert await inbox.put(EVENT, TWO)
    assert await inbox.put(replace(EVENT, id="evt_2", org="org_globex"), TWO)
    assert await inbox.put(replace(EVENT, id="evt_3", upstream="docs"), TWO)


async def test_what_is_new_is_said_and_what_is_not_is_not(database: Database) -> None:
    said: list[int] = []
    inbox = EventInbox(database, lambda: said.append(1))
    await inbox.put(EVENT, TWO)
    await inbox.put(EVENT, TWO)
    assert said == [1]


@pytest.mark.usefixtures("patience")
async def test_later_ones_have_greater_numbers(inbox: EventInbox, direct: Direct) -> None:
    for number in range(20):
        await inbox.put(event(number), TWO[:1])
    ids = direct("SELECT e.id FROM deliveries d JOIN events e USING (number) ORDER BY d.number")
    assert ids == [(f"evt_{number}",) for number in range(20)]


def test_a_lane_is_of_one_conversation_and_one_receiver() -> None:
    key = lane_key(EVENT, "a")
    assert lane_key(replace(EVENT, kind="x", id="evt_9", subject="bob"), "a") == key
    others = [
        lane_key(EVENT, "b"),
        *(lane_key(replace(EVENT, **{name: "other"}), "a") for name in ("org", "upstream")),
        lane_key(replace(EVENT, conversation="other"), "a"),
        lane_key(replace(EVENT, conversation=None), "a"),
        lane_key(replace(EVENT, conversation=None, subject=None), "a"),
        lane_key(replace(EVENT, conversation="alice"), "a"),
    ]
    assert len({key, *others}) == 1 + len(others)


async def test_who_is_not_kept_is_told_so(inbox: EventInbox, path: Path) -> None:
    with locked(path), pytest.raises(LedgerUnavailable):
        await inbox.put(EVENT, TWO)
