"""Everything held of one person, as it is: a row after another, however many."""

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import Select, select

from gateway.events.envelope import moment
from gateway.store.columns import of_event
from gateway.store.database import Database
from gateway.store.people.holdings import Holdings
from gateway.store.people.mentions import in_audit, in_usage
from gateway.store.reading import each
from gateway.store.reports import Report
from gateway.store.schema import (
    aliases,
    audit,
    contacts,
    conversations,
    events,
    usage,
    users,
)

Row = Mapping[str, Any]
Take = Callable[[Row], Awaitable[None] | None]
Told = Callable[[Row], Row]


def person(held: Holdings) -> Row:
    """The first row."""
    return {
        "kind": "person",
        "org": held.names.org,
        "subject": held.names.person.subject,
        "blocked": held.is_blocked,
    }


async def export(database: Database, held: Holdings, take: Take) -> None:
    """Give `take` every row. It is left to the caller to say so in the audit trail, before.

    Raises:
        LedgerUnavailable: the store cannot be read, or can no longer.
    """
    waiting = take(person(held))
    if waiting is not None:
        await waiting
    for kind, statement, told in _parts(held.names.org, held.names.all):

        def one(row: Row, kind: str = kind, told: Told = told) -> Awaitable[None] | None:
            return take({"kind": kind, **told(row)})

        await each(database, Report(statement, ()), one)


def _parts(org: str, names: Any) -> Iterator[tuple[str, Select[Any], Told]]:
    yield "name", _of(aliases, org, names).order_by(aliases.c.subject), _timed("made_at")
    yield "user_id", _of(users, org, names).order_by(users.c.upstream), _timed("first_seen")
    key = (conversations.c.upstream, conversations.c.conversation)
    yield "conversation", _of(conversations, org, names).order_by(*key), _timed("opened_at")
    yield "contact", _of(contacts, org, names).order_by(contacts.c.upstream), _contact
    yield "event", _of(events, org, names).order_by(events.c.number), _event
    spoken = select(usage).where(usage.c.id.in_(in_usage(org, names)))
    yield "usage", spoken.order_by(usage.c.id), _exchange
    about = select(*audit.c, audit.c.subject.label("user")).where(
        audit.c.org == org, audit.c.number.in_(in_audit(org, names))
    )
    yield "audit", about.order_by(audit.c.number), of_event


def _of(table: Any, org: str, names: Any) -> Select[Any]:
    return select(table).where(table.c.org == org, table.c.subject.in_(names))


def _timed(column: str) -> Told:
    """A row whose time is in seconds."""
    return lambda row: {**row, column: moment(row[column] * 1000)}


def _contact(row: Row) -> Row:
    """What vendors have been told beside this is what the sign-in says: it is not kept here."""
    pushed = None if row["pushed"] is None else json.loads(row["pushed"])
    names = {name: row[name] for name in ("org", "upstream", "subject")}
    return {**names, "pushed": pushed, "was_sent": row["sent"] is not None}


def _event(row: Row) -> Row:
    """What a vendor told of them; what it says is kept until it is delivered."""
    body = None if row["body"] is None else row["body"].decode(errors="replace")
    facts = {name: fact for name, fact in row.items() if name != "kind"}
    return {**facts, "type": row["kind"], "at": moment(row["at"]), "body": body}


def _exchange(row: Row) -> Row:
    return {**row, "id": row["id"].hex(), "time": moment(row["time"])}
