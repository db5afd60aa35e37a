"""Counting at a Redis or Valkey that replicas share: one round trip a question, each one step.

A server that does not answer in time is away, and so is one whose answer cannot be used.

What a visitor has spent is forgotten when they were not here for `VISIT`: they are as many as
somebody likes, and whoever wants to begin anew can, by throwing the cookie away.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

from gateway.core.limits.fairshare import GREED
from gateway.limits import scripts
from gateway.limits.counts import Away, Called, Rated, Reserved, Slot, Standing
from gateway.limits.pipeline import Pipeline, Script

_ADMIT, _CALL = Script(scripts.ADMIT), Script(scripts.CALL)
_RESERVE, _END = Script(scripts.RESERVE), Script(scripts.END)
PREFIX = "gateway:limits"
VISIT = 3600.0  # seconds
SOON = 1.0  # seconds to wait for what somebody else will give back
NUMBERS = 3  # of a standing, on the wire


class SharedCounts:
    """Keeps the `Counts` promise; `url` is a redis://, rediss:// or unix:// one.

    `patience` is in seconds, for each step on the wire; a question takes twice that at most.
    Nothing is connected before the first question. `wall` says how much is left of a window, in
    seconds since the epoch; all other times are the server's own.
    """

    def __init__(self, url: str, *, patience: float, wall: Callable[[], float] = time.time) -> None:
        self._pipeline = Pipeline(url, patience=patience)
        self._run = self._pipeline.run
        self._wall = wall

    async def aclose(self) -> None:
        await self._pipeline.aclose()

    async def admit(
        self, rated: Sequence[Rated], slots: Sequence[Slot], ticket: str, lasts: float
    ) -> Sequence[Standing]:
        keys = [f"{PREFIX}:rate:{one.key}:{one.seconds}" for one in rated]
        words: list[str | int] = [len(rated), ticket, _ms(lasts)]
        for one in rated:
            words += (one.limit, one.seconds * 1000, one.cost)
        words += [slot.limit for slot in slots]
        answer = await self._run(_ADMIT, [*keys, *_slot_keys(slots)], words)
        return [
            Standing(granted == 1, remaining, wait / 1000)
            for granted, remaining, wait in _threes(answer, len(rated) + len(slots))
        ]

    async def leave(self, slots: Sequence[Slot], ticket: str) -> None:
        await self.end((), (), ticket, slots, ticket)

    async def call(self, called: Called, ticket: str) -> Standing | None:
        key = f"{PREFIX}:calls:{{{called.key}}}:{called.seconds}"
        words: list[str | int] = [called.person, ticket, called.limit, called.seconds * 1000, GREED]
        answer = await self._run(_CALL, [key, f"{key}:of"], words)
        ((granted, free, wait),) = _threes(answer, 1)
        return Standing(granted == 1, free, wait / 1000)

    async def reserve(
        self, reserved: Sequence[Reserved], ticket: str, lasts: float
    ) -> Sequence[Standing]:
        now = self._wall()
        words: list[str | int] = [ticket, _ms(lasts)]
        for one in reserved:
            left = one.left(now)
            words += (one.budget, one.amount, _ms(min(left, VISIT) if one.of_visitor else left))
        answer = await self._run(_RESERVE, _account_keys(reserved), words)
        return [
            Standing(granted == 1, remaining, one.left(now) if granted or spent else SOON)
            for one, (granted, remaining, spent) in zip(
                reserved, _threes(answer, len(reserved)), strict=True
            )
        ]

    async def settle(
        self, reserved: Sequence[Reserved], charged: Sequence[int], ticket: str
    ) -> None:
        await self.end(reserved, charged, ticket, (), ticket)

    async def end(
        self,
        reserved: Sequence[Reserved],
        charged: Sequence[int],
        held_as: str,
        slots: Sequence[Slot],
        ticket: str,
    ) -> None:
        keys = [*_account_keys(reserved), *_slot_keys(slots)]
        await self._run(_END, keys, [held_as, ticket, *charged])


def _slot_keys(slots: Sequence[Slot]) -> list[str]:
    return [f"{PREFIX}:streams:{slot.key}" for slot in slots]


def _account_keys(reserved: Sequence[Reserved]) -> list[str]:
    keys = [f"{PREFIX}:budget:{one.key}:{one.window}" for one in reserved]
    return [name for key in keys for name in (key, f"{key}:held")]


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _threes(answer: Any, count: int) -> list[tuple[int, int, int]]:
    """The standings of an answer; one of another form is none."""
    try:
        numbers = [int(number) for number in answer.split()]
    except (AttributeError, ValueError) as error:
        raise Away from error
    if len(numbers) != NUMBERS * count:
        raise Away
    return list(zip(numbers[0::3], numbers[1::3], numbers[2::3], strict=True))
