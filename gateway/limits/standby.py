"""What happens while the shared server is away: `on_failure`.

rule 1: `local` counts in this process, from what was last known of budgets; `open` counts nothing;
    `closed` refuses with 503.
rule 2: While it is away it is asked once a second, by one request; nobody else waits for it.
rule 3: What could not be given back is given back when it is there again.
rule 4: It is said once when it goes and once when it comes back.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Literal, TypeVar

from gateway.core.errors import Unavailable
from gateway.limits.counts import Away, Called, Counts, Rated, Reserved, Slot, Standing
from gateway.limits.local import LocalCounts

OnFailure = Literal["local", "open", "closed"]
Answer = TypeVar("Answer")
Late = Callable[[], Awaitable[None]]

AGAIN = 1.0  # seconds between two tries
MOST_LATE = 10_000  # exchanges whose end is remembered; those before them expire by themselves

_NOBODY: Sequence[Standing] = ()
_log = logging.getLogger("gateway.limits")


class Standby:
    """Keeps the `Counts` promise, and never raises `Away`. `clock` is monotonic, in seconds."""

    def __init__(
        self,
        shared: Counts,
        local: LocalCounts,
        on_failure: OnFailure,
        clock: Callable[[], float],
    ) -> None:
        self._shared = shared
        self._local = local
        self._on_failure = on_failure
        self._clock = clock
        self._try_at = 0.0
        self._late: deque[Late] = deque(maxlen=MOST_LATE)
        self._catching_up: asyncio.Task[None] | None = None
        self.away = False
        self.uncounted = 0  # questions that the shared server did not answer

    async def aclose(self) -> None:
        if self._catching_up is not None:
            self._catching_up.cancel()
            await asyncio.gather(self._catching_up, return_exceptions=True)

    async def admit(
        self, rated: Sequence[Rated], slots: Sequence[Slot], ticket: str, lasts: float
    ) -> Sequence[Standing]:
        undo = partial(self._shared.leave, slots, ticket) if slots else None
        return await self._ask(
            lambda counts: counts.admit(rated, slots, ticket, lasts), _NOBODY, undo
        )

    async def leave(self, slots: Sequence[Slot], ticket: str) -> None:
        await self._local.leave(slots, ticket)
        await self._give_back(partial(self._shared.leave, slots, ticket))

    async def call(self, called: Called, ticket: str) -> Standing | None:
        return await self._ask(lambda counts: counts.call(called, ticket), None)

    async def reserve(
        self, reserved: Sequence[Reserved], ticket: str, lasts: float
    ) -> Sequence[Standing]:
        undo = partial(self._shared.settle, reserved, [0] * len(reserved), ticket)
        standings = await self._ask(
            lambda counts: counts.reserve(reserved, ticket, lasts), _NOBODY, undo
        )
        if standings and not self.away:
            self._local.know(reserved, standings)
        return standings

    async def settle(
        self, reserved: Sequence[Reserved], charged: Sequence[int], ticket: str
    ) -> None:
        await self._local.settle(reserved, charged, ticket)
        await self._give_back(partial(self._shared.settle, reserved, charged, ticket))

    async def end(
        self,
        reserved: Sequence[Reserved],
        charged: Sequence[int],
        held_as: str,
        slots: Sequence[Slot],
        ticket: str,
    ) -> None:
        await self._local.end(reserved, charged, held_as, slots, ticket)
        await self._give_back(partial(self._shared.end, reserved, charged, held_as, slots, ticket))

    async def _ask(
        self,
        question: Callable[[Counts], Awaitable[Answer]],
        nothing: Answer,
        undo: Late | None = None,
    ) -> Answer:
        if not self.away or self._may_try():
            try:
                answer = await question(self._shared)
            except (Away, asyncio.CancelledError) as error:
                if undo is not None:  # it may have been heard all the same
                    self._late.append(undo)
                if not isinstance(error, Away):
                    raise
                self._gone(error)
            else:
                self._there()
                return answer
        self.uncounted += 1
        if self._on_failure == "closed":
            raise Unavailable("Limits cannot be counted now")
        return nothing if self._on_failure == "open" else await question(self._local)

    def _may_try(self) -> bool:
        now = self._clock()
        if now < self._try_at:
            return False
        self._try_at = now + AGAIN
        return True

    async def _give_back(self, late: Late) -> None:
        if self.away:
            self._late.append(late)
            return
        try:
            await late()
        except Away as error:
            self._late.append(late)
            self._gone(error)
        except asyncio.CancelledError:
            self._late.append(late)
            raise

    def _gone(self, error: Away) -> None:
        self._try_at = self._clock() + AGAIN
        if not self.away:
            self.away = True
            # The cause's kind alone: its words may hold the URL, and so the password.
            kind = type(error.__cause__ or error).__name__
            _log.warning("limits_shared_away on_failure=%s cause=%s", self._on_failure, kind)

    def _there(self) -> None:
        if self.away:
            self.away = False
            _log.warning("limits_shared_back late=%d", len(self._late))
        if self._late and (self._catching_up is None or self._catching_up.done()):
            self._catching_up = asyncio.create_task(self._catch_up())

    async def _catch_up(self) -> None:
        while self._late and not self.away:
            late = self._late.popleft()
            try:
                await late()
            except Away as error:
                self._late.appendleft(late)
                self._gone(error)
