"""What the vendor's agents know: two tiny shops, their customers by user id, and the orders."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

State = Literal[
    "being packed", "on its way", "ready to collect", "delivered", "refunded", "cancelled"
]


@dataclass(frozen=True, slots=True)
class Order:
    number: str
    thing: str
    state: State
    news: str

    @property
    def is_open(self) -> bool:
        return self.state in ("being packed", "on its way", "ready to collect")


@dataclass(slots=True)
class Account:
    """One customer, as the shop keeps them; the newest order first."""

    first_name: str
    orders: list[Order] = field(default_factory=list)

    def cancel(self, order: Order) -> None:
        cancelled = replace(order, state="cancelled", news="Your money is on its way back to you.")
        self.orders[self.orders.index(order)] = cancelled


@dataclass(frozen=True, slots=True)
class Shop:
    """What one agent at the vendor answers about."""

    agent: str
    name: str
    hours: str
    returns: str
    accounts: Mapping[str, Account]  # by the user id the vendor is told


def open_northwick(agent: str) -> Shop:
    return Shop(
        agent=agent,
        name="Northwick Kettles",
        hours="Monday to Friday from 9 to 18, and on Saturday from 10 to 16",
        returns="thirty days, and we pay the postage",
        accounts={
            "alice": Account(
                "Alice",
                [
                    Order(
                        "N1042",
                        "blue kettle",
                        "on its way",
                        "It left our warehouse last night and should be with you tomorrow "
                        "between 9 and 12.",
                    ),
                    Order(
                        "N0987",
                        "tin of Assam tea",
                        "delivered",
                        "Your neighbour at number 14 signed for it last Tuesday.",
                    ),
                ],
            ),
            "sam": Account(
                "Sam",
                [
                    Order(
                        "N1051",
                        "copper kettle",
                        "being packed",
                        "It goes out with the courier this afternoon, in rather a lot of straw.",
                    ),
                ],
            ),
        },
    )


def open_southbank(agent: str) -> Shop:
    return Shop(
        agent=agent,
        name="Southbank Cycles",
        hours="Tuesday to Sunday from 8 to 19",
        returns="fourteen days, as long as it has seen no mud",
        accounts={
            "sam": Account(
                "Sam",
                [
                    Order(
                        "S2210",
                        "set of winter tyres",
                        "ready to collect",
                        "Ask for it at the workshop desk; we keep it for you until Sunday.",
                    ),
                    Order(
                        "S2188",
                        "brass bell",
                        "refunded",
                        "The refund of 12.50 went out on Monday.",
                    ),
                ],
            ),
        },
    )
