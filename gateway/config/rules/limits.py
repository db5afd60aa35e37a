"""Limits that contradict each other, or that could not be kept."""

from collections.abc import Hashable, Iterator, Mapping, Sequence

from gateway.config.allowances import Reserve, written_rate, written_reserve
from gateway.config.mistake import Finding, Path, key_of
from gateway.config.model import OrgSettings, Settings, UpstreamSettings
from gateway.core.limits.quota import Rate, Streams
from gateway.core.profile.vendor import Operation
from gateway.limits.rules import RESERVES
from gateway.store.address import is_postgres


def check(orgs: Mapping[str, OrgSettings]) -> Iterator[Finding]:
    """The findings about the limits of every org, and about those of vendors' keys."""
    for name, org in orgs.items():
        path = ("orgs", name, "limits")
        for key, allowances in (
            ("per_user", org.limits.per_user),
            ("per_org", org.limits.per_org),
        ):
            kinds = [_kind(one) for one in allowances]
            yield from _twice((*path, key), kinds, "limits the same as another of these")
        yield from _budgets(org, path)
        yield from _visitors(org, path)
        yield from _reserves(org, path)
    yield from _of_keys(orgs)


def forgotten(settings: Settings) -> Iterator[Finding]:
    """A budget lasts for a day or a month, and what counts it only as long as the process.

    Said once. With PostgreSQL there are more processes, each of which counts by itself.
    """
    if settings.shared is not None:
        return
    for name, org in settings.orgs.items():
        for key in ("budget_per_user", "budget_per_org"):
            if getattr(org.limits, key):
                yield Finding(
                    ("orgs", name, "limits", key),
                    "is counted in this process alone, and begins anew when it restarts: [shared] "
                    "keeps it, for all replicas",
                    "warning" if is_postgres(settings.store.url) else "note",
                )
                return


def _kind(allowance: Rate | Streams) -> Hashable:
    return allowance.seconds if isinstance(allowance, Rate) else Streams


def _twice(path: Path, kinds: Sequence[Hashable], message: str) -> Iterator[Finding]:
    for index, kind in enumerate(kinds):
        if kind in kinds[:index]:
            yield Finding((*path, index), message)


def _budgets(org: OrgSettings, path: Path) -> Iterator[Finding]:
    held = {**RESERVES, **{one.unit: one.thousandths for one in org.limits.reserve}}
    for key, budgets in (
        ("budget_per_user", org.limits.budget_per_user),
        ("budget_per_org", org.limits.budget_per_org),
    ):
        kinds = [(one.unit, one.period) for one in budgets]
        yield from _twice((*path, key), kinds, "is another budget of the same unit and period")
        for index, budget in enumerate(budgets):
            if budget.thousandths < held[budget.unit]:
                least = written_reserve(Reserve(held[budget.unit], budget.unit))
                message = f"is less than the reserve, {least}, so nobody could ask anything"
                yield Finding((*path, key, index), message)
        if budgets:
            yield from _uncounted(org, (*path, key))


def _visitors(org: OrgSettings, path: Path) -> Iterator[Finding]:
    limits = org.limits
    pairs = (limits.per_user, limits.per_org), (limits.budget_per_user, limits.budget_per_org)
    for key, (own, all_together) in zip(("per_org", "budget_per_org"), pairs, strict=True):
        if org.anonymous and own and not all_together:
            message = "is missing: whoever throws a visitor's cookie away is somebody new"
            yield Finding((*path, key), message, "warning")


def _uncounted(org: OrgSettings, path: Path) -> Iterator[Finding]:
    for upstream in org.upstreams.values():
        if not any(operation.costs for operation in _operations(upstream)):
            yield Finding(
                path,
                f"does not count {key_of(('upstreams', upstream.name))}: no operation of its "
                "profile has `thinks` or `usage`",
                "warning",
            )


def _operations(upstream: UpstreamSettings) -> list[Operation]:
    chosen = upstream.operations
    found = upstream.profile.operations.items()
    return [one for name, one in found if chosen is None or name in chosen]


def _reserves(org: OrgSettings, path: Path) -> Iterator[Finding]:
    limits = org.limits
    units = {one.unit for one in (*limits.budget_per_user, *limits.budget_per_org)}
    reserves = [one.unit for one in limits.reserve]
    yield from _twice((*path, "reserve"), reserves, "is another reserve of the same unit")
    for index, unit in enumerate(reserves):
        if unit not in units:
            yield Finding((*path, "reserve", index), f"no budget is of {unit}")


def _of_keys(orgs: Mapping[str, OrgSettings]) -> Iterator[Finding]:
    """A vendor counts by its key, whichever upstreams use it: they cannot have two limits."""
    first: dict[tuple[str, str], tuple[Path, Rate]] = {}
    for name, org in orgs.items():
        for upstream in org.upstreams.values():
            if upstream.vendor_limit is None or not upstream.key:
                continue
            path: Path = ("orgs", name, "upstreams", upstream.name)
            by = upstream.base_url, upstream.key[0].get_secret_value()
            other, limit = first.setdefault(by, (path, upstream.vendor_limit))
            if limit != upstream.vendor_limit:
                yield Finding(
                    (*path, "vendor_limit"),
                    f"{key_of(other)} has the same key, and {written_rate(limit)}",
                )
