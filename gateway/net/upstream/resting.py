"""The connections at rest, of all pools together: bounded, however many orgs have a pool.

A pool has its connections to itself; this only says which of all of them has rested longest, and
closes it when there are too many (10,000 orgs with one request each in 15 seconds are 10,000
descriptors that nobody uses).
"""

from collections import OrderedDict
from typing import Protocol

MOST = 1000


class Connection(Protocol):
    def abort(self) -> None: ...


class Resting:
    """Connections in the order they came to rest. Beyond `most` the first is closed."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._connections: OrderedDict[Connection, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._connections)

    def add(self, connection: Connection) -> None:
        """Note one that came to rest."""
        self._connections[connection] = None
        if len(self._connections) > self._most:
            oldest, _ = self._connections.popitem(last=False)
            oldest.abort()

    def discard(self, connection: Connection) -> None:
        """Forget one that works again, or is lost."""
        self._connections.pop(connection, None)

    def close(self) -> None:
        """Close all, and from now on whatever comes to rest."""
        self._most = 0
        while self._connections:
            self._connections.popitem()[0].abort()
