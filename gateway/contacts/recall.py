"""What is owed to vendors, taken up: at the start, and now and then what other processes left.

A push is on the disk before it is accepted. Whoever accepted it may end before the vendor has it,
or go by another configuration since. What is owed for less than `EVERY` is left to whoever accepted
it, who has heard more of the person; a write that two processes make is as good as one.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TypeAlias

from gateway.contacts.push import Desk
from gateway.core.errors import LedgerUnavailable
from gateway.ports import ContactNotes

LOG = logging.getLogger("gateway.contacts")

EVERY = 60.0  # seconds

Owed: TypeAlias = Mapping[tuple[str, str], Sequence[str]]  # subjects, by org and upstream


class Recalls:
    """`desks` are those there are now, by org and upstream."""

    def __init__(
        self, notes: ContactNotes, desks: Callable[[], Mapping[tuple[str, str], Desk]]
    ) -> None:
        self._notes = notes
        self._desks = desks
        self._task: asyncio.Task[None] | None = None
        self._before: Owed | None = None  # what was owed a look ago; None: this is the first

    def begin(self) -> None:
        """Look now, and from now on."""
        if self._task is not None:
            self._task.cancel()
        self._before = None
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
        before, self._before = self._before, owed
        for desk in self._desks().values():
            at = desk.external_id, desk.upstream
            now = frozenset(owed.get(at, ()))
            desk.contacts.recall(now if before is None else now & frozenset(before.get(at, ())))

    async def _for_ever(self) -> None:
        while True:
            try:
                await self.look()
            except LedgerUnavailable:
                LOG.warning("the store is away: contacts that were pushed before wait")
            await asyncio.sleep(EVERY)
