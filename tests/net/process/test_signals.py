"""Signals that come before their handler is there, and while it is let go of."""

import signal
import subprocess
import sys

from gateway.net.process import signals

FLOOD = """
import os
import signal
import sys

from gateway.net.process import signals

parent = os.getpid()
signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the flood may begin before anything else happens
flood = os.fork()
if not flood:
    while os.getppid() == parent:
        os.kill(parent, signal.SIGTERM)
    os._exit(0)
for _ in range(100_000):  # without the precaution about one of 25,000 is told of
    signal.signal(signal.SIGTERM, lambda *_: None)
    signals.leave({signal.SIGTERM: signal.SIG_IGN})
    assert sys.unraisablehook is sys.__unraisablehook__
os.kill(flood, signal.SIGKILL)
os.waitpid(flood, 0)
"""


def test_signals_in_the_moment_they_are_left_to_the_system_are_not_told_of() -> None:
    script = [sys.executable, "-c", FLOOD]
    ended = subprocess.run(script, capture_output=True, text=True, timeout=110, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_one_that_is_held_waits_for_who_takes_it() -> None:
    before = signal.getsignal(signal.SIGHUP)
    try:
        signals.hold(signal.SIGHUP)
        signals.hold(signal.SIGHUP)
        assert not signals.take(signal.SIGHUP, lambda *_: None)
        signals.hold(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)
        signals.hold(signal.SIGHUP)
        heard: list[int] = []
        assert signals.take(signal.SIGHUP, lambda number, _: heard.append(number))
        assert heard == []
        signal.raise_signal(signal.SIGHUP)
        assert heard == [signal.SIGHUP]
    finally:
        signal.signal(signal.SIGHUP, before)
