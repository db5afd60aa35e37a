"""Settings → a gateway that runs. The one package that names concrete adapters.

Built once: patterns compiled, keys read, pools made. Nothing is parsed per request except the
request.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import TYPE_CHECKING

from gateway.assemble.host import NO_HOST, Host
from gateway.assemble.keeping import Kept, Sinks, build_metrics, keep
from gateway.assemble.limits import build_counting
from gateway.assemble.orgs import Shared
from gateway.assemble.sign_ins import shared_sign_ins
from gateway.assemble.sites import build_sites
from gateway.assemble.upkeep import Upkeep
from gateway.assemble.watched import Watched
from gateway.config.model import Settings
from gateway.core.errors import Unavailable
from gateway.core.forwarded import Network
from gateway.dispatch import THE_APPLICATION, House
from gateway.interrupt import Running
from gateway.limits.questions import AskedLately
from gateway.net.resting import Resting
from gateway.store.store import Store
from gateway.telemetry.log import ExchangeLog

if TYPE_CHECKING:
    from gateway.telemetry.metrics import Metrics

__all__ = ["Assembled", "Host", "Readiness", "assemble"]


@dataclass(slots=True)
class Readiness:
    """Whether new work should come: not while the process drains, nor while the store is away."""

    store: Store
    draining: bool = False

    async def check(self) -> None:
        """Raises `Unavailable` when it should not."""
        if self.draining:
            raise Unavailable("The gateway is shutting down")
        await self.store.ping()


@dataclass(frozen=True, kw_only=True)
class Assembled:
    """A gateway that runs."""

    house: House
    app_house: House  # for the URLs of the application around us
    readiness: Readiness
    trusted_proxies: tuple[Network, ...]
    body_timeout: float  # seconds
    kept: Kept
    watched: Watched
    metrics: "Metrics | None"  # None: nobody may ask for them


@asynccontextmanager
async def assemble(settings: Settings, host: Host = NO_HOST) -> AsyncIterator[Assembled]:
    """Open what the settings describe, and close it at the end; `host` is what stands around it.

    Raises:
        StoreError: the store cannot be opened.
    """
    async with AsyncExitStack() as stack:
        store = await Store.open(settings.store.url)
        stack.push_async_callback(store.aclose)
        resting = Resting()
        stack.callback(resting.close)
        log = ExchangeLog()
        kept = keep(settings, store, stack)
        running, watched = Running(), Watched()
        metrics = None if settings.admin is None else build_metrics(kept, running)
        counting = [] if metrics is None else [metrics]
        sinks = Sinks([log, kept.usage, kept.auditor, *counting], [log, kept.auditor, *counting])
        upkeep = Upkeep(
            database=store.database,
            retention=settings.store.retention,
            outside=settings.audit.head,
        )
        upkeep.begin(stack)
        secret = await identity_secret(settings, store)
        shared = Shared(
            store=store,
            secret=secret,
            audit=sinks,
            questions=AskedLately(time.monotonic),
            counting=build_counting(settings.shared, secret, stack, watched),
            sign_ins=shared_sign_ins(settings, stack, host, watched),
            resting=resting,
            host=host,
            watched=watched,
        )
        # 10,000 orgs take a second, in which a host application has other things to do.
        sites = await asyncio.to_thread(build_sites, settings, shared, stack)
        readiness = Readiness(store)
        house = House(
            sites=sites,
            running=running,
            usage=sinks,
            faults=log,
            ready=readiness.check,
            keys=shared.assertions.jwk_set,
            tools=shared.tools,
        )
        yield Assembled(
            house=house,
            app_house=replace(house, room=THE_APPLICATION),
            readiness=readiness,
            trusted_proxies=tuple(ip_network(one) for one in settings.server.trusted_proxies),
            body_timeout=settings.server.body_timeout,
            kept=kept,
            watched=watched,
            metrics=metrics,
        )


async def identity_secret(settings: Settings, store: Store) -> bytes:
    """The configured secret for opaque user ids, else the one the store keeps."""
    if settings.identity.secret is not None:
        return settings.identity.secret.get_secret_value().encode()
    return await store.identity_secret()
