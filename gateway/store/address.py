"""A `store.url` of PostgreSQL, taken apart: where the store is, and never its secret shown.

The URL is libpq's (https://www.postgresql.org/docs/current/libpq-connect.html): what stands in its
query goes to libpq as it is, and what is missing libpq finds where it always does, `PGPASSWORD` and
`~/.pgpass` among them. Standard library only: the configuration's rules read it, too.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from gateway.store.errors import StoreError

SCHEMES = ("postgresql", "postgres")
# One host or several; each a name, an address, or the directory of a socket, percent-encoded.
_HOST = r"(?:[A-Za-z0-9._%-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
_HOSTS = re.compile(rf"{_HOST}(?:,{_HOST})*")
_PARAMETER = re.compile(r"[a-z_]+")
_EXAMPLE = "write postgresql://user:password@host:5432/database"
_ENCODE = (
    "cannot be taken apart: percent-encode what is special in the password, "
    "%2F for /, %3F for ?, %23 for #, %25 for %"
)
_REFERENCE = r"\$\{(?:env:\w+(?::-)?|file:[^{}]+)\}"  # without a default, which is a password too
_PASSWORD = re.compile(rf"(//[^/:@]*):(?!{_REFERENCE}@)[^/].*@")
_QUERIED = re.compile(rf"([?&](?:ssl)?password)=(?!{_REFERENCE}(?:&|$))[^&]+")


@dataclass(frozen=True, slots=True)
class Address:
    """What libpq is told; `shown` names the database in messages."""

    parameters: Mapping[str, str] = field(repr=False)
    shown: str


def is_postgres(url: str) -> bool:
    """Whether a `store.url` means PostgreSQL, rightly written or not."""
    return url.partition(":")[0].partition("+")[0] in SCHEMES


def address(url: str) -> Address:
    """Take a URL apart.

    Raises:
        StoreError: it is none of PostgreSQL; says what is wrong, and nothing of the URL.
    """
    try:
        split = urlsplit(url)
        parameters = {**_located(split), **_queried(split)}
    except ValueError as error:
        raise StoreError(f"store.url {_ENCODE}") from error
    if split.scheme not in SCHEMES:
        raise StoreError(f"store.url must begin with postgresql://: {_EXAMPLE}")
    if not parameters.get("dbname"):
        raise StoreError(f"store.url names no database: {_EXAMPLE}")
    host, port = parameters.get("host", "its default socket"), parameters.get("port", "")
    at = f"{host}, port {port}" if port else host
    return Address(parameters, f"the database {parameters['dbname']} of PostgreSQL at {at}")


def without_secret(url: str) -> str:
    """The URL, or what is written for one, with stars for a password that stands in it."""
    return _QUERIED.sub(r"\1=***", _PASSWORD.sub(r"\1:***@", url))


def _located(split: SplitResult) -> dict[str, str]:
    credentials, _, hosts = split.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    name = split.path.removeprefix("/")
    if not _HOSTS.fullmatch(hosts) or "/" in name or "@" in name or split.fragment:
        raise ValueError
    each = [one.rpartition(":") if _has_port(one) else (one, "", "") for one in hosts.split(",")]
    ports = [port for _, _, port in each]
    found = {
        "host": unquote(",".join(host.strip("[]") for host, _, _ in each), errors="strict"),
        "port": ",".join(ports) if any(ports) else "",
        "user": unquote(user, errors="strict"),
        "password": unquote(password, errors="strict"),
        "dbname": unquote(name, errors="strict"),
    }
    return {name: value for name, value in found.items() if value}


def _has_port(host: str) -> bool:
    return ":" in host.rpartition("]")[2]


def _queried(split: SplitResult) -> dict[str, str]:
    pairs = parse_qsl(
        split.query, keep_blank_values=True, strict_parsing=bool(split.query), errors="strict"
    )
    if not all(_PARAMETER.fullmatch(name) for name, _ in pairs):
        raise ValueError
    return dict(pairs)
