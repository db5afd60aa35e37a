"""Several processes at one socket: forked, kept at their number, and told what to do.

Who has the socket is the parent; a worker that ends leaves no connection behind that nobody takes.
The parent does nothing else, so that nothing but the machine can end it:

1. A worker that ends by itself is followed by another, after a pause where it did not live long.
   One that cannot even start, before any has, ends all: the log says why.
2. SIGTERM and SIGINT: all drain, a second one hurries them, and the parent ends with the last. One
   that hangs, or is stopped, is killed once its time is up.
3. SIGHUP: all reload.

Workers take no signals themselves: a terminal and systemd send theirs to each process, and twice
would be to hurry. They hear on a pipe, whose end means that the parent is gone: then they drain.
"""

import asyncio
import logging
import math
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from gateway.net.process import signals, systemd
from gateway.net.process.turns import Share, Shares

LOG = logging.getLogger("gateway.server")

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
ENDED: Final[dict[int, signal.Handlers]] = {
    **dict.fromkeys(SIGNALS, signal.SIG_IGN),
    signal.SIGCHLD: signal.SIG_DFL,
}
STOP: Final = b"s"
RELOAD: Final = b"r"
STARTED: Final = b"k"
PAUSE: Final = 1.0  # seconds between two attempts of one that does not live that long
SLACK: Final = 15.0  # seconds beside the drain: for last words, and what is yet to be written
FAILED: Final = 1


class Control:
    """A worker's end of the pipe; `share` is what it holds of all connections."""

    def __init__(self, pipe: socket.socket, share: Share) -> None:
        self._pipe = pipe
        self.share = share

    def started(self) -> None:
        """Tell the parent that requests are served."""
        with suppress(OSError):  # it is gone, and the end of the pipe says so
            self._pipe.send(STARTED)

    def listen(self, on_stop: Callable[[], None], on_reload: Callable[[], None]) -> None:
        """Have what the parent says done, in the running loop."""
        loop = asyncio.get_running_loop()
        self._pipe.setblocking(False)

        def hear() -> None:
            try:
                said = self._pipe.recv(64)
            except OSError:  # reset: the parent ended before it read all that we said
                said = b""
            if not said:
                loop.remove_reader(self._pipe)
                on_stop()
            for number in range(len(said)):
                (on_reload if said[number : number + 1] == RELOAD else on_stop)()

        loop.add_reader(self._pipe, hear)


@dataclass(slots=True, eq=False)
class _Worker:
    pid: int
    index: int  # below the number of all
    pipe: socket.socket
    born: float
    has_started: bool = False


