from gateway.core.errors import BudgetExhausted, OrgLimit, UserLimit
from gateway.core.limits.quota import Budget, Rate, Streams
from gateway.limits.calendar import window
from gateway.limits.counts import Rated, Reserved, Slot, Standing
from gateway.limits.named import BudgetOf, Layer, RateOf, StreamsOf, VendorOf, told


def test_a_rate_is_counted_in_tenths_and_told_in_requests() -> None:
    limit = RateOf.named(Layer.USER, Rate(60, 60), alone=True)
    assert limit.rated("k", 1) == Rated("k", 600, 60, 1)
    assert told(limit, Standing(True, 129, 30.2)) == (
        '"per-user";q=60;w=60',
        '"per-user";r=12;t=31',
    )
    assert limit.words() == "one person may make 60 requests in 60 s"
    assert limit.refusal is UserLimit


def test_several_of_one_kind_have_names_of_their_own() -> None:
    rates = [RateOf.named(Layer.ORG, Rate(9, seconds), alone=False) for seconds in (60, 3600)]
    assert [one.name for one in rates] == ["per-org-60s", "per-org-3600s"]
    budgets = [
        BudgetOf.named(Layer.USER, Budget(1000, "credits", "day"), alone=False),
        BudgetOf.named(Layer.USER, Budget(1000, "tokens", "month"), alone=False),
    ]
    assert [one.name for one in budgets] == [
        "budget-per-user-credits-day",
        "budget-per-user-tokens-month",
    ]


def test_answers_under_way_have_no_window() -> None:
    limit = StreamsOf(Layer.ORG, Streams(5))
    assert limit.slot("k") == Slot("k", 5)
    assert told(limit, Standing(False, 0, 1.0)) == (
        '"per-org-streams";q=5;qu="concurrent-requests"',
        '"per-org-streams";r=0',
    )
    assert limit.words() == "all of an organisation may have 5 answers under way"
    assert limit.refusal is OrgLimit


def test_a_budget_is_held_in_thousandths_of_its_window() -> None:
    limit = BudgetOf.named(Layer.USER, Budget(2500, "credits", "day"), alone=True)
    day = window("day", 1_800_000_000.0)
    held = limit.reserved("k", day, 1000)
    assert held == Reserved("k:credits", day.name, day.ends, 2500, 1000)
    assert [held.left(day.ends - left) for left in (5, 0, -5)] == [5, 1, 1]
    assert told(limit, Standing(True, 1500, 4.5)) == (
        '"budget-per-user";q=2;qu="credits";w=86400',
        '"budget-per-user";r=1;t=5',
    )
    assert limit.words() == "one person may use 2.5 credits a day"
    assert limit.refusal is BudgetExhausted


def test_a_vendors_limit_is_the_persons_or_everybodys() -> None:
    limit = VendorOf(Rate(100, 10), Layer.USER)
    assert told(limit, Standing(False, 3, 0.4)) == ('"vendor";q=100;w=10', '"vendor";r=3;t=1')
    assert limit.words() == "all people share the 100 calls in 10 s the vendor takes"
    assert limit.refusal is UserLimit
    assert VendorOf(Rate(100, 10)).refusal is OrgLimit
