"""Rows that are written after whom they name was erased: what waited in a spool.

Looked at are rows older than `LATE`: whoever is erased has not been let in for longer than that, so
a younger row is of somebody who came after, by the same name perhaps.
"""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.among import Among
from gateway.store.people.pseudonyms import known_key, pseudonym
from gateway.store.schema import erased

LATE = 2.0  # seconds
SLOW = 120.0  # seconds

Named: TypeAlias = tuple[str, str]  # org, subject

ERASED = Among((erased.c.org, erased.c.name))
TOMBS = select(erased).where(ERASED.condition)


@dataclass(frozen=True, slots=True)
class Tomb:
    """What stands for a name that was erased, in all that is from `at` (milliseconds) or before."""

    name: str
    at: int

    def covers(self, time: int) -> bool:
        return time <= self.at


def lately_made(tombs: Mapping[Named, Tomb]) -> Collection[Named]:
    """Those of people who were erased while something slow, a request perhaps, was under way."""
    return {named for named, tomb in tombs.items() if tomb.covers(int((time.time() - SLOW) * 1000))}


def is_late(at: int) -> bool:
    """Whether a row of this time, in milliseconds, may be of somebody who was erased since."""
    return at < (time.time() - LATE) * 1000


async def tombs_of(connection: AsyncConnection, people: Collection[Named]) -> Mapping[Named, Tomb]:
    """The tombs of those people who have one."""
    key = await known_key(connection) if people else None
    if key is None:
        return {}
    named = {(org, pseudonym(key, org, subject)): (org, subject) for org, subject in people}
    found = await connection.execute(TOMBS, ERASED.values(sorted(named)))
    return {named[row.org, row.name]: Tomb(row.becomes, row.erased_at) for row in found}
