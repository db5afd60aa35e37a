"""Usage, conversations and the audit trail: the lists of the admin listener, to be looked at."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args
from urllib.parse import urlencode

from gateway.admin.current import Current
from gateway.admin.lists import Whole
from gateway.admin.query import Wanted
from gateway.console.asked import Asked
from gateway.console.rendering import page
from gateway.core.problem import Answer
from gateway.store.reports import By

ROWS = "50"  # of a page
BY = get_args(By)
_SUMS = (
    "requests", "conversations", "tool_calls", "tokens_in", "tokens_out", "credits", "refused",
    "interrupted",
)  # fmt: skip
# What fits beside each other; files have all.
COLUMNS: Mapping[str, Sequence[str]] = {
    "user": ("org", "user", "upstream", *_SUMS, "last_seen"),
    "day": ("org", "day", "users", *_SUMS),
    "month": ("org", "month", "users", "new_users", "returning_users", *_SUMS),
    "upstream": ("org", "upstream", "users", *_SUMS, "last_seen"),
    "conversation": ("org", "upstream", "conversation", "user", *_SUMS, "last_seen"),
    "exchange": (
        "time", "org", "user", "upstream", "operation", "status", "code", "interrupted_by",
        "milliseconds", "tokens_in", "tokens_out", "credits", "conversation", "request_id",
    ),
    "conversations": ("org", "upstream", "conversation", "user", "opened_at"),
    "audit": (
        "time", "org", "event", "code", "user", "actor", "upstream", "operation", "conversation",
        "times", "detail", "request_id",
    ),
}  # fmt: skip
NEWEST_FIRST = frozenset({"day", "month", "exchange", "audit"})
SINCE = {"usage": "24h", "audit": "7d"}  # unless something else is asked for


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a list that stand on a page; `more` is where the others are, or None."""

    columns: Sequence[str]
    rows: Sequence[Mapping[str, object]]
    more: str | None


class Lists:
    """Those of one gateway."""

    def __init__(self, now: Current) -> None:
        self._now = now

    async def page(self, asked: Asked) -> Answer | Whole:
        """A page of a list; all of it, where a file is asked for."""
        what, form = asked.path.rpartition("/")[2], asked.form
        if form.get("format") in {"csv", "ndjson"}:
            return await self._now.lists.answer(what, list(form.items()), asked.who)
        if what in SINCE and not any(name == "since" for name, _ in asked.given):
            form["since"] = SINCE[what]
        return page(
            "list.html",
            what=what,
            asked=form,
            by=BY if what == "usage" else (),
            table=await self.table(what, form, asked.who),
            file=f"{asked.path}?{urlencode(_without(form, 'cursor'))}",
        )

    async def table(
        self, what: str, form: Mapping[str, str], who: str, *, known: Collection[str] = ()
    ) -> Table:
        """Rows of a list, as a form asks for them, without the columns that say nothing.

        `known` are those that whoever looks knows from elsewhere on the page.

        Raises:
            BadRequest: it asks for what there is not.
            LedgerUnavailable: the store cannot be read.
        """
        lists = self._now.lists
        wanted = lists.wanted(what, list(({"limit": ROWS} | dict(form)).items()))
        kind = _kind(what, wanted)
        found = await lists.page(what, wanted, who, backwards=kind in NEWEST_FIRST)
        more = None
        if found.cursor is not None:
            # `since` stands in it even where it is empty, or it would be what it is by default.
            following = {"since": ""} | dict(form) | {"cursor": found.cursor}
            more = f"/console/{what}?{urlencode(following)}"
        columns = [name for name in COLUMNS[kind] if name not in known and _says(found.rows, name)]
        return Table(columns, found.rows, more)

    async def verified(self, asked: Asked) -> Answer:
        """Whether the audit trail is as it was written."""
        verdict = await self._now.lists.verified(org=None)
        return page("verified.html", verdict=verdict, names=self._now.names)


def _kind(what: str, wanted: Wanted) -> str:
    return wanted.by if what == "usage" else what


def _says(rows: Sequence[Mapping[str, object]], name: str) -> bool:
    return any(row[name] not in (None, "") for row in rows)


def _without(form: Mapping[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in form.items() if key != name}
