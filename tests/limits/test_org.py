"""What a request is asked of the counters, and what it is charged however it ends."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest

from gateway.core.errors import (
    BudgetExhausted,
    OrgLimit,
    Overloaded,
    TooManyRequests,
    UpstreamBrokeOff,
    UpstreamUnreachable,
    UserLimit,
)
from gateway.core.limits.quota import Budget, Rate, Streams
from gateway.core.people.identity import Person
from gateway.core.profile.vendor import Operation
from gateway.limits.calendar import Calendar
from gateway.limits.keys import Keys
from gateway.limits.local import LocalCounts
from gateway.limits.org import OrgLimits
from gateway.limits.rules import GRACE, Allowed, Rules, VendorRules
from gateway.ports import ClientLeft, Record, Ticket
from gateway.vendors import mcp
from gateway.vendors.chatbase import VENDOR
from tests.support.clock import WoundClock

pytestmark = pytest.mark.anyio
CHAT, LIST = VENDOR.operations["chat"], VENDOR.operations["conversations"]
CALL, LISTEN = mcp.VENDOR.operations["call"], mcp.VENDOR.operations["listen"]
ALICE, BOB = Person("acme", "alice"), Person("acme", "bob")
NOTHING = Allowed()
CREDITS = Budget(10_000, "credits", "day")


class Scene:
    def __init__(
        self,
        user: Allowed = NOTHING,
        org: Allowed = NOTHING,
        vendor: Rate | None = None,
    ) -> None:
        self.clock = WoundClock()
        self.counts = LocalCounts(self.clock, self.clock)
        self.keys = Keys(b"s" * 32)
        upstreams = {"support": VendorRules(lasts=60.0, key="v", limit=vendor)}
        self.rules = Rules(user=user, org=org, upstreams=upstreams)

    def limits(self, external_id: str = "acme") -> OrgLimits:
        calendar = Calendar(self.clock)
        return OrgLimits(external_id, self.rules, self.counts, self.keys, calendar)


def fresh() -> Record:
    return Record("r", "POST", 0.0)


@asynccontextmanager
async def admitted(
    limits: OrgLimits, person: Person, operation: Operation, record: Record
) -> AsyncIterator[Ticket]:
    """A block that is counted as a request, and ends as it does."""
    async with limits.admit(person, "support", operation, record) as ticket:
        yield ticket


@asynccontextmanager
async def spending(
    limits: OrgLimits, person: Person, operation: Operation, record: Record
) -> AsyncIterator[None]:
    """A block in which the vendor is asked."""
    async with admitted(limits, person, operation, record) as ticket:
        await ticket.spend()
        yield


async def admit(limits: OrgLimits, person: Person = ALICE, operation: Operation = CHAT) -> Record:
    record = fresh()
    async with admitted(limits, person, operation, record):
        return record


async def spend(
    limits: OrgLimits,
    person: Person = ALICE,
    *,
    usage: Mapping[str, float] | None = None,
    status: int = 200,
    ends: BaseException | None = None,
) -> Record:
    """One call of the vendor, which says that it cost this much, and ends so."""
    record = fresh()
    async with spending(limits, person, CHAT, record):
        record.upstream_status = status
        record.usage = dict(usage or {})
        if ends is not None:
            raise ends
    return record


async def left(scene: Scene) -> int:
    """Credits that are left of the budget of ten, a first look at it included."""
    record = fresh()
    async with spending(scene.limits(), ALICE, CHAT, record):
        ((_, standing),) = record.quotas
        record.upstream_status = 400  # costs nothing
    return remaining(standing) + 1


def remaining(standing: str) -> int:
    """What is left, as an answer says it."""
    return int(standing.partition(";r=")[2].partition(";")[0])


def test_no_rules_are_none() -> None:
    assert not Scene().rules
    assert Scene(vendor=Rate(1, 1)).rules
    assert Scene(user=Allowed(streams=Streams(1))).rules


async def test_one_person_is_limited_and_another_is_not() -> None:
    limits = Scene(user=Allowed(rates=(Rate(2, 60),))).limits()
    assert [remaining(standing) for _, standing in (await admit(limits)).quotas] == [1]
    await admit(limits)
    with pytest.raises(UserLimit) as caught:
        await admit(limits)
    assert caught.value.retry_after is not None
    assert caught.value.retry_after >= 1
    await admit(limits, BOB)


async def test_all_of_an_org_are_limited_together() -> None:
    limits = Scene(org=Allowed(rates=(Rate(2, 60),))).limits()
    await admit(limits)
    record = await admit(limits, BOB)
    assert record.quotas == ()  # what is left for others tells of others
    with pytest.raises(OrgLimit):
        await admit(limits)


async def test_lists_and_reads_count_a_tenth() -> None:
    limits = Scene(user=Allowed(rates=(Rate(1, 60),))).limits()
    for _ in range(10):
        await admit(limits, operation=LIST)
    with pytest.raises(UserLimit):
        await admit(limits, operation=LIST)


async def test_answers_under_way_are_those_that_make_the_vendor_think() -> None:
    limits = Scene(user=Allowed(streams=Streams(1))).limits()
    async with admitted(limits, ALICE, CHAT, fresh()):
        with pytest.raises(UserLimit) as caught:
            await admit(limits)
        assert caught.value.retry_after == 1
        await admit(limits, operation=LIST)
        await admit(limits, BOB)
    await admit(limits)


@pytest.mark.parametrize("whose", ["user", "org"])
async def test_answers_that_stay_open_have_places_of_their_own(whose: str) -> None:
    """N-08: or one person's would leave no connection for anybody."""
    two = Allowed(streams=Streams(2))
    limits = (Scene(user=two) if whose == "user" else Scene(org=two)).limits()
    async with admitted(limits, ALICE, LISTEN, fresh()), admitted(limits, ALICE, LISTEN, fresh()):
        with pytest.raises(UserLimit if whose == "user" else OrgLimit):
            await admit(limits, operation=LISTEN)
        async with admitted(limits, ALICE, CHAT, fresh()), admitted(limits, ALICE, CALL, fresh()):
            with pytest.raises(UserLimit if whose == "user" else OrgLimit):
                await admit(limits, operation=CALL)
            await admit(limits, operation=LIST)
    await admit(limits, operation=LISTEN)


