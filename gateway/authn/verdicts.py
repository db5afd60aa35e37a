"""What a remote said of a credential, remembered for seconds.

Rules:

1. Each sign-in has a memory of its own, and the name a thing is remembered by is the whole of it,
   hashed: no answer stands for another credential, place or sign-in.
2. Only a verdict that lets somebody in is kept; a refusal is asked for anew, and a failure is none.
3. A question is asked once, whoever waits for its answer; a waiter that leaves takes nobody else's
   question along.
4. A verdict's age counts from when it was asked for, by a clock that never steps; it ends with the
   credential in any case.
5. All is forgotten when somebody has signed out: whose verdicts those are, the answers do not say.
"""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from cachetools import LRUCache

from gateway.core.formats.digests import joined
from gateway.ports import Clock

MAX_REMEMBERED = 10_000  # verdicts, of a few hundred bytes each

T = TypeVar("T")
_Key: TypeAlias = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Verdict(Generic[T]):
    """What was said; not kept unless `keep`, nor past `expires_at` (seconds since the epoch)."""

    value: T
    keep: bool = True
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class _Kept(Generic[T]):
    verdict: Verdict[T]
    asked_at: float = field(repr=False)


def digest(*parts: str) -> bytes:
    """The name that one credential is remembered by: no other has the same."""
    return hashlib.sha256(joined(*parts)).digest()


class Verdicts(Generic[T]):
    """What was said, by digest, each verdict good for `seconds`; 0: every question is asked.

    `clock` is in seconds since the epoch, `monotonic` a clock without steps.
    """

    def __init__(
        self,
        seconds: float,
        *,
        clock: Clock = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._now = monotonic
        self._age = 0  # how often all was forgotten
        self._kept: LRUCache[_Key, _Kept[T]] = LRUCache(MAX_REMEMBERED)
        self._asking: dict[_Key, asyncio.Task[T]] = {}

    async def get(self, name: bytes, ask: Callable[[], Awaitable[Verdict[T]]]) -> T:
        """The verdict, remembered or asked for; raises what `ask` raises."""
        key = self._age, name
        kept = self._kept.get(key)
        if kept is not None and self._is_good(kept):
            return kept.verdict.value
        if not self._seconds:
            return (await ask()).value
        asking = self._asking.get(key)
        if asking is None:
            asking = asyncio.create_task(self._ask(key, ask))
            self._asking[key] = asking
            asking.add_done_callback(_heard)
        return await asyncio.shield(asking)

    def forget(self) -> None:
        """Ask anew from now on: no verdict counts that was asked for before."""
        self._age += 1
        self._kept.clear()

    async def aclose(self) -> None:
        """End the questions that still run."""
        running = list(self._asking.values())
        for asking in running:
            asking.cancel()
        if running:
            await asyncio.wait(running)

    def _is_good(self, kept: _Kept[T]) -> bool:
        expires = kept.verdict.expires_at
        fresh = self._now() - kept.asked_at < self._seconds
        return fresh and (expires is None or self._clock() < expires)

    async def _ask(self, key: _Key, ask: Callable[[], Awaitable[Verdict[T]]]) -> T:
        asked_at = self._now()
        try:
            verdict = await ask()
            if verdict.keep:
                self._kept[key] = _Kept(verdict, asked_at)
            return verdict.value
        finally:
            del self._asking[key]


def _heard(asking: asyncio.Task[T]) -> None:
    """A failure that nobody waits for any more is no news."""
    if not asking.cancelled():
        asking.exception()
