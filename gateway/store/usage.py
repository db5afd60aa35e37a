"""Usage: one row an exchange of somebody we know, refused and interrupted ones among them.

What was refused before anybody was signed in is nobody's usage: it is in the log, the metrics and
the audit trail, where a stranger cannot fill the disk with it.

A row has an id of its own, a UUIDv7, by which it is written once however often it is sent. The id
of the request will not do: a client may choose that, and choose one twice.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from pathlib import Path

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.answer.usage import amounts
from gateway.core.formats.request_id import uuid7
from gateway.ports import Record, UsageSink
from gateway.store.batches import INTERVAL, Batches
from gateway.store.database import Database
from gateway.store.dialect import can_hold, insert_new
from gateway.store.people.tombs import Named, Tomb, is_late, tombs_of
from gateway.store.schema import usage
from gateway.store.spool import MOST_BYTES, Spool
from gateway.system.randomness import ten_bytes

KIND = "usage"
ESCAPED = "\ufffd"
LONGEST_ESCAPED = 512  # characters
_ID = attrgetter("id")


class UsageRow(msgspec.Struct, frozen=True, gc=False):
    """A row of the table `usage`, as a line of the spool has it too."""

    id: bytes
    time: int  # milliseconds since the epoch, when it ended; the id begins with them
    org: str
    subject: str
    upstream: str
    operation: str
    conversation: str
    request_id: str
    status: int
    code: str
    interrupted: str
    bytes_in: int
    bytes_out: int
    tokens_in: int
    tokens_out: int
    credits: float
    tool_calls: int
    milliseconds: int
    first_byte: int | None  # milliseconds
    actor: str = ""  # a line of an older version has none


class UsageLog(UsageSink):
    """The `UsageSink` over one database."""

    def __init__(
        self,
        database: Database,
        folder: Path,
        *,
        interval: float = INTERVAL,  # seconds
        most: int = MOST_BYTES,  # of the spool
    ) -> None:
        self.batches = Batches(
            database,
            Spool(folder, KIND, most=most),
            write=write,
            encode=msgspec.json.Encoder().encode,
            decode=msgspec.json.Decoder(UsageRow).decode,
            interval=interval,
        )

    def record(self, record: Record) -> None:
        if record.subject:
            self.batches.add(row_of(record, time.time()))


def row_of(record: Record, now: float) -> UsageRow:
    """The row of an exchange that ended `now`, seconds since the epoch; each call gives it another
    id.
    """
    names: Sequence[str] = (
        record.org_id,
        record.subject,
        record.upstream,
        record.operation,
        record.conversation,
        record.request_id,
        record.actor,
    )
    if not "".join(names).isprintable():  # one look at all of them, for hardly any needs another
        names = tuple(map(text, names))
    org, subject, upstream, operation, conversation, request_id, actor = names
    cost, first_byte = amounts(record.usage), record.first_byte_ms
    return UsageRow(  # by place, which takes a seventh of the time it takes by name
        uuid7(now, ten_bytes()),
        int(now * 1000),
        org,
        subject,
        upstream,
        operation,
        conversation,
        request_id,
        record.status,
        record.code,
        record.interrupted,
        record.bytes_in,
        record.bytes_out,
        cost.tokens_in,
        cost.tokens_out,
        cost.credits,
        0 if record.code else record.tool_calls,
        round(record.duration_ms),
        None if first_byte is None else round(first_byte),
        actor,
    )


def text(name: str) -> str:
    """A name as any database takes it: as it is, for by that it is looked for and erased.

    One with half a surrogate pair or NUL becomes its visible escapes, of which a few hundred are
    enough. Such a name is nobody's, for the ledger refuses it.
    """
    if name.isprintable() or can_hold(name):
        return name
    return ESCAPED + name.encode("unicode_escape").decode("ascii")[:LONGEST_ESCAPED]


async def write(connection: AsyncConnection, rows: Sequence[UsageRow]) -> None:
    """Write rows, in the order of their ids; those that are there already stay as they are."""
    in_order = await _without_the_erased(connection, sorted(rows, key=_ID))
    await insert_new(connection, usage, in_order)


async def _without_the_erased(
    connection: AsyncConnection, rows: Sequence[UsageRow]
) -> Sequence[UsageRow]:
    if not is_late(rows[0].time):  # by the order of their ids, the oldest
        return rows
    late = {(row.org, name) for row in rows if is_late(row.time) for name in _people(row)}
    tombs = await tombs_of(connection, late)
    return [_buried(row, tombs) for row in rows] if tombs else rows


def _people(row: UsageRow) -> Iterable[str]:
    return (row.subject, row.actor) if row.actor else (row.subject,)


def _buried(row: UsageRow, tombs: Mapping[Named, Tomb]) -> UsageRow:
    tomb, actors = tombs.get((row.org, row.subject)), tombs.get((row.org, row.actor))
    if tomb is not None and tomb.covers(row.time):
        return msgspec.structs.replace(row, subject=tomb.name, actor="", request_id="")
    if actors is not None and actors.covers(row.time):
        return msgspec.structs.replace(row, actor="")
    return row
