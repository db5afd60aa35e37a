"""How much is held of one person: what is shown before it is changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import BindParameter, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.people.identity import Person
from gateway.store.cutoffs import FOREVER
from gateway.store.database import Database
from gateway.store.people.admission import PERSON
from gateway.store.people.mentions import in_audit, in_usage
from gateway.store.people.names import Names, names_of
from gateway.store.schema import conversations, cutoffs, users

CLOCK = 60.0  # seconds for counting what may be millions

_NAMES: BindParameter[list[str]] = bindparam("names", expanding=True)
_CONVERSATIONS = (
    select(conversations.c.upstream, func.count().label("count"))
    .where(conversations.c.org == bindparam("org"), conversations.c.subject.in_(_NAMES))
    .group_by(conversations.c.upstream)
    .order_by(conversations.c.upstream)
)
_USER_IDS = (
    select(users.c.upstream, users.c.subject, users.c.user_id)
    .where(users.c.org == bindparam("org"), users.c.subject.in_(_NAMES))
    .order_by(users.c.upstream, users.c.subject)
)
USAGE = select(func.count()).select_from(in_usage(bindparam("org"), _NAMES).subquery())
AUDIT = select(func.count()).select_from(in_audit(bindparam("org"), _NAMES).subquery())
_BLOCKED = select(func.count()).where(
    cutoffs.c.kind == PERSON,
    cutoffs.c.scope == bindparam("org"),
    cutoffs.c.name.in_(_NAMES),
    cutoffs.c.before == FOREVER,
)


@dataclass(frozen=True, slots=True)
class UserId:
    """What an upstream knows somebody by; `subject` is the name it was given to."""

    upstream: str
    subject: str
    user_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """Of one person, by all their names."""

    names: Names
    conversations: Mapping[str, int]  # by upstream
    user_ids: Sequence[UserId]
    usage: int  # rows
    audit: int  # rows
    is_blocked: bool

    @property
    def is_stranger(self) -> bool:
        """Whether nothing is held at all."""
        held = (self.names.others, self.conversations, self.user_ids, self.usage, self.audit)
        return not any(held) and not self.is_blocked

    @property
    def has_come(self) -> bool:
        """Whether they have been here; what operators did about them is no visit of theirs."""
        return any((self.names.others, self.conversations, self.user_ids, self.usage))


async def held_by(database: Database, person: Person) -> Holdings:
    """What is held of who has, or had, this name.

    Raises:
        LedgerUnavailable: it cannot be read.
    """

    async def get(connection: AsyncConnection) -> Holdings:
        return await holdings_of(connection, await names_of(connection, person))

    return await database.read(get, clock=CLOCK)


async def holdings_of(connection: AsyncConnection, names: Names) -> Holdings:
    asked = {"org": names.org, "names": list(names.all)}
    by_upstream = (await connection.execute(_CONVERSATIONS, asked)).all()
    ids = (await connection.execute(_USER_IDS, asked)).all()
    return Holdings(
        names=names,
        conversations=dict(by_upstream),
        user_ids=[UserId(row.upstream, row.subject, row.user_id) for row in ids],
        usage=(await connection.execute(USAGE, asked)).scalar_one(),
        audit=(await connection.execute(AUDIT, asked)).scalar_one(),
        is_blocked=await is_blocked(connection, names),
    )


async def is_blocked(connection: AsyncConnection, names: Names) -> bool:
    """Whether they are, by any name."""
    asked = {"org": names.org, "names": list(names.all)}
    return (await connection.execute(_BLOCKED, asked)).scalar_one() > 0
