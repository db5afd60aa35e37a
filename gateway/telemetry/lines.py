"""Lines for a file or for standard output, written by a thread of their own.

Whoever tells them never waits: a pipe that nobody reads, or a full disk, costs lines and no time.
They are counted in `dropped`. A file is opened anew each time there is something to write, so that
it may be moved away.
"""

import queue
import sys
import threading
from pathlib import Path

STDOUT = "stdout"
MOST_WAITING = 10_000


class Lines:
    """A place for lines: `STDOUT`, or a path."""

    def __init__(self, target: str) -> None:
        self._path = None if target == STDOUT else Path(target)
        self._waiting: queue.Queue[bytes | None] = queue.Queue(MOST_WAITING)
        self.dropped = 0
        threading.Thread(target=self._write_all, name="lines", daemon=True).start()

    def add(self, line: bytes) -> None:
        """Take one line, without its end."""
        try:
            self._waiting.put_nowait(line)
        except queue.Full:
            self.dropped += 1

    def close(self, within: float = 1.0) -> None:
        """Write what there is, for so many seconds at most."""
        ended = threading.Event()
        self._ended = ended
        try:
            self._waiting.put(None, timeout=within)
        except queue.Full:
            return
        ended.wait(within)

    def _write_all(self) -> None:
        while True:
            lines = [self._waiting.get()]
            while not self._waiting.empty() and lines[-1] is not None:
                lines.append(self._waiting.get())
            self._write([line for line in lines if line is not None])
            if lines[-1] is None:
                self._ended.set()
                return

    def _write(self, lines: list[bytes]) -> None:
        content = b"".join(line + b"\n" for line in lines)
        try:
            if self._path is None:
                sys.stdout.buffer.write(content)
                sys.stdout.buffer.flush()
            else:
                with self._path.open("ab") as file:
                    file.write(content)
        except (OSError, ValueError):  # ValueError: standard output is closed
            self.dropped += len(lines)
