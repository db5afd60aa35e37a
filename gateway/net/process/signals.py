"""Signals that no handler of ours is to hear any more."""

import signal
import sys
from collections.abc import Mapping


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
