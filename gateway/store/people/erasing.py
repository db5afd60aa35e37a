"""Erasing a person: what was theirs stays closed for good, and names nobody.

1. They are let in no longer; what runs for them ends. Every gateway knows after `SETTLED` seconds.
2. In one transaction conversations, and the ids vendors know them by, become a tombstone's. From
   then on whoever comes under the same name is somebody else.
3. When every gateway has let go of what it remembered, and written what it had in memory, rows of
   usage get the tombstone's name and rows of audit lose their names, a few at a time.
4. Their names go from what leads from one to another, too.

Said again after a crash, it goes on where it was.
"""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Update, and_, bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.people.identity import Person
from gateway.store import chain
from gateway.store.audit import happened, write
from gateway.store.cutoffs import SETTLED, Cutoff, cut, lift
from gateway.store.database import Database
from gateway.store.dialect import alone, insert
from gateway.store.people.admission import PERSON
from gateway.store.people.mentions import HAS_ACTOR, in_audit
from gateway.store.people.names import Names, names_of
from gateway.store.people.pseudonyms import key_for_erasing, pseudonym
from gateway.store.people.tombs import Tomb
from gateway.store.schema import (
    aliases,
    audit,
    contacts,
    conversations,
    cutoffs,
    deliveries,
    erased,
    events,
    usage,
    users,
)

TOGETHER = 500  # rows a transaction: 10 ms in which no conversation can be claimed
PAUSE = 0.1  # seconds between two: whoever waits to write goes first

_NAMES: Any = bindparam("names", expanding=True)
_ORG: Any = bindparam("in_org")
_AT: Any = bindparam("at")

_CONVERSATIONS = (
    update(conversations)
    .where(conversations.c.org == _ORG, conversations.c.subject.in_(_NAMES))
    .values(subject=bindparam("tomb"))
)
_IDS = select(users).where(users.c.org == _ORG, users.c.subject.in_(_NAMES))
_CONTACTS = delete(contacts).where(contacts.c.org == _ORG, contacts.c.subject.in_(_NAMES))
_EVENT = (events.c.org == _ORG, events.c.subject.in_(_NAMES))
_DELIVERIES = delete(deliveries).where(
    deliveries.c.number.in_(select(events.c.number).where(*_EVENT))
)
_EVENTS = update(events).where(*_EVENT).values(subject=None, user_id=None, body=None)
_TAKE_IDS = delete(users).where(users.c.org == _ORG, users.c.subject.in_(_NAMES))


def _usage(where: ColumnElement[bool], values: Mapping[str, Any]) -> Update:
    some = (
        select(usage.c.id)
        .where(usage.c.org == _ORG, where, usage.c.time <= _AT)
        .order_by(usage.c.id)
        .limit(TOGETHER)
    )
    return update(usage).where(usage.c.id.in_(some)).values(values)


USAGE = _usage(
    usage.c.subject.in_(_NAMES), {"subject": bindparam("tomb"), "actor": "", "request_id": ""}
)
ACTED = _usage(and_(usage.c.actor.in_(_NAMES), HAS_ACTOR), {"actor": ""})
AUDIT = (
    update(audit)
    .where(
        audit.c.org == _ORG,
        audit.c.number.in_(
            select(audit.c.number)
            .where(
                audit.c.org == _ORG,
                audit.c.number.in_(in_audit(_ORG, _NAMES)),
                audit.c.time <= _AT,
            )
            .order_by(audit.c.number)
            .limit(TOGETHER)
        ),
    )
    .values(dict.fromkeys((*chain.PERSONAL, "salt")))
)
_ALIASES = delete(aliases).where(aliases.c.org == _ORG, aliases.c.subject.in_(_NAMES))
_CUTOFFS = delete(cutoffs).where(
    cutoffs.c.kind == PERSON, cutoffs.c.scope == _ORG, cutoffs.c.name.in_(_NAMES)
)


@dataclass(frozen=True, slots=True)
class Erased:
    """What was done: the tombstone's name, and how many rows now name it, or nobody."""

    tomb: str
    conversations: int
    usage: int
    audit: int


