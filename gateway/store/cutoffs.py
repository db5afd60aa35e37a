"""Moments before which somebody counts for nothing, known in every process within seconds.

Who is blocked counts for nothing for ever; who signed out, for what was signed in before. Whoever
has such facts writes them here (`cut`, `lift`), asks `Cutoffs.before`, and is called when some have
changed: it is one table, and one look at its newest rows a second, for all of them.

rule 1: A cutoff never moves back by another one: of two that come in any order the later stays.
        Only `lift` ends it.
rule 2: What is asked is in memory. When the table could not be read for `STALE` seconds nobody
        knows any more, and that is said.
rule 3: Clocks of machines may differ, and a transaction may take a while: rows of the last `SLACK`
        seconds are looked at again, by a clock that was set back as well. Now and then all are.
rule 4: Who has not looked for `SETTLED` seconds has perhaps missed what came and went: then any
        fact may have changed.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Row,
    bindparam,
    case,
    delete,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.errors import LedgerUnavailable
from gateway.store.among import Among
from gateway.store.database import Database
from gateway.store.dialect import insert
from gateway.store.schema import cutoffs

EVERY = 1.0  # seconds between two looks
SETTLED = 5.0  # seconds after which every process knows that can read the store at all
STALE = 60.0  # seconds
WHOLE = 3600.0  # seconds after which all of it is read again
SLACK = 120.0  # seconds
MOST = 20_000  # rows of one look
CLOCK = 30.0  # seconds for reading all of it
KEPT = 3600.0  # seconds that a fact is kept which says nothing any more: all have seen it then
FOREVER = 2**53  # milliseconds

Key: TypeAlias = tuple[str, str, str]  # kind, scope, name
Changed: TypeAlias = Callable[[Collection[Key] | None], None]


@dataclass(frozen=True, slots=True)
class Cutoff:
    """What is of `name` and older than `before` counts for nothing, until `ends_at`.

    Both in milliseconds since the epoch. `scope` is what `name` is unique in.
    """

    kind: str
    scope: str
    name: str
    before: int = FOREVER
    ends_at: int = FOREVER

    @property
    def key(self) -> Key:
        return self.kind, self.scope, self.name


_COLUMNS = (cutoffs.c.kind, cutoffs.c.scope, cutoffs.c.name, cutoffs.c.before, cutoffs.c.ends_at)
NAMED = Among((cutoffs.c.kind, cutoffs.c.scope, cutoffs.c.name))
_ALL = select(*_COLUMNS, cutoffs.c.made_at)
_LATELY = (
    _ALL.where(cutoffs.c.made_at >= bindparam("since")).order_by(cutoffs.c.made_at).limit(MOST)
)
LIFT = (
    update(cutoffs)
    .where(NAMED.condition, cutoffs.c.before > 0)
    .values(before=0, ends_at=0, made_at=bindparam("at"))
)
CUT = select(cutoffs.c.kind).where(NAMED.condition, cutoffs.c.before > 0)
_TIDY = delete(cutoffs).where(
    cutoffs.c.ends_at < bindparam("past"), cutoffs.c.made_at < bindparam("past")
)


async def cut(connection: AsyncConnection, facts: Sequence[Cutoff]) -> None:
    """Write facts, in a transaction of the caller's."""
    now = int(time.time() * 1000)
    made = insert(connection, cutoffs)
    new = made.excluded
    is_later = or_(cutoffs.c.before < new.before, cutoffs.c.ends_at < new.ends_at)
    changes = {
        "before": _later(cutoffs.c.before, new.before),
        "ends_at": _later(cutoffs.c.ends_at, new.ends_at),
        "made_at": new.made_at,
    }
    rows = [
        {
            "kind": fact.kind,
            "scope": fact.scope,
            "name": fact.name,
            "before": fact.before,
            "made_at": now,
            "ends_at": fact.ends_at,
        }
        for fact in sorted(facts, key=lambda fact: fact.key)
    ]
    statement = made.on_conflict_do_update(
        index_elements=["kind", "scope", "name"], set_=changes, where=is_later
    )
    await connection.execute(statement, rows)


def _later(one: ColumnElement[int], other: ColumnElement[int]) -> ColumnElement[int]:
    return case((one < other, other), else_=one)


