"""Where in a request a credential stands: "authorization", "cookie:NAME" or "field:NAME".

Parameters are no such place: URLs are logged, kept in histories and sent on as referrers.
"""

from dataclasses import dataclass
from typing import Protocol

from gateway.core.errors import CredentialsInvalid
from gateway.core.formats import fields as http
from gateway.core.formats.fields import COOKIE_NAME, NEVER_PASSED, TOKEN
from gateway.ports import Inbound

AUTHORIZATION = "authorization"
MAX_CHUNKS = 10  # of 4 KiB each: more than fits in the fields of a request
_COOKIE = "cookie:"
_FIELD = "field:"


class Place(Protocol):
    """Where a credential of one kind stands. Two sign-ins that read the same place have equal ones.

    Hashable, and immutable.
    """

    @property
    def field(self) -> bytes | None:
        """The field it is in; None: in none."""
        ...

    @property
    def is_cookie(self) -> bool:
        """Whether a browser adds what stands there by itself."""
        ...

    def read(self, ask: Inbound) -> str | None:
        """The credential that stands there; None where there is none.

        Raises:
            AmbiguousCredentials: there are two, or one that parsers read differently.
            CredentialsInvalid: it has not the form of one.
        """
        ...


def check_place(place: str) -> str:
    """Whether a place is one.

    Raises:
        ValueError: it is none.
    """
    name = place.partition(":")[2].encode("ascii", "replace")
    is_cookie = place.startswith(_COOKIE) and COOKIE_NAME.fullmatch(name)
    is_field = place.startswith(_FIELD) and TOKEN.fullmatch(name)
    if place != AUTHORIZATION and not is_cookie and not is_field:
        raise ValueError(f'from: "authorization", "cookie:NAME" or "field:name", not {place!r}')
    if is_field and name.decode("ascii") in NEVER_PASSED:
        raise ValueError(f"from: the field of {place!r} has a meaning of its own")
    return place


@dataclass(frozen=True, slots=True)
class Authorization:
    """A bearer token (RFC 6750 section 2.1)."""

    field = b"authorization"
    is_cookie = False

    def read(self, ask: Inbound) -> str | None:
        token = http.bearer(ask.fields)
        if token is not None:
            return token
        # Another scheme (RFC 9110 section 11.4) may be for a proxy before us; a misspelt one is
        # not.
        written = b"".join(http.values(ask.fields, b"authorization"))
        if written and not TOKEN.fullmatch(written.partition(b" ")[0].lower()):
            raise CredentialsInvalid(
                "The Authorization field is not 'Bearer', one space and a token"
            )
        return None


@dataclass(frozen=True, slots=True)
class Cookie:
    """The cookie of one name. An empty one is none: that is how servers take one back."""

    name: str
    field = b"cookie"
    is_cookie = True

    def read(self, ask: Inbound) -> str | None:
        return http.cookie(ask.fields, self.name) or None


@dataclass(frozen=True, slots=True)
class Cookies:
    """Those of several cookies that are there, as one Cookie field would have them, each once."""

    names: tuple[str, ...]
    field = b"cookie"
    is_cookie = True

    def read(self, ask: Inbound) -> str | None:
        found = ((name, http.cookie(ask.fields, name)) for name in self.names)
        return "; ".join(f"{name}={value}" for name, value in found if value) or None


@dataclass(frozen=True, slots=True)
class SignedCookie:
    """A cookie and, in NAME.sig, its signature (Keygrip's way): both, with a space between."""

    name: str
    field = b"cookie"
    is_cookie = True

    def read(self, ask: Inbound) -> str | None:
        value = http.cookie(ask.fields, self.name)
        return f"{value} {http.cookie(ask.fields, self.name + '.sig') or ''}" if value else None


@dataclass(frozen=True, slots=True)
class Chunks:
    """A cookie, or one too long for a browser in its parts: NAME.0, NAME.1, … (Auth.js' way).

    Empty ones are none. Auth.js joins whatever begins with the name; here that is the one cookie,
    or all of its parts, and nothing else.
    """

    name: str
    field = b"cookie"
    is_cookie = True

    def read(self, ask: Inbound) -> str | None:
        whole = http.cookie(ask.fields, self.name) or None
        suffixes = http.cookie_suffixes(ask.fields, self.name)
        if not suffixes:
            return whole
        numbered = [f".{number}" for number in range(min(len(suffixes), MAX_CHUNKS))]
        parts = [http.cookie(ask.fields, self.name + one) or "" for one in numbered]
        if whole or sorted(suffixes) != sorted(numbered) or not all(parts):
            raise CredentialsInvalid(f"The parts of the cookie {self.name} make no whole")
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class Field:
    """A token in a field of its own, as a vendor's SDK sends its key; an empty field is none."""

    name: str
    is_cookie = False

    @property
    def field(self) -> bytes:
        return self.name.encode("ascii")

    def read(self, ask: Inbound) -> str | None:
        return http.bearer(ask.fields, self.field) or None


def place_of(written: str) -> Place:
    """The place that a configuration means.

    Raises:
        ValueError: it is none.
    """
    kind, _, name = check_place(written).partition(":")
    if kind == AUTHORIZATION:
        return Authorization()
    return Cookie(name) if kind == "cookie" else Field(name)
