import gc
import subprocess
import sys

import pytest

from gateway.net.process.memory import Crowd

SETTLED = """
import gc
from gateway.net.process.memory import settle
settle()
print(gc.get_freeze_count() > 1000, gc.get_threshold())
"""


def test_a_crowd_is_a_set_to_a_server():
    crowd = Crowd()
    for one in "abca":
        crowd.add(one)
    assert (len(crowd), list(crowd), "b" in crowd) == (3, ["a", "b", "c"], True)
    crowd.remove("a")
    crowd.discard("b")
    crowd.discard("b")
    assert (set(crowd), bool(crowd)) == ({"c"}, True)
    with pytest.raises(KeyError):
        crowd.remove("a")


@pytest.mark.parametrize("count", [5_000, 10_000])
def test_a_crowd_takes_less_than_a_set(count: int):
    crowd, as_set = Crowd(), set[int]()
    for one in range(count):
        crowd.add(one)
        as_set.add(one)
    assert sys.getsizeof(crowd) < 0.6 * sys.getsizeof(as_set)


def test_what_is_there_at_the_start_is_not_looked_at_again():
    """In a process of its own: it is not undone."""
    told = subprocess.run(
        [sys.executable, "-c", SETTLED], check=True, capture_output=True, text=True
    )
    assert told.stdout == "True (5000, 5, 1000)\n"
    assert gc.get_threshold() != (5000, 5, 1000)
