"""Several processes at one listener: whoever holds the fewest connections takes the next.

A connection wakes them all, and the first to be there would take it, and those behind it: of 64,
one of two had 63 (measured), and the other's core was idle. So whoever holds more than another
leaves it to that one for a moment. What is still there then is taken, and what comes next as well:
a process that hangs, or has just ended, keeps nobody waiting for longer. Each says at once when a
connection of its has ended: one that sleeps hears of no other (of 16 connections that came after
128 had gone, one of two took all but one, measured).
"""

import asyncio
import logging
import mmap
import socket
from collections.abc import Callable
from typing import Final

from gateway.net.process.memory import Crowd

LOG = logging.getLogger("gateway.server")

ABSENT: Final = 2**32 - 1  # in place of a number of connections
LOOK: Final = 0.001  # seconds, until a look whether another has taken it
MOMENT: Final = 0.01  # seconds, in which a loop that is at work comes round
ALONE: Final = 0.005  # seconds without leaving any, after one that was left in vain
PAUSE: Final = 1.0  # seconds, after a connection that could not be accepted: as asyncio's


class Shares:
    """How many connections each process holds; made before they fork, and seen by all of them."""

    def __init__(self, count: int) -> None:
        self._held = memoryview(mmap.mmap(-1, 4 * count)).cast("I")
        for index in range(count):
            self.leave(index)

    def leave(self, index: int) -> None:
        """A process has ended."""
        self._held[index] = ABSENT

    def of(self, index: int) -> "Share":
        return Share(self._held, index)


class Share:
    """What one process holds, beside the others."""

    def __init__(self, held: memoryview, index: int) -> None:
        self._held = held
        self._index = index

    def hold(self, count: int) -> None:
        """Let the others see how many these are now."""
        self._held[self._index] = count

    @property
    def is_least(self) -> bool:
        """Whether no other has fewer, or not many fewer."""
        fewest = min(self._held)
        return self._held[self._index] <= fewest + fewest // 16


class Counted(Crowd):
    """Connections; `tell` is called when one has ended."""

    def __init__(self, tell: Callable[[], None]) -> None:
        super().__init__()
        self._tell = tell

    def discard(self, connection: object) -> None:
        super().discard(connection)
        self._tell()


class Turns:
    """Accepts at a listener; `held` is how many connections there are of it by now."""

    def __init__(
        self,
        listener: socket.socket,
        make: Callable[[], asyncio.Protocol],
        share: Share,
        held: Callable[[], int],
    ) -> None:
        self._listener = listener
        self._make = make
        self._share = share
        self._held = held
        self._loop = asyncio.get_running_loop()
        self._later: asyncio.TimerHandle | None = None
        self._in_vain = float("-inf")  # when last it was left to one that did not take it
        self._coming: set[asyncio.Task[None]] = set()
        listener.setblocking(False)
        self._listen()

    def tell(self) -> None:
        """Let the others see how many there are."""
        self._share.hold(self._held() + len(self._coming))

    def close(self) -> None:
        """Accept no more. What was accepted stays."""
        self._loop.remove_reader(self._listener.fileno())
        if self._later is not None:
            self._later.cancel()

    def _listen(self) -> None:
        self._loop.add_reader(self._listener.fileno(), self._ready)

    def _ready(self) -> None:
        now = self._loop.time()
        if self._is_turn() or now < self._in_vain + ALONE:
            self._accept()
        else:
            self._loop.remove_reader(self._listener.fileno())
            self._leave(now + MOMENT)

    def _leave(self, until: float) -> None:
        """Leave it to another, until then at most."""
        is_turn, now = self._is_turn(), self._loop.time()
        if not is_turn and now < until:
            self._later = self._loop.call_later(LOOK, self._leave, until)
            return
        self._listen()
        if self._accept() and not is_turn:
            self._in_vain = now

    def _is_turn(self) -> bool:
        self.tell()
        return self._share.is_least

    def _accept(self) -> bool:
        """Whether one was there."""
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return False  # another has it, or it is gone
        except OSError as error:  # no descriptor is left, most likely
            LOG.error("cannot accept a connection: %s", error.strerror)
            self._loop.remove_reader(self._listener.fileno())
            self._later = self._loop.call_later(PAUSE, self._listen)
            return False
        connection.setblocking(False)
        taking = self._loop.create_task(self._take(connection))
        self._coming.add(taking)
        taking.add_done_callback(self._coming.discard)
        self.tell()
        return True

    async def _take(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._make, connection)
        except OSError:  # it is gone by now
            connection.close()