class Workers:
    """Keeps `count` processes that do `work`, which returns an exit code.

    `drain` is how long, in seconds, they may take to end beside `SLACK`. `on_hangup` is called
    before the workers are told to reload, `on_end` with the id of each that has ended. The process
    must have no thread and no loop.
    """

    def __init__(
        self,
        count: int,
        work: Callable[[Control], int],
        *,
        drain: float,
        on_hangup: Callable[[], None] = lambda: None,
        on_end: Callable[[int], None] = lambda pid: None,
    ) -> None:
        self._count = count
        self._work = work
        self._on_hangup = on_hangup
        self._on_end = on_end
        self._workers: dict[int, _Worker] = {}
        self._shares = Shares(count)
        self._due: list[float] = []  # when those that are missing are made
        self._any_has_started = False
        self._drain = drain
        self._stopping = False
        self._ends_at = math.inf  # by the clock that is monotonic
        self._code = 0

    def run(self) -> int:
        """Until told to stop. The exit code: 0, or that of one which could not start."""
        self._selector = selectors.DefaultSelector()
        self._woken, self._wakes = socket.socketpair()
        for end in (self._woken, self._wakes):
            end.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        signal.set_wakeup_fd(self._wakes.fileno(), warn_on_full_buffer=False)
        for number in SIGNALS:
            if signals.take(number, _noted):
                self._wakes.send(bytes([number]))
        self._due = [time.monotonic()] * self._count
        while self._workers or (self._due and not self._stopping):
            self._make_due()
            self._wait()
        signals.leave(ENDED)  # it ends, and with its own exit code
        return self._code

    @property
    def _may_make(self) -> bool:
        """Not while all end. The first starts alone: it may have a store to make."""
        return not self._stopping and (self._any_has_started or not self._workers)

    def _make_due(self) -> None:
        now = time.monotonic()
        while self._may_make and self._due and self._due[0] <= now:
            self._due.pop(0)
            try:
                self._make()
            except OSError as error:  # no descriptor, process or memory is left
                LOG.error("a worker cannot be made: %s", error.strerror)
                self._lacks_one(FAILED, due=now + PAUSE)

    def _wait(self) -> None:
        next_at = self._ends_at
        if self._due and self._may_make:
            next_at = min(next_at, self._due[0])
        timeout = None if next_at == math.inf else max(next_at - time.monotonic(), 0)
        for key, _ in self._selector.select(timeout):
            if key.fileobj is self._woken:
                for number in self._woken.recv(64):
                    self._hear(number)
            else:
                self._hear_worker(key.data)
        self._reap()
        if time.monotonic() >= self._ends_at:
            self._kill()

    def _hear(self, number: int) -> None:
        if number == signal.SIGHUP:
            self._on_hangup()
            self._tell(RELOAD)
        elif number in {signal.SIGTERM, signal.SIGINT}:
            self._stop()

    def _stop(self) -> None:
        patience = SLACK if self._stopping else self._drain + SLACK
        self._ends_at = min(self._ends_at, time.monotonic() + patience)
        self._stopping = True
        systemd.tell(systemd.STOPPING)
        self._tell(STOP)

    def _kill(self) -> None:
        self._ends_at = math.inf
        for pid in self._workers:
            LOG.error("worker %d does not end: it is killed", pid)
            os.kill(pid, signal.SIGKILL)

    def _tell(self, word: bytes) -> None:
        for worker in self._workers.values():
            with suppress(OSError):  # it has just ended
                worker.pipe.send(word)

    def _hear_worker(self, worker: _Worker) -> None:
        with suppress(OSError):
            if worker.pipe.recv(64):
                if not self._any_has_started:
                    systemd.tell(systemd.READY)
                worker.has_started = self._any_has_started = True
                return
        self._selector.unregister(worker.pipe)  # it ends

    def _reap(self) -> None:
        while self._workers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            worker = self._workers.pop(pid, None)
            if worker is not None:
                self._ended(worker, os.waitstatus_to_exitcode(status))

    def _ended(self, worker: _Worker, code: int) -> None:
        with suppress(KeyError):
            self._selector.unregister(worker.pipe)
        worker.pipe.close()
        self._shares.leave(worker.index)
        self._on_end(worker.pid)
        if self._stopping:
            return
        if self._any_has_started:
            how = f"by signal {-code}" if code < 0 else f"with code {code}"
            LOG.error("worker %d has ended %s: another takes its place", worker.pid, how)
        now = time.monotonic()
        lived = worker.has_started and now - worker.born > PAUSE
        self._lacks_one(code, due=now if lived else now + PAUSE)

    def _lacks_one(self, code: int, *, due: float) -> None:
        """Make another then; where none has ever started, end with this code instead."""
        if self._any_has_started:
            self._due = sorted([*self._due, due])
        else:
            self._code = code if code > 0 else FAILED
            self._stop()

    def _make(self) -> None:
        own, its = socket.socketpair()
        index = min(set(range(self._count)) - {one.index for one in self._workers.values()})
        try:
            pid = os.fork()
        except OSError:
            own.close()
            its.close()
            raise
        if not pid:
            own.close()
            self._become(Control(its, self._shares.of(index)))  # does not return
        its.close()
        own.setblocking(False)
        worker = self._workers[pid] = _Worker(pid, index, own, time.monotonic())
        self._selector.register(own, selectors.EVENT_READ, worker)

    def _become(self, control: Control) -> None:
        """Be a worker, in a new process, that has nothing of the parent's open."""
        code = FAILED
        try:
            signal.set_wakeup_fd(-1)
            signals.leave(ENDED)
            self._selector.close()
            for end in (self._woken, self._wakes, *(one.pipe for one in self._workers.values())):
                end.close()
            code = self._work(control)
        except BaseException:  # noqa: BLE001 - nothing of the parent's may run here
            traceback.print_exc()
        finally:
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError):
                    stream.flush()
            os._exit(code)


def _noted(number: int, frame: object) -> None:
    """The wakeup descriptor has it; this only keeps the signal from doing what it does else."""
