"""URLs, origins and addresses of a configuration: the one plain spelling of each, or a reason.

Reasons never quote the URL: it may hold a credential.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from gateway.core.errors import GatewayError
from gateway.core.request.route import segments

_LABEL = r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_PRIVATE = [
    ipaddress.ip_network(one)
    for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
]
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Url:
    """What of a URL decides where it leads."""

    scheme: str
    host: str  # lower case, IPv6 without brackets
    port: int | None
    path: str
    query: str

    @property
    def is_encrypted(self) -> bool:
        return self.scheme == "https"

    @property
    def stays_here(self) -> bool:
        """Whether what is sent there never leaves this machine."""
        if self.host == "localhost" or self.host.endswith(".localhost"):  # RFC 6761 section 6.3
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def is_private(self) -> bool:
        """Whether only a private network has such a host (RFC 1918, RFC 4193; a bare name)."""
        try:
            address = ipaddress.ip_address(self.host)
        except ValueError:
            return "." not in self.host or self.host.endswith((".internal", ".local"))
        return any(address in network for network in _PRIVATE if network.version == address.version)


def url(written: str) -> Url:
    """An http or https URL without userinfo and fragment.

    Raises:
        ValueError: it is none, or one that two programs could read differently.
    """
    split = _split(written)
    if split.scheme not in DEFAULT_PORTS:
        raise ValueError("must begin with https:// or http://")
    if "@" in split.netloc:
        raise ValueError("must not hold a user name or password")
    if "#" in written:
        raise ValueError("must not hold a fragment")
    return Url(split.scheme, host_name(split.hostname or ""), _port(split), split.path, split.query)


def base_url(written: str) -> Url:
    """An origin, and a prefix of plain segments.

    Raises:
        ValueError: it has more, or its path has another spelling.
    """
    parsed = url(written)
    if "?" in written:
        raise ValueError("must not hold a query")
    prefix = parsed.path.removesuffix("/")
    try:
        plain = not prefix or segments(prefix) != ()
    except GatewayError:
        plain = False
    if not plain:
        raise ValueError("must have a path of plain segments, if any")
    return parsed


def origin(written: str) -> Url:
    """An origin as a browser writes it in `Origin` (RFC 6454 section 6.2).

    Raises:
        ValueError: a browser would never write it so.
    """
    parsed = url(written)
    bare = f"[{parsed.host}]" if ":" in parsed.host else parsed.host
    port = "" if parsed.port in {None, DEFAULT_PORTS[parsed.scheme]} else f":{parsed.port}"
    if written != f"{parsed.scheme}://{bare}{port}":
        raise ValueError(
            'must be as browsers write it: "https://app.example", lower case, no path, '
            "and a port only where it is not the scheme's own"
        )
    return parsed


def host_name(written: str) -> str:
    """A host name or address in its plain spelling.

    `2130706433`, `0x7f.1` and `0177.0.0.1` are all 127.0.0.1 to one resolver or another, so a name
    whose last label is a number must be an IPv4 address in the usual four decimal parts.

    Raises:
        ValueError: it is none.
    """
    if ":" in written:
        return _ipv6(written)
    if not _NAME.fullmatch(written) or len(written) > 253:
        raise ValueError("has no host name, or one with characters that host names lack")
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", written.rpartition(".")[2]):
        try:
            ipaddress.IPv4Address(written)
        except ValueError:
            raise ValueError("has an address that is not in four decimal parts") from None
    return written


def listening(written: str) -> str:
    """An address to listen at: `127.0.0.1:8080`, `[::1]:8080`, `localhost:0`.

    Raises:
        ValueError: it is none.
    """
    try:
        split = _split(f"//{written}")
        host_name(split.hostname or "")
        complete = split.netloc == written and _port(split) is not None and "@" not in written
    except ValueError:
        complete = False
    if not complete:
        raise ValueError('must be an address and a port, as in "127.0.0.1:8080"')
    return written


def _split(written: str) -> SplitResult:
    # urlsplit drops tabs and newlines silently; here they are refused.
    if not _VISIBLE.fullmatch(written) or "\\" in written:
        raise ValueError("has characters that URLs lack")
    try:
        return urlsplit(written)
    except ValueError:
        raise ValueError("is no URL") from None


def _port(split: SplitResult) -> int | None:
    try:
        return split.port
    except ValueError:
        raise ValueError("has a port that is no number up to 65535") from None


def _ipv6(written: str) -> str:
    try:
        address = ipaddress.IPv6Address(written)
    except ValueError:
        raise ValueError("has an IPv6 address that is none") from None
    if address.scope_id is not None:
        raise ValueError("has an IPv6 address with a zone")
    return str(address)
