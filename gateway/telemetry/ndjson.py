"""Events as lines of JSON: in a file, each on the disk before it counts as told, or on stdout."""

import asyncio
import sys

from gateway.core.events.event import Event
from gateway.events.envelope import envelope
from gateway.ports import NotDelivered
from gateway.telemetry.lines import STDOUT
from gateway.telemetry.outside import append

CLOCK = 5.0  # seconds


class LinesOfEvents:
    """A receiver: `STDOUT`, or the path of a file. A file may be moved away at any time.

    One line goes at a time, so that a pipe which nobody reads holds one thread and no more.
    """

    def __init__(self, target: str, *, clock: float = CLOCK) -> None:
        self._path = None if target == STDOUT else target
        self._clock = clock
        self._written = ""  # the id of the event that is being written, or was last
        self._writing: asyncio.Task[None] | None = None

    async def take(self, event: Event) -> None:
        if self._writing is None:
            self._written = event.id
            line = envelope(event) + b"\n"
            self._writing = asyncio.create_task(asyncio.to_thread(self._write, line))
        await asyncio.wait([self._writing], timeout=self._clock)
        if not self._writing.done():
            raise NotDelivered("nobody reads", is_away=True)
        error = self._writing.exception()
        self._writing = None
        if error is not None:
            raise NotDelivered(type(error).__name__, is_away=True) from error
        if self._written != event.id:
            raise NotDelivered("another line was on its way", is_away=True)

    def _write(self, line: bytes) -> None:
        if self._path is None:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
        else:
            append(self._path, line)
