import os
import signal
import time

from tests.mutants.pool import Result, Tell, Verdict, allow, trials


def loops(tell: Tell) -> None:
    tell(Verdict.KILLED, "a test")
    allow(-0.29)
    while True:
        pass


def raises(tell: Tell) -> None:
    tell(Verdict.KILLED, "a test")
    raise SystemExit


def ends(tell: Tell) -> None:
    tell(Verdict.KILLED, "a test")
    tell(Verdict.SURVIVED, "")


def crashes(tell: Tell) -> None:
    tell(Verdict.SURVIVED, "")
    os.kill(os.getpid(), signal.SIGKILL)


def fails(tell: Tell) -> None:
    raise LookupError


def test_each_process_tells_its_own_end() -> None:
    acts = [(act.__name__, act) for act in (loops, raises, ends, crashes, fails)]
    assert dict(trials(acts, 2)) == {
        "loops": Result(Verdict.TIMED_OUT, "a test"),
        "raises": Result(Verdict.KILLED, "a test"),
        "ends": Result(Verdict.SURVIVED),
        "crashes": Result(Verdict.KILLED),
        "fails": Result(Verdict.UNTRIED),
    }


def test_a_wait_has_an_end_too() -> None:
    def waits(tell: Tell) -> None:
        tell(Verdict.KILLED, "a test")
        allow(0, patience=0.1)
        time.sleep(60)

    assert list(trials([(0, waits)], 1)) == [(0, Result(Verdict.TIMED_OUT, "a test"))]
