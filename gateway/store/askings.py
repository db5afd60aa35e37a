"""Names of what was asked, each for a day: one process after the other finds it taken.

The name is a digest of who asks and what they call it, so a row says neither. The database decides,
by its primary key; a row is on the disk before the vendor is called.
"""

import time
from typing import Any

from sqlalchemy import Executable, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.request.idempotency import Earlier
from gateway.ports.askings import Askings as Promise
from gateway.store.database import Database
from gateway.store.dialect import COUNTED, insert
from gateway.store.schema import askings

KEPT = 86_400  # seconds

_EARLIER = select(askings.c.request_id, askings.c.content, askings.c.conversation)


class Askings(Promise):
    """The `Askings` over one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, name: bytes, first: Earlier) -> Earlier | None:
        now = int(time.time())

        async def work(connection: AsyncConnection) -> Earlier | None:
            old = (askings.c.name == name) & (askings.c.asked_at < now - KEPT)
            await connection.execute(delete(askings).where(old))
            row = {"name": name, "content": first.content, "request_id": first.request_id}
            new = insert(connection, askings).values(**row, conversation="", asked_at=now)
            made = await connection.execute(new.on_conflict_do_nothing(), execution_options=COUNTED)
            if made.rowcount == 1:
                return None
            found = (await connection.execute(_EARLIER.where(askings.c.name == name))).one()
            return Earlier(found.request_id, found.content, found.conversation)

        return await self._database.start(self._database.commit(work))

    async def end(self, name: bytes, conversation: str) -> None:
        await self._run(
            update(askings).where(askings.c.name == name).values(conversation=conversation)
        )

    async def forget(self, name: bytes) -> None:
        await self._run(delete(askings).where(askings.c.name == name))

    async def _run(self, statement: Executable) -> None:
        async def work(connection: AsyncConnection) -> Any:
            await connection.execute(statement)

        await self._database.start(self._database.commit(work))
