"""Counting in this process: for one replica, and where the shared server is away.

Nothing here waits, so every method is one step to all others. What is counted is forgotten with the
process, and with its window.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence

from gateway.core.budget import Account
from gateway.core.fairshare import FairShare
from gateway.core.window import Windows
from gateway.limits.counts import Called, Rated, Reserved, Slot, Standing

LATE = 3600.0  # seconds after a day or month in which what began in it may be settled
SOON = 1.0  # seconds to wait for what somebody else will give back
_NOBODY: frozenset[str] = frozenset()


class LocalCounts:
    """Keeps the `Counts` promise. `monotonic` and `wall` are clocks, in seconds."""

    def __init__(self, monotonic: Callable[[], float], wall: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._wall = wall
        self._windows = _OfEachLength()
        self._under_way: defaultdict[str, set[str]] = defaultdict(set)
        self._shares: dict[tuple[str, int, int], FairShare] = {}
        self._books: dict[str, _Book] = {}

    async def admit(
        self, rated: Sequence[Rated], slots: Sequence[Slot], ticket: str, lasts: float
    ) -> Sequence[Standing]:
        now = self._monotonic()
        standings = [self._rate(one, now) for one in rated]
        standings += [self._place(one, ticket) for one in slots]
        for standing in standings:
            if not standing.granted:
                return standings
        for one in rated:
            self._windows[one.seconds].take(one.key, one.cost)
        for slot in slots:
            self._under_way[slot.key].add(ticket)
        return standings

    async def leave(self, slots: Sequence[Slot], ticket: str) -> None:
        self._leave(slots, ticket)

    async def call(self, called: Called, ticket: str) -> Standing | None:
        now, key = self._monotonic(), (called.key, called.limit, called.seconds)
        share = self._shares.get(key)
        if share is None:
            share = self._shares[key] = FairShare(called.limit, called.seconds)
        granted = share.take(called.person, now)
        return Standing(granted, share.free, share.wait(now))

    async def reserve(
        self, reserved: Sequence[Reserved], ticket: str, lasts: float
    ) -> Sequence[Standing]:
        now = self._wall()
        until = now + lasts
        standings = []
        held: list[Account] = []
        for one in reserved:
            account = self._account(one, now)
            granted = account.reserve(ticket, one.amount, budget=one.budget, now=now, until=until)
            left, wait = one.budget - account.spent - account.held, one.left(now)
            if granted:
                held.append(account)
            elif account.spent + one.amount <= one.budget:
                wait = SOON  # what is only held may come free; what is spent is spent
            standings.append(Standing(granted, max(0, left), wait))
        if len(held) < len(reserved):
            for account in held:
                account.settle(ticket, 0)
        return standings

    async def settle(
        self, reserved: Sequence[Reserved], charged: Sequence[int], ticket: str
    ) -> None:
        self._settle(reserved, charged, ticket)

    async def end(
        self,
        reserved: Sequence[Reserved],
        charged: Sequence[int],
        held_as: str,
        slots: Sequence[Slot],
        ticket: str,
    ) -> None:
        self._settle(reserved, charged, held_as)
        self._leave(slots, ticket)

    def know(self, reserved: Sequence[Reserved], standings: Sequence[Standing]) -> None:
        """Remember what has been spent elsewhere, for when nobody else can tell."""
        now = self._wall()
        for one, standing in zip(reserved, standings, strict=True):
            account = self._account(one, now)
            account.spent = max(account.spent, one.budget - standing.remaining - one.amount)

    def _rate(self, one: Rated, now: float) -> Standing:
        window = self._windows[one.seconds]
        counted, left = window.look(one.key, now)
        room = one.limit - one.cost
        if counted > room:
            return Standing(False, 0, window.wait(one.key, room, now))
        return Standing(True, math.floor(room - counted), left)

    def _place(self, slot: Slot, ticket: str) -> Standing:
        taken = self._under_way.get(slot.key, _NOBODY)
        remaining = slot.limit - len(taken) - (ticket not in taken)
        return Standing(remaining >= 0, max(0, remaining), SOON)

    def _leave(self, slots: Sequence[Slot], ticket: str) -> None:
        for slot in slots:
            tickets = self._under_way.get(slot.key)
            if tickets is not None:
                tickets.discard(ticket)
                if not tickets:
                    del self._under_way[slot.key]

    def _settle(self, reserved: Sequence[Reserved], charged: Sequence[int], ticket: str) -> None:
        for one, amount in zip(reserved, charged, strict=True):
            book = self._books.get(one.window)
            if book is not None and one.key in book.accounts:
                book.accounts[one.key].settle(ticket, amount)

    def _account(self, one: Reserved, now: float) -> Account:
        book = self._books.get(one.window)
        if book is None:
            past = [name for name, old in self._books.items() if old.ends + LATE < now]
            for name in past:
                del self._books[name]
            book = self._books[one.window] = _Book(one.ends)
        return book.accounts[one.key]


class _OfEachLength(dict[int, Windows]):
    def __missing__(self, seconds: int) -> Windows:
        made = self[seconds] = Windows(seconds)
        return made


class _Book:
    """The accounts of one day or month, which `ends` then."""

    def __init__(self, ends: float) -> None:
        self.ends = ends
        self.accounts: defaultdict[str, Account] = defaultdict(Account)
