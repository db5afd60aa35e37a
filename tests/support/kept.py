"""Rows that are written in the background, once they can be read in the store."""

import asyncio

from gateway.store.batches import Batches


async def all_written(batches: Batches) -> None:
    """Wait until the store has what there is now.

    On a busy machine a commit may take so long that its rows go by way of the spool.
    """
    await batches.flush()
    async with asyncio.timeout(20):
        while batches.spooled:  # noqa: ASYNC110 - a file
            await asyncio.sleep(0.02)
