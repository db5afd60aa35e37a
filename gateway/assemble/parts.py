"""What is made of settings, kept for as long as some configuration has it.

A configuration that takes another's place makes what is new or changed in it, and goes on with the
rest as it is: its connections, its keys, what it remembers. What none has any more is closed.
"""

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import AsyncExitStack
from typing import Any, Generic, TypeVar, cast

from gateway.assemble.watched import State

T = TypeVar("T")

_COUNTING = threading.Lock()  # parts are made in a thread, and let go of in the loop


class Parts:
    """The parts of one configuration, or of one part, by name.

    `stack` closes what is held open beside them. `before` are those whose place these take: of them
    is kept what is alike.
    """

    def __init__(self, before: "Parts | None" = None) -> None:
        self.stack = AsyncExitStack()
        self._held: dict[Hashable, _Part[Any]] = {}
        self._looks: dict[str, Callable[[], State]] = {}
        self._before = {} if before is None else before._held

    def take(self, name: Hashable, alike: object, make: Callable[["Parts"], T]) -> T:
        """The part of this name; a name stands for one part, however often it is taken.

        `alike` is all that the part is made of. Where it equals that of the part of this name in
        `before`, that one is kept; else `make` makes a new one, and is given that part's own parts.
        """
        if (there := self._held.get(name)) is not None:
            return cast("T", there.made)
        was: _Part[T] | None = self._before.get(name)
        if was is not None and was.alike == alike:
            was.hold()
            self._held[name] = was
            return was.made
        parts = Parts(None if was is None else was.parts)
        part: _Part[T] = _Part(alike, parts)
        self._held[name] = part  # before it is made: what is begun and fails is closed as well
        part.made = make(parts)
        parts.settle()
        return part.made

    def settle(self) -> None:
        """No part is taken from now on: forget those there were before."""
        self._before = {}

    def watch(self, name: str, look: Callable[[], State]) -> None:
        """Let operators see how something is that a part depends on."""
        self._looks[name] = look

    def states(self) -> Iterator[tuple[str, State]]:
        """How all these things are."""
        for name, look in self._looks.items():
            yield name, look()
        for part in self._held.values():
            yield from part.parts.states()

    async def aclose(self) -> None:
        """Let go of the parts; those that nobody has any more are closed."""
        held, self._held = self._held, {}
        for part in held.values():
            if part.let_go():
                await part.parts.aclose()
        await self.stack.aclose()


class _Part(Generic[T]):
    __slots__ = ("_holders", "alike", "made", "parts")

    made: T

    def __init__(self, alike: object, parts: Parts) -> None:
        self.alike = alike
        self.parts = parts
        self._holders = 1

    def hold(self) -> None:
        with _COUNTING:
            self._holders += 1

    def let_go(self) -> bool:
        """Whether that was the last who had it."""
        with _COUNTING:
            self._holders -= 1
            return self._holders == 0
