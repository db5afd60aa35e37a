"""`proxy = "http://user:password@egress:3128"`: the one way out that a network has."""

import re
from urllib.parse import unquote

from gateway.config.urls import url
from gateway.net.upstream.reach import EgressProxy

PORT = 3128  # squid's
_CREDENTIALS = re.compile(r"[\x21-\x39\x3b-\x7e]+(?::[\x21-\x7e]*)?")  # as URLs write them


def egress(written: str) -> EgressProxy:
    """Read a proxy's URL.

    Raises:
        ValueError: it is none, in words that do not quote it.
    """
    scheme, mark, rest = written.partition("://")
    credentials, at, place = rest.rpartition("@")
    found = url(f"{scheme}{mark}{place}")
    if found.scheme != "http":
        raise ValueError("must begin with http://: what goes through it is encrypted all the same")
    if found.path not in {"", "/"} or found.query:
        raise ValueError("must have no path")
    if (at and not _CREDENTIALS.fullmatch(credentials)) or not unquote(credentials).isprintable():
        raise ValueError('must have credentials as "user:password@", percent-encoded')
    return EgressProxy(found.host, found.port or PORT, unquote(credentials))
