"""What providers say of sessions that have ended, heard and known.

It is kept among the cutoffs: on the disk before the provider is answered, known here at once, and
to every other process that shares the store within a second or so (`gateway.store.cutoffs`). Each
fact is kept for as long as a token may count that was issued before it.
"""

import json
import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import Generic, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.authn.logout_token import LogoutTokens
from gateway.authn.token import Token, parse
from gateway.core.errors import (
    BadRequest,
    CredentialsExpired,
    CredentialsInvalid,
    KeysUnavailable,
    LedgerUnavailable,
)
from gateway.core.people import logout
from gateway.core.people.identity import Identity, Session
from gateway.core.people.logout import Logout
from gateway.ports import Admission, AuditSink, Logouts, Record, Sessions
from gateway.store.cutoffs import Cutoff, Cutoffs, Key, cut, is_cut
from gateway.store.dialect import alone
from gateway.store.store import Store

T = TypeVar("T")

KINDS = frozenset({logout.PERSON, logout.SESSION, logout.UNNAMED})
SLACK = 120.0  # seconds, for leeways and clocks


def realm_of(org: str, issuer: str) -> str:
    """The people of an issuer, as one org has them, by its external_id; "": all that share it."""
    return json.dumps([org, issuer])


def _org_of(realm: str) -> str:
    return str(json.loads(realm)[0])


class Ended(Sessions):
    """Keeps the `Sessions` promise by what is cut off."""

    def __init__(self, cutoffs: Cutoffs) -> None:
        self._cutoffs = cutoffs

    def check(self, session: Session) -> None:
        try:
            self._cutoffs.known()
        except LedgerUnavailable as error:
            raise KeysUnavailable("Who has signed out cannot be known now") from error
        for kind, name in logout.ending(session):
            if session.issued_at * 1000 <= self._cutoffs.before(kind, session.realm, name):
                raise CredentialsExpired("This person has signed out since: sign in again")


class StillIn(Admission):
    """Who may go on: whoever may come, while the session lasts, where it has one."""

    def __init__(self, admission: Admission, sessions: Sessions) -> None:
        self._admission = admission
        self._sessions = sessions

    def check(self, identity: Identity, *, since: float | None = None) -> None:
        self._admission.check(identity, since=since)
        if identity.session is not None:
            self._sessions.check(identity.session)


class BackChannel(Logouts):
    """Keeps the `Logouts` promise: believes the logout tokens that are listened for.

    Sign-ins come and go with configurations, and are made in a thread.
    """

    def __init__(self, store: Store, audit: AuditSink) -> None:
        self.ended = Ended(store.cutoffs)
        self._database = store.database
        self._cutoffs = store.cutoffs
        self._audit = audit
        self._kept = 0.0  # seconds
        self._listening: _Lists[LogoutTokens] = _Lists()  # by issuer
        self._forgetting: _Lists[Callable[[], None]] = _Lists()  # by org
        self._cutoffs.watch(self._changed)

    def listen(self, tokens: LogoutTokens, *, oldest: float) -> Callable[[], None]:
        """Believe these from now on, until what is returned is called.

        No token counts that is older than `oldest` seconds.
        """
        self._kept = max(self._kept, oldest + SLACK)
        return self._listening.add(tokens.issuer, tokens)

    def when_ended(self, org: str, forget: Callable[[], None]) -> Callable[[], None]:
        """Call `forget` whenever somebody of an org has signed out.

        `org` is its external_id; "" means all orgs that share sign-ins. To call what is returned
        ends it.
        """
        return self._forgetting.add(org, forget)

    def _changed(self, keys: Collection[Key] | None) -> None:
        if keys is None:
            orgs = self._forgetting.names()
        else:
            orgs = {_org_of(scope) for kind, scope, _ in keys if kind in KINDS}
        for org in orgs:
            for forget in self._forgetting.of(org):
                forget()

    async def tell(self, token: str, record: Record) -> None:
        try:
            parsed = parse(token)
        except CredentialsInvalid as error:
            raise BadRequest(error.detail) from error
        logouts = await self._read(parsed)
        if not await self._keep(logouts):
            raise BadRequest("The logout token has been here before")
        await self._cutoffs.look()
        for one in logouts:
            record.org_id, record.subject = _org_of(one.realm), one.subject or ""
            self._audit.note("signed_out", record)

    async def _read(self, token: Token) -> Sequence[Logout]:
        """What it says to each who listens and can verify it, once for each realm."""
        issuer = token.claims.get("iss")
        listening = self._listening.of(issuer) if isinstance(issuer, str) else ()
        logouts: dict[str, Logout] = {}
        refusal = BadRequest("The logout token is of nobody who is listened to")
        for tokens in listening:
            try:
                heard = await tokens.read(token)
            except BadRequest as error:
                refusal = error
            else:
                logouts[heard.realm] = heard
        if not logouts:
            raise refusal
        return tuple(logouts.values())

    async def _keep(self, logouts: Sequence[Logout]) -> bool:
        """Write it down; False: it stands there, from whichever process."""
        until = int((time.time() + self._kept) * 1000)
        facts = [
            Cutoff(kind, one.realm, name, int(one.issued_at * 1000), until)
            for one in logouts
            for kind, name in one.ends
        ]
        # Once it has expired, that alone refuses it.
        tokens = [
            Cutoff(logout.TOKEN, one.realm, one.id, ends_at=int(one.expires_at * 1000))
            for one in logouts
        ]

        async def write(connection: AsyncConnection) -> bool:
            await alone(connection, "logout tokens")
            if await is_cut(connection, [token.key for token in tokens]):
                return False
            await cut(connection, facts + tokens)
            return True

        return await self._database.start(self._database.commit(write))


class _Lists(Generic[T]):
    """Things by name, of which some come in a thread while others are gone through."""

    def __init__(self) -> None:
        self._lists: dict[str, tuple[T, ...]] = {}
        self._changing = threading.Lock()

    def of(self, name: str) -> tuple[T, ...]:
        return self._lists.get(name, ())

    def names(self) -> Collection[str]:
        return tuple(self._lists)

    def add(self, name: str, one: T) -> Callable[[], None]:
        """Add one; what is returned takes it out."""
        with self._changing:
            self._lists[name] = (*self.of(name), one)

        def take_out() -> None:
            with self._changing:
                left = tuple(other for other in self.of(name) if other is not one)
                self._lists[name] = left
                if not left:
                    del self._lists[name]

        return take_out
