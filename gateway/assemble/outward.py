"""How many connections lead out, at most, by a configuration: clients may have the other
descriptors.

Counted are pools to vendors, their WebSockets and what their tools call. The few of sign-ins, the
store and the like are not.
"""

import math
from collections.abc import Callable
from typing import Final

from gateway.assemble.tools import AT_ONCE
from gateway.config.kinds import EVERY_ORG
from gateway.config.model import Settings, UpstreamSettings

# Exchanges on one connection: fewer than a server ought to take (RFC 9113 section 6.5.2).
SHARED: Final = 50
# Of each pool, while a reload has made another, and what runs goes on in the old one.
POOLS: Final = 2


class Outward:
    """That number, worked out once for each configuration; `settings` gives the present one."""

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings
        self._counted: tuple[Settings, float] | None = None

    def __call__(self) -> float:
        settings = self._settings()
        if self._counted is None or self._counted[0] is not settings:
            self._counted = settings, most_outward(settings)
        return self._counted[1]


def most_outward(settings: Settings) -> float:
    """That number; infinite where orgs come that are not listed, for each has pools of its own."""
    if EVERY_ORG in settings.orgs:
        return math.inf
    return POOLS * sum(
        _to(upstream) for org in settings.orgs.values() for upstream in org.upstreams.values()
    )


def _to(upstream: UpstreamSettings) -> int:
    tools = AT_ONCE * len(upstream.tools)
    if upstream.is_app:
        return tools
    most, operations = upstream.max_connections, upstream.profile.operations.values()
    sockets = most if any(one.websocket for one in operations) else 0
    exchanges = math.ceil(most / SHARED) if upstream.http2 else most
    return exchanges + sockets + tools
