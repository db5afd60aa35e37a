"""Who owns a conversation, and the name a person has at an upstream: first come, for good.

The database decides, by its primary keys and unique constraints: so two processes on one database
are as safe as one. A claim is on the disk when it returns. A person who has become another (table
`aliases`) is that other wherever people are compared, after one hop.

Remembered in process: answers that can never change, and no others. Nothing merges people while a
gateway runs; what comes to do so must clear these memories.
"""

import time
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import TypeAlias

from cachetools import LRUCache
from sqlalchemy import BigInteger, ColumnElement, Text, bindparam, func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.errors import IdentityNotRepresentable
from gateway.core.identity import Person
from gateway.ports import ConversationLedger, Whose
from gateway.store.aliases import Aliases
from gateway.store.database import Database
from gateway.store.dialect import insert
from gateway.store.group import Group
from gateway.store.schema import aliases, conversations, users

Row: TypeAlias = Mapping[str, str | int]

REMEMBERED = 65_536  # entries
# Of an INSERT, SQLAlchemy forgets the count of rows unless asked.
COUNTED = {"preserve_rowcount": True}


def _became(org: ColumnElement[str], subject: ColumnElement[str]) -> ColumnElement[str]:
    """The subject that `subject` is now: itself, unless it has become another."""
    alias = select(aliases.c.becomes).where(aliases.c.org == org, aliases.c.subject == subject)
    return func.coalesce(alias.scalar_subquery(), subject)


_ORG: ColumnElement[str] = bindparam("org", type_=Text)
_UPSTREAM: ColumnElement[str] = bindparam("upstream", type_=Text)
_ASKING = _became(_ORG, bindparam("subject", type_=Text))
_OWNING = _became(conversations.c.org, conversations.c.subject)
_CONVERSATION = (
    (conversations.c.org == _ORG)
    & (conversations.c.upstream == _UPSTREAM)
    & (conversations.c.conversation == bindparam("conversation"))
)
OWNER = select(_OWNING).where(_CONVERSATION)
THEIRS = select(_OWNING == _ASKING).where(_CONVERSATION)
USER_ID = select(users.c.user_id).where(
    users.c.org == _ORG, users.c.upstream == _UPSTREAM, users.c.subject == _ASKING
)
NAMED = select(_became(users.c.org, users.c.subject) == _ASKING).where(
    users.c.org == _ORG, users.c.upstream == _UPSTREAM, users.c.user_id == bindparam("user_id")
)
# SQLite needs the WHERE: without it, it reads ON CONFLICT as the condition of a join.
_NAMED = select(
    _ORG,
    _UPSTREAM,
    _ASKING,
    bindparam("user_id", type_=Text),
    bindparam("first_seen", type_=BigInteger),
).where(true())


