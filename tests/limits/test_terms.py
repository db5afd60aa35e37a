import pytest

from gateway.core.limits.budget import Ending
from gateway.core.limits.quota import Budget, Rate, Streams
from gateway.core.people.identity import Person
from gateway.limits.calendar import Calendar, window
from gateway.limits.counts import Rated, Reserved, Slot
from gateway.limits.keys import Keys
from gateway.limits.rules import GRACE, Allowed, Rules, VendorRules
from gateway.limits.terms import REMEMBERED, Limited, PersonTerms, Terms, terms_of
from gateway.ports import Record
from tests.support.clock import WoundClock

ALL = Allowed(rates=(Rate(60, 60),), streams=Streams(5), budgets=(Budget(9000, "credits", "day"),))
RULES = Rules(user=ALL, org=ALL)


def terms(*, costs: bool, rules: Rules = RULES) -> Terms:
    return Terms(Limited(rules), "o", VendorRules(lasts=60.0), rules.reserve, costs=costs)


def test_what_costs_is_counted_whole_takes_a_place_and_holds_budgets() -> None:
    one, day = terms(costs=True), window("day", 1_800_000_000.0)
    assert one.rated("p") == [Rated("p", 600, 60, 10), Rated("o", 600, 60, 10)]
    assert one.slots("p") == [Slot("p", 5), Slot("o", 5)]
    assert one.reserved("p", {"day": day}) == [
        Reserved(f"{key}:credits", day.name, day.ends, 9000, 1000) for key in "po"
    ]
    assert len(one.admitting) == 4
    assert one.lasts == 60 + GRACE


def test_what_costs_nothing_is_counted_a_tenth() -> None:
    one = terms(costs=False)
    assert one.rated("p") == [Rated("p", 600, 60, 1), Rated("o", 600, 60, 1)]
    assert one.slots("p") == []
    assert one.budgets == ()
    assert len(one.admitting) == 2


def test_what_is_asked_and_who_judges_it_are_in_one_order() -> None:
    several = Allowed(rates=(Rate(1, 1), Rate(2, 2)), streams=Streams(3))
    found = terms(costs=True, rules=Rules(user=several, org=several))
    counted = [*found.rated("p"), *found.slots("p")]
    assert [one.key for one in counted] == [
        "p" if one.layer.value == "user" else "o" for one in found.admitting
    ]
    assert [one.limit for one in counted] == [10, 20, 10, 20, 3, 3]


def test_what_is_held_is_of_the_windows_there_are_now() -> None:
    month = Budget(9000, "tokens", "month")
    rules = Rules(user=Allowed(budgets=(*ALL.budgets, month)), org=ALL)
    clock = WoundClock(window("day", 1_800_000_000.0).ends - 1)
    calendar, person = Calendar(clock), PersonTerms(terms(costs=True, rules=rules), "p")

    def held() -> list[tuple[str, str]]:
        return [(one.key, one.window) for one in person.reserved(calendar)]

    before = held()
    assert before == [
        ("p:credits", "2027-01-15"),
        ("p:tokens", "2027-01"),
        ("o:credits", "2027-01-15"),
    ]
    assert person.reserved(calendar) is person.reserved(calendar)
    clock.now += 1
    assert [name for _, name in held()] == ["2027-01-16", "2027-01", "2027-01-16"]
    clock.now -= 1
    assert held() == before


def test_what_is_asked_is_worked_out_once_for_each_person_and_terms() -> None:
    one, other = terms(costs=True), terms(costs=True)
    keys, alice = Keys(b"s" * 32), Person("acme", "alice")
    assert terms_of(one, alice, keys) is terms_of(one, alice, keys)
    assert terms_of(one, alice, keys).rated == one.rated(keys.person(alice))
    assert terms_of(other, alice, keys) is not terms_of(one, alice, keys)
    for another in (Person("acme", "bob"), Person("globex", "alice")):
        assert terms_of(one, another, keys).person == keys.person(another) != keys.person(alice)


def test_no_more_people_are_remembered_than_that() -> None:
    one, keys = terms(costs=False), Keys(b"s" * 32)
    for number in range(REMEMBERED + 100):
        terms_of(one, Person("acme", f"person-{number}"), keys)
    assert terms_of.cache_info().currsize == REMEMBERED == 10_000
    terms_of.cache_clear()


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
