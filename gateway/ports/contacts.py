"""What is known of people at vendors, and who sees to it that the vendors know it too."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gateway.core.people.identity import Identity, Person
from gateway.core.profile.contact import Attributes


class Contacts(Protocol):
    """Keeps people's contacts at one upstream of one org."""

    def saw(self, identity: Identity, user: str) -> None:
        """Somebody is here, whom the vendor knows as `user`. Never blocks, never raises."""
        ...

    def pushed(self, person: Person, user: str) -> None:
        """More is known of somebody, and has been noted. Never blocks, never raises."""
        ...

    def recall(self, subjects: Collection[str]) -> None:
        """Something is owed to the vendor of these people. Never blocks, never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Noted:
    """What is remembered of one contact."""

    sent: bytes | None = None  # a digest of what the vendor has
    pushed: Attributes = field(default_factory=dict)
    owed: bytes | None = None  # a token of a push that it does not have yet


class ContactNotes(Protocol):
    """What is remembered of contacts. All raise `LedgerUnavailable` when the store is away."""

    async def noted(
        self, org: str, upstream: str, subjects: Collection[str]
    ) -> Mapping[str, Noted]:
        """What is remembered of these people, where anything is."""
        ...

    async def owed(self) -> Mapping[tuple[str, str], Sequence[str]]:
        """Of whom there is a push that the vendor does not have yet, by org and upstream."""
        ...

    async def push(self, upstream: str, person: Person, attributes: Attributes) -> None:
        """Note durably what the company's own service says of somebody: the whole of it."""
        ...

    async def sent(
        self, org: str, upstream: str, digests: Mapping[str, bytes], settled: Mapping[str, bytes]
    ) -> None:
        """Note what the vendor now has, and which pushes are with it; by subject."""
        ...
