"""Settings → live orgs. The one module that names concrete adapters.

Built once: patterns compiled, keys read, pools made. Nothing is parsed per request except the
request.
"""

import hashlib
import hmac
import re
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_network
from urllib.parse import urlsplit

from gateway.authn.chain import SignIns
from gateway.authn.claims import JwtRules
from gateway.authn.fetch import get
from gateway.authn.jwk import parse_set
from gateway.authn.jwks import RemoteKeys
from gateway.authn.jwt import JwtSignIn
from gateway.authn.keys import KeySource, public_keys, shared_secrets
from gateway.authn.oidc import Discovery
from gateway.config.model import JwtSignInSettings, OrgSettings, Settings, UpstreamSettings
from gateway.core.directory import Directory, Stand
from gateway.core.errors import Unavailable
from gateway.core.fields import Network
from gateway.core.plan import Destination
from gateway.core.problem import PROXY_NAME
from gateway.core.route import segments, table
from gateway.dispatch import House
from gateway.interrupt import Running
from gateway.limits import Unlimited
from gateway.limits.questions import AskedLately
from gateway.net.http1 import Http1Transport
from gateway.org import Org, Upstream
from gateway.store.store import Store
from gateway.telemetry.log import ExchangeLog


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
    readiness: Readiness
    trusted_proxies: tuple[Network, ...]
    body_timeout: float  # seconds


@asynccontextmanager
async def assemble(settings: Settings) -> AsyncIterator[Assembled]:
    """Open what the settings describe, and close it at the end.

    Raises:
        StoreError: the store cannot be opened.
    """
    async with AsyncExitStack() as stack:
        store = await Store.open(settings.store.url)
        stack.push_async_callback(store.aclose)
        log = ExchangeLog()
        shared = Shared(
            store=store,
            secret=await identity_secret(settings, store),
            log=log,
            questions=AskedLately(time.monotonic),
            max_body=settings.server.max_body,
        )
        orgs = {name: build_org(org, shared, stack) for name, org in settings.orgs.items()}
        readiness = Readiness(store)
        yield Assembled(
            house=House(
                orgs=directory(settings, orgs),
                named=orgs,
                running=Running(),
                usage=log,
                faults=log,
                ready=readiness.check,
            ),
            readiness=readiness,
            trusted_proxies=tuple(ip_network(one) for one in settings.server.trusted_proxies),
            body_timeout=settings.server.body_timeout,
        )


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What all orgs of one process share."""

    store: Store
    secret: bytes = field(repr=False)
    log: ExchangeLog
    questions: AskedLately
    max_body: int

    @property
    def via(self) -> str:
        """Our name in Via: one for all replicas of a deployment, another for every other one."""
        mark = hmac.new(self.secret, b"via", hashlib.sha256).hexdigest()[:12]
        return f"1.1 {PROXY_NAME}-{mark}"


async def identity_secret(settings: Settings, store: Store) -> bytes:
    """The configured secret for opaque user ids, else the one the store keeps."""
    if settings.identity.secret is not None:
        return settings.identity.secret.get_secret_value().encode()
    return await store.identity_secret()


def directory(settings: Settings, orgs: dict[str, Org]) -> Directory[Org]:
    return Directory(
        Stand(orgs[name], org.hosts, segments(org.path)) for name, org in settings.orgs.items()
    )


def build_org(settings: OrgSettings, shared: Shared, stack: AsyncExitStack) -> Org:
    upstreams = {
        name: build_upstream(upstream, shared, stack)
        for name, upstream in settings.upstreams.items()
    }
    return Org(
        name=settings.name,
        external_id=settings.external_id,
        sign_in=SignIns(
            [build_sign_in(one, settings, stack) for one in settings.sign_in],
            origins=settings.origins,
        ),
        upstreams=Directory(
            Stand(upstreams[name], (), segments(upstream.path))
            for name, upstream in settings.upstreams.items()
        ),
        vendors={name: upstream.destination.vendor for name, upstream in upstreams.items()},
        ledger=shared.store.ledger,
        audit=shared.log,
        limits=Unlimited(),
        secret=shared.secret,
        origins=settings.origins,
        refuse_spoofs=settings.on_spoof == "refuse",
        questions=shared.questions if settings.unknown_conversations == "ask" else None,
    )


def build_sign_in(
    settings: JwtSignInSettings, org: OrgSettings, stack: AsyncExitStack
) -> JwtSignIn:
    rules = JwtRules(
        org=org.external_id,
        issuer=settings.issuer,
        audience=settings.audience,
        client=settings.client,
        require=settings.require,
        algorithms=settings.algorithms,
        places=settings.places or default_places(org),
        user_claim=settings.user_claim,
        org_claim=settings.org_claim,
        roles_claim=settings.roles_claim,
        leeway=settings.leeway,
        types=settings.types,
    )
    return JwtSignIn(rules, build_keys(settings, stack), clock=time.time)


def default_places(org: OrgSettings) -> tuple[str, ...]:
    """Authorization, and where the SDKs of the org's vendors put their key."""
    vendors = [upstream.profile for upstream in org.upstreams.values()]
    names = dict.fromkeys(name for vendor in vendors for name in vendor.credential_fields)
    return ("authorization", *(f"field:{name}" for name in names))


def build_keys(settings: JwtSignInSettings, stack: AsyncExitStack) -> KeySource:
    """Where a sign-in's keys are: given in one of three forms, or fetched."""
    if settings.secret:
        secrets = [secret.get_secret_value() for secret in settings.secret]
        return shared_secrets(secrets, settings.algorithms)
    if settings.public_key is not None:
        return public_keys(settings.public_key)
    if settings.jwks is not None:
        return parse_set(settings.jwks.encode())
    url = settings.jwks_url
    fetch = partial(get, url) if url is not None else Discovery(settings.issuer).jwk_set
    keys = RemoteKeys(
        fetch,
        name=settings.issuer,
        max_age=settings.jwks_max_age,
        cooldown=settings.jwks_cooldown,
        stale=settings.jwks_stale,
    )
    stack.push_async_callback(keys.aclose)
    return keys


def build_upstream(settings: UpstreamSettings, shared: Shared, stack: AsyncExitStack) -> Upstream:
    vendor = settings.profile
    base = urlsplit(settings.base_url)
    transport = Http1Transport(
        origin=f"{base.scheme}://{base.netloc}",
        connect=settings.timeouts.connect,
        first_byte=settings.timeouts.first_byte,
        idle=settings.timeouts.idle,
        max_connections=settings.max_connections,
    )
    stack.push_async_callback(transport.aclose)
    return Upstream(
        name=settings.name,
        authority=transport.authority,
        destination=Destination(
            vendor=vendor,
            base_path=base.path.rstrip("/"),
            user_header=settings.user_header,
            fields=settings.fields,
            decided=settings.set,
            default_roles=settings.default_roles,
            via=shared.via,
        ),
        table=table(vendor, settings.operations),
        keys=tuple(key.get_secret_value() for key in settings.key),
        transport=transport,
        user_id_rule=settings.user_id,
        user_id_pattern=re.compile(vendor.user_id),
        agents=None if "*" in settings.agents else frozenset(settings.agents),
        max_body=settings.max_body,
        total=settings.timeouts.total,
    )
