"""The promises the pipelines rely on. Adapters keep them; pipelines know nothing else of the world.

Fields are `(name, value)` pairs of bytes, names in lower case, in the order they came.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypeAlias

from gateway.core.identity import Identity, Person
from gateway.core.plan import VendorRequest
from gateway.core.record import Record as Record
from gateway.core.strictjson import JsonObject
from gateway.core.vendor import Operation

Fields: TypeAlias = Sequence[tuple[bytes, bytes]]


class ClientLeft(Exception):
    """The client is gone: there is nobody left to answer."""


class Inbound(Protocol):
    """One request, as it came. Nothing in it is trusted."""

    @property
    def method(self) -> str: ...
    @property
    def raw_path(self) -> str:
        """The path as sent, undecoded, below the prefix we are mounted at; ASCII."""
        ...

    @property
    def raw_query(self) -> bytes: ...
    @property
    def fields(self) -> Fields: ...
    @property
    def scheme(self) -> str:
        """http or https, as the outermost proxy that is believed saw it."""
        ...

    @property
    def host(self) -> str | None:
        """The Host in lower case, with its port, as that proxy saw it."""
        ...

    @property
    def peer(self) -> str:
        """The client's address, as that proxy saw it; empty where there is none."""
        ...

    async def body(self, limit: int) -> bytes:
        """The whole body. `ContentTooLarge` beyond `limit` bytes, `RequestTimeout` when slow."""
        ...

    async def left(self) -> None:
        """Return when the client has left. Only after `body`."""
        ...


class Outbound(Protocol):
    """One answer, as it goes. Each call returns once the client can take more."""

    @property
    def started(self) -> bool: ...
    async def start(self, status: int, fields: Fields) -> None: ...
    async def chunk(self, content: bytes) -> None: ...
    async def end(self) -> None: ...
    async def cut(self) -> None:
        """Close without a proper end, so that half an answer does not look whole."""
        ...


class Answering(Outbound, Protocol):
    """An answer whose head can still get more."""

    def add(self, fields: Fields) -> None:
        """Put these in the head as well, whatever answer it will be the head of."""
        ...


class Visitors(Protocol):
    """People who have not signed in, one a browser. No other sign-in vouches for their names."""

    def may_come(self, ask: Inbound) -> bool:
        """Whether this request may be a visitor's."""
        ...

    def known(self, ask: Inbound) -> Identity | None:
        """The visitor of this request's cookie."""
        ...

    def new(self) -> tuple[Identity, Fields]:
        """A new visitor, and the fields of the answer that make the browser theirs."""
        ...

    def forget(self) -> Fields:
        """The fields of the answer that make the browser nobody's."""
        ...


class SignIn(Protocol):
    """All authenticators of one org, by the rules for several credentials at once."""

    async def authenticate(self, ask: Inbound) -> Identity:
        """Who is asking. Raises `Unauthenticated`, `AmbiguousCredentials`, `OriginRefused`, …"""
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

    async def whose(self, upstream: str, conversation: str, person: Person) -> Whose:
        """`THEIRS` holds for ever and may be remembered.

        The other two never do, and are looked up alike: or the time of an answer would tell
        another's conversation from none.
        """
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


class Limits(Protocol):
    """How much one person may ask for, and how much all of an org may."""

    def admit(
        self, person: Person, upstream: str, operation: Operation, record: Record
    ) -> AbstractAsyncContextManager[None]:
        """Count a request; held while it is under way. Nothing has been read of it but its head.

        Raises `UserLimit`, `OrgLimit`; `Unavailable` when nothing can be counted.
        """
        ...

    def spend(
        self, person: Person, upstream: str, operation: Operation, record: Record
    ) -> AbstractAsyncContextManager[None]:
        """Hold a part of the budgets while the vendor is asked; charged is what `record` then says.

        Raises `UserLimit`, `OrgLimit`, `BudgetExhausted`; `Unavailable` when nothing can be held.
        """
        ...

    def told(self, upstream: str, operation: Operation) -> Sequence[str]:
        """What limits a request of this operation, in words."""
        ...


class Assertions(Protocol):
    """Statements of ours about who asks, for services of the company's own."""

    def sign(
        self,
        identity: Identity,
        *,
        user: str,
        audience: str,
        conversation: str | None = None,
        tool: str | None = None,
    ) -> str:
        """A signed statement for the one who is at `audience` (`core.assertion`)."""
        ...

    def jwk_set(self) -> JsonObject:
        """The keys to verify them by (RFC 7517)."""
        ...


class Questions(Protocol):
    """How often a vendor may be asked whose a conversation is."""

    def may_ask(self, upstream: str, conversation: str, person: Person) -> bool:
        """Whether to ask now; a yes counts as a question."""
        ...


class VendorResponse(Protocol):
    @property
    def status(self) -> int: ...
    @property
    def fields(self) -> Fields: ...
    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes, without the transfer coding. Raises `UpstreamError`s."""
        ...


class Errand(Protocol):
    """Whom a request to a vendor is sent for. On a wire none of it matters but the request."""

    ask: Inbound
    identity: Identity


class Transport(Protocol):
    """The vendor's side of the wire, for one upstream of one org."""

    def open(
        self, request: VendorRequest, errand: Errand, /
    ) -> AbstractAsyncContextManager[VendorResponse]:
        """Send the request; enter with the head of the answer. Leaving early closes the connection.

        Raises `UpstreamError`, `UpstreamTimeout`, `Overloaded`.
        """
        ...

    async def aclose(self) -> None: ...


class Clock(Protocol):
    def __call__(self) -> float:
        """Seconds since the epoch."""
        ...