class Ledger(ConversationLedger):
    """The `ConversationLedger` over one database."""

    def __init__(self, database: Database, *, remembered: int = REMEMBERED) -> None:
        self._database = database
        self._theirs: LRUCache[tuple[str, str, Person], bool] = LRUCache(remembered)
        self._user_ids: LRUCache[tuple[str, Person], str] = LRUCache(remembered)
        self._aliases = Aliases(database)
        self._claims = Group(database, _claim)
        self._names = Group(database, _name)

    async def owner(self, org: str, upstream: str, conversation: str) -> Person | None:
        """Who owns a conversation, for an operator; None where nobody does."""
        if not _storable(org, upstream, conversation):
            return None
        values = {"org": org, "upstream": upstream, "conversation": conversation}
        subject: str | None = await self._database.scalar(OWNER, values)
        return None if subject is None else Person(org, subject)

    async def whose(self, upstream: str, conversation: str, person: Person) -> Whose:
        key = (upstream, conversation, person)
        if self._theirs.get(key):  # `in` would not count as a use
            return Whose.THEIRS
        if not _storable(upstream, conversation, person.org, person.subject):
            return Whose.NOBODYS
        theirs = await self._database.scalar(THEIRS, _names(*key))
        if theirs is None:
            return Whose.NOBODYS
        if not theirs:
            return Whose.ANOTHERS
        self._theirs[key] = True
        return Whose.THEIRS

    async def claim(self, upstream: str, conversation: str, person: Person) -> bool:
        key = (upstream, conversation, person)
        if self._theirs.get(key):  # `in` would not count as a use
            return True
        if not _storable(upstream, conversation, person.org, person.subject):
            return False
        theirs = await self._claims.add(_names(*key) | {"opened_at": int(time.time())})
        if theirs:
            self._theirs[key] = True
        return theirs

    async def has_become(self, person: Person) -> bool:
        return _storable(person.org, person.subject) and await self._aliases.has_become(person)

    async def become(self, visitor: Person, person: Person) -> bool:
        if visitor.org != person.org or not _storable(person.org, visitor.subject, person.subject):
            return False
        return await self._aliases.become(visitor, person)

    async def was_named(self, upstream: str, person: Person, user_id: str) -> bool:
        if not _storable(upstream, person.org, person.subject, user_id):
            return False
        values = {
            "org": person.org,
            "upstream": upstream,
            "subject": person.subject,
            "user_id": user_id,
        }
        return bool(await self._database.scalar(NAMED, values))

    async def known_user_id(self, upstream: str, person: Person) -> str | None:
        if not _storable(upstream, person.org, person.subject):
            return None
        values = {"org": person.org, "upstream": upstream, "subject": person.subject}
        user_id: str | None = await self._database.scalar(USER_ID, values)
        return user_id

    async def user_id(self, upstream: str, person: Person, proposed: str) -> str:
        key = (upstream, person)
        known = self._user_ids.get(key)
        if known is not None:
            return known
        if not _storable(upstream, person.org, person.subject, proposed):
            raise IdentityNotRepresentable
        user_id = await self.known_user_id(upstream, person)
        if user_id is None:
            user_id = await self._names.add(
                {
                    "org": person.org,
                    "upstream": upstream,
                    "subject": person.subject,
                    "user_id": proposed,
                    "first_seen": int(time.time()),
                }
            )
        if user_id is None:
            raise IdentityNotRepresentable("This person's id at the upstream is another person's")
        self._user_ids[key] = user_id
        return user_id


def _names(upstream: str, conversation: str, person: Person) -> dict[str, str | int]:
    return {
        "org": person.org,
        "upstream": upstream,
        "conversation": conversation,
        "subject": person.subject,
    }


def _storable(*names: str) -> bool:
    """Whether both databases can hold them: half a surrogate pair, which JSON can spell, has no
    UTF-8, and PostgreSQL knows no NUL.
    """
    try:
        return not any(b"\0" in name.encode() for name in names)
    except UnicodeEncodeError:
        return False


async def _claim(connection: AsyncConnection, claims: Sequence[Row]) -> Sequence[bool]:
    """For each claim, whether the conversation is now theirs."""
    new = insert(connection, conversations).on_conflict_do_nothing()
    in_order = sorted(claims, key=itemgetter("org", "upstream", "conversation"))
    made = await connection.execute(new, in_order, execution_options=COUNTED)
    if made.rowcount == len(claims):  # all were new: the rule, and one statement for all
        return [True] * len(claims)
    return [bool((await connection.execute(THEIRS, claim)).scalar()) for claim in claims]


async def _name(connection: AsyncConnection, names: Sequence[Row]) -> Sequence[str | None]:
    """For each person, the id they now have; None where the proposed one is another's."""
    new = insert(connection, users).from_select(users.c.keys(), _NAMED).on_conflict_do_nothing()
    in_order = sorted(names, key=itemgetter("org", "upstream", "subject"))
    made = await connection.execute(new, in_order, execution_options=COUNTED)
    if made.rowcount == len(names):
        return [str(name["user_id"]) for name in names]
    return [(await connection.execute(USER_ID, name)).scalar() for name in names]
