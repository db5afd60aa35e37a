"""What people put between their users and a vendor, each as one process on one core.

A peer is a context manager that starts its process before the vendor at a port, and gives a `Peer`.
"""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 180.0  # seconds for a start on a busy machine
PATH = "/api/v2/agents/agent_1/chat"


@dataclass(frozen=True, slots=True)
class Peer:
    """A process that listens. `lacks`: what it does not do of what the gateway does."""

    name: str
    port: int
    pid: int
    path: str = PATH
    lacks: str = ""
    slow: bool = False  # a tenth of the load will do
    streams: bool = True
    admin: int = 0  # the port for operators, of a gateway
    direct: int = 0  # where its vendor is reached without it, if not at the scene's own port


@contextmanager
def running(command: list[str], port: int, log: Path) -> Iterator[int]:
    """The process id, once it listens at the port; killed at the end."""
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, cwd=log.parent)
    try:
        end = time.monotonic() + PATIENCE
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"{command[0]} did not start: {log.read_text()[-2000:]}")
            time.sleep(0.01)
        yield process.pid
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
