"""Messages that count once, by an id that is signed along with them.

An id is known for twice the time a message may be old: then its time stamp refuses it. Other
processes do not know it: where there are some, `limits.once` asks the server they share.
"""

from cachetools import TTLCache

from gateway.core.events.signature import TOLERANCE

REMEMBERED = 100_000  # ids


class Once:
    """Keeps the `OnceOnly` port."""

    def __init__(self) -> None:
        self._known: TTLCache[tuple[str, ...], bool] = TTLCache(REMEMBERED, 2 * TOLERANCE)

    async def is_first(self, *name: str) -> bool:
        if name in self._known:
            return False
        self._known[name] = True
        return True
