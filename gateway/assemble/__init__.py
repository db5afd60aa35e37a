"""Settings → a gateway that runs. The one package that names concrete adapters.

Built once: patterns compiled, keys read, pools made. Nothing is parsed per request except the
request. What a process has all its life is opened first (`process`), and then what the settings
make of it (`furnish`), in whose place other settings may come while it serves.

What is where:

    process               what stays: the store, the log, what follows cut-offs. Of it: keeping,
                          following, upkeep, background, depths, writing, tracing
    sites, orgs           what the settings make: places, and an org at each. Of an org: sign_ins/,
                          limits, contacts, events, tools, widgets, doors
    wire, egress, traced  what leads to an upstream
    parts                 what outlives a configuration
    host                  the application around us
    signing_out           a provider's word that somebody has signed out
    watched, probing      how what it depends on is: as requests found it; asked now
    outward               how many connections that may take
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from itertools import chain, islice

from gateway.assemble.host import NO_HOST, Host
from gateway.assemble.orgs import Shared
from gateway.assemble.parts import Parts
from gateway.assemble.process import Process, Readiness, process
from gateway.assemble.sites import build_sites
from gateway.assemble.watched import MOST, State
from gateway.assemble.widgets import script
from gateway.config.collector import paused
from gateway.config.model import Settings
from gateway.core.formats.forwarded import Network
from gateway.core.request.directory import Directory
from gateway.dispatch import THE_APPLICATION, House
from gateway.events.delivery import Address
from gateway.orgs.site import Site
from gateway.steps.lease import Lease
from gateway.system.trust import read_again

__all__ = ["Assembled", "Host", "Process", "Readiness", "assemble", "furnish", "process"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Assembled:
    """A gateway that runs by one configuration; `lease` is held by whoever is served by it."""

    process: Process
    house: House
    app_house: House  # for the URLs of the application around us
    trusted_proxies: tuple[Network, ...]
    body_timeout: float  # seconds
    addresses: Mapping[str, Address]  # who is told of events
    parts: Parts = field(repr=False)
    lease: Lease

    def states(self) -> Iterator[tuple[str, State]]:
        """How each thing is that it depends on."""
        return islice(chain(self.process.watched.states(), self.parts.states()), MOST)

    async def aclose(self) -> None:
        """Close what no other configuration has."""
        await self.parts.aclose()


@asynccontextmanager
async def assemble(settings: Settings) -> AsyncIterator[Assembled]:
    """Open what the settings describe, for a gateway of its own, and close it at the end.

    Raises:
        StoreError: the store cannot be opened.
    """
    async with process(settings, NO_HOST) as ours:
        assembled = await furnish(ours, settings)
        try:
            yield assembled
        finally:
            await assembled.aclose()


async def furnish(ours: Process, settings: Settings, before: Assembled | None = None) -> Assembled:
    """Make what the settings describe; parts of `before` that would be the same are kept.

    Raises:
        AuthoritiesUnreadable: then nothing changes.
    """
    parts = Parts(None if before is None else before.parts)
    try:
        # 10,000 orgs take a second, in which the loop has other things to do.
        shared, sites = await asyncio.to_thread(_sites, settings, ours, parts)
    except BaseException:
        await parts.aclose()
        raise
    lease, ours.standing.sites = Lease(), sites
    house = House(
        sites=sites,
        standing=ours.standing,
        running=ours.running,
        usage=ours.sinks,
        faults=ours.log,
        ready=ours.readiness.check,
        keys=shared.assertions.jwk_set,
        tools=shared.tools,
        inboxes=shared.inboxes,
        script=script(),
        logouts=ours.back_channel,
        contacts=shared.contacts,
        traces=ours.traces,
        lease=lease,
    )
    return Assembled(
        process=ours,
        house=house,
        app_house=replace(house, room=THE_APPLICATION),
        trusted_proxies=tuple(ip_network(one) for one in settings.server.trusted_proxies),
        body_timeout=settings.server.body_timeout,
        addresses=shared.addresses,
        parts=parts,
        lease=lease,
    )


@paused()
def _sites(settings: Settings, ours: Process, parts: Parts) -> tuple[Shared, Directory[Site]]:
    read_again()
    shared = Shared.of(ours, settings, parts)
    sites = build_sites(settings, shared, parts)
    parts.settle()
    return shared, sites
