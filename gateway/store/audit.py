"""The audit trail: what happened, in a chain for each org that shows what was changed in it later.

Rows come in batches, from several processes; the chain is made inside the transaction that writes
them, by one writer at a time. A day's head is its last hash: whoever keeps those elsewhere can tell
that the last rows of a day are gone, or that all of it was made anew.
"""

import secrets
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.formats.request_id import uuid7
from gateway.store import chain
from gateway.store.batches import INTERVAL, Batches
from gateway.store.database import Database
from gateway.store.dialect import alone, insert
from gateway.store.people.tombs import Named, Tomb, is_late, tombs_of
from gateway.store.schema import audit, audit_heads
from gateway.store.spool import MOST_BYTES, Spool
from gateway.system.randomness import ten_bytes

KIND = "audit"


class AuditEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened, before it has a place in the chain; a line of the spool."""

    id: bytes
    time: int  # milliseconds since the epoch
    org: str  # external_id; "" is the gateway itself
    event: str
    code: str = ""
    upstream: str = ""
    operation: str = ""
    times: int = 1
    subject: str | None = None  # whom it is about
    actor: str | None = None  # who did it, where that is somebody else
    user_id: str | None = None  # what the upstream was told
    conversation: str | None = None
    request_id: str | None = None
    detail: str | None = None


def happened(event: str, *, now: float | None = None, **facts: Any) -> AuditEvent:
    """An event with an id of its own; `now` in seconds since the epoch."""
    moment = time.time() if now is None else now
    return AuditEvent(id=uuid7(moment, ten_bytes()), time=int(moment * 1000), event=event, **facts)


class Lines(Protocol):
    def add(self, line: bytes) -> None: ...


class AuditTrail:
    """Takes events; never blocks, never raises."""

    def __init__(
        self,
        database: Database,
        folder: Path,
        *,
        interval: float = INTERVAL,  # seconds
        most: int = MOST_BYTES,  # of the spool
        lines: Lines | None = None,  # where events are written too, as NDJSON
    ) -> None:
        self._lines = lines
        self.batches: Batches[AuditEvent] = Batches(
            database,
            Spool(folder, KIND, most=most),
            write=write,
            encode=msgspec.json.Encoder().encode,
            decode=msgspec.json.Decoder(AuditEvent).decode,
            interval=interval,
        )

    def add(self, event: AuditEvent) -> None:
        self.batches.add(event)
        if self._lines is not None:
            self._lines.add(line_of(event))


def line_of(event: AuditEvent) -> bytes:
    """An event as people read it: what it has, and no more."""
    facts = msgspec.structs.asdict(event)
    moment = datetime.fromtimestamp(event.time / 1000, UTC)
    named = {"time": moment, "id": uuid.UUID(bytes=event.id)}
    has = {name: fact for name, fact in facts.items() if fact not in (None, "")}
    return msgspec.json.encode(named | {**has, **named})


_HEADS = select(audit_heads)
_KNOWN = select(audit.c.id)


async def write(connection: AsyncConnection, events: Sequence[AuditEvent]) -> None:
    """Put events at the end of their orgs' chains; those that are there already stay."""
    await alone(connection, "audit")
    events = await _without_the_erased(connection, events)
    ids = [event.id for event in events]
    known = set((await connection.execute(_KNOWN.where(audit.c.id.in_(ids)))).scalars())
    orgs = {event.org for event in events}
    found = await connection.execute(_HEADS.where(audit_heads.c.org.in_(orgs)))
    heads = {row.org: dict(row._mapping) for row in found}
    rows = []
    for event in sorted(events, key=lambda event: event.id):
        if event.id not in known:
            row = linked(event, heads.get(event.org))
            told = heads[event.org]["told"] if event.org in heads else row["day"] - 1
            heads[event.org] = _head(row, told)
            rows.append(row)
    if rows:
        await connection.execute(audit.insert(), sorted(rows, key=_place))
        changed = {row["org"] for row in rows}
        await _keep(connection, [heads[org] for org in sorted(changed)])


async def _without_the_erased(
    connection: AsyncConnection, events: Sequence[AuditEvent]
) -> Sequence[AuditEvent]:
    late = {(one.org, name) for one in events if is_late(one.time) for name in _people(one)}
    tombs = await tombs_of(connection, late)
    return [_buried(event, tombs) for event in events] if tombs else events


def _people(event: AuditEvent) -> Iterable[str]:
    return (name for name in (event.subject, event.actor) if name is not None)


def _buried(event: AuditEvent, tombs: Mapping[Named, Tomb]) -> AuditEvent:
    """Without its names, where they are of somebody who was erased after it happened."""
    for name in _people(event):
        tomb = tombs.get((event.org, name))
        if tomb is not None and tomb.covers(event.time):
            return msgspec.structs.replace(event, **dict.fromkeys(chain.PERSONAL))
    return event


def linked(event: AuditEvent, head: Mapping[str, Any] | None) -> dict[str, Any]:
    """The row of an event that follows `head`; None: it is the org's first."""
    day = chain.day_of(event.time)
    row = {
        **msgspec.structs.asdict(event),
        "number": 1 if head is None else head["number"] + 1,
        # What waited in the spool past midnight belongs to the day it is written in.
        "day": day if head is None else max(day, head["day"]),
        "previous": chain.beginning(event.org) if head is None else head["hash"],
        "salt": secrets.token_bytes(chain.SALT_BYTES),
    }
    row["personal"] = chain.personal(row)
    row["hash"] = chain.link(row)
    return row


def _head(row: Mapping[str, Any], told: int) -> dict[str, Any]:
    return {name: row[name] for name in ("org", "number", "day", "hash")} | {"told": told}


def _place(row: Mapping[str, Any]) -> tuple[str, int]:
    return row["org"], row["number"]


async def _keep(connection: AsyncConnection, heads: Sequence[Mapping[str, Any]]) -> None:
    made = insert(connection, audit_heads)
    changes = {name: made.excluded[name] for name in ("number", "day", "hash")}
    await connection.execute(
        made.on_conflict_do_update(index_elements=["org"], set_=changes), heads
    )
