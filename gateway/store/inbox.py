"""Events as they come: each once, kept with what is to be delivered of it before anybody is told.

rule 1: An event is known by org, upstream and source. The second of one is none, for as long as the
        row of the first is there (`store.retention`).
rule 2: Lanes are locked before events get their numbers: of two events of one conversation, the one
        that was answered first has the lesser number, in every process.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.events.event import Event
from gateway.core.formats.digests import joined
from gateway.ports.events import EventQueue
from gateway.store.database import Database
from gateway.store.dialect import clock, insert
from gateway.store.group import Group
from gateway.store.schema import deliveries, events, lanes


@dataclass(frozen=True, slots=True)
class Coming:
    """An event, and the receivers it is for."""

    event: Event
    targets: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str, str]:
        return self.event.org, self.event.upstream, self.event.source

    @property
    def lanes(self) -> Iterator[tuple[str, str]]:
        """Key and target of each lane it goes into."""
        return ((lane_key(self.event, target), target) for target in self.targets)


class EventInbox(EventQueue):
    """The `EventQueue` over one database; `new` is called whenever there is something new."""

    def __init__(self, database: Database, new: Callable[[], None]) -> None:
        self._coming: Group[Coming, bool] = Group(database, _put)
        self._new = new

    async def put(self, event: Event, targets: Sequence[str]) -> bool:
        is_new = await self._coming.add(Coming(event, tuple(targets)))
        if is_new:
            self._new()
        return is_new


def lane_key(event: Event, target: str) -> str:
    """The lane of an event: its conversation's, else its person's, else its own."""
    if event.conversation is not None:
        about = ("conversation", event.conversation)
    elif event.subject is not None:
        about = ("person", event.subject)
    else:
        about = ("event", event.id)
    names = joined(event.org, event.upstream, target, *about)
    return hashlib.sha256(names).hexdigest()[:32]


async def _put(connection: AsyncConnection, coming: Sequence[Coming]) -> Sequence[bool]:
    """For each event, whether it is new."""
    since = await touch(connection, [lane for one in coming for lane in one.lanes])
    first = {one.key: one for one in reversed(coming)}  # of two in one batch, the first
    rows = [_row(one.event) for one in coming if first[one.key] is one]
    new = insert(connection, events).on_conflict_do_nothing().values(rows)
    made = await connection.execute(
        new.returning(events.c.number, events.c.org, events.c.upstream, events.c.source)
    )
    numbers = {(row.org, row.upstream, row.source): row.number for row in made}
    due = [
        _delivery(lane, target, numbers[one.key], since)
        for one in first.values()
        if one.key in numbers
        for lane, target in one.lanes
    ]
    if due:
        in_order = sorted(due, key=lambda row: (row["lane"], row["number"]))
        await connection.execute(deliveries.insert(), in_order)
    return [one.key in numbers and first[one.key] is one for one in coming]


async def touch(connection: AsyncConnection, some: Iterable[tuple[str, str]]) -> int:
    """Say that something comes into these lanes, each a key and a target; make those that are new.

    Until the transaction ends nobody else can put anything into them. Returns the time, in
    milliseconds since the epoch.
    """
    now = await clock(connection)
    rows = [{"lane": lane, "target": target, "due": now} | _FREE for lane, target in set(some)]
    if rows:
        made = insert(connection, lanes).on_conflict_do_update(
            index_elements=["lane"], set_={"version": lanes.c.version + 1}
        )
        await connection.execute(made, sorted(rows, key=itemgetter("lane")))
    return now


_FREE = {"holder": "", "held_until": 0, "version": 0}


def _row(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "org": event.org,
        "upstream": event.upstream,
        "source": event.source,
        "kind": event.kind,
        "at": event.at,
        "subject": event.subject,
        "user_id": event.user,
        "conversation": event.conversation,
        "body": event.data,
    }


def _delivery(lane: str, target: str, number: int, since: int) -> dict[str, Any]:
    return {
        "lane": lane,
        "number": number,
        "target": target,
        "since": since,
        "tries": 0,
        "status": 0,
        "reason": "",
        "died_at": None,
    }
