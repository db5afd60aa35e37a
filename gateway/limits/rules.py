"""The limits of one org, as its settings have them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.core.limits.quota import Budget, Rate, Streams, Unit

# What is held of a budget that nobody said otherwise of, in thousandths.
RESERVES: Mapping[Unit, int] = {"credits": 1000, "tokens": 1_000_000}
GRACE = 300.0  # seconds beyond an upstream's total, for a slow body and a slow store


@dataclass(frozen=True, slots=True)
class Allowed:
    """What one person, or all of an org, may ask for."""

    rates: tuple[Rate, ...] = ()
    streams: Streams | None = None
    budgets: tuple[Budget, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.rates or self.streams or self.budgets)


@dataclass(frozen=True, slots=True)
class VendorRules:
    """An upstream: how long an exchange with it may last, and the limit of its key, if any."""

    lasts: float = 900.0  # seconds
    key: str = ""  # of the counter
    limit: Rate | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """All of an org's. `reserve` is in thousandths."""

    user: Allowed = Allowed()
    org: Allowed = Allowed()
    reserve: Mapping[Unit, int] = field(default_factory=lambda: RESERVES)
    upstreams: Mapping[str, VendorRules] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.user or self.org) or any(
            one.limit is not None for one in self.upstreams.values()
        )
