"""People who come under the name of somebody who was erased: at no vendor are they that one.

A vendor keeps what it has under the id it knew the erased person by, and would show it to whoever
has that id next. So nobody has it again: they get one that no vendor has seen.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.among import Among
from gateway.store.people.pseudonyms import fresh_user_id, known_key, pseudonym
from gateway.store.schema import users

CALLED = Among((users.c.org, users.c.upstream, users.c.user_id))
OF_THE_ERASED = select(*CALLED.columns).where(CALLED.condition)
_GIVE = (
    update(users)
    .where(
        users.c.org == bindparam("in_org"),
        users.c.upstream == bindparam("at"),
        users.c.user_id == bindparam("instead_of"),
    )
    .values(user_id=bindparam("fresh"))
)


async def give_fresh_ids(connection: AsyncConnection, named: Sequence[Mapping[str, Any]]) -> bool:
    """Of people who were just named, give another id to those whose id an erased person had."""
    key = await known_key(connection)
    if key is None:
        return False
    digests = {
        (
            one["org"],
            one["upstream"],
            pseudonym(key, one["org"], one["upstream"], one["user_id"]),
        ): one
        for one in named
    }
    found = (await connection.execute(OF_THE_ERASED, CALLED.values(sorted(digests)))).all()
    given = [
        {
            "in_org": row.org,
            "at": row.upstream,
            "instead_of": digests[row.org, row.upstream, row.user_id]["user_id"],
            "fresh": fresh_user_id(),
        }
        for row in found
    ]
    if given:
        await connection.execute(_GIVE, given)
    return bool(given)
