"""Ending what runs, from outside: the client left, the gateway stops, the time is up.

All are cancellations of the one task that runs an exchange, turned into what they mean where they
are caught. There is no task per direction and no queue.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

from gateway.core.errors import (
    CredentialsExpired,
    Forbidden,
    GatewayError,
    Overloaded,
    Unauthenticated,
    Unavailable,
    UpstreamTimeout,
)
from gateway.core.people.identity import Identity
from gateway.ports import Admission, ClientLeft, Inbound
from gateway.system.deadline import Deadline

TOO_LONG = "The upstream's answer took too long as a whole"


class Stopping(Overloaded):
    """It ended with the gateway: how far the vendor had come by then, nobody knows."""


class Interrupt:
    """A block that can be ended from outside, for the task that runs it: `with Interrupt(…)`.

    It begins unless its person may speak no longer, or was kept out `since` they were let in (by
    the monotonic clock), and ends by itself, or with the first reason
    for which `running`, the client or a clock ends it.

    Raises:
        GatewayError, ClientLeft: that reason.
        Blocked, Unauthenticated, LedgerUnavailable: it did not begin.
    """

    __slots__ = ("_ask", "_clock", "_expires", "_running", "_task", "identity", "reason", "since")

    def __init__(
        self, running: "Running", identity: Identity, *, since: float | None = None
    ) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("what can be interrupted runs in a task")
        self._task = task
        self._running = running
        self._clock: Deadline | None = None
        self._expires = False  # what the clock says then: the credential does
        self._ask: Inbound | None = None
        self.identity = identity
        self.since = since
        self.reason: ClientLeft | GatewayError | None = None

    def __enter__(self) -> Self:
        self._running.add(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._running.remove(self)
        if self._clock is not None:
            self._clock.close()
        if self._ask is not None:
            self._ask.on_leave(None)
        if kind is asyncio.CancelledError and self.reason is not None:
            self._task.uncancel()
            reason, self.reason = self.reason, None
            try:
                raise reason from None
            finally:
                del reason  # which holds this frame: no garbage in circles

    def fire(self, reason: ClientLeft | GatewayError) -> None:
        """End the block."""
        if self.reason is None:
            self.reason = reason
            self._task.cancel()

    def when_left(self, ask: Inbound) -> None:
        """End it when the client leaves.

        uvicorn drops what is sent to a client that left, and says nothing: the vendor would go on,
        and go on billing.
        """
        ask.on_leave(self)
        self._ask = ask

    def after(self, seconds: float, expires_at: float | None = None) -> None:
        """End it with `UpstreamTimeout` after so much time; or, if that comes first, with
        `CredentialsExpired` at that moment, in seconds since the epoch.

        Raises:
            CredentialsExpired: it has been.
        """
        if expires_at is not None:
            left = expires_at - time.time()
            if left <= 0:
                raise CredentialsExpired
            self._expires = left < seconds
            seconds = min(left, seconds)
        self._clock = Deadline(self)
        self._clock.set(seconds)

    def left(self) -> None:
        self.fire(ClientLeft())

    def overdue(self) -> None:
        if self._expires:
            self.fire(CredentialsExpired("The sign-in expired while the answer came"))
        else:
            self.fire(UpstreamTimeout(TOO_LONG))


class Running:
    """The exchanges that run now, so that they can be ended: all, or somebody's."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._interrupts: dict[Interrupt, None] = {}  # a set takes twice as much, of thousands

    def __len__(self) -> int:
        return len(self._interrupts)

    def stop(self) -> None:
        """End all of them, each with a last word to its client."""
        for interrupt in tuple(self._interrupts):
            interrupt.fire(Stopping("The gateway is shutting down: ask again"))

    def recheck(self) -> None:
        """End those of people who may speak no longer, or whose session has ended."""
        for interrupt in tuple(self._interrupts):
            try:
                self._admission.check(interrupt.identity)
            except (Forbidden, Unauthenticated) as error:
                interrupt.fire(error)
            except Unavailable:  # it has begun, and nobody knows better
                continue

    def check(self, identity: Identity, *, since: float | None) -> None:
        """Refuse whoever may not begin. Raises as `Admission.check`: a block may have come."""
        self._admission.check(identity, since=since)

    def add(self, interrupt: Interrupt) -> None:
        """Take one that begins. Raises as `check`."""
        self.check(interrupt.identity, since=interrupt.since)
        self._interrupts[interrupt] = None

    def remove(self, interrupt: Interrupt) -> None:
        self._interrupts.pop(interrupt, None)


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """Bound a block in time that nothing else ends.

    Raises:
        UpstreamTimeout: it took longer.
    """
    try:
        async with asyncio.timeout(seconds) as clock:
            yield
    except TimeoutError as error:
        if not clock.expired():
            raise
        raise UpstreamTimeout(TOO_LONG) from error
