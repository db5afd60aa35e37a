"""HTTP fields: those that stand once, those that may pass, cookies, media types, whom to believe.

Fields are `(name, value)` pairs of bytes, names in lower case (RFC 9110 section 5).
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.core.errors import AmbiguousCredentials, BadRequest, FieldsTooLarge

Fields = Sequence[tuple[bytes, bytes]]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

TOKEN = re.compile(rb"[!#$%&'*+.^`|~0-9a-z-]+")  # RFC 9110 section 5.6.2, lower case, without "_"
VISIBLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")  # what we write in a field
REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")  # RFC 9110 section 5.5
COOKIE_NAME = re.compile(rb"[!#$%&'*+.^`|~0-9A-Za-z_-]+")
COOKIE_VALUE = re.compile(rb"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*")  # RFC 6265 4.1.1

MAX_FIELDS = 100
MAX_COOKIES = 100

# What of a vendor's answer the client gets; an operation adds to it by `response_fields`.
RESPONSE_FIELDS = frozenset(
    {
        b"content-type",
        b"retry-after",
        b"x-vercel-ai-ui-message-stream",
        b"mcp-session-id",
    }
)
RESPONSE_FIELD_PREFIXES = (b"x-ratelimit-",)
# What a browser would show or run; an API has no use for it, and a captive portal has.
PAGES = frozenset({"text/html", "application/xhtml+xml", "image/svg+xml", "text/xml"})
# Set by us, bound to a connection, or a credential: no profile may let these through, either way.
NEVER_PASSED = frozenset(
    {
        "authorization",
        "clear-site-data",
        "connection",
        "content-encoding",
        "content-length",
        "cookie",
        "host",
        "keep-alive",
        "location",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "refresh",
        "service-worker-allowed",
        "set-cookie",
        "strict-transport-security",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
        "www-authenticate",
        "x-request-id",
    }
)


def check(fields: Fields) -> None:
    """Refuse what two servers on the way could read differently.

    A `_` in a name becomes `-` in CGI-like servers (CVE-2025-64484 is one of many), so such a name
    can pass for another one.

    Raises:
        FieldsTooLarge: more than 100 field lines.
        BadRequest: a name that is no token, or has a "_"; a value with control characters.
    """
    if len(fields) > MAX_FIELDS:
        raise FieldsTooLarge
    for name, value in fields:
        if not TOKEN.fullmatch(name):
            raise BadRequest("A field name has a character that names cannot have, or a '_'")
        if CONTROL.search(value):
            raise BadRequest("A field value has a control character")


def values(fields: Fields, name: bytes) -> list[bytes]:
    return [value for key, value in fields if key == name]


def first(fields: Fields, name: bytes) -> bytes | None:
    """The first value of a field of an answer, where being liberal is right."""
    return next((value for key, value in fields if key == name), None)


def passed_to_client(fields: Fields, added: frozenset[str]) -> list[tuple[bytes, bytes]]:
    """What of an answer's fields the client gets: the defaults, and what the operation adds."""
    passed = []
    for name, value in fields:
        if name == b"x-request-id":
            passed.append((b"x-upstream-request-id", value))
        elif (
            name in RESPONSE_FIELDS
            or name.startswith(RESPONSE_FIELD_PREFIXES)
            or name.decode("latin-1") in added
        ):
            passed.append((name, value))
    return passed


def single(fields: Fields, name: bytes) -> bytes | None:
    """The one value of a field that must stand once.

    Raises:
        BadRequest: it stands more than once.
    """
    found = values(fields, name)
    if len(found) > 1:
        raise BadRequest(f"The field {name.decode('latin-1')} stands {len(found)} times")
    return found[0] if found else None


def bearer(fields: Fields, name: bytes = b"authorization") -> str | None:
    """The token of a Bearer credential (RFC 6750 section 2.1), or the bare value of another field.

    None: there is no such field, or it has another scheme.

    Raises:
        AmbiguousCredentials: the field stands twice, or holds a list.
    """
    found = values(fields, name)
    if not found:
        return None
    if len(found) > 1:
        raise AmbiguousCredentials(f"The field {name.decode('latin-1')} stands more than once")
    value = found[0].decode("latin-1")
    if name != b"authorization":
        return value
    scheme, _, token = value.partition(" ")
    if scheme.lower() != "bearer":
        return None
    if "," in token:
        raise AmbiguousCredentials("The Authorization field holds a list")
    return token


# What one parser or another takes off a cookie's name: white space as Unicode and as C have it.
_STRIPPED = bytes(range(0x21)) + b"\x7f\x85\xa0"


