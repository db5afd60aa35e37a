"""The same thing, many times: the first few are told one by one, the rest as a sum.

So whoever is refused a thousand times a second, a stranger perhaps, cannot fill a disk with it.
"""

import asyncio
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

WINDOW = 60.0  # seconds
FIRST = 10  # of a window, told one by one
MOST_KEYS = 10_000  # what is new beyond them in a window is all one

Item = TypeVar("Item")


@dataclass(slots=True)
class _Count(Generic[Item]):
    told: int = 0
    summed: int = 0
    last: Item | None = None


class Sums(Generic[Item]):
    """`tell` gets an item, and how many it stands for. Within a running event loop."""

    def __init__(self, tell: Callable[[Item, int], None], *, window: float = WINDOW) -> None:
        self._tell = tell
        self._window = window
        self._counts: dict[Hashable, _Count[Item]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, key: Hashable, item: Item, *, beyond: tuple[Hashable, Item]) -> None:
        """Tell or count `item`; `beyond` stands for both where there are too many keys already."""
        if key not in self._counts and len(self._counts) >= MOST_KEYS:
            key, item = beyond
        count = self._counts.setdefault(key, _Count())
        if count.told < FIRST:
            count.told += 1
            self._tell(item, 1)
        else:
            count.summed += 1
            count.last = item
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._window, self.close)

    def close(self) -> None:
        """Tell the sums, and begin again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        counts, self._counts = self._counts, {}
        for count in counts.values():
            if count.last is not None:
                self._tell(count.last, count.summed)
