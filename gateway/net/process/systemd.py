"""What systemd is told of a service of `Type=notify` (sd_notify(3)): when it serves, when it ends.

Until it serves systemd keeps back what else is to happen, a reload too: a SIGHUP in the first tenth
of a second, before any code of ours has run, ends a process.
"""

import os
import socket
from contextlib import suppress
from typing import Final

READY: Final = b"READY=1"
STOPPING: Final = b"STOPPING=1"


def tell(word: bytes) -> None:
    """Say it, where somebody listens. Never raises: it is nothing that serving depends on."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    if address.startswith("@"):  # in the abstract namespace, unix(7)
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.setblocking(False)
        line.sendto(word, address)
