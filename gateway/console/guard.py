"""Which requests are of a browser that shows our own page, by a name that is ours.

A page elsewhere could point a name of its own at this address (DNS rebinding), and would then be of
one origin with us. An address cannot be pointed elsewhere, nor can localhost (RFC 6761 section
6.3); other names are those the configuration says.
"""

import re
from collections.abc import Collection
from ipaddress import ip_address

from gateway.core.errors import MisdirectedRequest, OriginRefused
from gateway.core.formats.fields import Fields, single
from gateway.core.request.origin import cookie_is_credential

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]+)(?::[0-9]{1,5})?")  # RFC 3986 section 3.2.2
SCHEMES = ("http", "https")  # who ends TLS before us tells nobody; the host decides


def require_name(fields: Fields, hosts: Collection[str]) -> str:
    """The host, and its port, by which a browser asks.

    Raises:
        MisdirectedRequest: it is none of ours.
    """
    host = (single(fields, b"host") or b"").decode("latin-1").lower()
    found = _HOST.fullmatch(host)
    name = "" if found is None else found[1]
    if not (_is_address(name) or name == "localhost" or name in hosts):
        raise MisdirectedRequest(
            "The console is not reached by this name: add it to admin.hosts, or use the address"
        )
    return host


def require_own_page(fields: Fields, host: str, *, method: str) -> None:
    """Raises `OriginRefused` where the request may be that of another page."""
    if not any(
        cookie_is_credential(fields, method=method, scheme=scheme, host=host, origins=())
        for scheme in SCHEMES
    ):
        raise OriginRefused("Another page sent this: open the console by itself")


def _is_address(name: str) -> bool:
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