async def test_a_place_is_free_again_however_it_ends() -> None:
    limits = Scene(user=Allowed(streams=Streams(1))).limits()
    for ends in (ClientLeft(), UpstreamBrokeOff(), RuntimeError(), asyncio.CancelledError()):
        with pytest.raises(type(ends)):
            async with admitted(limits, ALICE, CHAT, fresh()):
                raise ends
    await admit(limits)


async def test_an_org_that_was_let_go_and_made_again_remembers() -> None:
    scene = Scene(user=Allowed(rates=(Rate(1, 60),)))
    await admit(scene.limits())
    with pytest.raises(UserLimit):
        await admit(scene.limits())
    await admit(scene.limits("other"), Person("other", "alice"))


@pytest.mark.parametrize(
    ("usage", "status", "ends", "charged"),
    [
        pytest.param({"credits": 3}, 200, None, 3, id="told"),
        pytest.param({}, 200, None, 1, id="not told: the reserve"),
        pytest.param({"credits": 0}, 200, None, 1, id="nothing is not told"),
        pytest.param({"credits": -5}, 200, None, 1, id="no refunds"),
        pytest.param({"credits": float("nan")}, 200, None, 1, id="no number"),
        pytest.param({"credits": 1e300}, 200, None, 1, id="no number either"),
        pytest.param({"tokens": 5000}, 200, None, 1, id="told in another unit"),
        pytest.param({}, 200, ClientLeft(), 1, id="the client left"),
        pytest.param({}, 0, ClientLeft(), 1, id="the client left before the first byte"),
        pytest.param({"credits": 4}, 200, ClientLeft(), 4, id="the client left late"),
        pytest.param({}, 200, UpstreamBrokeOff(), 1, id="the vendor broke off"),
        pytest.param({}, 0, UpstreamBrokeOff(), 1, id="the vendor broke off at once"),
        pytest.param({}, 200, asyncio.CancelledError(), 1, id="cancelled"),
        pytest.param({}, 429, None, 0, id="the vendor refused"),
        pytest.param({}, 500, None, 0, id="the vendor failed"),
        pytest.param({"credits": 2}, 500, None, 2, id="the vendor failed, and charges"),
        pytest.param({}, 0, UpstreamUnreachable(), 0, id="nothing was sent"),
        pytest.param({}, 0, Overloaded(), 0, id="no connection was free"),
        pytest.param({}, 200, Overloaded(), 1, id="the gateway stopped"),
    ],
)
async def test_what_is_charged(
    usage: dict[str, float], status: int, ends: BaseException | None, charged: int
) -> None:
    scene = Scene(user=Allowed(budgets=(CREDITS,)))
    if ends is None:
        await spend(scene.limits(), usage=usage, status=status)
    else:
        with pytest.raises(type(ends)):
            await spend(scene.limits(), usage=usage, status=status, ends=ends)
    assert await left(scene) == 10 - charged


