"""`type = "host"`: the application we stand in says who somebody is.

Its `identify` is given the request as its own routes would see it, so whatever signs people in
there (`scope["session"]`, `scope["user"]`) signs them in here. It says

- a subject: text, a whole number or a UUID;
- None, or an empty text, for nobody;
- an `Identity`, or a mapping with `subject` and, as they apply, `org` (one or several), `roles`,
  `attributes`, `expires_at`, `actor`;
- a user as Starlette's AuthenticationMiddleware has them, with `is_authenticated` and `identity`.

It is copied at once: what the application changes later changes nobody here. Anything else is a
fault of the application's, never a person.
"""

import inspect
import logging
import math
import uuid
from collections.abc import Callable, Collection, Mapping, MutableMapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias, runtime_checkable

from gateway.authn.claim_set import MAX_SUBJECT
from gateway.authn.verifier import Credential, Nobody
from gateway.core.errors import CredentialsExpired
from gateway.core.people.identity import Identity, Vouched
from gateway.ports import Clock, Inbound

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

LOG = logging.getLogger("gateway")

Identify: TypeAlias = Callable[["HTTPConnection"], object]  # what it says, or an awaitable of that

_MEMBERS = frozenset({"subject", "org", "roles", "attributes", "expires_at", "actor"})
# Of a request with none of these, no browser has added a credential by itself.
_OF_BROWSERS = frozenset({b"cookie", b"origin", b"sec-fetch-site"})
_THE_SCOPE = "scope"  # what stands there is not text


class HostMistake(Exception):
    """The application cannot say who somebody is. Its words name no value, and are logged."""


class Misunderstood(HostMistake):
    """`identify` said something that is no person, and not nobody."""


@runtime_checkable
class Hosted(Protocol):
    """An `Inbound` within an application."""

    @property
    def scope(self) -> MutableMapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class HostScope:
    """What the application knows of a request, as a place for a credential.

    `is_cookie`: it stands in requests that a browser may have sent, cookies and all; else in those
    that no browser can have sent. `of_all`: in both.
    """

    is_cookie: bool
    of_all: bool = False
    field: ClassVar[bytes | None] = None

    def read(self, ask: Inbound) -> str | None:
        if not isinstance(ask, Hosted):
            return None
        may_be = any(name in _OF_BROWSERS for name, _ in ask.fields)
        return _THE_SCOPE if self.of_all or may_be == self.is_cookie else None


class HostSignIn:
    """Asks `identify` who somebody is. None: there is no application, and nobody is let in.

    `says_org`: the application also says which orgs they belong to. `cookies`: it may know them by
    a cookie, so that pages of other origins have to be refused.
    """

    def __init__(
        self,
        identify: Identify | None,
        *,
        clock: Clock,
        says_org: bool = False,
        cookies: bool = True,
        may_vouch_for: Callable[[str], bool] = lambda org: True,
    ) -> None:
        self.places = (HostScope(True), HostScope(False)) if cookies else (HostScope(False, True),)
        self.names_orgs_by = "identify" if says_org else None
        self._identify = identify
        self._clock = clock
        self._says_org = says_org
        self._may_vouch_for = may_vouch_for

    async def verify(self, credential: Credential) -> Vouched | Nobody | None:
        """Whom the application says this is.

        Raises:
            CredentialsExpired: whoever it was.
            Misplaced, Misunderstood: the application cannot say.
        """
        if self._identify is None or not isinstance(credential.ask, Hosted):
            return Nobody.NOBODY
        try:
            vouched = read(await _asked(self._identify, credential.ask.scope))
        except HostMistake as error:
            LOG.error("%s", error)
            raise
        if vouched is None:
            return Nobody.NOBODY
        if vouched.expires_at is not None and vouched.expires_at <= self._clock():
            raise CredentialsExpired
        return self._of_our_orgs(vouched)

    def _of_our_orgs(self, vouched: Vouched) -> Vouched:
        if vouched.orgs is None and not self._says_org:
            return vouched
        orgs = frozenset(org for org in vouched.orgs or () if self._may_vouch_for(org))
        return replace(vouched, orgs=orgs)


async def _asked(identify: Identify, scope: MutableMapping[str, Any]) -> object:
    # Starlette's requests take a quarter of a second to import; an application has them already.
    from gateway.authn.host_connection import WRITERS, HostConnection, Misplaced, what_is_missing

    try:
        found = identify(HostConnection(scope))
        return await found if inspect.isawaitable(found) else found
    except KeyError as error:  # scope["session"], rather than conn.session
        (key,) = error.args or ("",)
        if key in WRITERS and key not in scope:
            raise Misplaced(what_is_missing(scope, key)) from error
        raise


def read(found: object) -> Vouched | None:
    """Whom an answer of `identify` means; None: nobody.

    Raises:
        Misunderstood: it means neither.
    """
    if isinstance(found, Identity):
        return _vouched(
            {name: getattr(found, name) for name in _MEMBERS if getattr(found, name) is not None}
        )
    if isinstance(found, Mapping):
        return _vouched(found)
    if hasattr(found, "is_authenticated"):
        # A bound method is true as well: only the value itself says that somebody signed in.
        signed_in = found.is_authenticated is True
        return _vouched({"subject": getattr(found, "identity", None)}) if signed_in else None
    return _vouched({"subject": found})


def _vouched(mapping: Mapping[Any, Any]) -> Vouched | None:
    if unknown := mapping.keys() - _MEMBERS:
        raise Misunderstood(
            f"identify said {', '.join(sorted(map(str, unknown)))}: a mapping has "
            f"{', '.join(sorted(_MEMBERS))}"
        )
    subject = _subject(mapping.get("subject"))
    if subject is None:
        return None
    org = mapping.get("org")
    return Vouched(
        subject=subject,
        roles=_texts("roles", mapping.get("roles", ())),
        expires_at=_moment(mapping.get("expires_at")),
        orgs=None if org is None else frozenset(_texts("org", org)),
        actor=_actor(mapping.get("actor")),
        attributes=MappingProxyType(dict(mapping.get("attributes") or {})),
    )


def _subject(found: object) -> str | None:
    if found is None or found == "":
        return None
    if isinstance(found, bool) or not isinstance(found, (str, int, uuid.UUID)):
        raise Misunderstood(
            f"identify said a {type(found).__name__}: a user's id is text, a whole number or a "
            "UUID; None is nobody"
        )
    subject = str(found)
    if not subject.strip() or len(subject) > MAX_SUBJECT:
        raise Misunderstood(
            "identify said a text of blanks, or of more than 512 characters: None is nobody"
        )
    return subject


def _texts(name: str, found: object) -> tuple[str, ...]:
    several = (found,) if isinstance(found, str) else found
    if not isinstance(several, Collection) or not all(
        isinstance(one, str) and one for one in several
    ):
        raise Misunderstood(f"identify said {name} that are no text, and no list of texts")
    return tuple(several)


def _moment(found: object) -> float | None:
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not math.isfinite(found):
        raise Misunderstood("identify said an expires_at that is no number of seconds")
    return float(found)


def _actor(found: object) -> str | None:
    if found is not None and not (isinstance(found, str) and found):
        raise Misunderstood("identify said an actor that is no text")
    return found
