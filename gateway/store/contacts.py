"""What is remembered of contacts: a digest of what each vendor has, and what is owed to it.

Values that a sign-in said are not kept. What the company's own service pushed is, for each push is
the whole of what it says, and goes together with what the sign-in says.
"""

import json
import os
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.people.identity import Person
from gateway.core.profile.contact import Attributes
from gateway.ports import ContactNotes, Noted
from gateway.store.database import Database
from gateway.store.dialect import insert
from gateway.store.people.tombs import lately_made, tombs_of
from gateway.store.schema import contacts

TOKEN_BYTES = 16
MOST = 10_000  # pushes that are picked up at the start of a process

_HERE = (contacts.c.org == bindparam("of_org")) & (contacts.c.upstream == bindparam("of_upstream"))
_NOTED = select(contacts.c.subject, contacts.c.sent, contacts.c.pushed, contacts.c.owed).where(
    _HERE & contacts.c.subject.in_(bindparam("subjects", expanding=True))
)
_OWED = (
    select(contacts.c.org, contacts.c.upstream, contacts.c.subject)
    .where(contacts.c.owed.is_not(None))
    .limit(MOST)
)
_SETTLE = (
    update(contacts)
    .where(
        _HERE
        & (contacts.c.subject == bindparam("of_subject"))
        & (contacts.c.owed == bindparam("token"))
    )
    .values(owed=None)
)


class KeptContacts(ContactNotes):
    """Keeps the `ContactNotes` port over one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def noted(
        self, org: str, upstream: str, subjects: Collection[str]
    ) -> Mapping[str, Noted]:
        values = {"of_org": org, "of_upstream": upstream, "subjects": [*subjects]}
        found = await self._database.rows(_NOTED, values)
        return {
            row.subject: Noted(
                sent=row.sent,
                pushed={} if row.pushed is None else json.loads(row.pushed),
                owed=row.owed,
            )
            for row in found
        }

    async def owed(self) -> Mapping[tuple[str, str], Sequence[str]]:
        found: dict[tuple[str, str], list[str]] = defaultdict(list)
        for row in await self._database.rows(_OWED, {}):
            found[row.org, row.upstream].append(row.subject)
        return found

    async def push(self, upstream: str, person: Person, attributes: Attributes) -> None:
        row = {
            "org": person.org,
            "upstream": upstream,
            "subject": person.subject,
            "pushed": json.dumps(dict(attributes), separators=(",", ":")),
            "owed": os.urandom(TOKEN_BYTES),
        }

        async def write(connection: AsyncConnection) -> None:
            new = insert(connection, contacts)
            changes = {name: new.excluded[name] for name in ("pushed", "owed")}
            await connection.execute(
                new.on_conflict_do_update(index_elements=_KEY, set_=changes), row
            )

        await self._database.start(self._database.commit(write))

    async def sent(
        self,
        org: str,
        upstream: str,
        digests: Mapping[str, bytes],
        settled: Mapping[str, bytes],
    ) -> None:
        here = {"org": org, "upstream": upstream}
        rows = [{**here, "subject": one, "sent": digests[one]} for one in sorted(digests)]
        paid = [
            {"of_org": org, "of_upstream": upstream, "of_subject": one, "token": settled[one]}
            for one in sorted(settled)
        ]

        async def write(connection: AsyncConnection) -> None:
            # What was under way while they were erased is not to be noted of them.
            gone = lately_made(await tombs_of(connection, {(org, one) for one in digests}))
            kept = [row for row in rows if (org, row["subject"]) not in gone]
            if kept:
                new = insert(connection, contacts)
                changes = {"sent": new.excluded["sent"]}
                await connection.execute(
                    new.on_conflict_do_update(index_elements=_KEY, set_=changes), kept
                )
            if paid:
                await connection.execute(_SETTLE, paid)

        await self._database.start(self._database.commit(write))


_KEY = ["org", "upstream", "subject"]
