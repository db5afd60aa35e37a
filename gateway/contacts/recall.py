"""What is owed to vendors, taken up: at the start, and now and then what other processes left.

A push is on the disk before it is accepted. Whoever accepted it may end before the vendor has it,
or go by another configuration since; a write that two processes make is as good as one.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress

from gateway.contacts.push import Desk
from gateway.core.errors import LedgerUnavailable
from gateway.ports import ContactNotes

LOG = logging.getLogger("gateway.contacts")

EVERY = 60.0  # seconds


class Recalls:
    """`desks` are those there are now, by org and upstream."""

    def __init__(
        self, notes: ContactNotes, desks: Callable[[], Mapping[tuple[str, str], Desk]]
    ) -> None:
        self._notes = notes
        self._desks = desks
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Look now, and from now on."""
        if self._task is not None:
            self._task.cancel()
        self._task = asyncio.create_task(self._for_ever())

    async def aclose(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def look(self) -> None:
        """Take up what is owed.

        Raises:
            LedgerUnavailable: the store is away.
        """
        owed = await self._notes.owed() if self._desks() else {}
        for desk in self._desks().values():
            desk.contacts.recall(owed.get((desk.external_id, desk.upstream), ()))

    async def _for_ever(self) -> None:
        while True:
            try:
                await self.look()
            except LedgerUnavailable:
                LOG.warning("the store is away: contacts that were pushed before wait")
            await asyncio.sleep(EVERY)
