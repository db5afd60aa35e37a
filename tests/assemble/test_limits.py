"""Settings of limits → what keeps them."""

from contextlib import AsyncExitStack

import pytest

from gateway.assemble.limits import Counting, build_counting, build_limits, watch_counting
from gateway.config.load import from_dict
from gateway.config.model import Settings
from gateway.limits import Unlimited
from gateway.limits.counts import Slot
from gateway.limits.local import LocalCounts
from gateway.limits.org import OrgLimits
from gateway.limits.standby import Standby
from gateway.telemetry.metrics import Metrics
from gateway.vendors.chatbase import VENDOR

pytestmark = pytest.mark.anyio
SECRET = b"s" * 32
CHAT = VENDOR.operations["chat"]


def settings(upstream: dict[str, object] | None = None, **more: object) -> Settings:
    given = {"vendor": "chatbase", "key": "k", "agent": "a", **(upstream or {})}
    sign_in = {"issuer": "https://id.example/", "audience": "chat"}
    config = {"sign_in": sign_in, "upstreams": {"support": given}, **more}
    return from_dict(config, environment={}).settings


async def counting(found: Settings, stack: AsyncExitStack) -> Counting:
    return build_counting(found.shared, SECRET, stack)


async def test_an_org_without_limits_pays_nothing_for_them() -> None:
    async with AsyncExitStack() as stack:
        found = settings()
        limits = build_limits(found.orgs["default"], await counting(found, stack))
        assert isinstance(limits, Unlimited)


async def test_an_org_has_what_its_settings_say() -> None:
    table = {
        "per_user": ["60/minute", "5 streams"],
        "per_org": "100/minute",
        "budget_per_user": "2 credits/day",
        "budget_per_org": "9000 tokens/month",
    }
    found = settings({"vendor_limit": "100/10s"}, limits=table)
    async with AsyncExitStack() as stack:
        limits = build_limits(found.orgs["default"], await counting(found, stack))
        assert isinstance(limits, OrgLimits)
        assert limits.told("support", CHAT) == [
            "one person may make 60 requests in 60 s",
            "all of an organisation may make 100 requests in 60 s",
            "one person may have 5 answers under way",
            "one person may use 2 credits a day",
            "all of an organisation may use 9000 tokens a month",
            "all people share the 100 calls in 10 s the vendor takes",
        ]


async def test_counters_are_in_this_process_or_shared_and_nothing_is_connected() -> None:
    async with AsyncExitStack() as stack:
        assert isinstance((await counting(settings(), stack)).counts, LocalCounts)
        found = settings(shared={"url": "redis://127.0.0.1:1/0"})
        assert isinstance((await counting(found, stack)).counts, Standby)


async def test_operators_see_that_the_shared_counters_are_away() -> None:
    def shown(metrics: Metrics) -> set[str]:
        lines = metrics.text().decode().splitlines()
        return {line for line in lines if line.startswith("gateway_limits_")}

    alone, together = Metrics(), Metrics()
    async with AsyncExitStack() as stack:
        watch_counting(alone, (await counting(settings(), stack)).counts)
        assert shown(alone) == set()
        found = settings(shared={"url": "redis://127.0.0.1:1/0"})
        counts = (await counting(found, stack)).counts
        watch_counting(together, counts)
        assert shown(together) == {"gateway_limits_shared_away 0.0", "gateway_limits_uncounted 0.0"}
        await counts.admit([], [Slot("k", 1)], "t", 1.0)
        assert shown(together) == {"gateway_limits_shared_away 1.0", "gateway_limits_uncounted 1.0"}
