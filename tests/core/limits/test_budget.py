"""However requests come, end and die: no more than the budget is ever granted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.core.limits.budget import Account, Ending, due

BUDGET, LASTS = 100, 10.0


@pytest.mark.parametrize(
    ("ending", "told", "charged"),
    [
        (Ending.WHOLE, 7, 7),
        (Ending.WHOLE, 1, 1),
        (Ending.WHOLE, 0, 3),
        (Ending.BROKEN, 7, 7),
        (Ending.BROKEN, 1, 3),
        (Ending.BROKEN, 0, 3),
        (Ending.UNTOUCHED, 0, 0),
        (Ending.UNTOUCHED, 7, 7),
    ],
)
def test_who_leaves_early_pays_the_reserve(ending: Ending, told: int, charged: int) -> None:
    assert due(ending, reserve=3, told=told) == charged


def test_a_hundred_first_requests_at_once_cannot_pass_a_budget_of_one() -> None:
    account = Account()
    granted = [account.reserve(f"t{n}", 1, budget=1, now=0.0, until=60.0) for n in range(100)]
    assert granted.count(True) == 1


def test_what_is_not_needed_comes_back() -> None:
    account = Account()
    assert account.reserve("a", 100, budget=100, now=0.0, until=60.0)
    assert not account.reserve("b", 1, budget=100, now=0.0, until=60.0)
    account.settle("a", 40)
    assert (account.spent, account.held) == (40, 0)
    assert account.reserve("b", 60, budget=100, now=0.0, until=60.0)


def test_a_hold_is_settled_once() -> None:
    account = Account()
    account.reserve("a", 5, budget=100, now=0.0, until=60.0)
    account.settle("a", 5)
    account.settle("a", 5)
    account.settle("b", 5)
    assert (account.spent, account.held) == (5, 0)


def test_a_hold_whose_process_died_ends_by_itself() -> None:
    account = Account()
    account.reserve("dead", 100, budget=100, now=0.0, until=60.0)
    assert not account.reserve("a", 1, budget=100, now=59.0, until=90.0)
    assert account.reserve("a", 1, budget=100, now=60.0, until=90.0)
    account.settle("dead", 100)
    assert account.spent == 0


def test_what_ended_leaves_room_for_all_that_fits_beside_the_others() -> None:
    account = Account()
    account.reserve("dead", 50, budget=100, now=0.0, until=60.0)
    account.reserve("alive", 40, budget=100, now=0.0, until=90.0)
    assert account.reserve("a", 60, budget=100, now=60.0, until=90.0)
    assert not account.reserve("b", 1, budget=100, now=60.0, until=90.0)


def test_who_is_late_is_charged_while_nobody_needs_the_room() -> None:
    account = Account()
    account.reserve("late", 50, budget=100, now=0.0, until=60.0)
    assert account.reserve("a", 50, budget=100, now=60.0, until=90.0)
    account.settle("late", 7)
    assert account.spent == 7


class Days(RuleBasedStateMachine):
    """One account, asked in any order by requests that end, or do not."""

    def __init__(self) -> None:
        super().__init__()
        self.account = Account()
        self.now = 0.0
        self.alive: dict[str, tuple[int, float]] = {}  # what we know of the holds: amount, until
        self.spent = 0
        self.number = 0

    @rule(amount=st.integers(1, 60))
    def ask(self, amount: int) -> None:
        self.number += 1
        ticket, until = f"t{self.number}", self.now + LASTS
        before = self.spent + sum(one for one, end in self.alive.values() if end > self.now)
        granted = self.account.reserve(ticket, amount, budget=BUDGET, now=self.now, until=until)
        if granted:
            assert before + amount <= BUDGET
            self.alive[ticket] = (amount, until)
        else:
            assert before + amount > BUDGET

    @rule(which=st.integers(0, 100), cost=st.integers(0, 80))
    def end(self, which: int, cost: int) -> None:
        running = [ticket for ticket, (_, until) in self.alive.items() if until > self.now]
        if running:
            ticket = running[which % len(running)]
            self.account.settle(ticket, cost)
            self.spent += cost
            del self.alive[ticket]

    @rule(seconds=st.floats(0, 15))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def keeps_its_books(self) -> None:
        assert self.account.spent == self.spent
        assert self.account.held == sum(hold.amount for hold in self.account.holds.values())


TestDays = Days.TestCase


@given(st.lists(st.integers(1, 50), max_size=50), st.integers(1, 200))
def test_together_no_more_than_the_budget_is_held(amounts: list[int], budget: int) -> None:
    account = Account()
    for number, amount in enumerate(amounts):
        account.reserve(f"t{number}", amount, budget=budget, now=0.0, until=60.0)
        assert account.spent + account.held <= budget
