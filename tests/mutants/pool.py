"""Forked trials, a few at a time: each has clocks, and tells its verdict and which test gave it."""

import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import IO, TypeVar

T = TypeVar("T")


class Verdict(Enum):
    """What became of a mutant."""

    KILLED = 0
    SURVIVED = 1
    TIMED_OUT = 2
    STILLBORN = 3  # it cannot be read as a module, so that nobody could have overlooked it
    UNTRIED = 4  # it could not be put in place


@dataclass(frozen=True, slots=True)
class Result:
    """A verdict, and the test that failed or at which a clock ran out."""

    verdict: Verdict
    by: str = ""


Tell = Callable[[Verdict, str], None]
Act = Callable[[Tell], None]


def trials(acts: Iterable[tuple[T, Act]], jobs: int) -> Iterator[tuple[T, Result]]:
    """What `acts` told last, each in a process of its own, `jobs` at a time, as they end."""
    running: dict[int, tuple[T, IO[bytes]]] = {}
    for key, act in acts:
        if len(running) == jobs:
            yield _ended(running)
        file = tempfile.TemporaryFile()  # noqa: SIM115  # open until its process has ended
        running[_started(act, file)] = key, file
    while running:
        yield _ended(running)


def _started(act: Act, file: IO[bytes]) -> int:
    def tell(verdict: Verdict, by: str) -> None:
        os.ftruncate(file.fileno(), 0)
        os.pwrite(file.fileno(), json.dumps([verdict.name, by]).encode(), 0)

    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nowhere, standard)
        act(tell)
    finally:
        os._exit(0)  # what the parent has to clean up is not the child's


def _ended(running: dict[int, tuple[T, IO[bytes]]]) -> tuple[T, Result]:
    child, status = os.waitpid(-1, 0)
    key, file = running.pop(child)
    with file:
        file.seek(0)
        name, by = json.loads(file.read() or '["UNTRIED", ""]')
    verdict = Verdict[name]
    if os.WIFSIGNALED(status):
        ours = os.WTERMSIG(status) in {signal.SIGVTALRM, signal.SIGALRM}
        verdict = Verdict.TIMED_OUT if ours else Verdict.KILLED
    return key, Result(verdict, by)


def allow(seconds: float, *, patience: float = 20) -> None:
    """End this process if it needs ten times its own `seconds`, or waits for long.

    The first clock ends a loop, the second a wait: a busy machine must not look like either.
    """
    for timer, ending, allowed in (
        (signal.ITIMER_VIRTUAL, signal.SIGVTALRM, 3 + 10 * seconds),
        (signal.ITIMER_REAL, signal.SIGALRM, patience + 40 * seconds),
    ):
        signal.signal(ending, signal.SIG_DFL)  # ends the process, even within a pattern
        signal.setitimer(timer, allowed)
