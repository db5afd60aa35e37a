"""Signals before anybody can do what they ask for, and after nobody is to hear them any more."""

import signal
import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any


class _Held:
    """Notes that a signal came, and does nothing."""

    came = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.came = True


def hold(number: int) -> None:
    """Let a signal wait for `take`: at first the system would end the process for SIGHUP."""
    if not isinstance(signal.getsignal(number), _Held):
        signal.signal(number, _Held())


def take(number: int, handler: Callable[[int, FrameType | None], Any]) -> bool:
    """Have a signal handled from here on; whether one came while it was held."""
    before = signal.signal(number, handler)
    return isinstance(before, _Held) and before.came


def leave(dispositions: Mapping[int, signal.Handlers]) -> None:
    """The system does this with these signals from here on, and nothing is heard of them.

    One that comes while this is done has been noted and then finds no handler. CPython writes a
    traceback for it ("ignored due to race condition", `PyErr_CheckSignals`), which would be the
    last thing an operator sees of a process that ended as it was told to.
    """
    hook, sys.unraisablehook = sys.unraisablehook, _say_nothing
    try:
        for number, disposition in dispositions.items():
            signal.signal(number, disposition)
        signal.pthread_sigmask(signal.SIG_BLOCK, ())  # those that were noted are looked at here
    finally:
        sys.unraisablehook = hook


def _say_nothing(_: object) -> None:
    return
