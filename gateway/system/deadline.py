"""A moment by which something must have happened, cheap to have, to move and to drop.

An event stream moves its deadline with every chunk, and each stream has three of them for minutes.
So a deadline has no timer of its own: it is looked at in a round with all others that end
thereabouts, shortly before the moment, then again when less is left, and rings 16 ms late at most.
Moving it onwards is an assignment. A timer for each costs two steps in the loop's heap, and half a
kilobyte. Most are closed within a second: the new ones wait together, and only what is still there
after that goes to a round of its own time.
"""

import asyncio
import math
from typing import ClassVar, Final, Protocol, TypeAlias

FINE = 6  # a round is of those that end within 1/2**FINE of what is left for them
LEAST = 0.01  # seconds: nothing is cut finer
NEAR = 1.0  # seconds: the rounds of what is nearer come after it, and ring


class Owner(Protocol):
    """Whose deadline it is. No function: a stream would keep a bound method of each, of 64 B."""

    def overdue(self) -> None:
        """The moment has passed."""
        ...


class _Nobody:
    def overdue(self) -> None:
        pass


_NOBODY = _Nobody()


class Deadline:
    """Tells `owner` once the moment has passed. There is none at first."""

    __slots__ = ("_at", "_loop", "_owner", "_round")

    def __init__(self, owner: Owner) -> None:
        self._owner: Owner = owner
        self._loop = asyncio.get_running_loop()
        self._at = math.inf  # by the loop's clock
        self._round = _NONE  # in which it is looked at

    def set(self, seconds: float) -> None:
        """So many seconds from now, in place of the one before."""
        at = self._at = self._loop.time() + seconds
        if at < self._round[0]:
            self._leave()
            rounds = _Rounds.of(self._loop)
            near = seconds <= NEAR
            self._round = rounds.join(self, at, seconds) if near else rounds.join_new(self)

    def clear(self) -> None:
        """None for now."""
        self._at = math.inf

    def close(self) -> None:
        """None any more; the loop keeps nothing of it, and it keeps nothing of its owner."""
        self._at = math.inf
        self._leave()
        self._round = _NO_MORE
        self._owner = _NOBODY

    def look(self) -> None:
        """Ring if it is time, else wait for a later round."""
        if self._round is _NO_MORE:
            return  # it was closed a moment ago
        self._leave()
        left = self._at - self._loop.time()
        if left <= 0:
            self._at = math.inf
            self._owner.overdue()
        elif left < math.inf:
            self._round = _Rounds.of(self._loop).join(self, self._at, left)

    def _leave(self) -> None:
        if self._round is not _NONE:
            self._round[1].pop(self, None)
            self._round = _NONE


# When it is, and whose: one object for all of them. A set takes twice as much, of thousands.
_Round: TypeAlias = tuple[float, dict[Deadline, None]]
_NONE: Final[_Round] = math.inf, {}  # any other comes before
_NO_MORE: Final[_Round] = -math.inf, {}  # none comes before


class _Rounds:
    """The rounds to come in one loop: the further away, the more share one."""

    latest: ClassVar["_Rounds | None"] = None

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._due: dict[float, _Round] = {}
        self._new: _Round | None = None  # one of them, while it is to come

    @classmethod
    def of(cls, loop: asyncio.AbstractEventLoop) -> "_Rounds":
        """A process has one loop; where there are several, a round may be of few."""
        if cls.latest is None or cls.latest.loop is not loop:
            cls.latest = cls(loop)
        return cls.latest

    def join_new(self, deadline: Deadline) -> _Round:
        """The round of those that are new and not near, and when it is."""
        if self._new is None:
            self._new = self._round_at(self.loop.time() + NEAR)
        self._new[1][deadline] = None
        return self._new

    def join(self, deadline: Deadline, at: float, seconds: float) -> _Round:
        """The round next to a moment that is so many seconds away, and when it is."""
        grain = math.ldexp(1.0, math.frexp(max(seconds, LEAST))[1] - FINE - 1)
        due = (math.floor if seconds > NEAR else math.ceil)(at / grain) * grain
        found = self._round_at(due)
        found[1][deadline] = None
        return found

    def _round_at(self, due: float) -> _Round:
        found = self._due.get(due)
        if found is None:
            found = self._due[due] = due, {}
            self.loop.call_at(due, self._ring, due)
        return found

    def _ring(self, due: float) -> None:
        if self._new is not None and self._new[0] == due:
            self._new = None
        for deadline in self._due.pop(due)[1]:
            self.loop.call_soon(deadline.look)  # each by itself: one may fail, or close another