async def test_a_hundred_first_requests_at_once_cannot_pass_a_budget_of_one() -> None:
    scene = Scene(user=Allowed(budgets=(Budget(1000, "credits", "day"),)))
    limits, called, go = scene.limits(), 0, asyncio.Event()

    async def ask() -> None:
        nonlocal called
        async with spending(limits, ALICE, CHAT, fresh()):
            called += 1
            await go.wait()

    asking = [asyncio.create_task(ask()) for _ in range(100)]
    await asyncio.sleep(0)
    go.set()
    ended = await asyncio.gather(*asking, return_exceptions=True)
    assert called == 1
    assert sum(isinstance(one, BudgetExhausted) for one in ended) == 99


async def test_a_budget_that_is_used_up_begins_anew_at_midnight() -> None:
    scene = Scene(user=Allowed(budgets=(Budget(1000, "credits", "day"),)))
    scene.clock.now = 86_400.0 * 20_000 + 3600
    await spend(scene.limits())
    with pytest.raises(BudgetExhausted) as caught:
        await spend(scene.limits())
    assert caught.value.retry_after == 23 * 3600
    scene.clock.now += 23 * 3600
    await spend(scene.limits())


async def test_budgets_of_both_units_are_settled_each_by_its_own() -> None:
    budgets = (CREDITS, Budget(10_000_000, "tokens", "month"))
    scene = Scene(user=Allowed(budgets=budgets))
    await spend(
        scene.limits(), usage={"credits": 2, "prompt_tokens": 900, "completion_tokens": 1200}
    )
    record = await spend(scene.limits())
    told = [(policy.partition(";w=")[0], remaining(standing)) for policy, standing in record.quotas]
    assert told == [
        ('"budget-per-user-credits-day";q=10;qu="credits"', 7),
        ('"budget-per-user-tokens-month";q=10000;qu="tokens"', 6900),
    ]


LONG = 60.0 + GRACE + 1  # seconds: longer than anything is held


async def test_what_lasts_is_charged_part_by_part_and_no_part_twice() -> None:
    scene = Scene(user=Allowed(budgets=(CREDITS,)))
    record = fresh()
    async with admitted(scene.limits(), ALICE, CHAT, record) as ticket:
        await ticket.spend()
        told = list(record.quotas)
        for cost, credits_left in ((0.0, 9), (2.0, 7), (2.0, 7), (5.5, 3)):
            record.usage = {"credits": cost}
            await ticket.renew()
            assert await left(scene) == credits_left  # one is held, and a part of one is one
        record.usage = {"credits": 6.0}
        assert list(record.quotas) == told
    assert await left(scene) == 4


async def test_what_lasts_longer_than_its_hold_is_charged_all_the_same() -> None:
    scene = Scene(user=Allowed(budgets=(CREDITS,)))
    record = fresh()
    async with admitted(scene.limits(), ALICE, CHAT, record) as ticket:
        await ticket.spend()
        for cost in range(1, 6):
            scene.clock.now += LONG / 2
            record.usage = {"credits": float(cost)}
            await crowd(scene)
            await ticket.renew()
        scene.clock.now += LONG / 2
        await crowd(scene)
    assert await left(scene) == 5


async def crowd(scene: Scene) -> None:
    """Hold all that is left, for a moment: so what is held for too long is let go."""
    async with AsyncExitStack() as stack:
        with suppress(BudgetExhausted):
            while True:
                record = fresh()
                record.upstream_status = 400  # costs nothing
                await stack.enter_async_context(spending(scene.limits(), ALICE, CHAT, record))


async def last(scene: Scene, cost: float, *, ends: BaseException | None = None) -> None:
    """Something that lasts until it has cost so much, and then ends so."""
    record = fresh()
    async with admitted(scene.limits(), ALICE, CHAT, record) as ticket:
        await ticket.spend()
        record.usage = {"credits": cost}
        await ticket.renew()
        if ends is not None:
            raise ends


