"""Conversations and the audit trail, to look through: as `reports`, row by row or page by page."""

from sqlalchemy import and_, func, literal, or_, select

from gateway.store.reports import Filter, Report, id_at, unindexed
from gateway.store.schema import aliases, audit, conversations


def conversations_of(which: Filter) -> Report:
    """Who owns which conversation; a time is when it was opened, to the second."""
    same = and_(aliases.c.org == conversations.c.org, aliases.c.subject == conversations.c.subject)
    person = func.coalesce(aliases.c.becomes, conversations.c.subject)
    opened = conversations.c.opened_at * 1000
    wanted = [
        *([conversations.c.org == which.org] if which.org is not None else []),
        *([person == which.user] if which.user is not None else []),
        *([opened >= which.since] if which.since is not None else []),
        *([opened < which.until] if which.until is not None else []),
    ]
    keys = (conversations.c.org, conversations.c.upstream, conversations.c.conversation)
    statement = (
        select(*keys, person.label("user"), conversations.c.opened_at)
        .select_from(conversations.outerjoin(aliases, same))
        .where(*wanted)
        .order_by(*keys)
    )
    return Report(statement, ("org", "upstream", "conversation"))


def events_of(which: Filter) -> Report:
    """The audit trail, by time; a person's events are those about them and those they did."""
    about = or_(audit.c.subject == literal(which.user), audit.c.actor == literal(which.user))
    org = audit.c.org if which.since is None else unindexed(audit.c.org)
    wanted = [
        *([org == which.org] if which.org is not None else []),
        *([about] if which.user is not None else []),
        *([audit.c.id >= id_at(which.since)] if which.since is not None else []),
        *([audit.c.id < id_at(which.until)] if which.until is not None else []),
    ]
    columns = [column for column in audit.c if column.name != "subject"]
    statement = select(*columns, audit.c.subject.label("user")).where(*wanted)
    return Report(statement.order_by(audit.c.id), ("id",))
