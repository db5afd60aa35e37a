"""What a configuration needs of others, asked now: the store, the issuers, the vendors.

A vendor is only connected to: a request there would be somebody's, and some count people by it.
Where contacts are kept, it is asked which attributes it knows: that is nobody's.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from gateway.assemble import contacts
from gateway.assemble.egress import way_out
from gateway.assemble.sign_ins import introspect, jwt, token_introspection
from gateway.assemble.sign_ins.probed import ProbeFailed
from gateway.config.mistake import Path
from gateway.config.model import Settings, UpstreamSettings
from gateway.config.sign_ins.table import SignInTable
from gateway.core.errors import GatewayError
from gateway.net.upstream.clocks import Clocks
from gateway.net.upstream.dial import Dialer, Origin, verifying_context
from gateway.store.errors import StoreError
from gateway.store.state import state
from gateway.store.store import Store

CLOCK = 10.0  # seconds for each
AT_ONCE = 16

Ask: TypeAlias = Callable[[], Awaitable[str]]  # what was found; raises `ProbeFailed`

# What a kind of sign-in has to ask, of its own settings; None: nothing.
SIGN_INS: Mapping[str, Callable[[Any], Ask | None]] = {
    "introspect": introspect.probe,
    "jwt": jwt.probe,
    "token_introspection": token_introspection.probe,
}


@dataclass(frozen=True, slots=True)
class Probe:
    """One question; `path` leads to what is asked in the long form of the configuration."""

    path: Path
    ask: Ask


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to one."""

    path: Path
    ok: bool
    says: str
    milliseconds: float


def probes(settings: Settings, *, apply: bool = False) -> Iterator[Probe]:
    """Every question once, however many orgs have it.

    With `apply`, vendors are told of the attributes of contacts that they lack.
    """
    yield Probe(("store", "url"), lambda: _store(settings.store.url))
    asked: set[object] = set()
    for name, org in settings.orgs.items():
        for index, sign_in in enumerate(org.sign_in):
            if id(sign_in) not in asked:
                asked.add(id(sign_in))
                if (ask := _of_sign_in(sign_in)) is not None:
                    yield Probe(("orgs", name, "sign_in", index), ask)
        for upstream in org.upstreams.values():
            if upstream.base_url not in asked:
                asked.add(upstream.base_url)
                yield Probe(("orgs", name, "upstreams", upstream.name), _vendor(upstream))
            if upstream.contacts is not None:
                path: Path = ("orgs", name, "upstreams", upstream.name, "contacts", "attributes")
                yield Probe(path, contacts.probe(org, upstream, apply=apply))


async def probe(asked: Probe, turns: asyncio.Semaphore) -> Found:
    """Ask one question, when it is its turn."""
    async with turns:
        began = time.monotonic()
        try:
            async with asyncio.timeout(CLOCK):
                ok, says = True, await asked.ask()
        except ProbeFailed as error:
            ok, says = False, str(error)
        except TimeoutError:
            ok, says = False, f"no answer within {CLOCK:g} s"
        return Found(asked.path, ok, says, (time.monotonic() - began) * 1000)


async def _store(url: str) -> str:
    try:
        found = await state(url)
        if found.form is None:
            return "there is none yet: `gateway serve` makes it"
        if not found.is_newest:  # to open it is to migrate it
            return f"is at {found.form}: `gateway db migrate` or the next start brings it on"
        store = await Store.open(url)
        try:
            await store.ping()
        finally:
            await store.aclose()
    except (StoreError, GatewayError) as error:
        raise ProbeFailed(str(error)) from error
    return "can be read and written"


def _of_sign_in(settings: SignInTable) -> Ask | None:
    return SIGN_INS[settings.type](settings) if settings.type in SIGN_INS else None


def _vendor(upstream: UpstreamSettings) -> Ask:
    base = urlsplit(upstream.base_url)
    origin = Origin.parse(f"{base.scheme}://{base.netloc}")
    seconds = upstream.timeouts.connect

    async def connect() -> str:
        protocol = "h2" if upstream.http2 else "http/1.1"
        context = verifying_context(protocol) if origin.scheme == "https" else None
        clocks = Clocks(**dict.fromkeys((one.name for one in fields(Clocks)), seconds))
        try:
            await _reach(Dialer(origin, context, clocks, way_out(upstream)), upstream.http2)
        except GatewayError as error:
            raise ProbeFailed(
                f"{origin.authority} cannot be reached ({error.error_type})"
            ) from error
        how = "over TLS, and its certificate holds" if context is not None else "unencrypted"
        how += ", in HTTP/2" if upstream.http2 else ""
        return f"{origin.authority} is reached {how}; whether the key is good, it was not asked"

    return connect


async def _reach(dialer: Dialer, http2: bool) -> None:
    if http2:
        from gateway.net.http2.connection import Http2Connection

        build = partial(Http2Connection, dialer.clocks, _lost)
        (await dialer.make(build, Http2Connection.greeted)).abort()
    else:
        (await dialer(_lost)).abort()


def _lost(connection: object) -> None:
    """Nobody waits for it."""
