"""What usage comes to: by person, day, month, upstream, conversation, or every exchange by itself.

One statement each, whose rows come in the order of their key: so they can be taken as they come, or
page by page after the key of the last one. A visitor who has signed in is the person they became.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Literal, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    and_,
    case,
    func,
    literal,
    select,
    tuple_,
)

from gateway.store.chain import MILLISECONDS_A_DAY
from gateway.store.schema import aliases, usage, users

By: TypeAlias = Literal["user", "day", "month", "upstream", "conversation", "exchange"]
Column: TypeAlias = ColumnElement[Any]

SUMS = ("requests", "conversations", "tool_calls", "tokens_in", "tokens_out", "credits")
COUNTS = (*SUMS, "refused", "interrupted")
_WAS_REFUSED = and_(usage.c.code != "", usage.c.status.between(400, 499))
ENDS = frozenset({"low", "high"})  # of the upstreams of a group


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which rows a report is of. Times in milliseconds since the epoch, `until` not included."""

    org: str | None = None  # external_id
    user: str | None = None
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A statement, and the columns whose values, in this order, are the key of a row."""

    statement: Select[Any]
    keys: tuple[str, ...]

    def after(
        self, key: Sequence[object] | None, limit: int, *, backwards: bool = False
    ) -> Select[Any]:
        """The page that follows a key; None: the first one. `backwards`: the last rows first."""
        rows = self.statement.order_by(None).subquery()
        order = [rows.c[name] for name in self.keys]
        page = select(rows).order_by(*(one.desc() for one in order) if backwards else order)
        if key is not None:
            here, there = tuple_(*order), tuple_(*(literal(value) for value in key))
            page = page.where(here < there if backwards else here > there)
        return page.limit(limit)


def report(by: By, which: Filter, *, months: Sequence[int] = ()) -> Report:
    """The report that is asked for; of months, `months` are their beginnings, in milliseconds."""
    if by == "exchange":
        return _exchanges(which)
    keys = _keys(by, months)
    names = tuple(key.name for key in keys)
    people = _people(_raw(keys, which), names)
    order = ("org", *names)
    if by == "user":
        order = ("org", "user")
        columns = [column for column in people.c if column.name not in ENDS]
        statement = select(*columns, _same(people.c.low, people.c.high, "upstream"))
        return Report(statement.order_by(*(people.c[name] for name in order)), order)
    totals = [func.sum(people.c[name]).label(name) for name in COUNTS]
    columns = [people.c[name] for name in order]
    also = [] if "upstream" in order else [_upstream(people)]
    statement = select(
        *columns,
        _same(func.min(people.c.user), func.max(people.c.user), "user"),
        *also,
        func.count().label("users"),
        *([_new(people)] if by == "month" else []),
        *totals,
        func.min(people.c.first_seen).label("first_seen"),
        func.max(people.c.last_seen).label("last_seen"),
    )
    return Report(statement.group_by(*columns).order_by(*columns), order)


def daily(since: int) -> Select[Any]:
    """What each day since then came to, of all orgs together; times in milliseconds."""
    day = (usage.c.time - usage.c.time % MILLISECONDS_A_DAY).label("day")
    return (
        select(
            day,
            func.count().label("requests"),
            func.sum(case((_WAS_REFUSED, 1), else_=0)).label("refused"),
            func.sum(case((usage.c.status >= 500, 1), else_=0)).label("failed"),
            func.sum(case((usage.c.interrupted != "", 1), else_=0)).label("interrupted"),
            func.sum(usage.c.tokens_in + usage.c.tokens_out).label("tokens"),
            func.sum(usage.c.credits).label("credits"),
        )
        .where(usage.c.id >= id_at(since))
        .group_by(day)
        .order_by(day)
    )


def months_between(since: int, until: int) -> list[int]:
    """The beginnings of the months of UTC that `since` and `until` span, in milliseconds."""
    first = datetime.fromtimestamp(since / 1000, UTC)
    found = [datetime(first.year, first.month, 1, tzinfo=UTC)]
    while (following := _next(found[-1])).timestamp() * 1000 < until:
        found.append(following)
    return [int(month.timestamp() * 1000) for month in found]


def _next(month: datetime) -> datetime:
    return datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=UTC)


def _keys(by: By, months: Sequence[int]) -> list[Any]:
    if by == "day":
        return [(usage.c.time - usage.c.time % MILLISECONDS_A_DAY).label("day")]
    if by == "month":
        steps = [(usage.c.time < after, literal(month)) for month, after in pairwise(months)]
        last = literal(months[-1])
        return [(case(*steps, else_=last) if steps else last).label("month")]
    if by == "upstream":
        return [usage.c.upstream]
    if by == "conversation":
        return [usage.c.upstream, usage.c.conversation]
    return []


def _within(which: Filter) -> list[Column]:
    """A time is a range of ids, which is the order the rows lie in."""
    found: list[Column] = []
    if which.since is not None:
        found.append(usage.c.id >= id_at(which.since))
    if which.until is not None:
        found.append(usage.c.id < id_at(which.until))
    if which.org is not None:
        is_of_a_person = which.user is not None or which.since is None
        found.append((usage.c.org if is_of_a_person else unindexed(usage.c.org)) == which.org)
    if which.user is not None:
        found.append(usage.c.subject.in_(_names_of(which)))
    return found


def unindexed(column: Column) -> Column:
    """A column by which no index is chosen, where a range of ids is meant to be.

    Without statistics SQLite takes the index of people for its order, or for the org, and walks all
    of it: 390 s of ten million rows where the range of ids that was meant takes 1 s.
    """
    return func.coalesce(column, "").label(column.name)


def id_at(time: int) -> bytes:
    """What the ids of a time in milliseconds begin with, and sort after."""
    return max(0, min(time, 2**48 - 1)).to_bytes(6, "big")


def _names_of(which: Filter) -> Any:
    """The person, and whoever became them."""
    became = select(aliases.c.subject).where(aliases.c.becomes == which.user)
    if which.org is not None:
        became = became.where(aliases.c.org == which.org)
    return select(literal(which.user)).union_all(became).scalar_subquery()


def _raw(keys: Sequence[Any], which: Filter) -> Subquery:
    """By key and by the name each exchange was under: the one look at all the rows."""
    groups = [unindexed(usage.c.org), *keys, unindexed(usage.c.subject)]
    conversation = func.nullif(usage.c.conversation, "")
    statement = select(
        *groups,
        func.min(usage.c.upstream).label("low"),
        func.max(usage.c.upstream).label("high"),
        func.count().label("requests"),
        func.count(conversation.distinct()).label("conversations"),
        *(func.sum(usage.c[name]).label(name) for name in SUMS[2:]),
        func.sum(case((_WAS_REFUSED, 1), else_=0)).label("refused"),
        func.sum(case((usage.c.interrupted != "", 1), else_=0)).label("interrupted"),
        func.min(usage.c.time).label("first_seen"),
        func.max(usage.c.time).label("last_seen"),
    ).where(*_within(which))
    if any(key.name == "conversation" for key in keys):
        statement = statement.where(usage.c.conversation != "")
    return statement.group_by(*groups).subquery("raw")


def _people(raw: Subquery, names: Sequence[str]) -> Subquery:
    """The same by person; of a month, with when they were first known here at all."""
    same = and_(aliases.c.org == raw.c.org, aliases.c.subject == raw.c.subject)
    person = func.coalesce(aliases.c.becomes, raw.c.subject)
    columns = [raw.c.org, *(raw.c[name] for name in names)]
    joined, known = raw.outerjoin(aliases, same), []
    if "month" in names:
        first = _first_seen()
        was = and_(first.c.org == raw.c.org, first.c.person == person)
        joined = joined.outerjoin(first, was)
        known = [func.min(func.coalesce(first.c.seen, 0)).label("known")]
    return (
        select(
            *columns,
            person.label("user"),
            func.min(raw.c.low).label("low"),
            func.max(raw.c.high).label("high"),
            *(func.sum(raw.c[name]).label(name) for name in COUNTS),
            func.min(raw.c.first_seen).label("first_seen"),
            func.max(raw.c.last_seen).label("last_seen"),
            *known,
        )
        .select_from(joined)
        .group_by(*columns, person)
        .subquery("people")
    )


def _first_seen() -> Subquery:
    """When each person was first seen at any upstream, by any name, in milliseconds."""
    same = and_(aliases.c.org == users.c.org, aliases.c.subject == users.c.subject)
    person = func.coalesce(aliases.c.becomes, users.c.subject)
    seen = (func.min(users.c.first_seen) * 1000).label("seen")
    return (
        select(users.c.org, person.label("person"), seen)
        .select_from(users.outerjoin(aliases, same))
        .group_by(users.c.org, person)
        .subquery("first")
    )


def _same(low: Column, high: Column, name: str) -> Any:
    """The value that all rows of a group have; NULL where there are several."""
    return case((low == high, low)).label(name)


def _upstream(people: Subquery) -> Any:
    return _same(func.min(people.c.low), func.max(people.c.high), "upstream")


def _new(people: Subquery) -> Any:
    """How many were never seen before that month."""
    return func.sum(case((people.c.known >= people.c.month, 1), else_=0)).label("new")


def _exchanges(which: Filter) -> Report:
    columns = [column for column in usage.c if column.name != "subject"]
    statement = select(*columns, usage.c.subject.label("user")).where(*_within(which))
    return Report(statement.order_by(usage.c.id), ("id",))