def cookie(fields: Fields, name: str) -> str | None:
    """The value of the cookie of exactly this name.

    Only what every parser reads alike (RFC 6265 section 4.2.1): Starlette and Django take the last
    of two, Flask the first; werkzeug honours quotes and `$Version`, Starlette strips `\\xa0`.

    Raises:
        AmbiguousCredentials: the name stands twice, in any spelling a parser could take for it.
        FieldsTooLarge: more than 100 cookies.
    """
    wanted = name.encode("ascii")
    exact: list[bytes] = []
    spellings = 0
    for line in values(fields, b"cookie"):
        pairs = line.split(b";")
        if len(pairs) > MAX_COOKIES:
            raise FieldsTooLarge("The Cookie field holds more than 100 cookies")
        for pair in pairs:
            key, _, value = pair.strip(b" ").partition(b"=")
            spellings += key.strip(_STRIPPED) == wanted
            if key == wanted:
                exact.append(value)
    if spellings > 1:
        raise AmbiguousCredentials(f"The cookie {name} stands more than once")
    if not exact:
        return None
    if not COOKIE_VALUE.fullmatch(exact[0]):
        raise AmbiguousCredentials(f"The cookie {name} is quoted or has characters cookies lack")
    return exact[0].decode("ascii")


@dataclass(frozen=True, slots=True)
class MediaType:
    """`type/subtype` in lower case, parameters aside (RFC 9110 section 8.3.1)."""

    essence: str
    charset: str | None

    @property
    def is_json(self) -> bool:
        return self.essence == "application/json" or self.essence.endswith("+json")

    @property
    def is_event_stream(self) -> bool:
        return self.essence == "text/event-stream"

    @property
    def is_json_lines(self) -> bool:
        return self.essence in {"application/x-ndjson", "application/jsonl", "application/ndjson"}


_ESSENCE = re.compile(r"[!#$&^_.+a-z0-9-]+/[!#$&^_.+a-z0-9-]+")
_CHARSET = re.compile(r'charset="?([a-z0-9_-]+)"?')


def media_type(value: bytes | None) -> MediaType | None:
    """The media type of a Content-Type field; None where it is absent or no media type."""
    if value is None:
        return None
    essence, _, parameters = value.decode("latin-1").lower().partition(";")
    essence = essence.strip(" \t")
    if not _ESSENCE.fullmatch(essence):
        return None
    charset = _CHARSET.fullmatch(parameters.strip(" \t"))
    return MediaType(essence, charset[1] if charset else None)


def is_plain_json(value: bytes | None) -> bool:
    """Whether a Content-Type is JSON, and nothing a form or a sniffer could take it for."""
    if value is None:
        return False
    essence, _, parameters = value.decode("latin-1").lower().partition(";")
    if essence.strip(" \t") != "application/json":
        return False
    return parameters.strip(" \t") in {"", "charset=utf-8", 'charset="utf-8"'}


# "_" is no letter of a host name, but container networks have names with it.
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")


def host(fields: Fields) -> str | None:
    """The Host field in lower case; None where it is absent.

    Raises:
        BadRequest: it stands twice or is no host (RFC 9110 section 7.2).
    """
    value = single(fields, b"host")
    if value is None:
        return None
    text = value.decode("latin-1").lower()
    if not _HOST.fullmatch(text):
        raise BadRequest("The Host field is no host name")
    return text


def is_trusted(peer: str, networks: Iterable[Network]) -> bool:
    """Whether a peer is a proxy whose forwarding fields are believed; nobody is by default."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped  # ::ffff:10.0.0.1, as a socket that listens on both says it
    return any(address in network for network in networks)


def forwarded_origin(
    fields: Fields, *, scheme: str, believed: bool
) -> tuple[str, str | None, str | None]:
    """Scheme, host and client address as seen by the outermost proxy we believe.

    `Forwarded` (RFC 7239) or `X-Forwarded-*`; of a list the last entry counts, the one our own
    proxy added. Both may stand where they agree: most proxies write the one and let a client's
    other one by.

    Raises:
        BadRequest: a believed field is not one of its kind, or the two kinds differ.
    """
    own_host = host(fields)
    if not believed:
        return scheme, own_host, None
    standard = _forwarded(fields)
    customary = [_last(fields, b"x-forwarded-" + name) for name in (b"proto", b"host", b"for")]
    if any(standard) and any(customary) and standard != customary:
        raise BadRequest("Forwarded and X-Forwarded-* say different things")
    proto, name, client = standard if any(standard) else customary
    if proto is not None and proto not in {"http", "https"}:
        raise BadRequest("The proxy's forwarding field names no scheme")
    if name is not None and not _HOST.fullmatch(name):
        raise BadRequest("The proxy's forwarding field names no host")
    return proto or scheme, name or own_host, client


def _forwarded(fields: Fields) -> list[str | None]:
    element = _last(fields, b"forwarded") or ""
    pairs = dict(_pair(item) for item in element.split(";") if "=" in item)
    return [pairs.get(name) for name in ("proto", "host", "for")]


def _last(fields: Fields, name: bytes) -> str | None:
    found = values(fields, name)
    return found[-1].decode("latin-1").rpartition(",")[2].strip(" \t").lower() if found else None


def _pair(item: str) -> tuple[str, str]:
    name, _, value = item.partition("=")
    return name.strip(" \t"), value.strip(' \t"')
