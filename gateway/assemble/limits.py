"""Settings of limits → what keeps them: one set of counters a process, for all its orgs."""

import time
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.assemble.watched import State, Watched
from gateway.authn.once import Once
from gateway.config.allowances import SharedCounters
from gateway.config.model import OrgSettings, UpstreamSettings
from gateway.core.limits.quota import Budget, Rate, Streams
from gateway.limits import Unlimited
from gateway.limits.calendar import Calendar
from gateway.limits.counts import Counts
from gateway.limits.keys import Keys
from gateway.limits.local import LocalCounts
from gateway.limits.once import OnceTogether
from gateway.limits.org import OrgLimits
from gateway.limits.rules import RESERVES, Allowed, Rules, VendorRules
from gateway.limits.standby import Standby
from gateway.ports import Limits, OnceOnly

if TYPE_CHECKING:
    from gateway.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Counting:
    """What counts, for every org of a process; it outlives orgs that are let go.

    `once` knows which messages have been here.
    """

    counts: Counts
    keys: Keys
    calendar: Calendar
    once: OnceOnly


def build_counting(
    shared: SharedCounters | None,
    secret: bytes,
    stack: AsyncExitStack,
    watched: Watched | None = None,
) -> Counting:
    """In this process, or at the shared server; nothing is connected yet."""
    local = LocalCounts(time.monotonic, time.time)
    keys, calendar = Keys(secret), Calendar(time.time)
    if shared is None:
        return Counting(local, keys, calendar, Once())
    from gateway.limits.shared import SharedCounts  # imports redis, 0.15 s

    counts = SharedCounts(shared.url, patience=shared.timeout)
    stack.push_async_callback(counts.aclose)
    standby = Standby(counts, local, shared.on_failure, time.monotonic)
    stack.push_async_callback(standby.aclose)
    says = f"on_failure = {shared.on_failure}"
    if watched is not None:
        watched.add(
            "shared counters", lambda: State(ok=not standby.away, says=says if standby.away else "")
        )
    once = OnceTogether(Once(), counts, keys, shared.on_failure)
    return Counting(standby, keys, calendar, once)


def watch_counting(metrics: "Metrics", counts: Counts) -> None:
    """Show how the shared server is, where there is one."""
    if isinstance(counts, Standby):
        metrics.watch(
            "gateway_limits_shared_away",
            "1: the shared counters are away, and on_failure holds.",
            lambda: float(counts.away),
        )
        metrics.watch(
            "gateway_limits_uncounted",
            "Questions that the shared counters did not answer since the start.",
            lambda: float(counts.uncounted),
        )


def build_limits(settings: OrgSettings, counting: Counting) -> Limits:
    """The limits of one org."""
    limits = settings.limits
    rules = Rules(
        user=_allowed(limits.per_user, limits.budget_per_user),
        org=_allowed(limits.per_org, limits.budget_per_org),
        reserve={**RESERVES, **{one.unit: one.thousandths for one in limits.reserve}},
        upstreams={
            name: _of_vendor(upstream, counting.keys)
            for name, upstream in settings.upstreams.items()
        },
    )
    if not rules:
        return Unlimited()
    return OrgLimits(settings.external_id, rules, counting.counts, counting.keys, counting.calendar)


def _allowed(allowances: Iterable[Rate | Streams], budgets: Iterable[Budget]) -> Allowed:
    found = tuple(allowances)
    return Allowed(
        rates=tuple(one for one in found if isinstance(one, Rate)),
        streams=next((one for one in found if isinstance(one, Streams)), None),
        budgets=tuple(budgets),
    )


def _of_vendor(settings: UpstreamSettings, keys: Keys) -> VendorRules:
    key = settings.key[0].get_secret_value() if settings.key else ""
    return VendorRules(
        lasts=max(settings.timeouts.total, settings.timeouts.recheck),
        key=keys.vendor(settings.base_url, key),
        limit=settings.vendor_limit,
    )
