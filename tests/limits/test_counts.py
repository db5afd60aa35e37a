"""The promise of whatever counts, held to by both kinds, and the same answers from both."""

import asyncio
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.limits.counts import Called, Counts, Rated, Reserved, Slot, Standing
from gateway.limits.local import LocalCounts
from gateway.limits.shared import SharedCounts
from tests.support.clock import WoundClock

pytestmark = pytest.mark.anyio
NOW = WoundClock().now
names = (f"key-{number}" for number in count())


def rated(key: str, limit: int = 30, cost: int = 10) -> Rated:
    return Rated(key, limit, 86_400, cost)


def reserved(key: str, budget: int = 10, amount: int = 1) -> Reserved:
    return Reserved(key, "2026-11-22", NOW + 3600, budget, amount)


async def test_counts_until_the_limit(counts: Counts) -> None:
    one = rated(next(names))
    remaining = [(await counts.admit([one], [], "t", 60.0))[0] for _ in range(4)]
    assert [standing.granted for standing in remaining] == [True, True, True, False]
    assert [standing.remaining for standing in remaining] == [20, 10, 0, 0]
    assert all(0 < standing.wait <= 2 * 86_400 for standing in remaining)


async def test_a_list_costs_a_tenth(counts: Counts) -> None:
    key = next(names)
    for _ in range(10):
        assert (await counts.admit([rated(key, 10, 1)], [], "t", 60.0))[0].granted
    assert not (await counts.admit([rated(key, 10, 1)], [], "t", 60.0))[0].granted


async def test_what_one_limit_refuses_no_other_counts(counts: Counts) -> None:
    user, org, slot = rated(next(names)), rated(next(names), limit=10), Slot(next(names), 9)
    assert all(one.granted for one in await counts.admit([user, org], [slot], "t1", 60.0))
    refused = await counts.admit([user, org], [slot], "t2", 60.0)
    assert [one.granted for one in refused] == [True, False, True]
    (left, taken) = await counts.admit([user], [slot], "t3", 60.0)
    assert (left.remaining, taken.remaining) == (10, 7)


async def test_a_place_is_taken_until_it_is_given_back(counts: Counts) -> None:
    slot = Slot(next(names), 2)
    for ticket in ("a", "b"):
        assert (await counts.admit([], [slot], ticket, 60.0))[0].granted
    assert not (await counts.admit([], [slot], "c", 60.0))[0].granted
    await counts.leave([slot], "a")
    await counts.leave([slot], "a")
    assert (await counts.admit([], [slot], "c", 60.0))[0].granted
    assert not (await counts.admit([], [slot], "d", 60.0))[0].granted


async def test_who_has_a_place_keeps_it_and_takes_no_second_one(counts: Counts) -> None:
    slot = Slot(next(names), 2)
    for ticket, left in (("a", 1), ("a", 1), ("b", 0), ("a", 0), ("b", 0)):
        (standing,) = await counts.admit([], [slot], ticket, 60.0)
        assert (standing.granted, standing.remaining) == (True, left)
    assert not (await counts.admit([], [slot], "c", 60.0))[0].granted
    await counts.leave([slot], "a")
    assert (await counts.admit([], [slot], "c", 60.0))[0].granted


async def test_who_has_a_place_keeps_it_where_another_is_refused(counts: Counts) -> None:
    one, full = Slot(next(names), 1), Slot(next(names), 1)
    await counts.admit([], [one], "a", 60.0)
    await counts.admit([], [full], "b", 60.0)
    for ticket, places in (("a", [one, full]), ("b", [full, one])):
        both = await counts.admit([], places, ticket, 60.0)
        assert [standing.granted for standing in both] == [True, False]
    for place in (one, full):
        assert not (await counts.admit([], [place], "c", 60.0))[0].granted


async def test_a_hundred_at_once_cannot_pass_a_budget_of_one(counts: Counts) -> None:
    one = reserved(next(names), budget=1)
    answers = await asyncio.gather(*(counts.reserve([one], f"t{n}", 60.0) for n in range(100)))
    assert [answer[0].granted for answer in answers].count(True) == 1


async def test_all_budgets_are_held_or_none(counts: Counts) -> None:
    user, org = reserved(next(names)), reserved(next(names), budget=1)
    assert all(one.granted for one in await counts.reserve([user, org], "a", 60.0))
    assert [one.granted for one in await counts.reserve([user, org], "b", 60.0)] == [True, False]
    (standing,) = await counts.reserve([user], "c", 60.0)
    assert standing.remaining == 8


