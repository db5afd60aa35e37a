"""Ports for what is started later, or away for a while: meanwhile they are given to nobody else."""

import socket


def free_port() -> int:
    """A port at which nothing listens until somebody names it; ours until this process ends.

    Bound and not listened at, it refuses who connects, and the kernel gives it to nobody who asks
    for any port or who connects elsewhere: tests run beside these, and hundreds of them do both.
    Who names it may listen, as all servers ask for SO_REUSEADDR or SO_REUSEPORT.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(("127.0.0.1", 0))
        port: int = holder.getsockname()[1]
        holder.detach()  # it stays open
        return port
