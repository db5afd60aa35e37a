"""Visitors whose time is over, and who have opened nothing: their user ids go.

Whoever throws the cookie away is another visitor, so they come without end. Of one whose cookie has
expired and who owns no conversation, nothing is left that an id at a vendor could lead to.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, bindparam, delete, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.people.identity import VISITOR
from gateway.store.database import Database, Work
from gateway.store.dialect import COUNTED, alone
from gateway.store.retention import PAUSE, TOGETHER
from gateway.store.schema import aliases, conversations, users

CLOCK = 60.0  # seconds to find some among millions

_KEY = (users.c.org, users.c.upstream, users.c.subject)
# One column each: of `SELECT *` SQLite reads all conversations of the org.
_OWN_NOTHING = and_(
    ~select(conversations.c.subject)
    .where(conversations.c.org == users.c.org, conversations.c.subject == users.c.subject)
    .exists(),
    ~select(aliases.c.subject)
    .where(aliases.c.org == users.c.org, aliases.c.subject == users.c.subject)
    .exists(),
)
_BY_TIME = (users.c.first_seen, *_KEY)
# Word for word as the index has it, or it would not be used.
_IS_VISITOR = text("users.subject >= 'anon_' AND users.subject < 'anon_{'")
PAST = (
    select(*_BY_TIME)
    .where(
        tuple_(*_BY_TIME) > tuple_(*(bindparam(one.name, type_=one.type) for one in _BY_TIME)),
        users.c.first_seen < bindparam("before"),
        _IS_VISITOR,
        _OWN_NOTHING,
    )
    .order_by(*_BY_TIME)
    .limit(TOGETHER)
)
FIRST = {"first_seen": -1, "org": "", "upstream": "", "subject": ""}
_FORGET = delete(users).where(
    *(column == bindparam(f"its_{column.name}") for column in _KEY), _OWN_NOTHING
)


async def forget_visitors(database: Database, *, before: float, pause: float = PAUSE) -> int:
    """Forget those who came first before a moment, in seconds since the epoch; how many ids.

    They are looked for beside whoever writes, and only deleted in their turn.

    Raises:
        LedgerUnavailable: the store is away; what is gone is gone.
    """
    gone, last = 0, dict(FIRST)
    while True:
        found = await database.rows(PAST, {**last, "before": int(before)}, clock=CLOCK)
        keys = [
            {f"its_{column.name}": row._mapping[column] for column in _KEY}
            for row in found
            if VISITOR.fullmatch(row.subject)
        ]
        if keys:
            gone += await database.start(database.commit(_forgotten(keys)))
        if len(found) < TOGETHER:
            return gone
        last = dict(found[-1]._mapping)
        await asyncio.sleep(pause)


def _forgotten(keys: Sequence[dict[str, Any]]) -> Work[int]:
    async def run(connection: AsyncConnection) -> int:
        await alone(connection, "retention")
        return (await connection.execute(_FORGET, keys, execution_options=COUNTED)).rowcount

    return run
