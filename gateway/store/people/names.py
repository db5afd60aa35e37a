"""All the names one person has had: the subject they are now, and those that have become it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.people.identity import Person
from gateway.store.schema import aliases

_BECAME = select(aliases.c.becomes).where(
    aliases.c.org == bindparam("org"), aliases.c.subject == bindparam("subject")
)
_BEFORE = (
    select(aliases.c.subject)
    .where(aliases.c.org == bindparam("org"), aliases.c.becomes == bindparam("subject"))
    .order_by(aliases.c.subject)
)


@dataclass(frozen=True, slots=True)
class Names:
    """A person by the name of today, and by `others`: a visitor's, an earlier subject."""

    person: Person
    others: tuple[str, ...] = ()

    @property
    def org(self) -> str:
        return self.person.org

    @property
    def all(self) -> Sequence[str]:
        return (self.person.subject, *self.others)


async def names_of(connection: AsyncConnection, person: Person) -> Names:
    """The names of whoever has, or had, this one."""
    asked = {"org": person.org, "subject": person.subject}
    today = (await connection.execute(_BECAME, asked)).scalar() or person.subject
    before = await connection.execute(_BEFORE, {"org": person.org, "subject": today})
    return Names(Person(person.org, today), tuple(before.scalars()))
