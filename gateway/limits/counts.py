"""What is counted, and the promise of whatever counts it: this process, or a server many share.

A key says whose count it is, in a form that tells nobody who (`limits/keys.py`). A ticket is one
exchange: what it took is given back by its name, once, however often that is said.

What is asked for a person's request is made once, and nobody changes it.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from gateway.limits.keys import ANYBODY


class Away(Exception):
    """The server that counts does not answer."""


class Rated(msgspec.Struct, gc=False):
    """A request to be counted: `cost` of the `limit` in `seconds`, in tenths."""

    key: str
    limit: int
    seconds: int
    cost: int
    of_visitor: bool = False  # as its key says

    def __post_init__(self) -> None:
        self.of_visitor = self.key.startswith(ANYBODY)


class Slot(msgspec.Struct, gc=False):
    """A place among the `limit` answers that may be under way."""

    key: str
    limit: int


class Called(msgspec.Struct, gc=False):
    """One call of a vendor by one person, who shares `limit` calls in `seconds` with all others."""

    key: str
    person: str
    limit: int
    seconds: int


class Reserved(msgspec.Struct, gc=False):
    """`amount` to be held of a `budget` for a day or month; both in thousandths of its unit."""

    key: str
    window: str  # its name
    ends: float  # seconds since the epoch
    budget: int
    amount: int
    of_visitor: bool = False  # as its key says

    def __post_init__(self) -> None:
        self.of_visitor = self.key.startswith(ANYBODY)

    def left(self, now: float) -> float:
        """Seconds until the window ends; one at least, for clocks differ."""
        left = self.ends - now
        return left if left > 1.0 else 1.0  # noqa: FURB136 - five times as fast as max()


class Standing(msgspec.Struct, gc=False):
    """The answer for one limit: whether it grants the request, and how it stands afterwards.

    `remaining` is in the limit's own unit, `wait` in seconds until there is more. Of limits that
    are asked together, either all have `granted` or none has counted anything.
    """

    granted: bool
    remaining: int
    wait: float


class Counts(Protocol):
    """Counts for all replicas that share it. All methods raise `Away`.

    An answer is in the order of what was asked; an empty one means that nobody counts.
    """

    async def admit(
        self, rated: Sequence[Rated], slots: Sequence[Slot], ticket: str, lasts: float
    ) -> Sequence[Standing]:
        """Count a request and take a place in each slot, for `lasts` seconds at most.

        A ticket that has a place already keeps it, for `lasts` seconds from now.
        """
        ...

    async def leave(self, slots: Sequence[Slot], ticket: str) -> None:
        """Give the places back."""
        ...

    async def call(self, called: Called, ticket: str) -> Standing | None:
        """Count a call of a vendor (`core.limits.fairshare`)."""
        ...

    async def reserve(
        self, reserved: Sequence[Reserved], ticket: str, lasts: float
    ) -> Sequence[Standing]:
        """Hold a part of each budget, for `lasts` seconds at most."""
        ...

    async def settle(
        self, reserved: Sequence[Reserved], charged: Sequence[int], ticket: str
    ) -> None:
        """Charge each budget its part of `charged`, in thousandths; nothing of it is held then."""
        ...

    async def end(
        self,
        reserved: Sequence[Reserved],
        charged: Sequence[int],
        held_as: str,
        slots: Sequence[Slot],
        ticket: str,
    ) -> None:
        """Settle what is held under the name `held_as`, and give the places of `ticket` back."""
        ...
