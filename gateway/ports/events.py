"""What vendors tell of, kept until it is delivered, to each receiver in the order it came."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.core.events.event import Event

LEASE = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class Lane:
    """What goes to one receiver in one order: what is about one conversation."""

    key: str
    target: str


@dataclass(frozen=True, slots=True)
class Due:
    """An event that a receiver has not got yet, after so many `tries`."""

    lane: Lane
    number: int
    since: int  # milliseconds since the epoch
    tries: int
    event: Event


class NotDelivered(Exception):
    """A receiver has not taken an event. `reason` is ours, in a few words; never what it said.

    `is_away`: it takes nothing now, whatever it is; else it does not take this one. `status` is of
    its answer, 0 where none came; `asked` is how many seconds it wants to be left alone.
    """

    def __init__(
        self, reason: str, *, is_away: bool, status: int = 0, asked: float | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_away = is_away
        self.status = status
        self.asked = asked


class EventQueue(Protocol):
    async def put(self, event: Event, targets: Sequence[str]) -> bool:
        """Keep an event for these receivers, durably. False: it was here already.

        Raises `LedgerUnavailable`: then the vendor must send it again.
        """
        ...


class Outbox(Protocol):
    """What is to be delivered. All raise `LedgerUnavailable` when the store is away.

    A lane is held by one process at a time, for `LEASE` seconds unless it says so again; whoever
    holds it no more must not deliver.
    """

    async def due(self, blocked: Collection[str], most: int) -> Sequence[Lane]:
        """Lanes that nobody holds and in which something may be tried now; not to `blocked`."""
        ...

    async def hold(self, lanes: Sequence[Lane]) -> Sequence[Lane]:
        """Take hold of these lanes; returns those that are now ours."""
        ...

    async def renew(self, lanes: Sequence[Lane]) -> None:
        """Hold lanes that are ours for another `LEASE` seconds."""
        ...

    async def next(self, lane: Lane, most: int) -> Sequence[Due]:
        """The next events of a lane, in its order; none: it is empty."""
        ...

    async def done(self, due: Due) -> None:
        """Note that the receiver has the event."""
        ...

    async def failed(self, due: Due, error: NotDelivered, *, dies: bool) -> None:
        """Note that a try has failed; `dies`: it was the last. Of who is away no try is counted."""
        ...

    async def bury(self, target: str, before: int, error: NotDelivered) -> None:
        """Give up all that has waited for a receiver since `before`, in milliseconds."""
        ...

    async def let_go(self, lane: Lane, wait: float) -> None:
        """Hold a lane no more; nothing in it is tried for `wait` seconds."""
        ...


class Receiver(Protocol):
    async def take(self, event: Event) -> None:
        """Deliver one event. Raises `NotDelivered`."""
        ...


class DeliverySink(Protocol):
    def delivered(self, org: str, upstream: str, outcome: str) -> None:
        """Count what became of one attempt: "delivered", "failed", "died". Never raises."""
        ...
