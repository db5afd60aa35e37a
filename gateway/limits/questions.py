"""How often a vendor may be asked whose a conversation is."""

from collections import deque
from collections.abc import Callable

from cachetools import LRUCache, TTLCache

from gateway.core.people.identity import Person

MISS = 10.0  # seconds for which a conversation that was asked for is not asked for again
PER_MINUTE = 6  # questions of one person: enough to move in, too few to search ids with
REMEMBERED = 10_000  # people, and conversations asked for


class AskedLately:
    """Keeps the `Questions` port, in this process. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._times: LRUCache[Person, deque[float]] = LRUCache(REMEMBERED)
        self._conversations: TTLCache[tuple[str, str, Person], bool] = TTLCache(
            REMEMBERED, MISS, timer=clock
        )

    def may_ask(self, upstream: str, conversation: str, person: Person) -> bool:
        now, key = self._clock(), (upstream, conversation, person)
        times = self._times.setdefault(person, deque(maxlen=PER_MINUTE))
        if key in self._conversations or (len(times) == PER_MINUTE and now - times[0] < 60):
            return False
        self._conversations[key] = True
        times.append(now)
        return True