async def erase(
    database: Database,
    org: str,
    subject: str,
    *,
    by: str,
    settled: float = SETTLED,
    pause: float = PAUSE,
) -> Erased:
    """Erase who has, or had, this name.

    Raises:
        LedgerUnavailable: the store is away; say it again.
    """
    buried = None
    while buried is None:  # a visitor may become them, until every gateway knows
        names = await _keep_out(database, Person(org, subject))
        await asyncio.sleep(settled)
        buried = await _bury(database, names, by)
    tomb, count = buried
    await asyncio.sleep(settled)
    values = {"in_org": org, "names": list(names.all), "at": tomb.at}
    used = await _all(database, USAGE, {**values, "tomb": tomb.name}, pause)
    used += await _all(database, ACTED, values, pause)
    seen = await _all(database, AUDIT, values, pause)
    await _forget(database, names)
    return Erased(tomb.name, count, used, seen)


async def _keep_out(database: Database, person: Person) -> Names:
    async def work(connection: AsyncConnection) -> Names:
        names = await names_of(connection, person)
        await cut(connection, [Cutoff(PERSON, names.org, name) for name in names.all])
        return names

    return await database.start(database.commit(work))


async def _bury(database: Database, names: Names, by: str) -> tuple[Tomb, int] | None:
    """Make a tombstone of all that somebody could open; how many conversations that are.

    None: they have got another name meanwhile, which was not kept out.
    """
    event = happened("erased", now=time.time(), org=names.org, actor=by)

    async def work(connection: AsyncConnection) -> tuple[Tomb, int] | None:
        await alone(connection, "aliases")
        if await names_of(connection, names.person) != names:
            return None
        key = await key_for_erasing(connection)
        tomb = Tomb(pseudonym(key, names.org, names.person.subject), int(time.time() * 1000))
        named = {"in_org": names.org, "names": list(names.all)}
        changed = await connection.execute(_CONVERSATIONS, {**named, "tomb": tomb.name})
        for statement in (_CONTACTS, _DELIVERIES, _EVENTS):
            await connection.execute(statement, named)
        await _bury_ids(connection, key, names, tomb)
        await _mark(connection, key, names, tomb)
        await lift(connection, [(PERSON, names.org, name) for name in names.all])
        detail = json.dumps({"conversations": changed.rowcount})
        await write(connection, [msgspec.structs.replace(event, subject=tomb.name, detail=detail)])
        return tomb, changed.rowcount

    return await database.start(database.commit(work))


async def _bury_ids(connection: AsyncConnection, key: bytes, names: Names, tomb: Tomb) -> None:
    """Keep of each id only what tells that nobody may have it again."""
    named = {"in_org": names.org, "names": [*names.all, tomb.name]}
    rows = [dict(row._mapping) for row in await connection.execute(_IDS, named)]
    taken = {row["upstream"] for row in rows if row["subject"] == tomb.name}
    buried = []
    for row in sorted(rows, key=lambda row: row["subject"] != names.person.subject):
        if row["subject"] == tomb.name:
            continue
        digest = pseudonym(key, names.org, row["upstream"], row["user_id"])
        subject = digest if row["upstream"] in taken else tomb.name
        taken.add(row["upstream"])
        buried.append(row | {"subject": subject, "user_id": digest})
    if buried:
        await connection.execute(_TAKE_IDS, {"in_org": names.org, "names": list(names.all)})
        await connection.execute(users.insert(), sorted(buried, key=_key))


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["upstream"], row["subject"]


async def _mark(connection: AsyncConnection, key: bytes, names: Names, tomb: Tomb) -> None:
    """Have rows that come late find the tombstone."""
    made = insert(connection, erased)
    changes = {name: made.excluded[name] for name in ("becomes", "erased_at")}
    rows: Sequence[Mapping[str, Any]] = [
        {
            "org": names.org,
            "name": pseudonym(key, names.org, name),
            "becomes": tomb.name,
            "erased_at": tomb.at,
        }
        for name in names.all
    ]
    statement = made.on_conflict_do_update(index_elements=["org", "name"], set_=changes)
    await connection.execute(statement, sorted(rows, key=lambda row: str(row["name"])))


async def _all(database: Database, some: Update, values: Mapping[str, Any], pause: float) -> int:
    done = 0
    while True:

        async def work(connection: AsyncConnection) -> int:
            return (await connection.execute(some, values)).rowcount

        count = await database.start(database.commit(work))
        done += count
        if count < TOGETHER:
            return done
        await asyncio.sleep(pause)


async def _forget(database: Database, names: Names) -> None:
    async def work(connection: AsyncConnection) -> None:
        await alone(connection, "aliases")
        named = {"in_org": names.org, "names": list(names.all)}
        await connection.execute(_ALIASES, named)
        await connection.execute(_CUTOFFS, named)

    await database.start(database.commit(work))
