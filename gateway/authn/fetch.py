"""One request to whoever can say who somebody is: bounded in size, to where the configuration says
and nowhere else.

A client of its own each time: no cookie, no pooled connection and nothing else is left over from
one question to the next, so that no answer can be taken for another's; 1 ms of CPU (measured) is
spent once an hour on keys, and once in a cache's time on a credential. Proxies named in the
environment are not used, redirects are not followed, no content coding is taken.
"""

import ipaddress
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import SplitResult, urlsplit

import httpcore
import httpx

from gateway.authn.connecting import Connecting
from gateway.system.trust import without_formalities

MAX_BYTES = 512 * 1024
_PLAIN = re.compile(r"[!-\[\]-~]+")  # what no parser trims or takes for a slash
_NO_ANSWER = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException)
_HEADERS = {
    "accept": "application/json",
    "accept-encoding": "identity",
    "connection": "close",  # each is for one question
    "user-agent": "gateway",
}


class FetchFailed(Exception):
    """There is no usable answer. The text is for the operator's log, and quotes none of it."""


class Unreachable(FetchFailed):
    """There is no answer at all."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; of one that is no 200, the status is all that is read."""

    status: int
    media_type: str | None
    content: bytes = field(repr=False)


def check_url(url: str) -> str:
    """Whether keys may be fetched from here: over TLS, or from this very machine.

    Raises:
        ValueError: neither, or no URL.
    """
    try:
        parts = urlsplit(url)
        secure = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts))
        plain = parts.username is None and parts.port != 0  # no password without a username
    except ValueError:
        secure = plain = False
    if not secure or not plain or not parts.hostname or not _PLAIN.fullmatch(url):
        raise ValueError("must be an https URL; http is for this machine's own addresses")
    return url


def _is_loopback(parts: SplitResult) -> bool:
    if parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


@cache
def _tls() -> ssl.SSLContext:
    """Reading the certificates takes 20 ms. SSL_CERT_FILE is honoured: that is no proxy."""
    return without_formalities(httpx.create_ssl_context())


async def get(url: str, *, tls: ssl.SSLContext | None = None) -> bytes:
    """The body of a 200. How long it may take is the caller's to say.

    Raises:
        FetchFailed: anything else.
    """
    reply = await send("GET", url, tls=tls)
    if reply.status != 200:
        raise FetchFailed(f"status {reply.status}")
    return reply.content


async def send(
    method: str,
    url: str,
    *,
    fields: Mapping[str, str] | None = None,
    content: bytes | None = None,
    tls: ssl.SSLContext | None = None,
) -> Reply:
    """The answer to one request. How long it may take is the caller's to say.

    Raises:
        FetchFailed: there is none, or one that cannot be read.
    """
    try:
        return await _send(method, url, {**_HEADERS, **(fields or {})}, content, tls)
    except (*_NO_ANSWER, httpx.InvalidURL, OSError) as error:
        raise Unreachable(f"the connection failed ({type(error).__name__})") from error


async def _send(
    method: str,
    url: str,
    fields: Mapping[str, str],
    content: bytes | None,
    tls: ssl.SSLContext | None,
) -> Reply:
    meant = httpx.URL(url)
    there = httpcore.URL(
        scheme=meant.raw_scheme, host=meant.raw_host, port=meant.port, target=meant.raw_path
    )
    headers = [(name.encode("ascii"), value.encode("ascii")) for name, value in fields.items()]
    headers.append((b"host", meant.netloc))  # httpcore's own lacks the brackets of an IPv6 address
    trusted = (tls or _tls()) if meant.scheme == "https" else None
    async with (
        httpcore.AsyncConnectionPool(trusted, network_backend=Connecting()) as pool,
        pool.stream(method, there, headers=headers, content=content) as answer,
    ):
        media_type = _of_all(answer, b"content-type")
        if answer.status != 200:
            return Reply(answer.status, media_type, b"")
        if _of_all(answer, b"content-encoding") not in {None, "identity"}:
            raise FetchFailed("an answer in a content coding that was not asked for")
        read = bytearray()
        async for chunk in answer.aiter_stream():
            read += chunk
            if len(read) > MAX_BYTES:
                raise FetchFailed(f"more than {MAX_BYTES} bytes")
    return Reply(200, media_type, bytes(read))


def _of_all(answer: httpcore.Response, name: bytes) -> str | None:
    """The values of a field, as though they stood on one line (RFC 9110 section 5.3)."""
    values = [value.decode("latin-1") for known, value in answer.headers if known.lower() == name]
    return ", ".join(values) if values else None
