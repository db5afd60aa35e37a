"""Lines for standard error, from a process that must not wait and may have no thread.

What nobody takes at once is lost, and counted: the parent of all workers would else stand still
with whoever reads the log, and make no worker and hear no signal meanwhile.
"""

import os
import socket
import stat
from collections.abc import Callable

_AT_ONCE = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class AtOnce:
    """Lines for a descriptor, which stays as it is: others write to the same, and may wait."""

    def __init__(self, descriptor: int, *, missing: Callable[[int], bytes]) -> None:
        self._missing = missing
        self._said = 0
        self.dropped = 0  # lines
        self._socket: socket.socket | None = None
        kind = os.fstat(descriptor).st_mode
        if stat.S_ISSOCK(kind):  # systemd's journal
            self._socket = socket.socket(fileno=os.dup(descriptor))
        else:
            self._descriptor = os.dup(descriptor) if stat.S_ISREG(kind) else _anew(descriptor)

    def close(self) -> None:
        if self._socket is None:
            os.close(self._descriptor)
        else:
            self._socket.close()

    def add(self, line: bytes) -> None:
        """Write one line, without its end, or lose it."""
        lost, content = self.dropped, line + b"\n"
        if lost > self._said:
            content += self._missing(lost - self._said) + b"\n"
        try:
            if self._socket is None:
                os.write(self._descriptor, content)
            else:
                self._socket.send(content, socket.MSG_DONTWAIT)
        except OSError:
            self.dropped += 1
        else:
            self._said = lost


def _anew(descriptor: int) -> int:
    """The same pipe or terminal, opened anew so that it does not wait: O_NONBLOCK on the descriptor
    itself would hold for all who share it. Where it may not be opened, writing may wait.
    """
    try:
        return os.open(f"/dev/fd/{descriptor}", _AT_ONCE)
    except OSError:
        return os.dup(descriptor)
