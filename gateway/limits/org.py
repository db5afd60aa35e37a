"""The limits of one org: what is asked of the counters for a request, and in which words refused.

Cheap refusals come first, and a refusal counts nothing. A request is counted before its body is
read: `per_user` and `per_org`, requests and answers under way. Just before the vendor is called,
the budgets are held and the vendor's own limit is shared out (`core/fairshare.py`).

State is kept by the org's external_id and not here: an org may be let go and made again.
"""

import math
import secrets
from collections.abc import Sequence

from gateway.core.budget import Ending, due
from gateway.core.errors import Overloaded, TooManyRequests, UpstreamUnreachable
from gateway.core.identity import Person
from gateway.core.quota import TENTHS, THOUSANDTHS, Rate
from gateway.core.usage import amounts
from gateway.core.vendor import Operation
from gateway.limits.calendar import Calendar
from gateway.limits.counts import Called, Counts, Reserved, Slot, Standing
from gateway.limits.keys import Keys
from gateway.limits.named import BudgetOf, Layer, Limit, RateOf, StreamsOf, VendorOf
from gateway.limits.rules import GRACE, Rules, VendorRules
from gateway.ports import Record, Ticket

UNTOUCHED = (TooManyRequests, UpstreamUnreachable, Overloaded)  # raised before the vendor is asked
MOST = 10**15  # thousandths one answer may cost: what a vendor says must fit a counter


class OrgLimits:
    """Keeps the `Limits` port for the org of `external_id`."""

    def __init__(
        self, external_id: str, rules: Rules, counts: Counts, keys: Keys, calendar: Calendar
    ) -> None:
        self._rules = rules
        self._counts = counts
        self._keys = keys
        self._calendar = calendar
        self._org_key = keys.org(external_id)
        self._rates: list[RateOf] = []
        self._streams: list[StreamsOf] = []
        self._budgets: list[BudgetOf] = []
        for layer, allowed in ((Layer.USER, rules.user), (Layer.ORG, rules.org)):
            alone = len(allowed.rates) == 1
            self._rates += [RateOf.named(layer, one, alone=alone) for one in allowed.rates]
            if allowed.streams is not None:
                self._streams.append(StreamsOf(layer, allowed.streams))
            alone = len(allowed.budgets) == 1
            self._budgets += [BudgetOf.named(layer, one, alone=alone) for one in allowed.budgets]

    async def admit(
        self, person: Person, upstream: str, operation: Operation, record: Record
    ) -> "Counted":
        streams = self._streams if operation.costs else []
        counted = Counted(self, person, self._rules.upstreams[upstream], operation, record)
        if not self._rates and not streams:
            return counted
        key, cost = self._keys.person(person), TENTHS if operation.costs else 1
        rated = [one.rated(self._whose(one.layer, key), cost) for one in self._rates]
        slots = [one.slot(self._whose(one.layer, key)) for one in streams]
        standings = await self._counts.admit(rated, slots, counted.name, counted.lasts)
        _judge([*self._rates, *streams], standings, record)
        counted.slots = slots
        return counted

    async def spend(self, counted: "Counted") -> None:
        rules, person, record = counted.rules, counted.person, counted.record
        if counted.operation.costs and self._budgets:
            reserved = self._reserved(person)
            standings = await self._counts.reserve(reserved, counted.name, counted.lasts)
            _judge(self._budgets, standings, record)
            counted.reserved = reserved
        if rules.limit is not None:
            await self._share(rules.key, rules.limit, person, counted.name, record)

    async def end(self, counted: "Counted", ending: Ending) -> None:
        try:
            if counted.reserved:
                charged = self._charged(ending, counted.record)
                await self._counts.settle(counted.reserved, charged, counted.name)
        finally:
            if counted.slots:
                await self._counts.leave(counted.slots, counted.name)

    def told(self, upstream: str, operation: Operation) -> Sequence[str]:
        limit = self._rules.upstreams[upstream].limit
        limits: list[Limit] = [*self._rates]
        if operation.costs:
            limits += [*self._streams, *self._budgets]
        words = [one.words() for one in limits]
        if self._rates and not operation.costs:
            words.append("it counts a tenth")
        if limit is not None:
            words.append(VendorOf(limit).words())
        return words

    def _whose(self, layer: Layer, person: str) -> str:
        """The key of the person's own count, or of the org's."""
        return person if layer is Layer.USER else self._org_key

    def _reserved(self, person: Person) -> list[Reserved]:
        key, now = self._keys.person(person), self._calendar.now()
        return [
            one.reserved(
                self._whose(one.layer, key),
                self._calendar.window(one.budget.period),
                self._rules.reserve[one.budget.unit],
                now,
            )
            for one in self._budgets
        ]

    async def _share(
        self, key: str, limit: Rate, person: Person, ticket: str, record: Record
    ) -> None:
        called = Called(key, self._keys.person(person), limit.count, limit.seconds)
        standing = await self._counts.call(called, ticket)
        if standing is not None and not standing.granted:
            layer = Layer.USER if standing.remaining else Layer.ORG  # whose asking is too much
            _judge([VendorOf(limit, layer)], [standing], record)

    def _charged(self, ending: Ending, record: Record) -> list[int]:
        """What each budget is charged, in thousandths."""
        if record.upstream_status >= 400:
            ending = Ending.UNTOUCHED
        cost = amounts(record.usage)
        told = {"credits": cost.credits, "tokens": cost.tokens}
        return [
            due(
                ending,
                reserve=self._rules.reserve[one.budget.unit],
                told=min(math.ceil(told[one.budget.unit] * THOUSANDTHS), MOST),
            )
            for one in self._budgets
        ]


class Counted(Ticket):
    """One request that an org's limits have let by."""

    __slots__ = (
        "_limits",
        "lasts",
        "name",
        "operation",
        "person",
        "record",
        "reserved",
        "rules",
        "slots",
    )

    def __init__(
        self,
        limits: OrgLimits,
        person: Person,
        rules: VendorRules,
        operation: Operation,
        record: Record,
    ) -> None:
        self._limits = limits
        self.person = person
        self.rules = rules
        self.operation = operation
        self.record = record
        self.name = _name()
        self.slots: Sequence[Slot] = ()
        self.reserved: Sequence[Reserved] = ()
        self.lasts = rules.lasts + GRACE

    async def spend(self) -> None:
        await self._limits.spend(self)

    async def end(self, error: BaseException | None = None) -> None:
        ending = Ending.WHOLE if error is None else Ending.BROKEN
        if isinstance(error, UNTOUCHED) and not self.record.upstream_status:
            ending = Ending.UNTOUCHED
        await self._limits.end(self, ending)


def _judge(limits: Sequence[Limit], standings: Sequence[Standing], record: Record) -> None:
    """Refuse what is not granted, by the limit that holds it up longest; else note how all stand.

    What an org's limits leave tells of others, so people are not told it.
    """
    if not standings:  # nobody counts
        return
    found = list(zip(limits, standings, strict=True))
    refused = [pair for pair in found if not pair[1].granted]
    if refused:
        limit, standing = max(refused, key=lambda pair: pair[1].wait)
        record.quotas[:] = [limit.quota(standing)]
        raise limit.refusal(
            f"Too much for now: {limit.words()}", retry_after=max(1, math.ceil(standing.wait))
        )
    record.quotas += [one.quota(now) for one, now in found if one.layer is Layer.USER]


def _name() -> str:
    """A name for one exchange that no client can choose, as it can the request's id.

    Drawn and not counted: processes forked from one would count alike, and take each other's.
    """
    return secrets.token_hex(8)
