"""Messages that count once among all replicas that share a server.

In this process they count once whatever happens. While the server is away that is all there is,
unless `on_failure` is `closed`: then nobody is heard.
"""

import secrets

from gateway.core.errors import Unavailable
from gateway.core.events.signature import TOLERANCE
from gateway.limits.counts import Away, Counts, Slot
from gateway.limits.keys import Keys
from gateway.limits.standby import OnFailure
from gateway.ports import OnceOnly

KNOWN = 2.0 * TOLERANCE  # seconds, after which a message's time stamp refuses it


class OnceTogether(OnceOnly):
    """`here` knows what was said in this process; `counts` is the shared server."""

    def __init__(self, here: OnceOnly, counts: Counts, keys: Keys, on_failure: OnFailure) -> None:
        self._here = here
        self._counts = counts
        self._keys = keys
        self._on_failure = on_failure

    async def is_first(self, *name: str) -> bool:
        if not await self._here.is_first(*name):
            return False
        # A place that one alone may take, and that nobody gives back before its time.
        place = Slot(self._keys.message(*name), 1)
        try:
            (standing,) = await self._counts.admit((), (place,), secrets.token_hex(8), KNOWN)
        except Away as error:
            if self._on_failure == "closed":
                raise Unavailable("Whether this message is new cannot be known now") from error
            return True
        return standing.granted
