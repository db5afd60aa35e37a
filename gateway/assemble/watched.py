"""What a gateway depends on, and how each of it is: looked at when somebody asks, and never paid.

Vendors are not asked: that would cost, and their absence is said by the exchanges themselves.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

MOST = 1000  # of ten thousand orgs with an issuer each, that many are shown


@dataclass(frozen=True, slots=True)
class State:
    """How something is. `age` is of what we hold of it, in seconds; None: nothing yet."""

    ok: bool
    age: float | None = None
    says: str = ""


@dataclass(slots=True)
class Watched:
    """The dependencies of one process, by name."""

    _looks: dict[str, Callable[[], State]] = field(default_factory=dict)

    def add(self, name: str, look: Callable[[], State]) -> None:
        if len(self._looks) < MOST:
            self._looks[name] = look

    def states(self) -> Iterator[tuple[str, State]]:
        for name, look in self._looks.items():
            yield name, look()
