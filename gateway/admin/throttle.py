"""Wrong tokens, and how many of them are looked at: a guess costs whoever makes it a minute.

By the address they come from, and of IPv6 by its network, for one customer has 2**64 addresses
there. While an address has to wait nothing it shows is looked at, not even the right token: or it
could go on guessing, and would only not be told when it is wrong.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

from gateway.core.errors import TooManyRequests

MOST_WRONG = 10  # of an address
WINDOW = 60.0  # seconds from the first of them
MOST_ADDRESSES = 10_000


class Throttle:
    """What came from where lately. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()  # how many, since when

    def check(self, address: str) -> None:
        """Raises `TooManyRequests` while an address has to wait."""
        count, since = self._wrong.get(network_of(address), (0, 0.0))
        left = since + WINDOW - self._clock()
        if count >= MOST_WRONG and left > 0:
            raise TooManyRequests(
                "Too many wrong tokens came from this address: wait", retry_after=int(left) + 1
            )

    def note(self, address: str) -> None:
        """A wrong token came from there."""
        network, now = network_of(address), self._clock()
        count, since = self._wrong.pop(network, (0, now))
        if since + WINDOW <= now:
            count, since = 0, now
        self._wrong[network] = count + 1, since
        if len(self._wrong) > MOST_ADDRESSES:
            self._wrong.popitem(last=False)


def network_of(address: str) -> str:
    """What an address is counted as: IPv4 as itself, IPv6 as its /64."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(IPv6Address(int(found) >> 64 << 64))
    return str(found)
