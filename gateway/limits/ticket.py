"""One request that an org's limits have let by: what it holds, and what becomes of it."""

import math
import os
import secrets
from collections.abc import Sequence
from itertools import count
from typing import Self

from gateway.core.errors import Overloaded, TooManyRequests, UpstreamUnreachable
from gateway.core.limits.budget import Ending
from gateway.core.limits.quota import Rate
from gateway.limits.calendar import Calendar
from gateway.limits.counts import Called, Counts, Reserved, Standing
from gateway.limits.named import Layer, Limit, VendorOf, told
from gateway.limits.terms import PersonTerms
from gateway.ports import Record, Ticket

_USER = Layer.USER  # an enumeration is slow to ask
UNTOUCHED = (TooManyRequests, UpstreamUnreachable, Overloaded)  # raised before the vendor is asked


class Counted(Ticket):
    """Keeps the `Ticket` port."""

    __slots__ = (
        "_calendar",
        "_charged",
        "_counts",
        "_held_as",
        "_name",
        "_own",
        "_record",
        "_reserved",
    )

    def __init__(
        self, own: PersonTerms, record: Record, counts: Counts, calendar: Calendar
    ) -> None:
        self._name = self._held_as = names.next()
        self._own = own
        self._record = record
        self._counts = counts
        self._calendar = calendar
        self._reserved: Sequence[Reserved] = ()
        self._charged: Sequence[int] = ()  # each budget, so far

    async def __aenter__(self) -> Self:
        own, terms = self._own, self._own.terms
        if terms.admitting:
            standings = await self._counts.admit(own.rated, own.slots, self._name, terms.lasts)
            judge(terms.admitting, standings, self._record)
        return self

    async def spend(self) -> None:
        own = self._own
        terms = own.terms
        if terms.budgets:
            reserved = own.reserved(self._calendar)
            standings = await self._counts.reserve(reserved, self._held_as, terms.lasts)
            judge(terms.budgets, standings, self._record)
            self._reserved = reserved
        if terms.upstream.limit is not None:
            await self._share(terms.upstream.key, terms.upstream.limit)

    async def again(self) -> None:
        rated, terms = self._own.rated, self._own.terms
        if rated:
            standings = await self._counts.admit(rated, (), self._name, terms.lasts)
            check(terms.admitting[: len(rated)], standings, self._record)

    async def renew(self) -> None:
        terms = self._own.terms
        if slots := self._own.slots:
            standings = await self._counts.admit((), slots, self._name, terms.lasts)
            check(terms.admitting[-len(slots) :], standings, self._record)
        if terms.budgets:
            await self._settle(Ending.UNTOUCHED)
            # A name of its own: what is undone of this hold, or late, must not undo the next.
            self._held_as = names.next()
            reserved = self._own.reserved(self._calendar)
            standings = await self._counts.reserve(reserved, self._held_as, terms.lasts)
            check(terms.budgets, standings, self._record)
            self._reserved = reserved

    async def end(self, error: BaseException | None = None) -> None:
        reserved, slots = self._reserved, self._own.slots
        if reserved or slots:
            due: Sequence[int] = ()
            if reserved:
                ending = Ending.WHOLE if error is None else self._broken(error)
                due = self._own.terms.charged(ending, self._record, self._charged)
            await self._counts.end(reserved, due, self._held_as, slots, self._name)

    async def _settle(self, ending: Ending) -> None:
        """Charge what has not been charged yet, in place of what is held."""
        if not self._reserved:
            return
        due = self._own.terms.charged(ending, self._record, self._charged)
        await self._counts.settle(self._reserved, due, self._held_as)
        before = self._charged or [0] * len(due)
        self._charged = [now + then for now, then in zip(due, before, strict=True)]
        self._reserved = ()

    def _broken(self, error: BaseException) -> Ending:
        if isinstance(error, UNTOUCHED) and not self._record.upstream_status:
            return Ending.UNTOUCHED
        return Ending.BROKEN

    async def _share(self, key: str, limit: Rate) -> None:
        called = Called(key, self._own.person, limit.count, limit.seconds)
        standing = await self._counts.call(called, self._name)
        if standing is not None and not standing.granted:
            layer = Layer.USER if standing.remaining else Layer.ORG  # whose asking is too much
            refuse([VendorOf(limit, layer)], [standing], self._record)


def judge(limits: Sequence[Limit], standings: Sequence[Standing], record: Record) -> None:
    """Refuse what is not granted, else note how a person's own limits stand.

    What an org's limits leave tells of others, so people are not told it.
    """
    if not standings:  # nobody counts
        return
    for limit, standing in zip(limits, standings, strict=True):
        if not standing.granted:
            refuse(limits, standings, record)
        if limit.layer is _USER:
            record.quotas = (*record.quotas, told(limit, standing))


def check(limits: Sequence[Limit], standings: Sequence[Standing], record: Record) -> None:
    """Refuse what is not granted."""
    if any(not standing.granted for standing in standings):
        refuse(limits, standings, record)


def refuse(limits: Sequence[Limit], standings: Sequence[Standing], record: Record) -> None:
    """Refuse by the limit that holds it up longest."""
    refused = [pair for pair in zip(limits, standings, strict=True) if not pair[1].granted]
    limit, standing = max(refused, key=lambda pair: pair[1].wait)
    record.quotas = (told(limit, standing),)
    raise limit.refusal(
        f"Too much for now: {limit.words()}", retry_after=max(1, math.ceil(standing.wait))
    )


class Names:
    """A name for each exchange, that no client can choose, as it can the request's id.

    The first half is drawn, anew in a process that is forked: else it would count like the one it
    came from, and they would take each other's.
    """

    def __init__(self) -> None:
        self._draw()
        os.register_at_fork(after_in_child=self._draw)

    def next(self) -> str:
        return f"{self._first}-{next(self._count)}"

    def _draw(self) -> None:
        self._first = secrets.token_hex(8)
        self._count = count()


names = Names()
