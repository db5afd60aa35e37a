import pytest

from gateway.core.budget import Ending
from gateway.core.quota import Budget, Rate, Streams
from gateway.limits.calendar import Calendar, window
from gateway.limits.counts import Rated, Reserved, Slot
from gateway.limits.rules import GRACE, Allowed, Rules, VendorRules
from gateway.limits.terms import Limited, Terms
from gateway.ports import Record
from tests.support.clock import WoundClock

ALL = Allowed(rates=(Rate(60, 60),), streams=Streams(5), budgets=(Budget(9000, "credits", "day"),))
RULES = Rules(user=ALL, org=ALL)


def terms(*, costs: bool, rules: Rules = RULES) -> Terms:
    return Terms(Limited(rules), "o", VendorRules(lasts=60.0), rules.reserve, costs=costs)


def test_what_costs_is_counted_whole_takes_a_place_and_holds_budgets() -> None:
    clock = WoundClock(1_800_000_000.0)
    day = window("day", clock.now)
    asked = terms(costs=True)
    rated = [Rated("p", 600, 60, 10), Rated("o", 600, 60, 10)]
    assert asked.counted("p") == (rated, [Slot("p", 5), Slot("o", 5)])
    assert asked.reserved("p", Calendar(clock)) == [
        Reserved(f"{key}:credits", day.name, day.ends - clock.now, 9000, 1000) for key in "po"
    ]
    assert len(asked.admitting) == 4
    assert asked.lasts == 60 + GRACE


def test_what_costs_nothing_is_counted_a_tenth() -> None:
    asked = terms(costs=False)
    assert asked.counted("p") == ([Rated("p", 600, 60, 1), Rated("o", 600, 60, 1)], [])
    assert asked.budgets == ()
    assert len(asked.admitting) == 2


def test_what_is_asked_and_who_judges_it_are_in_one_order() -> None:
    several = Allowed(rates=(Rate(1, 1), Rate(2, 2)), streams=Streams(3))
    asked = terms(costs=True, rules=Rules(user=several, org=several))
    rated, slots = asked.counted("p")
    counted = [*rated, *slots]
    assert [one.key for one in counted] == [
        "p" if one.layer.value == "user" else "o" for one in asked.admitting
    ]
    assert [one.limit for one in counted] == [10, 20, 10, 20, 3, 3]


@pytest.mark.parametrize(
    ("status", "ending", "told", "charged"),
    [
        (200, Ending.WHOLE, {"credits": 2.5}, 2500),
        (200, Ending.WHOLE, {}, 1000),
        (200, Ending.WHOLE, {"credits": 1e15}, 10**15),
        (200, Ending.BROKEN, {"credits": 0.5}, 1000),
        (0, Ending.UNTOUCHED, {}, 0),
        (503, Ending.WHOLE, {}, 0),
    ],
)
def test_charges_each_budget(
    status: int, ending: Ending, told: dict[str, float], charged: int
) -> None:
    record = Record("r", "POST", 0.0, upstream_status=status, usage=told)
    assert terms(costs=True).charged(ending, record) == [charged, charged]
