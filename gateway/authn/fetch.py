"""One GET to an issuer: bounded in size, to where the configuration says and nowhere else.

A client of its own each time: no cookie, no pooled connection and nothing else is left over from
one issuer to the next, and what happens once an hour need not be fast. Proxies named in the
environment are not used, redirects are not followed, no content coding is taken.
"""

import ipaddress
import re
import ssl
from functools import cache
from urllib.parse import SplitResult, urlsplit

import httpx

MAX_BYTES = 512 * 1024
_PLAIN = re.compile(r"[!-\[\]-~]+")  # what no parser trims or takes for a slash
_HEADERS = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "gateway"}


class FetchFailed(Exception):
    """There is no usable answer. The text is for the operator's log, and quotes none of it."""


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
    return httpx.create_ssl_context()


async def get(url: str, *, tls: ssl.SSLContext | None = None) -> bytes:
    """The body of a 200. How long it may take is the caller's to say.

    Raises:
        FetchFailed: anything else.
    """
    try:
        return await _get(url, tls)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise FetchFailed(f"the connection failed ({type(error).__name__})") from error


async def _get(url: str, tls: ssl.SSLContext | None) -> bytes:
    verify = (tls or _tls()) if url.startswith("https:") else False
    async with (
        httpx.AsyncClient(verify=verify, trust_env=False) as client,
        client.stream("GET", url, headers=_HEADERS, follow_redirects=False) as answer,
    ):
        if answer.status_code != 200:
            raise FetchFailed(f"status {answer.status_code}")
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise FetchFailed("an answer in a content coding that was not asked for")
        content = bytearray()
        async for chunk in answer.aiter_raw():
            content += chunk
            if len(content) > MAX_BYTES:
                raise FetchFailed(f"more than {MAX_BYTES} bytes")
    return bytes(content)
