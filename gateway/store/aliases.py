"""Who has become whom: a visitor who signed in, a person whose subject was changed.

One hop, never two: who becomes somebody takes along whoever had become them. For good: a row is
never changed but for that, so that a yes may be remembered.
"""

import time
from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.lru import LruCache
from gateway.core.people.identity import VISITOR, Person
from gateway.store.database import Database
from gateway.store.dialect import COUNTED, alone, insert
from gateway.store.group import Group
from gateway.store.schema import aliases

REMEMBERED = 65_536  # entries

BECAME = select(aliases.c.becomes).where(
    aliases.c.org == bindparam("org"), aliases.c.subject == bindparam("subject")
)
FOLLOW = (
    update(aliases)
    .where(aliases.c.org == bindparam("in_org"), aliases.c.becomes == bindparam("was"))
    .values(becomes=bindparam("is_now"), made_at=bindparam("at"))  # so that `merges` sees it
)


class Aliases:
    """The table of aliases of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: LruCache[Person, bool] = LruCache(REMEMBERED)
        self._made = Group(database, _make)

    async def has_become(self, person: Person) -> bool:
        """Whether they are another person by now."""
        if self._known.get(person):
            return True
        values = {"org": person.org, "subject": person.subject}
        became = await self._database.scalar(BECAME, values) is not None
        if became:
            self._known.keep(person, True)
        return became

    def forget(self) -> None:
        """Forget who has become another."""
        self._known.clear()

    async def become(self, one: Person, other: Person) -> bool:
        """Make `one` that `other`, of the same org. False: they are somebody else already."""
        made = await self._made.add(
            {"org": one.org, "subject": one.subject, "becomes": other.subject}
        )
        if made:
            self._known.keep(one, True)
        return made


async def _make(connection: AsyncConnection, wanted: Sequence[Mapping[str, str]]) -> Sequence[bool]:
    await alone(connection, "aliases")  # or two replicas could make two people each other
    return [await _make_one(connection, **one) for one in wanted]


async def _make_one(connection: AsyncConnection, *, org: str, subject: str, becomes: str) -> bool:
    target = await _now(connection, org, becomes) or becomes
    if target == subject:  # they would become themselves, by way of another
        return False
    if VISITOR.fullmatch(target):  # whoever has signed in is nobody's browser
        return False
    new = insert(connection, aliases).on_conflict_do_nothing()
    now = int(time.time())
    row = {"org": org, "subject": subject, "becomes": target, "made_at": now}
    made = await connection.execute(new, [row], execution_options=COUNTED)
    if made.rowcount == 1:
        if not VISITOR.fullmatch(subject):  # nobody became a visitor
            led_here = {"in_org": org, "was": subject, "is_now": target, "at": now}
            await connection.execute(FOLLOW, led_here)
        return True
    return await _now(connection, org, subject) == target


async def _now(connection: AsyncConnection, org: str, subject: str) -> str | None:
    found = await connection.execute(BECAME, {"org": org, "subject": subject})
    became: str | None = found.scalar()
    return became
