"""Ending what runs, from outside: the client left, the gateway stops, the time is up.

All are cancellations of the one task that runs an exchange, turned into what they mean where they
are caught. There is no task per direction and no queue.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.core.errors import (
    CredentialsExpired,
    Forbidden,
    GatewayError,
    Overloaded,
    Unauthenticated,
    Unavailable,
    UpstreamTimeout,
)
from gateway.core.identity import Identity
from gateway.ports import Admission, ClientLeft, Inbound


class Interrupt:
    """Cancels the task that works for `identity`, and remembers why."""

    def __init__(self, task: "asyncio.Task[object]", identity: Identity) -> None:
        self._task = task
        self.identity = identity
        self.reason: ClientLeft | GatewayError | None = None

    def fire(self, reason: ClientLeft | GatewayError) -> None:
        if self.reason is None:
            self.reason = reason
            self._task.cancel()


class Running:
    """The exchanges that run now, so that they can be ended: all, or somebody's."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._interrupts: set[Interrupt] = set()

    def __len__(self) -> int:
        return len(self._interrupts)

    def stop(self) -> None:
        """End all of them, each with a last word to its client."""
        for interrupt in tuple(self._interrupts):
            interrupt.fire(Overloaded("The gateway is shutting down: ask again"))

    def recheck(self) -> None:
        """End those of people who may speak no longer, or whose session has ended."""
        for interrupt in tuple(self._interrupts):
            try:
                self._admission.check(interrupt.identity)
            except (Forbidden, Unauthenticated) as error:
                interrupt.fire(error)
            except Unavailable:  # it has begun, and nobody knows better
                continue

    def add(self, interrupt: Interrupt) -> None:
        """Take one that begins. Raises as `Admission.check`: a block may have come meanwhile."""
        self._admission.check(interrupt.identity)
        self._interrupts.add(interrupt)

    def remove(self, interrupt: Interrupt) -> None:
        self._interrupts.discard(interrupt)


@asynccontextmanager
async def interruptible(running: Running, identity: Identity) -> AsyncIterator[Interrupt]:
    """Run the block until it ends, or `running` or whoever has the interrupt ends it.

    Raises:
        Overloaded, Blocked, ClientLeft: why it was ended.
        LedgerUnavailable: whether they may still speak has not been known for too long.
    """
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("what can be interrupted runs in a task")
    interrupt = Interrupt(task, identity)
    running.add(interrupt)
    try:
        yield interrupt
    except asyncio.CancelledError:
        if interrupt.reason is None:
            raise
        task.uncancel()
        raise interrupt.reason from None
    finally:
        running.remove(interrupt)


@asynccontextmanager
async def while_connected(
    ask: Inbound, running: Running, identity: Identity
) -> AsyncIterator[None]:
    """Run the block until it ends, the client leaves, or `running` ends it.

    uvicorn drops what is sent to a client that left, and says nothing: the vendor would go on, and
    go on billing.

    Raises:
        ClientLeft, Overloaded, Blocked, LedgerUnavailable: as `interruptible`.
    """
    async with interruptible(running, identity) as interrupt:
        forget = ask.on_leave(lambda: interrupt.fire(ClientLeft()))
        try:
            yield
        finally:
            forget()


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """Bound the block in time.

    Raises:
        UpstreamTimeout: it took longer.
    """
    try:
        async with asyncio.timeout(seconds) as clock:
            yield
    except TimeoutError as error:
        if not clock.expired():
            raise
        raise UpstreamTimeout("The upstream's answer took too long as a whole") from error


@asynccontextmanager
async def until_expiry(expires_at: float | None) -> AsyncIterator[None]:
    """Bound the block by the moment a credential expires, in seconds since the epoch.

    None: it does not, or that does not matter.

    Raises:
        CredentialsExpired: it has; then the block does not begin, or does not go on.
    """
    if expires_at is None:
        yield
        return
    left = expires_at - time.time()
    if left <= 0:
        raise CredentialsExpired
    try:
        async with asyncio.timeout(left) as clock:
            yield
    except TimeoutError as error:
        if not clock.expired():
            raise
        raise CredentialsExpired("The sign-in expired while the answer came") from error
