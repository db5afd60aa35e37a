"""The line of those who wait for something there is not enough of: bounded in length and in time.

Whoever has waited longest gets the next: nobody overtakes the line. What a waiter was given in the
moment it was cancelled goes to `back`, so nothing is lost with it.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from gateway.core.errors import Overloaded

T = TypeVar("T")


class Line(Generic[T]):
    """At most `most` wait, each `patience` seconds."""

    def __init__(self, *, most: int, patience: float, back: Callable[[T], None]) -> None:
        self._most = most
        self._patience = patience
        self._back = back
        self._waiters: OrderedDict[asyncio.Future[T], None] = OrderedDict()
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiters)

    async def stand(self) -> T:
        """What `pass_on` gives.

        Raises:
            Overloaded: nothing came in time, too many wait already, or the line is closed.
        """
        if self._closed or len(self._waiters) >= self._most:
            raise Overloaded
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[T] = loop.create_future()
        self._waiters[waiter] = None
        timer = loop.call_later(self._patience, self._send_away, waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            self._waiters.pop(waiter, None)
            if not waiter.cancelled() and waiter.exception() is None:
                self._back(waiter.result())
            raise
        finally:
            timer.cancel()

    def pass_on(self, thing: T) -> bool:
        """Give it to the head of the line. False: nobody waits."""
        while self._waiters:
            waiter, _ = self._waiters.popitem(last=False)
            if not waiter.done():
                waiter.set_result(thing)
                return True
        return False

    def close(self) -> None:
        """Send everybody away, and whoever comes."""
        self._closed = True
        while self._waiters:
            self._send_away(next(iter(self._waiters)))

    def _send_away(self, waiter: asyncio.Future[T]) -> None:
        self._waiters.pop(waiter, None)
        if not waiter.done():
            waiter.set_exception(Overloaded())
