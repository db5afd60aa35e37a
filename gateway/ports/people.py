"""What is known of people beside a sign-in, and what we say of them to others."""

from typing import Protocol

from gateway.core.formats.strictjson import JsonObject
from gateway.core.people.identity import Identity, Person, Session
from gateway.core.record import Record
from gateway.ports.wire import Fields, Inbound


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


class Seen(Protocol):
    """What people's sign-ins said of them last."""

    def note(self, identity: Identity) -> None: ...
    def identity(self, person: Person) -> Identity:
        """The person, as far as is known; of a stranger only the name."""
        ...


class Admission(Protocol):
    """Who may speak no longer, though their credential is good."""

    def check(self, identity: Identity, *, since: float | None = None) -> None:
        """Return, unless they are blocked. It never waits, and costs next to nothing.

        `since`, of the monotonic clock, is when they were let in: who was kept out since then for
        however short a time has perhaps been erased, and is not who comes now by that name.

        Raises:
            Blocked: an operator has blocked them, or their org, or had since then.
            LedgerUnavailable: that has not been known for too long.
        """
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
        """A signed statement for the one who is at `audience` (`core.people.assertion`)."""
        ...

    def jwk_set(self) -> JsonObject:
        """The keys to verify them by (RFC 7517)."""
        ...


class OnceOnly(Protocol):
    async def is_first(self, *name: str) -> bool:
        """Whether this name comes for the first time of late; from now on it does not.

        Raises:
            Unavailable: that cannot be known now.
        """
        ...


class Sessions(Protocol):
    """Which sessions of people have ended at their provider."""

    def check(self, session: Session) -> None:
        """Return, unless the session has ended. It never waits, and costs next to nothing.

        Raises:
            CredentialsExpired: it has ended.
            KeysUnavailable: that has not been known for too long.
        """
        ...


class Logouts(Protocol):
    """Where providers say who has signed out."""

    async def tell(self, token: str, record: Record) -> None:
        """Believe a logout token, durably; what it ends has ended when this returns.

        Raises:
            BadRequest: it is none that counts here, or has been here before.
            KeysUnavailable, LedgerUnavailable: send it again.
        """
        ...
