"""The promises the pipelines rely on. Adapters keep them; pipelines know nothing else of the world.

Fields are `(name, value)` pairs of bytes, names in lower case, in the order they came.

What is where, beside records, sign-ins, the ledger, limits and audit, which stand here:

    wire, upstream         the client's side, the vendor's side; socket: a WebSocket of either
    people, contacts       what is known of people
    events                 what vendors tell of
    forms, askings         forms with files; requests with an idempotency key
    widgets                what vendors' widgets are shown
    tracer                 of which trace an exchange is
"""

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Any, Protocol, Self

from gateway.core.people.identity import Identity, Person
from gateway.core.profile.vendor import Operation
from gateway.core.record import Record as Record
from gateway.ports.askings import Askings
from gateway.ports.contacts import ContactNotes, Contacts, Noted
from gateway.ports.events import DeliverySink, Due, EventQueue, Lane, NotDelivered, Outbox, Receiver
from gateway.ports.forms import FormReader, ReadsForms
from gateway.ports.people import (
    Admission,
    Assertions,
    Logouts,
    OnceOnly,
    Seen,
    Sessions,
    Visitors,
)
from gateway.ports.upstream import Errand, Line, Transport, VendorResponse
from gateway.ports.wire import (
    Answering,
    ClientLeft,
    Fields,
    Inbound,
    Outbound,
    Shortcut,
    Watcher,
    Writer,
)

__all__ = [
    "Admission",
    "Answering",
    "Askings",
    "Assertions",
    "AuditSink",
    "ClientLeft",
    "Clock",
    "ContactNotes",
    "Contacts",
    "ConversationLedger",
    "DeliverySink",
    "Due",
    "Errand",
    "EventQueue",
    "FaultSink",
    "Fields",
    "FormReader",
    "Inbound",
    "Lane",
    "Limits",
    "Line",
    "Logouts",
    "Named",
    "NotDelivered",
    "Noted",
    "OnceOnly",
    "Outbound",
    "Outbox",
    "Questions",
    "ReadsForms",
    "Receiver",
    "Record",
    "Rounds",
    "Seen",
    "Sessions",
    "SharedSignIn",
    "Shortcut",
    "SignIn",
    "Telling",
    "Ticket",
    "Transport",
    "UsageSink",
    "VendorResponse",
    "Visitors",
    "Watcher",
    "Whose",
    "Writer",
]


class SignIn(Protocol):
    """All authenticators of one org, by the rules for several credentials at once."""

    async def authenticate(self, ask: Inbound) -> Identity:
        """Who is asking. Raises `Unauthenticated`, `AmbiguousCredentials`, `OriginRefused`, …"""
        ...


class Telling(Protocol):
    async def __call__(self, ask: Inbound) -> Sequence[str]:
        """What each credential of a request is worth to each sign-in, in words."""
        ...


class Whose(Enum):
    """Whose conversation it is, as one person asks."""

    THEIRS = "theirs"
    ANOTHERS = "another's"
    NOBODYS = "nobody's"


@dataclass(frozen=True, slots=True)
class Named:
    """The orgs a request may be for, by external_id, and what names them: "the claim org_id"."""

    orgs: frozenset[str]
    by: str


class SharedSignIn(Protocol):
    """All authenticators that several orgs at one place share."""

    async def orgs(self, ask: Inbound) -> Named:
        """The orgs that every credential vouches for, at least one; the one that is asked for.

        Raises `Unauthenticated`, `AmbiguousCredentials`, `OriginRefused`, `WrongOrg`,
        `BadRequest`, …
        """
        ...


