"""Giving a person another name, and making two people one.

The old name stays theirs: it leads to the new one, and with it all that was done under it. What an
upstream knows the person by is carried along, so that its own list of their conversations goes on:
of two ids at one upstream a rename keeps the old name's, a merge the one of whom they become; the
other is remembered, for answers that still name it.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.people.identity import ERASED, Person, is_ours_to_give
from gateway.store.audit import happened, write
from gateway.store.cutoffs import Cutoff, cut
from gateway.store.database import Database
from gateway.store.dialect import alone
from gateway.store.people.admission import PERSON
from gateway.store.people.holdings import CLOCK, Holdings, holdings_of, is_blocked
from gateway.store.people.names import Names, names_of
from gateway.store.schema import aliases, contacts, users

Kind = Literal["renamed", "merged"]

_ORG = aliases.c.org == bindparam("in_org")
_FORGET = delete(aliases).where(_ORG, aliases.c.subject == bindparam("name"))
_FOLLOW = (
    update(aliases)
    .where(_ORG, aliases.c.becomes == bindparam("name"))
    .values(becomes=bindparam("now"), made_at=bindparam("at"))
)
_IDS = select(users).where(
    users.c.org == bindparam("in_org"), users.c.subject.in_(bindparam("names", expanding=True))
)
_TAKE = delete(users).where(
    users.c.org == bindparam("in_org"), users.c.subject.in_(bindparam("names", expanding=True))
)

_OF_BOTH = (contacts.c.org == bindparam("in_org")) & contacts.c.subject.in_(
    bindparam("names", expanding=True)
)
_CONTACTS = select(contacts).where(_OF_BOTH)
_TAKE_CONTACTS = delete(contacts).where(_OF_BOTH)


class CannotBecome(Exception):
    """The one cannot become the other; says why."""


@dataclass(frozen=True, slots=True)
class Becoming:
    """One person and the name they are to have; `other` is who has it now."""

    one: Holdings
    other: Holdings | None  # None: it has been theirs


async def looked_at(database: Database, org: str, subject: str, to: str) -> Becoming:
    """What would become one person.

    Raises:
        CannotBecome: these two cannot.
        LedgerUnavailable: it cannot be read.
    """

    async def get(connection: AsyncConnection) -> Becoming:
        one, other = await _both(connection, org, subject, to)
        theirs = None if other.person == one.person else await holdings_of(connection, other)
        return Becoming(await holdings_of(connection, one), theirs)

    return await database.read(get, clock=CLOCK)


async def become(
    database: Database, kind: Kind, org: str, subject: str, to: str, *, by: str
) -> bool:
    """Make `to` the name of who is `subject`, on the disk; False: it is already.

    Raises:
        CannotBecome: these two cannot.
        LedgerUnavailable: it cannot be written.
    """
    event = happened(
        kind,
        now=time.time(),
        org=org,
        subject=subject,
        actor=by,
        detail=json.dumps({"to": to}),
    )

    async def work(connection: AsyncConnection) -> bool:
        await alone(connection, "aliases")
        one, other = await _both(connection, org, subject, to)
        if one.person.subject == to:
            return False
        await _lead(connection, one, to)
        await _carry_ids(connection, one, to, keeps_old=kind == "renamed")
        await _carry_contacts(connection, one, to)
        await _stay_blocked(connection, one, other)
        await write(connection, [event])
        return True

    return await database.start(database.commit(work))


async def _both(
    connection: AsyncConnection, org: str, subject: str, to: str
) -> tuple[Names, Names]:
    one = await names_of(connection, Person(org, subject))
    other = await names_of(connection, Person(org, to))
    if is_ours_to_give(to):
        raise CannotBecome(f"{to} is a visitor, or a tombstone: nobody becomes one")
    if ERASED.fullmatch(subject):
        raise CannotBecome(f"{subject} is a tombstone: what was theirs stays closed")
    if other.person != one.person and other.person.subject != to:
        raise CannotBecome(f"{to} has become {other.person.subject}: say that name")
    return one, other


async def _lead(connection: AsyncConnection, one: Names, to: str) -> None:
    """From every name of theirs to the new one, in one hop; which leads nowhere itself."""
    org, now = one.org, int(time.time())
    await connection.execute(_FORGET, {"in_org": org, "name": to})
    names = {"in_org": org, "name": one.person.subject}
    await connection.execute(_FOLLOW, {**names, "now": to, "at": now})
    row = {"org": org, "subject": one.person.subject, "becomes": to, "made_at": now}
    await connection.execute(aliases.insert(), [row])


async def _carry_ids(connection: AsyncConnection, one: Names, to: str, *, keeps_old: bool) -> None:
    """Give the ids of both names to the one that counts, or leave them to the one that does not."""
    old = one.person.subject
    named = {"in_org": one.org, "names": [old, to]}
    rows = [dict(row._mapping) for row in await connection.execute(_IDS, named)]
    taken = {row["upstream"] for row in rows if row["subject"] == to and not keeps_old}
    carried = {row["upstream"] for row in rows if row["subject"] == old} - taken
    moved = [_moved(row, old, to) if row["upstream"] in carried else row for row in rows]
    if moved != rows:
        await connection.execute(_TAKE, named)
        await connection.execute(users.insert(), sorted(moved, key=_key))


async def _carry_contacts(connection: AsyncConnection, one: Names, to: str) -> None:
    """What a service of the company's own pushed of either; each vendor is told of it again."""
    old = one.person.subject
    named = {"in_org": one.org, "names": [old, to]}
    rows = [dict(row._mapping) for row in await connection.execute(_CONTACTS, named)]
    kept = {row["upstream"]: row for row in sorted(rows, key=lambda row: row["subject"] == to)}
    if rows:
        again = [row | {"subject": to, "sent": None} for _, row in sorted(kept.items())]
        await connection.execute(_TAKE_CONTACTS, named)
        await connection.execute(contacts.insert(), again)


def _moved(row: dict[str, Any], old: str, to: str) -> dict[str, Any]:
    return row | {"subject": to if row["subject"] == old else old}


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["upstream"], row["subject"]


async def _stay_blocked(connection: AsyncConnection, one: Names, other: Names) -> None:
    """Who was blocked as either is blocked as both."""
    if await is_blocked(connection, one) or await is_blocked(connection, other):
        names = {*one.all, *other.all}
        await cut(connection, [Cutoff(PERSON, one.org, name) for name in names])
