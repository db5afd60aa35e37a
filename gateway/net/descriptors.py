"""How many connections the process may hold: each is a file descriptor, and so is its vendor's."""

import logging
import resource

LOG = logging.getLogger("gateway.server")

_OTHERS = 128  # descriptors for the store, logs, listeners, and connections that are told no


def raise_limit() -> int:
    """Raise the soft limit of descriptors to the hard one.

    Returns the number of clients that fit, with a connection to a vendor each: beyond it `accept`
    itself would fail, and nobody would be told why.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ValueError, OSError) as error:  # macOS says "unlimited" and means 10,240
        LOG.warning("the limit of %d descriptors stays: %s", soft, error)
        hard = soft
    if hard == resource.RLIM_INFINITY:
        hard = 1 << 20
    clients = max((hard - _OTHERS) // 2, 1)
    LOG.info("%d descriptors: room for %d clients", hard, clients)
    return clients
