"""What limits a request of one kind, worked out once: what is left to do is to say whose it is."""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

from gateway.core.answer.usage import amounts
from gateway.core.limits.budget import Ending, due
from gateway.core.limits.quota import TENTHS, THOUSANDTHS, Period, Unit
from gateway.core.people.identity import Person
from gateway.limits.calendar import Calendar, Window
from gateway.limits.counts import Rated, Reserved, Slot
from gateway.limits.keys import Keys
from gateway.limits.named import BudgetOf, Layer, Limit, RateOf, StreamsOf, VendorOf
from gateway.limits.rules import GRACE, Rules, VendorRules
from gateway.ports import Record

REMEMBERED = 10_000  # people of all orgs, at one upstream each: six megabytes
LISTENING = ":listening"  # behind the key of a place: see `Terms`
MOST = 10**15  # thousandths one answer may cost: what a vendor says must fit a counter


class Limited:
    """The limits of one org by kind, those of a person before those of all."""

    def __init__(self, rules: Rules) -> None:
        self.rates: list[RateOf] = []
        self.streams: list[StreamsOf] = []
        self.budgets: list[BudgetOf] = []
        for layer, allowed in ((Layer.USER, rules.user), (Layer.ORG, rules.org)):
            alone = len(allowed.rates) == 1
            self.rates += [RateOf.named(layer, one, alone=alone) for one in allowed.rates]
            if allowed.streams is not None:
                self.streams.append(StreamsOf(layer, allowed.streams))
            alone = len(allowed.budgets) == 1
            self.budgets += [BudgetOf.named(layer, one, alone=alone) for one in allowed.budgets]


class Terms:
    """What one kind of request to one upstream is counted as.

    `costs`: requests that make the vendor think. `listens`: others, whose answers stay open. Such
    answers have slots of their own: a few of them would else leave none for who asks something.
    `org` is the key of the org's own counts; the methods are given the key of a person's.
    """

    def __init__(
        self,
        limited: Limited,
        org: str,
        upstream: VendorRules,
        reserve: Mapping[Unit, int],
        *,
        costs: bool,
        listens: bool = False,
    ) -> None:
        cost = TENTHS if costs else 1
        streams = limited.streams if costs or listens else []
        self.costs = costs
        self.upstream = upstream
        self.lasts = upstream.lasts + GRACE
        self.admitting: Sequence[Limit] = (*limited.rates, *streams)
        self.budgets: Sequence[BudgetOf] = tuple(limited.budgets if costs else ())
        self._reserve = reserve
        self._units = [one.budget.unit for one in self.budgets]
        self._held = tuple((unit, reserve[unit]) for unit in set(self._units))
        self._cost = cost
        self._apart = "" if costs else LISTENING
        self._org = org
        self._own_rates = [one for one in limited.rates if one.layer is Layer.USER]
        self._org_rated = [one.rated(org, cost) for one in limited.rates if one.layer is Layer.ORG]
        self._own_streams = [one for one in streams if one.layer is Layer.USER]
        self._org_slots = [one.slot(org + self._apart) for one in streams if one.layer is Layer.ORG]

    def rated(self, person: str) -> Sequence[Rated]:
        """What a person's request is counted as."""
        return [one.rated(person, self._cost) for one in self._own_rates] + self._org_rated

    def slots(self, person: str) -> Sequence[Slot]:
        """The places a person's request takes."""
        return [one.slot(person + self._apart) for one in self._own_streams] + self._org_slots

    def reserved(self, person: str, windows: Mapping[Period, Window]) -> Sequence[Reserved]:
        """What is held of budgets for a person's request."""
        return [
            one.reserved(
                person if one.layer is Layer.USER else self._org,
                windows[one.budget.period],
                self._reserve[one.budget.unit],
            )
            for one in self.budgets
        ]

    def charged(self, ending: Ending, record: Record, before: Sequence[int] = ()) -> Sequence[int]:
        """What each budget is to be charged, in thousandths: without what it was charged `before`,
        and never less than nothing.
        """
        if record.upstream_status >= 400:
            ending = Ending.UNTOUCHED
        cost = amounts(record.usage)
        charged: dict[Unit, int] = {}
        for unit, reserve in self._held:
            amount = cost.credits if unit == "credits" else cost.tokens
            told = min(math.ceil(amount * THOUSANDTHS), MOST)
            charged[unit] = max(0, due(ending, reserve=reserve, told=told))
        whole = list(map(charged.__getitem__, self._units))
        if not before:
            return whole
        return [max(0, now - then) for now, then in zip(whole, before, strict=True)]

    def words(self) -> Sequence[str]:
        """What is allowed, to whom."""
        words = [one.words() for one in (*self.admitting, *self.budgets)]
        if self.admitting and not self.costs:
            words.append("it counts a tenth")
        if self.upstream.limit is not None:
            words.append(VendorOf(self.upstream.limit).words())
        return words


class PersonTerms:
    """The terms of one person: what their requests ask of the counters. `person` is their key."""

    __slots__ = ("_from", "_reserved", "_until", "person", "rated", "slots", "terms")

    def __init__(self, terms: Terms, person: str) -> None:
        self.terms = terms
        self.person = person
        self.rated = terms.rated(person)
        self.slots = terms.slots(person)
        self._reserved: Sequence[Reserved] = ()
        self._from = self._until = 0.0  # seconds since the epoch, for which that holds

    def reserved(self, calendar: Calendar) -> Sequence[Reserved]:
        """What is held of budgets now."""
        now = calendar.now()
        if not self._from <= now < self._until:
            budgets = self.terms.budgets
            windows = {
                one.budget.period: calendar.window(one.budget.period, now) for one in budgets
            }
            self._reserved = self.terms.reserved(self.person, windows)
            self._from = max(one.begins for one in windows.values())
            self._until = min(one.ends for one in windows.values())
        return self._reserved


@lru_cache(maxsize=REMEMBERED)
def terms_of(terms: Terms, person: Person, keys: Keys) -> PersonTerms:
    """The terms of a person by their name; remembered."""
    return PersonTerms(terms, keys.person(person))
