"""Blocking a person or an org, and letting them in again.

A person is blocked under every name they have had, so that an old token is worth nothing either.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.people.identity import Person
from gateway.store.audit import AuditEvent, happened, write
from gateway.store.cutoffs import CLOCK, Cutoff, Key, cut, lift
from gateway.store.database import Database
from gateway.store.people.admission import EVERYBODY, ORG, PERSON
from gateway.store.people.names import names_of
from gateway.store.schema import cutoffs

_BLOCKED = (
    select(cutoffs.c.scope, cutoffs.c.name, cutoffs.c.made_at)
    .where(cutoffs.c.kind.in_([PERSON, ORG]), cutoffs.c.before > 0)
    .order_by(cutoffs.c.scope, cutoffs.c.name)
)


@dataclass(frozen=True, slots=True)
class Block:
    """Who is blocked: a subject, or None for all of the org; since when, in milliseconds."""

    org: str
    subject: str | None
    since: int


async def block(
    database: Database, org: str, subject: str | None, *, by: str
) -> Sequence[str | None]:
    """Block a person of an org, or all of it, on the disk when this returns; under which names.

    Raises:
        LedgerUnavailable: it cannot be written.
    """
    event = _event("blocked", org, subject, by)

    async def work(connection: AsyncConnection) -> Sequence[str | None]:
        keys = await _keys(connection, org, subject)
        await cut(connection, [Cutoff(*key) for key in keys])
        await write(connection, [event])
        return [name or None for _, _, name in keys]

    return await database.start(database.commit(work))


async def unblock(database: Database, org: str, subject: str | None, *, by: str) -> bool:
    """Let them in again; False: they were not blocked.

    Raises:
        LedgerUnavailable: it cannot be written.
    """
    event = _event("unblocked", org, subject, by)

    async def work(connection: AsyncConnection) -> bool:
        keys = await _keys(connection, org, subject)
        was_blocked = await lift(connection, keys)
        await write(connection, [event])
        return was_blocked

    return await database.start(database.commit(work))


async def blocked(
    database: Database, *, of: Person | None = None, most: int | None = None
) -> Sequence[Block]:
    """Everybody who is blocked, or the first so many; `of`: what keeps one person out.

    Raises:
        LedgerUnavailable: it cannot be read.
    """
    wanted = _BLOCKED.limit(most)
    if of is not None:
        wanted = wanted.where(
            cutoffs.c.scope == of.org, cutoffs.c.name.in_([EVERYBODY, of.subject])
        )
    rows = await database.rows(wanted, {}, clock=CLOCK)
    return [Block(row.scope, row.name or None, row.made_at) for row in rows]


def _event(what: str, org: str, subject: str | None, by: str) -> AuditEvent:
    return happened(what, now=time.time(), org=org, subject=subject, actor=by)


async def _keys(connection: AsyncConnection, org: str, subject: str | None) -> Sequence[Key]:
    if subject is None:
        return [(ORG, org, EVERYBODY)]
    names = await names_of(connection, Person(org, subject))
    return [(PERSON, org, name) for name in names.all]
