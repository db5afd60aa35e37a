"""What a proxy says of the client it stands before: scheme, host and address. Nobody is believed
unless listed.
"""

import ipaddress
from collections.abc import Iterable

from gateway.core.errors import BadRequest
from gateway.core.formats.fields import HOST, Fields, host, values

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


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
    if name is not None and not HOST.fullmatch(name):
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
