"""HTTP fields: those that stand once, those that may pass, cookies.

Fields are `(name, value)` pairs of bytes, names in lower case (RFC 9110 section 5).
"""

import re
from collections.abc import Collection, Sequence
from operator import itemgetter

from gateway.core.errors import (
    AmbiguousCredentials,
    BadRequest,
    CredentialsInvalid,
    FieldsTooLarge,
    UnsupportedMediaType,
)
from gateway.core.formats.media import MediaType as MediaType
from gateway.core.formats.media import is_plain_json as is_plain_json
from gateway.core.formats.media import media_type as media_type
from gateway.core.memo import Memo

Fields = Sequence[tuple[bytes, bytes]]

VALUE_OF = itemgetter(1)
TOKEN = re.compile(rb"[!#$%&'*+.^`|~0-9a-z-]+")  # RFC 9110 section 5.6.2, lower case, without "_"
_CONTROLS = bytes({*range(32), 127} - {9})  # RFC 9110 section 5.5
VISIBLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")  # what we write in a field
REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
COOKIE_NAME = re.compile(rb"[!#$%&'*+.^`|~0-9A-Za-z_-]+")
COOKIE_VALUE = re.compile(rb"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*")  # RFC 6265 4.1.1

_FORWARDED = b"x-forwarded-"
FORWARDING_SECRET = b"x-gateway-secret"  # how a proxy that signs people in proves itself

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
        FORWARDING_SECRET.decode("ascii"),
        "x-gateway-assertion",
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
    for name, _ in fields:
        if not _is_name[name]:
            raise BadRequest("A field name has a character that names cannot have, or a '_'")
    # To delete from all what may not stand there takes a third of the time of a look at each.
    written = b"".join(map(VALUE_OF, fields))
    if len(written.translate(None, _CONTROLS)) != len(written):
        raise BadRequest("A field value has a control character")


_is_name: Memo[bytes, bool] = Memo(lambda name: TOKEN.fullmatch(name) is not None)


def values(fields: Fields, name: bytes) -> list[bytes]:
    found = []
    for key, value in fields:  # a loop takes half the time of a comprehension: ten times a request
        if key == name:
            found.append(value)
    return found


def not_forwarded(fields: Fields, names: Collection[bytes]) -> Fields:
    """The fields without those that a proxy of ours writes: `names`, and all X-Forwarded-*."""
    return [one for one in fields if one[0] not in names and not one[0].startswith(_FORWARDED)]


def first(fields: Fields, name: bytes) -> bytes | None:
    """The first value of a field of an answer, where being liberal is right."""
    for key, value in fields:
        if key == name:
            return value
    return None


def passed_to_client(fields: Fields, passing: frozenset[bytes]) -> list[tuple[bytes, bytes]]:
    """What of an answer's fields the client gets: the defaults, and what the operation adds.

    `passing` are the names of both, but for the defaults that only begin alike.
    """
    passed = []
    for line in fields:
        name = line[0]
        if name in passing or name.startswith(RESPONSE_FIELD_PREFIXES):
            passed.append(line)
        elif name == b"x-request-id":
            passed.append((b"x-upstream-request-id", line[1]))
    return passed


def single(fields: Fields, name: bytes) -> bytes | None:
    """The one value of a field that must stand once.

    Raises:
        BadRequest: it stands more than once.
    """
    found: bytes | None = None
    for key, value in fields:
        if key == name:
            if found is not None:
                times = len(values(fields, name))
                raise BadRequest(f"The field {name.decode('latin-1')} stands {times} times")
            found = value
    return found


def check_plain_json(fields: Fields) -> None:
    """Refuse a request whose body is something else than JSON as it stands.

    Raises:
        UnsupportedMediaType: its media type is another one, or it has a content coding.
        BadRequest: it says twice which media type it has.
    """
    if not is_plain_json(single(fields, b"content-type")) or values(fields, b"content-encoding"):
        raise UnsupportedMediaType


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
# A value that werkzeug reads to its closing quote, over every ";" in it.
_QUOTED = re.compile(rb'(?:^|;)[^;=]*=[ \t]*"((?:[^"\\]|\\.)*)"')


def cookie(fields: Fields, name: str) -> str | None:
    """The value of the cookie of exactly this name.

    Only what every parser reads alike (RFC 6265 section 4.2.1): Starlette and Django take the last
    of two, Flask the first; werkzeug honours quotes and `$Version`, Starlette strips `\\xa0`. Two
    quotes are the empty value: so Python's own `http.cookies` writes it.

    Raises:
        AmbiguousCredentials: the name stands twice, in any spelling a parser could take for it.
        CredentialsInvalid: its value is quoted, or no value of a cookie, or a parser could read it
            as part of another cookie's value.
        FieldsTooLarge: more than 100 cookies.
    """
    wanted = name.encode("ascii")
    exact: list[bytes] = []
    spellings = 0
    lines = values(fields, b"cookie")
    for line in lines:
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
    value = b"" if exact[0] == b'""' else exact[0]
    if not COOKIE_VALUE.fullmatch(value):
        raise CredentialsInvalid(f"The cookie {name} is quoted or has characters cookies lack")
    if any(b";" in quoted for line in lines for quoted in _QUOTED.findall(line)):
        raise CredentialsInvalid("The Cookie field holds a quoted value with a ';' in it")
    return value.decode("ascii")


def cookie_suffixes(fields: Fields, name: str) -> list[str]:
    """What follows `name` in the names of cookies that begin with it and hold something; each once.

    A suffix that is no part of a cookie's name stays as it is: it is none that anybody looks for.
    """
    prefix = name.encode("ascii")
    pairs = (
        pair.strip(_STRIPPED).partition(b"=")
        for line in values(fields, b"cookie")
        for pair in line.split(b";")
    )
    found = (
        key.removeprefix(prefix) for key, _, value in pairs if key.startswith(prefix) and value
    )
    return list(dict.fromkeys(one.decode("latin-1") for one in found if one))


# "_" is no letter of a host name, but container networks have names with it.
HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")


def host(fields: Fields) -> str | None:
    """The Host field in lower case; None where it is absent.

    Raises:
        BadRequest: it stands twice or is no host (RFC 9110 section 7.2).
    """
    value = single(fields, b"host")
    if value is None:
        return None
    found = _hosts[value]
    if found is None:
        raise BadRequest("The Host field is no host name")
    return found


def _host(value: bytes) -> str | None:
    text = value.decode("latin-1").lower()
    return text if HOST.fullmatch(text) else None


_hosts: Memo[bytes, str | None] = Memo(_host)
