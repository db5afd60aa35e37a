"""Who owns a conversation, and the name a person has at an upstream: first come, for good.

The database decides, by its primary keys and unique constraints: so two processes on one database
are as safe as one. A claim is on the disk when it returns. A person who has become another (table
`aliases`) is that other wherever people are compared, after one hop.

Remembered in process: answers that can never change. That a conversation is theirs stays so when
people become one, for that only widens whose it is; by which id they go does not, and is forgotten
within seconds, in every process (`merges`).
"""

import time
from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter
from typing import Any, TypeAlias

from sqlalchemy import BigInteger, ColumnElement, Text, bindparam, func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.errors import IdentityNotRepresentable, LedgerUnavailable
from gateway.core.lru import LruCache
from gateway.core.people.identity import Person
from gateway.ports import ConversationLedger, Whose
from gateway.store.aliases import Aliases
from gateway.store.among import Among
from gateway.store.database import Database
from gateway.store.dialect import COUNTED, alone, can_hold, insert
from gateway.store.group import Group
from gateway.store.merges import Merges
from gateway.store.people.returning import give_fresh_ids
from gateway.store.schema import aliases, conversations, users

Row: TypeAlias = Mapping[str, str | int]

REMEMBERED = 65_536  # entries
LONGEST = 2048  # bytes: 512 characters of a subject, and more than any path could hold of an id


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
_PERSON_OF = itemgetter("org", "subject")
_CONVERSATION_OF = itemgetter("org", "upstream", "conversation")


_KEY = (conversations.c.org, conversations.c.upstream, conversations.c.conversation)
OWNED = Among(_KEY)
OWNERS = select(*_KEY, _OWNING).where(OWNED.condition)
PEOPLE = Among((aliases.c.org, aliases.c.subject))
BECAME = select(*PEOPLE.columns, aliases.c.becomes).where(PEOPLE.condition)
NAMED_BY = Among((users.c.org, users.c.upstream, users.c.subject))
USER_IDS = select(*NAMED_BY.columns, users.c.user_id).where(NAMED_BY.condition)

USER_ID = select(users.c.user_id).where(
    users.c.org == _ORG, users.c.upstream == _UPSTREAM, users.c.subject == _ASKING
)
_CALLED = (
    (users.c.org == _ORG)
    & (users.c.upstream == _UPSTREAM)
    & (users.c.user_id == bindparam("user_id"))
)
WHO = select(_became(users.c.org, users.c.subject)).where(_CALLED)
NAMED = select(_became(users.c.org, users.c.subject) == _ASKING).where(_CALLED)
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
        self._theirs: LruCache[tuple[str, str, Person], bool] = LruCache(remembered)
        self._user_ids: LruCache[Person, dict[str, str]] = LruCache(remembered)  # by upstream
        self._aliases = Aliases(database)
        self._merges = Merges(database, self._forget)
        self._claims = Group(database, _claim)
        self._names = Group(database, _name)

    async def owner(self, org: str, upstream: str, conversation: str) -> Person | None:
        if not _storable(org, upstream, conversation):
            return None
        values = {"org": org, "upstream": upstream, "conversation": conversation}
        subject: str | None = await self._database.scalar(OWNER, values)
        return None if subject is None else Person(org, subject)

    async def whose(self, upstream: str, conversation: str, person: Person) -> Whose:
        key = (upstream, conversation, person)
        if self._theirs.get(key):
            return Whose.THEIRS
        if not _storable(upstream, conversation, person.org, person.subject):
            return Whose.NOBODYS
        theirs = await self._database.scalar(THEIRS, _names(*key))
        if theirs is None:
            return Whose.NOBODYS
        if not theirs:
            return Whose.ANOTHERS
        self._theirs.keep(key, True)
        return Whose.THEIRS

    def check_takes_claims(self) -> None:
        writing = self._database.writing
        if writing.fails:
            raise LedgerUnavailable(cause=writing.refuses)

    async def claim(self, upstream: str, conversation: str, person: Person) -> bool:
        key = (upstream, conversation, person)
        if self._theirs.get(key):
            return True
        if not _storable(upstream, conversation, person.org, person.subject):
            return False
        theirs = await self._claims.add(_names(*key) | {"opened_at": int(time.time())})
        if theirs:
            self._theirs.keep(key, True)
        return theirs

    async def has_become(self, person: Person) -> bool:
        return _storable(person.org, person.subject) and await self._aliases.has_become(person)

    async def become(self, visitor: Person, person: Person) -> bool:
        if visitor.org != person.org or not _storable(person.org, visitor.subject, person.subject):
            return False
        made = await self._aliases.become(visitor, person)
        self._forget({visitor})
        return made

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

    async def person_named(self, upstream: str, org: str, user_id: str) -> Person | None:
        if not _storable(upstream, org, user_id):
            return None
        values = {"org": org, "upstream": upstream, "user_id": user_id}
        subject: str | None = await self._database.scalar(WHO, values)
        return None if subject is None else Person(org, subject)

    def remembered_user_id(self, upstream: str, person: Person) -> str | None:
        if self._merges.are_due():
            return None
        known = self._user_ids.get(person)
        return None if known is None else known.get(upstream)

    async def known_user_id(self, upstream: str, person: Person) -> str | None:
        if not _storable(upstream, person.org, person.subject):
            return None
        values = {"org": person.org, "upstream": upstream, "subject": person.subject}
        user_id: str | None = await self._database.scalar(USER_ID, values)
        return user_id

    async def user_id(self, upstream: str, person: Person, proposed: str) -> str:
        await self._merges.catch_up()
        names = self._user_ids.get(person)
        if names is not None and upstream in names:
            return names[upstream]
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
        self._user_ids.keep(person, {**(self._user_ids.get(person) or {}), upstream: user_id})
        return user_id

    def forget(self, people: Collection[Person] | None) -> None:
        """Forget all that is remembered of people; None: of everybody."""
        self._forget(people)
        self._aliases.forget()
        for key in [key for key in self._theirs if people is None or key[2] in people]:
            self._theirs.forget(key)

    def _forget(self, people: Collection[Person] | None) -> None:
        """Forget by which ids they go; None: all of them."""
        if people is None:
            self._user_ids.clear()
        for person in people or ():
            self._user_ids.forget(person)


