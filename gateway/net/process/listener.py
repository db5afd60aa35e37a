"""Sockets that listen: made here, or handed over by whoever started us."""

import socket

BACKLOG = 2048  # connections the kernel keeps while the loop is busy; it may cap this


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at this address; an IPv6 one may stand in brackets.

    Raises:
        OSError: the address cannot be listened at.
    """
    host = host.removeprefix("[").removesuffix("]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return sends_at_once(socket.create_server((host, port), family=family, backlog=BACKLOG))


def inherited(fd: int) -> socket.socket:
    """The socket behind a descriptor, which listens already: of TCP, or a Unix one."""
    return sends_at_once(socket.socket(fileno=fd))


def url_of(listener: socket.socket) -> str:
    """What one types to reach it from this machine."""
    name = listener.getsockname()
    if listener.family == socket.AF_INET6:
        return f"http://[{name[0]}]:{name[1]}"
    return f"http://{name[0]}:{name[1]}" if listener.family == socket.AF_INET else f"unix:{name}"


def sends_at_once(listener: socket.socket) -> socket.socket:
    """Have the connections that are accepted here send without delay; the same socket.

    asyncio sees to that where a socket names its protocol, and one of `create_server` does not: so
    without uvloop an answer in two writes would wait 40 ms for the client's delayed ACK.
    """
    if listener.family in {socket.AF_INET, socket.AF_INET6}:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