class ConversationLedger(Protocol):
    """Who owns a conversation, and the names people have at upstreams.

    `upstream` is the name it has in the org. All raise `LedgerUnavailable` when the store is away.
    """

    async def owner(self, org: str, upstream: str, conversation: str) -> Person | None:
        """Who owns a conversation; who they are by now. None where nobody does."""
        ...

    async def whose(self, upstream: str, conversation: str, person: Person) -> Whose:
        """`THEIRS` holds for ever and may be remembered.

        The other two never do, and are looked up alike: or the time of an answer would tell
        another's conversation from none.
        """
        ...

    def check_takes_claims(self) -> None:
        """Raises `LedgerUnavailable` while it is known that none can be written."""
        ...

    async def claim(self, upstream: str, conversation: str, person: Person) -> bool:
        """Make it theirs, durably, first come for good. False: it is another's."""
        ...

    async def has_become(self, person: Person) -> bool:
        """Whether they are another person by now. Yes holds for ever."""
        ...

    async def become(self, visitor: Person, person: Person) -> bool:
        """Make what is the visitor's that person's, durably. False: it is another's."""
        ...

    async def was_named(self, upstream: str, person: Person, user_id: str) -> bool:
        """Whether this is the id there of somebody who has become this person."""
        ...

    async def person_named(self, upstream: str, org: str, user_id: str) -> Person | None:
        """Who is known by this id at this upstream; who they are by now."""
        ...

    def remembered_user_id(self, upstream: str, person: Person) -> str | None:
        """The id this person goes by at this upstream, where that need not be looked up."""
        ...

    async def known_user_id(self, upstream: str, person: Person) -> str | None:
        """The id this person first had at this upstream; None before the first time."""
        ...

    async def user_id(self, upstream: str, person: Person, proposed: str) -> str:
        """The id this person first had at this upstream; `proposed` when this is the first time.

        Raises `IdentityNotRepresentable` when `proposed` is another person's there.
        """
        ...


class UsageSink(Protocol):
    def record(self, record: Record) -> None:
        """Take one finished exchange. Never blocks, never raises."""
        ...


class AuditSink(Protocol):
    def note(self, event: str, record: Record) -> None:
        """Take one event worth an auditor's attention. Never blocks, never raises."""
        ...


class FaultSink(Protocol):
    def fault(self, error: Exception, record: Record) -> None:
        """Take a fault of our own, for whoever mends it. Never blocks, never raises."""
        ...


class Ticket(Protocol):
    """A request that is counted, for as long as it is under way: `async with ticket:`."""

    __slots__ = ()

    async def __aenter__(self) -> Self:
        """Count it. Raises `UserLimit`, `OrgLimit`; `Unavailable` when nothing can be counted."""
        return self

    def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> Coroutine[Any, Any, None]:
        return self.end(error)

    async def spend(self) -> None:
        """Hold a part of the budgets, before the vendor is asked.

        Raises `UserLimit`, `OrgLimit`, `BudgetExhausted`; `Unavailable` when nothing can be held.
        """
        ...

    async def again(self) -> None:
        """Count one more that is asked within it. Raises as `__aenter__` does."""
        ...

    async def renew(self) -> None:
        """Charge what its record says by now, and hold on: for what may last longer than holds do.

        Raises as `spend` does.
        """
        ...

    async def end(self, error: BaseException | None = None) -> None:
        """Give back what is held, and charge what its record says; `error` is what ended it."""
        ...


class Limits(Protocol):
    """How much one person may ask for, and how much all of an org may."""

    def admit(self, person: Person, upstream: str, operation: Operation, record: Record) -> Ticket:
        """The ticket for a request, of which nothing has been read but its head."""
        ...

    def told(self, upstream: str, operation: Operation) -> Sequence[str]:
        """What limits a request of this operation, in words."""
        ...


class Questions(Protocol):
    """How often a vendor may be asked whose a conversation is."""

    def may_ask(self, upstream: str, conversation: str, person: Person) -> bool:
        """Whether to ask now; a yes counts as a question."""
        ...


class Rounds(Protocol):
    """How often a vendor has gone on in a conversation without a word of the person's."""

    def said(self, *conversation: str) -> None:
        """The person has said something in it."""
        ...

    def may_go_on(self, *conversation: str) -> bool:
        """Whether to let it go on without; a yes counts."""
        ...


class Clock(Protocol):
    def __call__(self) -> float:
        """Seconds since the epoch."""
        ...