def _names(upstream: str, conversation: str, person: Person) -> dict[str, str | int]:
    return {
        "org": person.org,
        "upstream": upstream,
        "conversation": conversation,
        "subject": person.subject,
    }


def _storable(*names: str) -> bool:
    """Whether both databases can hold them as keys: PostgreSQL has none of more than 2,704 bytes,
    and one that it refuses would take along all that is written with it.
    """
    return all(can_hold(name) and len(name.encode()) <= LONGEST for name in names)


async def _claim(connection: AsyncConnection, claims: Sequence[Row]) -> Sequence[bool]:
    """For each claim, whether the conversation is now theirs."""
    new = insert(connection, conversations).on_conflict_do_nothing()
    in_order = sorted(claims, key=_CONVERSATION_OF)
    made = await connection.execute(new, in_order, execution_options=COUNTED)
    if made.rowcount == len(claims):  # all were new: the rule, and one statement for all
        return [True] * len(claims)
    found = await connection.execute(
        OWNERS, OWNED.values([_CONVERSATION_OF(one) for one in claims])
    )
    owners = {tuple(key): owner for *key, owner in found}
    asking = await _who_asks(connection, claims)
    return [owners.get(_CONVERSATION_OF(claim)) == asking[_PERSON_OF(claim)] for claim in claims]


async def _name(connection: AsyncConnection, names: Sequence[Row]) -> Sequence[str | None]:
    """For each person, the id they now have; None where the proposed one is another's."""
    await alone(connection, "aliases")  # or a person who is renamed now could get a second id
    new = insert(connection, users).from_select(users.c.keys(), _NAMED).on_conflict_do_nothing()
    in_order = sorted(names, key=itemgetter("org", "upstream", "subject"))
    made = await connection.execute(new, in_order, execution_options=COUNTED)
    if not await give_fresh_ids(connection, names) and made.rowcount == len(names):
        return [str(name["user_id"]) for name in names]
    asking = await _who_asks(connection, names)
    keys = [(name["org"], name["upstream"], asking[_PERSON_OF(name)]) for name in names]
    found = await connection.execute(USER_IDS, NAMED_BY.values(keys))
    user_ids = {tuple(key): user_id for *key, user_id in found}
    return [user_ids.get(key) for key in keys]


async def _who_asks(connection: AsyncConnection, rows: Sequence[Row]) -> dict[Any, str]:
    """By org and subject, the subject each of them is now."""
    people = {_PERSON_OF(row) for row in rows}
    found = await connection.execute(BECAME, PEOPLE.values(people))
    became = {tuple(key): becomes for *key, becomes in found}
    return {person: became.get(person, person[1]) for person in people}
