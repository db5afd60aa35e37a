"""What a pure function says of a name, memoized: a name is judged once, however often it comes.

Names come from strangers. So there are few, and short ones; where there is no room for one more,
all are forgotten, and a flood of names costs what judging each of them costs.
"""

from collections.abc import Callable
from typing import TypeVar

MAX_NAMES = 256
MAX_LENGTH = 128  # of a name that is kept

Name = TypeVar("Name", str, bytes)
Verdict = TypeVar("Verdict")


class Memo(dict[Name, Verdict]):
    """`remembered[name]` is what `judge` says of it."""

    __slots__ = ("_judge",)

    def __init__(self, judge: Callable[[Name], Verdict]) -> None:
        super().__init__()
        self._judge: Callable[[Name], Verdict] = judge

    def __missing__(self, name: Name) -> Verdict:
        verdict: Verdict = self._judge(name)
        if len(name) <= MAX_LENGTH:
            if len(self) >= MAX_NAMES:
                self.clear()
            self[name] = verdict
        return verdict
