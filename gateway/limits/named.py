"""Each limit by its name: what it counts, what an answer says of it, and how it refuses.

The name in RateLimit fields says the layer: `per-user`, `per-org-streams`, `budget-per-user`,
`vendor`. Where a layer has several of one kind, the name says which.
"""

import math
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar, Protocol

from gateway.core.errors import BudgetExhausted, OrgLimit, TooManyRequests, UserLimit
from gateway.core.limits import quota
from gateway.core.limits.quota import PERIODS, TENTHS, THOUSANDTHS, Budget, Quota, Rate, Streams
from gateway.limits.calendar import Window
from gateway.limits.counts import Rated, Reserved, Slot, Standing


class Layer(Enum):
    """Whom a limit is for, and how its refusals begin."""

    USER = "user"
    ORG = "org"

    @property
    def who(self) -> str:
        return "one person" if self is Layer.USER else "all of an organisation"

    @property
    def refusal(self) -> type[TooManyRequests]:
        return UserLimit if self is Layer.USER else OrgLimit


class Limit(Protocol):
    """One limit of one layer."""

    @property
    def layer(self) -> Layer: ...
    @property
    def refusal(self) -> type[TooManyRequests]: ...
    @property
    def policy(self) -> str:
        """Its item of the field RateLimit-Policy; `standing` begins its item of RateLimit."""
        ...

    @property
    def standing(self) -> str: ...
    @property
    def parts(self) -> int:
        """In how many parts it counts one unit: 10 for tenths, 1,000 for thousandths."""
        ...

    @property
    def is_timed(self) -> bool:
        """Whether it can be said when there is more: a stream that ends cannot be foretold."""
        ...

    def words(self) -> str:
        """What is allowed, to whom."""
        ...


def told(limit: Limit, standing: Standing) -> Quota:
    """What an answer's RateLimit-Policy and RateLimit say of a limit."""
    left = f"{limit.standing}{standing.remaining // limit.parts}"
    if limit.is_timed:
        left = f"{left};t={math.ceil(standing.wait)}"
    return limit.policy, left


@dataclass(frozen=True, slots=True)
class RateOf:
    """Requests in a time."""

    parts: ClassVar = TENTHS
    is_timed: ClassVar = True
    layer: Layer
    rate: Rate
    name: str
    policy: str = field(init=False, repr=False)
    standing: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        policy = quota.policy(self.name, self.rate.count, window=self.rate.seconds)
        object.__setattr__(self, "policy", policy)
        object.__setattr__(self, "standing", quota.standing(self.name))

    @classmethod
    def named(cls, layer: Layer, rate: Rate, *, alone: bool) -> "RateOf":
        which = "" if alone else f"-{rate.seconds}s"
        return cls(layer, rate, f"per-{layer.value}{which}")

    @property
    def refusal(self) -> type[TooManyRequests]:
        return self.layer.refusal

    def words(self) -> str:
        return f"{self.layer.who} may make {self.rate.count} requests in {self.rate.seconds} s"

    def rated(self, key: str, cost: int) -> Rated:
        return Rated(key, self.rate.count * TENTHS, self.rate.seconds, cost)


@dataclass(frozen=True, slots=True)
class StreamsOf:
    """Answers under way."""

    parts: ClassVar = 1
    is_timed: ClassVar = False
    layer: Layer
    streams: Streams
    name: str = field(init=False, repr=False)
    policy: str = field(init=False, repr=False)
    standing: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        name = f"per-{self.layer.value}-streams"
        policy = quota.policy(name, self.streams.count, unit="concurrent-requests")
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "policy", policy)
        object.__setattr__(self, "standing", quota.standing(self.name))

    @property
    def refusal(self) -> type[TooManyRequests]:
        return self.layer.refusal

    def words(self) -> str:
        return f"{self.layer.who} may have {self.streams.count} answers under way"

    def slot(self, key: str) -> Slot:
        return Slot(key, self.streams.count)


@dataclass(frozen=True, slots=True)
class BudgetOf:
    """Credits or tokens of a day or month."""

    parts: ClassVar = THOUSANDTHS
    is_timed: ClassVar = True
    layer: Layer
    budget: Budget
    name: str
    policy: str = field(init=False, repr=False)
    standing: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        budget = self.budget
        whole, seconds = budget.thousandths // THOUSANDTHS, PERIODS[budget.period]
        policy = quota.policy(self.name, whole, window=seconds, unit=budget.unit)
        object.__setattr__(self, "policy", policy)
        object.__setattr__(self, "standing", quota.standing(self.name))

    @classmethod
    def named(cls, layer: Layer, budget: Budget, *, alone: bool) -> "BudgetOf":
        which = "" if alone else f"-{budget.unit}-{budget.period}"
        return cls(layer, budget, f"budget-per-{layer.value}{which}")

    @property
    def refusal(self) -> type[TooManyRequests]:
        return BudgetExhausted

    def words(self) -> str:
        budget = self.budget
        amount = f"{budget.thousandths / THOUSANDTHS:g}"
        return f"{self.layer.who} may use {amount} {budget.unit} a {budget.period}"

    def reserved(self, key: str, window: Window, reserve: int) -> Reserved:
        budget = self.budget
        key = f"{key}:{budget.unit}"
        return Reserved(key, window.name, window.ends, budget.thousandths, reserve)


@dataclass(frozen=True, slots=True)
class VendorOf:
    """The vendor's own limit for one key."""

    parts: ClassVar = 1
    is_timed: ClassVar = True
    standing: ClassVar = quota.standing("vendor")
    rate: Rate
    layer: Layer = Layer.ORG

    @property
    def policy(self) -> str:
        return quota.policy("vendor", self.rate.count, window=self.rate.seconds)

    @property
    def refusal(self) -> type[TooManyRequests]:
        return self.layer.refusal

    def words(self) -> str:
        rate = self.rate
        return f"all people share the {rate.count} calls in {rate.seconds} s the vendor takes"
