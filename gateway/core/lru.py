"""A cache that keeps what was used last (LRU), as nearly as it needs to.

There are two tables. Where the newer one is full it becomes the older, and the older one is gone;
what is used meanwhile moves to the newer. So one look finds what is in use, and nothing is written
for that: a list of who came last costs five times as much.
"""

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class LruCache(Generic[Key, Value]):
    """Keeps `most` things at most, and the half of them that was used last; none of them is None.

    Both tables together have as many, half of `most` each, and one of each at least.
    """

    __slots__ = ("_half", "_newer", "_older")

    def __init__(self, most: int) -> None:
        self._half = max(1, most // 2)
        self._newer: dict[Key, Value] = {}
        self._older: dict[Key, Value] = {}

    def __len__(self) -> int:
        return len(self._newer) + len(self._older)

    def __iter__(self) -> Iterator[Key]:
        yield from self._newer
        yield from self._older

    def get(self, key: Key) -> Value | None:
        """What is kept; to look is to use."""
        found = self._newer.get(key)
        if found is None and (found := self._older.get(key)) is not None:
            self.keep(key, found)
        return found

    def keep(self, key: Key, value: Value) -> None:
        self._older.pop(key, None)
        if len(self._newer) >= self._half and key not in self._newer:
            self._older, self._newer = self._newer, {}
        self._newer[key] = value

    def forget(self, key: Key) -> None:
        self._newer.pop(key, None)
        self._older.pop(key, None)

    def clear(self) -> None:
        self._newer.clear()
        self._older.clear()
