"""Counting in this process: for one replica, and where the shared server is away.

Nothing here waits, so every method is one step to all others. What is counted is forgotten with the
process, and with its window.

What is counted of a person who has signed in is never forgotten before. Of visitors (`of_visitor`),
who are as many as somebody likes, only the `VISITORS` seen last are remembered, in each window: one
that is forgotten is as a visitor who comes for the first time, which whoever wants to be that can
be by throwing the cookie away. What holds visitors together are the limits of their org.
"""

from collections import defaultdict
from collections.abc import Callable, MutableMapping, Sequence

from cachetools import LRUCache

from gateway.core.limits.budget import Account
from gateway.core.limits.fairshare import FairShare
from gateway.core.limits.window import Windows
from gateway.limits.counts import Called, Rated, Reserved, Slot, Standing

LATE = 3600.0  # seconds after a day or month in which what began in it may be settled
VISITORS = 50_000  # of all orgs, in one window: some 15 MB with a rate, and as much with a budget
SOON = 1.0  # seconds to wait for what somebody else will give back


class LocalCounts:
    """Keeps the `Counts` promise. `monotonic` and `wall` are clocks, in seconds."""

    def __init__(self, monotonic: Callable[[], float], wall: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._wall = wall
        self._windows = _OfEachLength(dict)
        self._of_visitors = _OfEachLength(lambda: LRUCache(VISITORS))
        # Dictionaries: a set takes twice as much, of thousands.
        self._under_way: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._shares: dict[tuple[str, int, int], FairShare] = {}
        self._books: dict[str, _Book] = {}

    async def admit(
        self, rated: Sequence[Rated], slots: Sequence[Slot], ticket: str, lasts: float
    ) -> Sequence[Standing]:
        now = self._monotonic()
        standings: list[Standing] = []
        taken: list[Slot] = []
        granted = True
        for one in rated:
            windows = self._of_visitors if one.of_visitor else self._windows
            window = windows[one.seconds]
            room, left = window.take(one.key, one.cost, one.limit, now)
            if room >= 0:
                standings.append(Standing(True, int(room), left))
            else:
                granted = False
                wait = window.wait(one.key, one.limit - one.cost, now)
                standings.append(Standing(False, 0, wait))
        for slot in slots:
            tickets = self._under_way[slot.key]
            if ticket not in tickets:
                tickets[ticket] = None
                taken.append(slot)
            free = slot.limit - len(tickets)
            if free >= 0:
                standings.append(Standing(True, free, SOON))
            else:
                granted = False
                standings.append(Standing(False, 0, SOON))
        if not granted:
            self._undo(rated, standings, taken, ticket)
        return standings

    async def leave(self, slots: Sequence[Slot], ticket: str) -> None:
        await self.end((), (), ticket, slots, ticket)

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
        standings: list[Standing] = []
        granted = True
        for one in reserved:
            account = self._accounts(one, now)[one.key]
            if account.reserve(ticket, one.amount, budget=one.budget, now=now, until=until):
                left = one.budget - account.spent - account.held
                standings.append(Standing(True, left, one.left(now)))
            else:
                granted = False
                standings.append(_refused(one, account, now))
        if not granted:
            for one, standing in zip(reserved, standings, strict=True):
                if standing.granted:
                    self._accounts(one, now)[one.key].settle(ticket, 0)
        return standings

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
        for one, amount in zip(reserved, charged, strict=True):
            book = self._books.get(one.window)
            if book is None:
                continue
            accounts = book.visitors if one.of_visitor else book.people
            account = accounts.get(one.key)
            if account is not None:
                account.settle(held_as, amount)
        if slots:
            self._leave(slots, ticket)

    def know(self, reserved: Sequence[Reserved], standings: Sequence[Standing]) -> None:
        """Remember what has been spent elsewhere, for when nobody else can tell."""
        now = self._wall()
        for one, standing in zip(reserved, standings, strict=True):
            account = self._accounts(one, now)[one.key]
            account.spent = max(account.spent, one.budget - standing.remaining - one.amount)

    def _undo(
        self,
        rated: Sequence[Rated],
        standings: Sequence[Standing],
        taken: Sequence[Slot],
        ticket: str,
    ) -> None:
        """Take back what was counted of a request that another limit refuses."""
        for one, standing in zip(rated, standings, strict=False):  # those of the rates come first
            if standing.granted:
                windows = self._of_visitors if one.of_visitor else self._windows
                windows[one.seconds].give_back(one.key, one.cost)
        self._leave(taken, ticket)

    def _leave(self, slots: Sequence[Slot], ticket: str) -> None:
        for slot in slots:
            tickets = self._under_way.get(slot.key)
            if tickets is not None:
                tickets.pop(ticket, None)
                if not tickets:
                    del self._under_way[slot.key]

    def _accounts(self, one: Reserved, now: float) -> MutableMapping[str, Account]:
        """The accounts of its window, by key; one that is missing is made when it is asked for."""
        book = self._books.get(one.window) or self._begin(one, now)
        return book.visitors if one.of_visitor else book.people

    def _begin(self, one: Reserved, now: float) -> "_Book":
        """Open the book of a window, and forget the books of windows long past."""
        past = [name for name, old in self._books.items() if old.ends + LATE < now]
        for name in past:
            del self._books[name]
        begun = self._books[one.window] = _Book(one.ends)
        return begun


def _refused(one: Reserved, account: Account, now: float) -> Standing:
    left = max(0, one.budget - account.spent - account.held)
    # What is only held may come free; what is spent is spent.
    is_spent = account.spent + one.amount > one.budget
    return Standing(False, left, one.left(now) if is_spent else SOON)


class _OfEachLength(dict[int, Windows]):
    """Windows by their seconds, whose counters `table` keeps."""

    def __init__(self, table: Callable[[], MutableMapping[str, int]]) -> None:
        super().__init__()
        self._table = table

    def __missing__(self, seconds: int) -> Windows:
        made = self[seconds] = Windows(seconds, self._table)
        return made


class _Book:
    """The accounts of one day or month; `ends` is in seconds since the epoch."""

    def __init__(self, ends: float) -> None:
        self.ends = ends
        self.people: MutableMapping[str, Account] = defaultdict(Account)
        self.visitors: MutableMapping[str, Account] = _Visitors(VISITORS)


class _Visitors(LRUCache[str, Account]):
    def __missing__(self, key: str) -> Account:
        made = self[key] = Account()
        return made
