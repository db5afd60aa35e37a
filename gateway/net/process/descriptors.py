"""How many clients the process may hold: each is a file descriptor, and so is its vendor's."""

import logging
import resource
from collections.abc import Callable

LOG = logging.getLogger("gateway.server")

_OTHERS = 128  # descriptors for the store, logs, listeners, and connections that are told no


class Room:
    """Called, the number of clients that fit beside what leads out, `outward` connections at most.

    A client needs one to its vendor at most. Beyond that number `accept` itself would fail, and
    nobody would be told why.
    """

    def __init__(self, outward: Callable[[], float]) -> None:
        self._free = _raise_limit() - _OTHERS
        self._outward = outward
        LOG.info("%d descriptors: room for %d clients", self._free + _OTHERS, self())

    def __call__(self) -> int:
        return int(max(self._free - self._outward(), self._free // 2, 1))


def _raise_limit() -> int:
    """Raise the soft limit of descriptors to the hard one, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ValueError, OSError) as error:  # macOS says "unlimited" and means 10,240
        LOG.warning("the limit of %d descriptors stays: %s", soft, error)
        hard = soft
    return 1 << 20 if hard == resource.RLIM_INFINITY else hard
