"""A socket to an upstream: by the quickest of its addresses (RFC 8305), or through an egress proxy.

Through a proxy by CONNECT (RFC 9110 section 9.3.6), and only TLS goes through it: the proxy learns
the name and the port, and neither the key nor a word of what is said. No proxy of the environment
is asked, only the one that is configured.
"""

import asyncio
import base64
import re
import socket
from dataclasses import dataclass, field
from typing import Final

from gateway.core.errors import UpstreamUnreachable
from gateway.system.resolver import addresses, quickest

MAX_HEAD: Final = 16_384  # bytes of a proxy's answer

_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: |\r\n)")


@dataclass(frozen=True, slots=True)
class EgressProxy:
    """An HTTP proxy that is reached without TLS; `credentials` are `user:password`, or empty."""

    host: str
    port: int
    credentials: str = field(default="", repr=False)


async def reach(host: str, port: int, through: EgressProxy | None) -> socket.socket:
    """A socket that is connected; whoever gets it closes it.

    Raises:
        OSError, UnicodeError: the host, or the proxy, was not reached.
        UpstreamUnreachable: the proxy does not let us through.
    """
    # Asked for every connection: a name may mean another address by now.
    if through is None:
        return await quickest(await addresses(host, port))
    connected = await quickest(await addresses(through.host, through.port))
    try:
        await _tunnel(connected, host, port, through)
    except BaseException:
        connected.close()
        raise
    return connected


async def _tunnel(connected: socket.socket, host: str, port: int, through: EgressProxy) -> None:
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
    if through.credentials:
        told = base64.b64encode(through.credentials.encode()).decode("ascii")
        lines.append(f"Proxy-Authorization: Basic {told}")
    head = "\r\n".join([*lines, "", ""]).encode("ascii")
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(connected, head)
    answer = b""
    while b"\r\n\r\n" not in answer:
        more = await loop.sock_recv(connected, MAX_HEAD)
        if not more or len(answer) + len(more) > MAX_HEAD:
            raise UpstreamUnreachable(proxy_error="connection_terminated")
        answer += more
    status = _STATUS.match(answer)
    if status is None or not status[1].startswith(b"2"):
        raise UpstreamUnreachable(proxy_error="proxy_configuration_error")
    if not answer.endswith(b"\r\n\r\n"):  # in TLS the upstream speaks second: that is not it
        raise UpstreamUnreachable(proxy_error="connection_terminated")
