"""Whether the audit trail is as it was written: what was edited, removed or moved shows.

Rows go from an org's beginning alone, by retention; so a chain may begin anywhere, and from there
on it is whole or it is not.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import and_, bindparam, or_, select

from gateway.store import chain
from gateway.store.database import Database
from gateway.store.schema import audit, audit_heads

PAGE = 2000  # rows
CLOCK = 60.0  # seconds a page may take
MOST_FAULTS = 100


@dataclass(frozen=True, slots=True)
class Head:
    """The last row of a day of an org, as it was told outside the store."""

    org: str
    day: int  # since the epoch, UTC
    number: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it was written."""

    org: str
    number: int
    what: str


@dataclass(slots=True)
class Verdict:
    """What was found; of the faults no more than `MOST_FAULTS`."""

    rows: int = 0
    orgs: int = 0
    erased: int = 0  # rows whose person was erased
    compared: int = 0  # heads told elsewhere
    faults: list[Fault] = field(default_factory=list)

    def blame(self, org: str, number: int, what: str) -> None:
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Fault(org, number, what))


_PAGE = (
    select(audit)
    .where(
        or_(
            audit.c.org > bindparam("org"),
            and_(audit.c.org == bindparam("org"), audit.c.number > bindparam("number")),
        )
    )
    .order_by(audit.c.org, audit.c.number)
    .limit(PAGE)
)


async def verify(
    database: Database, told: Iterable[Head] = (), *, org: str | None = None
) -> Verdict:
    """Follow every chain, or that of one org; `told` are heads kept outside the store.

    Raises:
        LedgerUnavailable: the store cannot be read.
    """
    # The heads first: rows that come meanwhile are beyond them, and no fault.
    heads = await database.rows(select(audit_heads), {}, clock=CLOCK)
    within = {row.org: Head(row.org, row.day, row.number, row.hash) for row in heads}
    outside = [head for head in told if org is None or head.org == org]
    following = _Following([*within.values(), *outside])
    async for row in _rows(database, org):
        following.see(row)
    for head in within.values():
        if org is None or head.org == org:
            following.reach(head, "rows that its head counts are gone")
    for head in outside:
        following.verdict.compared += 1
        following.reach(head, "rows up to a head that was told elsewhere are gone")
    return following.verdict


async def _rows(database: Database, org: str | None) -> AsyncIterator[dict[str, Any]]:
    at: dict[str, object] = {"org": org or "", "number": 0}
    while True:
        page = await database.rows(_PAGE, at, clock=CLOCK)
        for row in page:
            if org is not None and row.org != org:
                return
            yield dict(row._mapping)
        if len(page) < PAGE:
            return
        at = {"org": page[-1].org, "number": page[-1].number}


class _Following:
    """The chains, row by row, orgs one after another."""

    def __init__(self, heads: Iterable[Head]) -> None:
        self.verdict = Verdict()
        self._heads: dict[tuple[str, int], list[Head]] = {}
        for head in heads:
            self._heads.setdefault((head.org, head.number), []).append(head)
        self._last: dict[str, Mapping[str, Any]] = {}

    def see(self, row: Mapping[str, Any]) -> None:
        self.verdict.rows += 1
        for what in (*self._of_itself(row), *self._of_the_one_before(row)):
            self.verdict.blame(row["org"], row["number"], what)
        for head in self._heads.get((row["org"], row["number"]), ()):
            if head.hash != row["hash"]:
                self.verdict.blame(row["org"], row["number"], "is not what its day's head says")
        if row["org"] not in self._last:
            self.verdict.orgs += 1
        self._last[row["org"]] = {name: row[name] for name in ("number", "day", "hash")}

    def reach(self, head: Head, what: str) -> None:
        """Blame a chain that ends before a head."""
        last = self._last.get(head.org)
        if last is None or last["number"] < head.number:
            self.verdict.blame(head.org, head.number, what)

    def _of_itself(self, row: Mapping[str, Any]) -> Iterable[str]:
        if chain.link(row) != row["hash"]:
            yield "was edited"
        blank = all(row[name] is None for name in chain.PERSONAL)
        if row["salt"] is None and blank:
            self.verdict.erased += 1
        elif row["salt"] is None or chain.personal(row) != row["personal"]:
            yield "was edited where it names people"

    def _of_the_one_before(self, row: Mapping[str, Any]) -> Iterable[str]:
        last = self._last.get(row["org"])
        if last is None:
            if row["number"] == 1 and row["previous"] != chain.beginning(row["org"]):
                yield "is not the first"
            return
        if row["number"] != last["number"] + 1:
            yield f"follows {last['number']}: rows between them are gone"
        elif row["previous"] != last["hash"]:
            yield "does not follow the row before it"
        if row["day"] < last["day"]:
            yield "is of an earlier day than the row before it"
