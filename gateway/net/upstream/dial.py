"""Where an upstream stands, and how a connection to it is made: verified, or not at all.

No plaintext in place of TLS. What the network says becomes an error of
ours here, with its Proxy-Status type (RFC 9209 section 2.3).
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, Self, TypeVar, cast

from gateway.core.errors import UpstreamTimeout, UpstreamUnreachable
from gateway.net.upstream.clocks import Clocks
from gateway.net.upstream.connection import Connection
from gateway.net.upstream.reach import EgressProxy, reach
from gateway.system.resolver import addresses, quickest
from gateway.system.trust import without_formalities

_ORIGIN = re.compile(
    r"(https?)://([a-z0-9_][a-z0-9._-]*|\[[0-9a-f:.]+\])(?::([1-9][0-9]{0,4}))?", re.IGNORECASE
)
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port of an upstream (RFC 6454 section 4)."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, written: str) -> Self:
        """Read `https://host[:port]`.

        Raises:
            ValueError: it is something else, or more than that.
        """
        found = _ORIGIN.fullmatch(written)
        if found is None:
            raise ValueError("an origin is written https://host[:port]")
        scheme, host = found[1].lower(), found[2].lower().strip("[]")
        port = int(found[3] or _PORTS[scheme])
        if port > 65_535:
            raise ValueError("there is no such port")
        return cls(scheme, host, port)

    @property
    def authority(self) -> str:
        """What Host says: the port where it is not the scheme's own (RFC 9110 section 4.2.3)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


class Dialled(Protocol):
    """An asyncio protocol, as whoever makes the connection sees it."""

    @property
    def closed(self) -> bool: ...
    def abort(self) -> None: ...


D = TypeVar("D", bound=Dialled)


@lru_cache(maxsize=2)
def verifying_context(protocol: str = "http/1.1") -> ssl.SSLContext:
    """TLS 1.2 or later against the system's authorities. One for all: loading them takes 10 ms."""
    context = without_formalities(ssl.create_default_context())
    context.set_alpn_protocols([protocol])
    return context


@dataclass(frozen=True, slots=True)
class Dialer:
    """Makes connections to one origin. `context` is None for plain HTTP."""

    origin: Origin
    context: ssl.SSLContext | None
    clocks: Clocks
    through: EgressProxy | None = None

    async def __call__(self, on_lost: Callable[[Connection], None]) -> Connection:
        """A connection that is open. Raises as `make` does."""
        return await self.make(lambda: Connection(self.clocks, on_lost), _at_once)

    async def make(self, build: Callable[[], D], ready: Callable[[D], Awaitable[None]]) -> D:
        """A connection of the kind `build` builds, once `ready` says that it is.

        Raises:
            UpstreamTimeout: it took longer than `clocks.connect`.
            UpstreamUnreachable: it was refused, the name is unknown, or TLS failed.
        """
        try:
            async with asyncio.timeout(self.clocks.connect):
                connection = await self._connect(build, ready)
        except TimeoutError as error:
            raise UpstreamTimeout(proxy_error="connection_timeout") from error
        except (OSError, UnicodeError) as error:  # UnicodeError: a label of more than 63 letters
            raise UpstreamUnreachable(proxy_error=proxy_error_of(error)) from error
        if connection.closed:
            raise UpstreamUnreachable(proxy_error="connection_terminated")
        return connection

    async def _connect(self, build: Callable[[], D], ready: Callable[[D], Awaitable[None]]) -> D:
        if self.context is None and self.through is None:
            found = await addresses(self.origin.host, self.origin.port)
            if len(found) == 1 and not any(found[0][4][2:]):  # the scope of a link-local address
                return await self._connect_plainly(found[0][4], build, ready)
            connected = await quickest(found)
        else:
            connected = await reach(self.origin.host, self.origin.port, self.through)
        connection = build()
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: cast("asyncio.Protocol", connection),
                sock=connected,
                ssl=self.context,
                server_hostname=self.origin.host if self.context is not None else None,
            )
            await ready(connection)
        except BaseException:
            # The loop would say goodbye, and wait for the answer to that.
            connection.abort()
            connected.close()
            raise
        return connection

    async def _connect_plainly(
        self,
        address: tuple[Any, ...],
        build: Callable[[], D],
        ready: Callable[[D], Awaitable[None]],
    ) -> D:
        """To the one address there is, by the loop alone, with no socket of Python's: 95 to 40 µs.

        Not for TLS: the loop would say goodbye, and wait for the answer to that.
        """
        connection = build()
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: cast("asyncio.Protocol", connection), *address[:2]
            )
            await ready(connection)
        except BaseException:
            connection.abort()
            raise
        return connection


async def _at_once(connection: Connection) -> None:
    """HTTP/1.1 needs no word before the first request."""


def proxy_error_of(error: Exception) -> str | None:
    """Its Proxy-Status type; None where the class of our error says enough."""
    match error:
        case ssl.SSLCertVerificationError():
            return "tls_certificate_error"
        case ssl.SSLError():
            return "tls_protocol_error"
        case socket.gaierror() | UnicodeError():
            return "dns_error"
        case ConnectionRefusedError():
            return "connection_refused"
        case ConnectionError():
            return "connection_terminated"
    return None