async def test_a_budget_is_settled_once(counts: Counts) -> None:
    user, org = reserved(next(names)), reserved(next(names), budget=100)
    await counts.reserve([user, org], "a", 60.0)
    await counts.settle([user, org], [7, 70], "a")
    await counts.settle([user, org], [7, 70], "a")
    await counts.settle([user, org], [7, 70], "never asked")
    left = await counts.reserve([user, org], "b", 60.0)
    assert [one.remaining for one in left] == [2, 29]


async def test_what_an_exchange_holds_ends_in_one_step_and_once(counts: Counts) -> None:
    key, slot = next(names), Slot(next(names), 1)
    user, org = reserved(key), reserved(next(names), budget=100)
    await counts.admit([], [slot], "a", 60.0)
    await counts.reserve([user, org], "a, again", 60.0)
    for _ in range(2):
        await counts.end([user, org], [7, 70], "a, again", [slot], "a")
    left = await counts.reserve([user, org], "b", 60.0)
    assert [one.remaining for one in left] == [2, 29]
    assert (await counts.admit([], [slot], "b", 60.0))[0].granted
    await counts.end([], [], "b", [], "b")  # what holds nothing ends, too
    await counts.end([user], [0], "b", [slot], "another's")  # whose place it is, keeps it
    assert not (await counts.admit([], [slot], "c", 60.0))[0].granted


async def test_what_is_held_may_come_back_soon_and_what_is_spent_does_not(counts: Counts) -> None:
    one = reserved(next(names), budget=1)
    await counts.reserve([one], "a", 60.0)
    (held,) = await counts.reserve([one], "b", 60.0)
    assert (held.granted, held.wait) == (False, 1.0)
    await counts.settle([one], [1], "a")
    (spent,) = await counts.reserve([one], "b", 60.0)
    assert (spent.granted, spent.wait) == (False, 3600.0)


async def test_another_day_is_another_budget(counts: Counts) -> None:
    key = next(names)
    today = Reserved(key, "2026-11-22", NOW + 10, 1, 1)
    tomorrow = Reserved(key, "2026-11-23", NOW + 86_400, 1, 1)
    assert (await counts.reserve([today], "a", 60.0))[0].granted
    assert (await counts.reserve([tomorrow], "b", 60.0))[0].granted
    await counts.settle([today], [1], "a")  # what began yesterday is yesterday's
    assert not (await counts.reserve([tomorrow], "c", 60.0))[0].granted


async def test_a_vendors_limit_is_shared_out(counts: Counts) -> None:
    key = next(names)
    busy = [await counts.call(Called(key, "a", 9, 60), f"a{n}") for n in range(9)]
    assert [one.granted for one in busy if one].count(True) == 6
    other = await counts.call(Called(key, "b", 9, 60), "b")
    assert other is not None
    assert (other.granted, other.remaining) == (True, 2)
    assert 0 < other.wait <= 60


Step = tuple[str, int, int]
steps = st.lists(
    st.tuples(
        st.sampled_from(["ask", "end", "stay", "call"]), st.integers(0, 5), st.integers(0, 9)
    ),
    max_size=30,
)


@given(steps)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_both_kinds_answer_alike(valkey_url: str, script: list[Step]) -> None:
    async def both() -> None:
        clock = WoundClock()
        shared = SharedCounts(valkey_url, patience=20.0, wall=clock)
        try:
            key = next(names)
            first = await answers(LocalCounts(clock, clock), key, script)
            assert first == await answers(shared, key, script)
        finally:
            await shared.aclose()

    asyncio.run(both())


async def answers(counts: Counts, key: str, script: list[Step]) -> list[tuple[bool, int]]:
    """What is granted and left, step by step; seconds differ by those that passed."""
    found: list[Standing | None] = []
    budgets = [reserved(f"{key}-0", 12, 2), reserved(f"{key}-1", 20, 3)]
    rates, slot = [rated(f"{key}-r", 60, 10)], Slot(f"{key}-s", 3)
    for kind, who, amount in script:
        ticket = f"{key}-{who}"
        if kind == "ask":
            found += await counts.reserve(budgets[: 1 + who % 2], f"{ticket}-{amount}", 60.0)
        elif kind == "end" and who % 2:
            await counts.end(budgets, [amount, amount], f"{ticket}-{amount}", [slot], ticket)
        elif kind == "end":
            await counts.settle(budgets, [amount, amount], f"{ticket}-{amount}")
            await counts.leave([slot], ticket)
        elif kind == "stay":
            found += await counts.admit(rates[: who % 2], [slot], ticket, 60.0)
        else:
            found.append(await counts.call(Called(key, str(who), 8, 60), f"{len(found)}"))
    return [(one.granted, one.remaining) for one in found if one is not None]
