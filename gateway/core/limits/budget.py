"""Budgets: what is held before the vendor is called, and settled when its answer is there.

Nobody knows what an answer costs until it is there. So a `reserve` is held first, and granted only
while all that is spent and held fits the budget: a hundred first requests at once cannot pass a
budget of one. What was held is then replaced by what the answer cost. A hold whose process died
ends by itself.

Amounts are whole numbers; the time is in seconds of any one clock that goes on.
"""

from dataclasses import dataclass, field
from enum import Enum

import msgspec


class Ending(Enum):
    """How a call of the vendor ended, as far as money goes."""

    UNTOUCHED = "untouched"  # it got no request, or refused it
    WHOLE = "whole"  # its answer came to its end
    BROKEN = "broken"  # the client left, the vendor broke off, the time was up


def due(ending: Ending, *, reserve: int, told: int) -> int:
    """What a call is charged; `told` is what the vendor said it cost, 0 where it said nothing.

    Whoever leaves early, before the vendor says what it cost, pays the reserve all the same.
    """
    if ending is Ending.UNTOUCHED:
        return told
    if ending is Ending.BROKEN:
        return max(told, reserve)
    return told or reserve


class Hold(msgspec.Struct, gc=False):
    """What is held of a budget by one call. Thousands last as long as their streams."""

    amount: int
    until: float


@dataclass(slots=True)
class Account:
    """One person's budget, or one org's, in one day or month."""

    spent: int = 0
    held: int = 0
    holds: dict[str, Hold] = field(default_factory=dict)  # by ticket

    def reserve(self, ticket: str, amount: int, *, budget: int, now: float, until: float) -> bool:
        """Hold `amount` until it is settled; False where that would pass the budget."""
        free = budget - amount - self.spent
        if self.held > free:
            self._let_go(now)
            if self.held > free:
                return False
        self.holds[ticket] = Hold(amount, until)
        self.held += amount
        return True

    def settle(self, ticket: str, amount: int) -> None:
        """Charge `amount` in place of what is held; once, and nothing where nothing is held."""
        hold = self.holds.pop(ticket, None)
        if hold is not None:
            self.held -= hold.amount
            self.spent += amount

    def _let_go(self, now: float) -> None:
        for ticket in [one for one, hold in self.holds.items() if hold.until <= now]:
            self.held -= self.holds.pop(ticket).amount
