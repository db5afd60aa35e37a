import asyncio
import time

import pytest

from gateway.store import sums
from gateway.store.sums import FIRST, Sums

pytestmark = pytest.mark.anyio


class Told(list[tuple[str, int]]):
    def __call__(self, item: str, times: int) -> None:
        self.append((item, times))


def add(to: Sums[str], item: str) -> None:
    to.add(item[0], item, beyond=("*", "somebody"))


async def test_the_first_are_told_and_the_rest_is_summed() -> None:
    told = Told()
    counted = Sums(told)
    for number in range(FIRST + 5):
        add(counted, f"a{number}")
    add(counted, "b")
    assert told == [*((f"a{number}", 1) for number in range(FIRST)), ("b", 1)]
    counted.close()
    assert told[-1] == (f"a{FIRST + 4}", 5)
    counted.close()
    assert len(told) == FIRST + 2


async def test_a_window_ends_by_itself_and_the_next_one_begins_anew() -> None:
    told = Told()
    counted = Sums(told, window=0.05)
    for _ in range(FIRST + 3):
        add(counted, "a")
    end = time.monotonic() + 10
    while told[-1] != ("a", 3):
        assert time.monotonic() < end
        await asyncio.sleep(0.01)
    add(counted, "a")
    assert told[-1] == ("a", 1)
    counted.close()


async def test_too_many_keys_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sums, "MOST_KEYS", 2)
    told = Told()
    counted = Sums(told)
    for item in ("a", "b", "c", "d"):
        add(counted, item)
    assert told == [("a", 1), ("b", 1), ("somebody", 1), ("somebody", 1)]
    counted.close()