async def test_what_lasts_ends_when_its_budget_does() -> None:
    scene = Scene(user=Allowed(budgets=(CREDITS,)))
    with pytest.raises(BudgetExhausted):
        await last(scene, 9.5)
    with pytest.raises(BudgetExhausted):
        await left(scene)


async def test_what_lasts_over_midnight_is_charged_to_the_day_in_which_it_is_told() -> None:
    scene = Scene(user=Allowed(budgets=(CREDITS,)))
    record = fresh()
    async with admitted(scene.limits(), ALICE, CHAT, record) as ticket:
        await ticket.spend()
        record.usage = {"credits": 4.0}
        await ticket.renew()
        scene.clock.now += 86_400
        record.usage = {"credits": 6.0}  # to the day before, whose hold it is
        await ticket.renew()
        record.usage = {"credits": 7.0}
    assert await left(scene) == 9


async def test_what_broke_off_pays_the_reserve_once_though_it_lasted() -> None:
    scene = Scene(user=Allowed(budgets=(CREDITS,)))
    with pytest.raises(UpstreamBrokeOff):
        await last(scene, 0.5, ends=UpstreamBrokeOff())
    assert await left(scene) == 9


async def test_what_lasts_keeps_its_place() -> None:
    limits = Scene(user=Allowed(streams=Streams(1))).limits()
    async with admitted(limits, ALICE, CHAT, fresh()) as ticket:
        for _ in range(3):
            await ticket.renew()
        with pytest.raises(UserLimit):
            await admit(limits)
    await admit(limits)


async def test_lists_cost_no_budget() -> None:
    limits = Scene(user=Allowed(budgets=(Budget(1000, "credits", "day"),))).limits()
    for _ in range(3):
        async with spending(limits, ALICE, LIST, fresh()):
            pass


async def test_an_orgs_budget_refuses_everybody_and_holds_nothing_of_theirs() -> None:
    scene = Scene(
        user=Allowed(budgets=(CREDITS,)), org=Allowed(budgets=(Budget(1000, "credits", "day"),))
    )
    await spend(scene.limits(), BOB)
    for _ in range(20):
        with pytest.raises(BudgetExhausted):
            await spend(scene.limits())


async def test_a_share_that_is_used_up_charges_nothing() -> None:
    scene = Scene(user=Allowed(budgets=(CREDITS,)), vendor=Rate(3, 60))
    for _ in range(2):
        await spend(scene.limits())
    with pytest.raises(UserLimit) as caught:
        await spend(scene.limits())
    assert caught.value.retry_after == 60
    await spend(scene.limits(), BOB)
    with pytest.raises(OrgLimit):
        await spend(scene.limits(), Person("acme", "carol"))
    scene.clock.now += 60
    assert await left(scene) == 8


async def test_a_vendors_limit_counts_lists_too() -> None:
    limits = Scene(vendor=Rate(1, 60)).limits()
    async with spending(limits, ALICE, LIST, fresh()):
        pass
    with pytest.raises(TooManyRequests):
        await spend(limits)


async def test_the_refusal_that_lasts_longest_is_told() -> None:
    limits = Scene(user=Allowed(rates=(Rate(1, 60), Rate(1, 3600)))).limits()
    await admit(limits)
    record = fresh()
    with pytest.raises(UserLimit, match="in 3600 s"):
        async with admitted(limits, ALICE, CHAT, record):
            pass
    assert [policy for policy, _ in record.quotas] == ['"per-user-3600s";q=1;w=3600']


async def test_says_what_applies() -> None:
    user = Allowed(rates=(Rate(60, 60),), streams=Streams(5), budgets=(CREDITS,))
    limits = Scene(user=user, vendor=Rate(100, 10)).limits()
    assert limits.told("support", CHAT) == [
        "one person may make 60 requests in 60 s",
        "one person may have 5 answers under way",
        "one person may use 10 credits a day",
        "all people share the 100 calls in 10 s the vendor takes",
    ]
    assert limits.told("support", LIST) == [
        "one person may make 60 requests in 60 s",
        "it counts a tenth",
        "all people share the 100 calls in 10 s the vendor takes",
    ]