async def lift(connection: AsyncConnection, keys: Collection[Key]) -> bool:
    """End what is cut off; False: nothing was. The row stays for an hour: so everybody hears."""
    values = {**NAMED.values(sorted(keys)), "at": int(time.time() * 1000)}
    return (await connection.execute(LIFT, values)).rowcount > 0


async def is_cut(connection: AsyncConnection, keys: Collection[Key]) -> bool:
    """Whether any of them is cut off, as the table has it now."""
    return (await connection.execute(CUT, NAMED.values(sorted(keys)))).first() is not None


async def tidy(database: Database, *, now: float) -> None:
    """Delete what says nothing any more; `now` in seconds since the epoch.

    Raises:
        LedgerUnavailable: the store is away.
    """

    async def work(connection: AsyncConnection) -> None:
        await connection.execute(_TIDY, {"past": int((now - KEPT) * 1000)})

    await database.start(database.commit(work))


class Cutoffs:
    """The facts of one store, as this process knows them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._facts: dict[Key, Cutoff] = {}
        self._newest = 0  # milliseconds
        self._looked: float | None = None  # monotonic
        self._read_all = 0.0  # monotonic
        self._watchers: list[Changed] = []
        self._turn = asyncio.Lock()

    def watch(self, changed: Changed) -> Callable[[], None]:
        """Call `changed` with the keys of facts that are new or gone; None: any may be.

        Until what is returned is called.
        """
        self._watchers.append(changed)
        return lambda: self._watchers.remove(changed)

    def before(self, kind: str, scope: str, name: str) -> int:
        """The moment before which that counts for nothing, in milliseconds; 0: there is none."""
        fact = self._facts.get((kind, scope, name))
        if fact is None or fact.ends_at < time.time() * 1000:
            return 0
        return fact.before

    @property
    def age(self) -> float | None:
        """Seconds since the table was last read; None: it never was."""
        return None if self._looked is None else time.monotonic() - self._looked

    def known(self) -> Mapping[Key, Cutoff]:
        """All facts there are, those that have ended perhaps among them: whoever has none in here
        need not ask `before`.

        Raises:
            LedgerUnavailable: what is in memory is too old to be relied on.
        """
        looked = self._looked
        if looked is None or time.monotonic() - looked > STALE:
            raise LedgerUnavailable("Who may still speak cannot be looked up now")
        return self._facts

    async def look(self) -> None:
        """Read what is new; whoever has just written something need not wait for it.

        Raises:
            LedgerUnavailable: the store cannot be read.
        """
        async with self._turn:
            began = time.monotonic()
            was_away = self._is_older_than(SETTLED)
            if began - self._read_all > WHOLE or self._is_older_than(STALE):
                changed = await self._look_at_all()
                self._read_all = began
            else:
                changed = await self._look_at_new()
            self._looked = began
            if changed or was_away:
                for tell in tuple(self._watchers):
                    tell(None if was_away else changed)

    async def follow(self) -> None:
        """Look once a second, for ever."""
        while True:
            await asyncio.sleep(EVERY)
            with suppress(LedgerUnavailable):
                await self.look()

    def _is_older_than(self, seconds: float) -> bool:
        return self._looked is None or time.monotonic() - self._looked > seconds

    async def _look_at_all(self) -> Collection[Key]:
        rows = await self._database.rows(_ALL, {}, clock=CLOCK)
        had = self._facts
        self._facts = {fact.key: fact for fact in map(_fact, rows) if fact.before}
        self._newest = max([self._newest, *(row.made_at for row in rows)])
        return {key for key, _ in had.items() ^ self._facts.items()}

    async def _look_at_new(self) -> Collection[Key]:
        # A row may be from a clock that was ahead; until it is right again, others would be unseen.
        since = min(self._newest, int(time.time() * 1000)) - int(SLACK * 1000)
        rows = await self._database.rows(_LATELY, {"since": since})
        if len(rows) == MOST:
            return await self._look_at_all()
        changed = [
            fact
            for fact in map(_fact, rows)
            if self._facts.get(fact.key) != (fact if fact.before else None)
        ]
        for fact in changed:
            if fact.before:
                self._facts[fact.key] = fact
            else:
                del self._facts[fact.key]
        self._newest = max([self._newest, *(row.made_at for row in rows)])
        return {fact.key for fact in changed}


def _fact(row: Row[Any]) -> Cutoff:
    return Cutoff(row.kind, row.scope, row.name, row.before, row.ends_at)
