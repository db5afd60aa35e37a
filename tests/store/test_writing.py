from gateway.store.writing import STEADY, SURE, Writing
from tests.support.clock import WoundClock


def test_a_store_that_nobody_wrote_to_takes_writes():
    assert Writing(WoundClock()).refuses == ""


def test_failures_of_one_moment_may_be_of_their_own_rows_or_of_a_busy_machine():
    clock = WoundClock()
    writing = Writing(clock)
    for _ in range(3):
        writing.failed("SQLITE_BUSY")
        clock.now += SURE / 2
        writing.failed("SQLITE_BUSY")
        assert (writing.is_in_doubt, writing.fails, writing.refuses) == (True, False, "")
        writing.succeeded()
        assert not writing.is_in_doubt


def test_one_that_failed_refuses_until_it_has_succeeded_for_a_while():
    """A disk that is nearly full takes a small row and refuses the next: that is no flapping."""
    clock = WoundClock()
    writing = Writing(clock)
    writing.failed("SQLITE_FULL")
    clock.now += SURE
    writing.failed("SQLITE_FULL")
    for _ in range(3):
        writing.succeeded()
        assert (writing.fails, writing.refuses) == (False, "SQLITE_FULL")
        clock.now += STEADY - 1
        writing.failed("SQLITE_FULL")
        assert writing.fails
    clock.now += STEADY
    assert writing.refuses == "SQLITE_FULL"  # nothing has been written since
    writing.succeeded()
    assert writing.refuses == ""
