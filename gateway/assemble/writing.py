"""Whether the store takes writes, looked at while it does not: nobody else may write for hours."""

import asyncio
import logging
from contextlib import suppress

from gateway.core.errors import LedgerUnavailable
from gateway.store.database import Database

LOG = logging.getLogger("gateway.store")

EVERY = 1.0  # seconds


async def look_whether_it_takes_writes(database: Database) -> None:
    """Say in the log when it does no longer, and when it does again; for ever."""
    writing, said = database.writing, False
    while True:
        if writing.is_in_doubt:
            with suppress(LedgerUnavailable):
                await database.try_writing()
        if bool(writing.refuses) is not said:
            said = not said
            if said:
                LOG.error("the store takes no writes (%s): nothing new can begin", writing.refuses)
            else:
                LOG.info("the store takes writes again")
        await asyncio.sleep(EVERY)
