"""Lines for a file, standard output or standard error, written by a thread of their own.

Whoever tells them never waits: a pipe that nobody reads, or a full disk, costs lines and no time.
They are counted in `dropped`, and said with the first lines that can be written again. A file is
opened anew each time there is something to write, so that it may be moved away.
"""

import os
import queue
import select
import threading
from collections.abc import Callable
from pathlib import Path

STDOUT = "stdout"
STDERR = "stderr"
MOST_WAITING = 10_000
REST = 0.05  # seconds between two writes: to wake a thread for each line costs more than the line
_DESCRIPTORS = {STDOUT: 1, STDERR: 2}  # sys.stdout has a lock, which a stuck thread would keep


class Lines:
    """A place for lines: `STDOUT`, `STDERR`, or a path.

    `missing` makes the line that says how many there was no room for; None: it is not said.
    """

    def __init__(self, target: str, *, missing: Callable[[int], bytes] | None = None) -> None:
        self._descriptor = _DESCRIPTORS.get(target)
        self._path = Path(target)
        self._missing = missing
        # In C, and with no lock that whoever tells a line could wait for.
        self._waiting: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._closing = threading.Event()
        self._no_room = self._unwritten = self._said = 0  # of each, one thread is the writer
        threading.Thread(target=self._write_all, name="lines", daemon=True).start()

    @property
    def dropped(self) -> int:
        """Lines that were lost."""
        return self._no_room + self._unwritten

    def add(self, line: bytes) -> None:
        """Take one line, without its end."""
        if self._waiting.qsize() < MOST_WAITING:
            self._waiting.put(line)
        else:
            self._no_room += 1

    def close(self, within: float = 1.0) -> None:
        """Write what there is, for so many seconds at most."""
        self._closing.set()
        self._waiting.put(None)
        self._ended.wait(within)

    def _write_all(self) -> None:
        while True:
            lines = [self._waiting.get()]
            while not self._waiting.empty() and lines[-1] is not None:
                lines.append(self._waiting.get())
            self._write([line for line in lines if line is not None])
            if lines[-1] is None:
                self._ended.set()
                return
            self._closing.wait(REST)

    def _write(self, lines: list[bytes]) -> None:
        dropped, said = self.dropped, []
        if self._missing is not None and dropped > self._said:
            said.append(self._missing(dropped - self._said))
        content = b"".join(line + b"\n" for line in (*lines, *said))
        try:
            if self._descriptor is None:
                with self._path.open("ab") as file:
                    file.write(content)
            else:
                _write_whole(self._descriptor, content)
        except OSError:
            self._unwritten += len(lines)
        else:
            self._said = dropped


def _write_whole(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except BlockingIOError:  # somebody who has the descriptor too has made it non-blocking
            select.select((), (descriptor,), ())
