"""Owners of conversations that were opened elsewhere, taken over from a list.

For vendors that cannot be asked. The rule of the ledger holds: first come, for good; a row that
contradicts it is a conflict, and changes nothing.
"""

import asyncio
import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from gateway.core.errors import BadRequest
from gateway.core.people.identity import Person
from gateway.core.request.spelled import canonical_id

COLUMNS = ("conversation", "subject")
TOGETHER = 200  # claims that share a commit: 46,000 a second instead of 1,000
AT_ONCE = 4  # owners looked up, as many as connections read: more would wait, and be given up


class Ledger(Protocol):
    async def owner(self, org: str, upstream: str, conversation: str) -> Person | None: ...
    async def claim(self, upstream: str, conversation: str, person: Person) -> bool: ...


class NotAList(ValueError):
    """The text is no CSV of conversations and subjects; says what is missing."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list; `fault` is why it cannot be taken, or empty."""

    line: int
    conversation: str
    subject: str
    fault: str = ""


@dataclass(slots=True)
class Outcome:
    """What became, or would become, of a list."""

    new: int = 0
    there: int = 0  # theirs already
    conflicts: list[Row] = field(default_factory=list)  # another's
    faults: list[Row] = field(default_factory=list)


def read(lines: Iterable[str]) -> Iterator[Row]:
    """The rows of a CSV file (RFC 4180) whose first line names its columns.

    Raises:
        NotAList: a column is missing.
    """
    table = csv.DictReader(lines)
    missing = [name for name in COLUMNS if name not in (table.fieldnames or ())]
    if missing:
        raise NotAList(f"its first line names no column {' and no '.join(missing)}")
    for found in table:
        yield _row(table.line_num, found.get("conversation") or "", found.get("subject") or "")


def _row(line: int, conversation: str, subject: str) -> Row:
    if not subject.strip() or not subject.isprintable():
        return Row(line, conversation, subject, "no subject")
    try:
        return Row(line, canonical_id(conversation), subject)
    except BadRequest:
        return Row(line, conversation, subject, "no conversation id")


async def take_over(
    ledger: Ledger, rows: Iterable[Row], *, org: str, upstream: str, write: bool
) -> Outcome:
    """Record the owners, or only say what recording them would do.

    Raises:
        LedgerUnavailable: the store cannot be used; what was recorded until then stays.
    """
    outcome = Outcome()
    seen: dict[str, str] = {}  # of this list: a dry run must find its own contradictions too
    remaining = iter(rows)
    while batch := list(islice(remaining, TOGETHER)):
        fit = [row for row in batch if not row.fault]
        outcome.faults += [row for row in batch if row.fault]
        owners = await _owners(ledger, fit, org=org, upstream=upstream)
        fresh = [
            row
            for row, owner in zip(fit, owners, strict=True)
            if _is_new(outcome, seen, row, owner)
        ]
        if write:
            await _claim(ledger, fresh, outcome, org=org, upstream=upstream)
    return outcome


async def _owners(
    ledger: Ledger, rows: Sequence[Row], *, org: str, upstream: str
) -> list[Person | None]:
    """Who owns the conversation of each row."""
    owners: list[Person | None] = []
    for begin in range(0, len(rows), AT_ONCE):
        some = rows[begin : begin + AT_ONCE]
        owners += await asyncio.gather(
            *(ledger.owner(org, upstream, row.conversation) for row in some)
        )
    return owners


def _is_new(outcome: Outcome, seen: dict[str, str], row: Row, owner: Person | None) -> bool:
    holder = seen.setdefault(row.conversation, row.subject) if owner is None else owner.subject
    if holder != row.subject:
        outcome.conflicts.append(row)
        return False
    outcome.there += owner is not None
    outcome.new += owner is None
    return owner is None


async def _claim(
    ledger: Ledger, rows: Sequence[Row], outcome: Outcome, *, org: str, upstream: str
) -> None:
    made = await asyncio.gather(
        *(ledger.claim(upstream, row.conversation, Person(org, row.subject)) for row in rows)
    )
    for row, theirs in zip(rows, made, strict=True):
        if not theirs:  # somebody was faster, since we looked
            outcome.new -= 1
            outcome.conflicts.append(row)
