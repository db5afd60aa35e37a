"""One request, from whoever speaks HTTP for us: which org, which of our own pages or an exchange.

The place, host and path, is looked up first. Where several orgs stand there, the sign-in they share
says which is meant; from then on all is as for one.

Everything that happens to a request ends here as an answer, and as one record.
"""

import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from gateway.callback import Inbox, take_event
from gateway.contacts.push import Desk, push_contact
from gateway.core import problem
from gateway.core.errors import (
    Blocked,
    CredentialsExpired,
    GatewayError,
    MethodNotAllowed,
    NotFound,
    Unavailable,
)
from gateway.core.formats import fields as http
from gateway.core.formats.strictjson import JsonObject
from gateway.core.people.identity import Identity
from gateway.core.problem import Answer
from gateway.core.request import origin, route
from gateway.core.request.directory import Directory
from gateway.core.request.route import Segments
from gateway.exchange import handle
from gateway.orgs.org import Org
from gateway.orgs.site import Site, Standing
from gateway.orgs.tools import Tools
from gateway.pages.logout import sign_out
from gateway.pages.resource import WELL_KNOWN, metadata, metadata_url
from gateway.pages.staff import read_as_staff
from gateway.pages.whoami import who
from gateway.pages.widgets import show
from gateway.ports import (
    Answering,
    ClientLeft,
    FaultSink,
    Fields,
    Inbound,
    Logouts,
    Outbound,
    Record,
    UsageSink,
)
from gateway.ports.tracer import Tracer
from gateway.steps.interrupt import Running
from gateway.steps.lease import Lease
from gateway.steps.stamp import Stamped
from gateway.steps.welcome import authenticate, claim, signed_in
from gateway.toolcall import Tool, call_tool

HEALTH = {("livez",), ("readyz",)}
# What ends an answer that is under way, and is not the vendor's doing.
OF_OURS = (Unavailable, CredentialsExpired, Blocked)
KEYS = (".well-known", "jwks.json")
# Below an org's own path: where the application stands that we stand in. No request can name it.
THE_APPLICATION = ("the application itself",)
TOOLS = ("_gateway", "tools")
BACK_CHANNEL = ("_gateway", "backchannel-logout")
CALLBACKS = ("_gateway", "callbacks")
PEOPLE = ("_gateway", "people")
CONTACTS = ("_gateway", "contacts")
OWN = "_gateway"  # no vendor's mount may shadow what stands below it
SCRIPT = (OWN, "widget.js")
# Where a path begins that is the same whichever org stands there.
FIRST_OF_OURS = frozenset({*HEALTH, WELL_KNOWN[:1], (OWN,)})

Door = TypeVar("Door", Tool, Inbox)


@dataclass(frozen=True, kw_only=True)
class House:
    """All orgs under one roof, and what they share.

    `room` is what every request here is for, below its org: nothing in particular, or the
    application around us, at its own URLs. `lease` is held while somebody is served.
    """

    sites: Directory[Site]
    standing: Standing
    running: Running
    usage: UsageSink
    faults: FaultSink
    tools: Tools
    logouts: Logouts
    contacts: Mapping[tuple[str, str], Desk]  # by org and upstream
    inboxes: Mapping[tuple[str, str, str], Inbox]  # by org, upstream and name
    keys: Callable[[], JsonObject]  # a JWK Set: those of our own statements
    ready: Callable[[], Awaitable[str]]  # raises `Unavailable` when new work should not come
    script: Answer  # what tells widgets on pages who is signed in; nothing in it is of one org
    lease: Lease
    traces: Tracer | None = None  # None: exchanges have no spans
    room: Segments = ()

    def inbox(self, org: str, upstream: str, name: str) -> Inbox | None:
        """Where the events of an upstream come in."""
        return self.inboxes.get((org, upstream, name))


async def serve(house: House, ask: Inbound, answer: Outbound, record: Record) -> None:
    """Answer one request, whatever happens."""
    if house.traces is not None:
        record.trace = house.traces.begin(ask)
    stamped = Stamped(answer, record)
    house.lease.begin()  # not `with`: a stream would keep the method that ends it, of 64 B
    try:
        exchange = await dispatch(house, ask, stamped, record)
        if exchange is not None:  # awaited here, not in there: a stream waits in each layer
            await exchange
    except ClientLeft:
        record.interrupted = "client"
    except GatewayError as error:
        await refuse(stamped, record, error)
    except Exception as error:  # noqa: BLE001 - the last border: a fault of our own is a 500
        house.faults.fault(error, record)
        await refuse(stamped, record, GatewayError())
    finally:
        house.lease.end()
        record.duration_ms = (time.monotonic() - record.started) * 1000
        if record.org or record.code:  # a probe that found all well is not worth a line
            house.usage.record(record)


async def dispatch(
    house: House, ask: Inbound, answer: Stamped, record: Record
) -> Coroutine[Any, Any, None] | None:
    """Find who is asked, and answer what is ours to answer.

    Returns:
        The exchange with an org's vendor, to be awaited; None: it is answered.
    """
    http.check(ask.fields)
    path = route.segments(ask.raw_path)
    is_metadata = False
    if path[:1] in FIRST_OF_OURS and not house.room:
        if (whole := await of_the_house(house, ask, path, record)) is not None:
            await send(answer, whole)
            return None
        if is_metadata := path[:2] == WELL_KNOWN:
            path = path[2:]
    site, below = house.sites.find(ask.host, path)
    below = house.room + below
    asking = http.first(ask.fields, b"origin")
    if asking is not None:
        answer.also = origin.cors_fields(asking, site.origins)
    if below in HEALTH:
        await send(answer, await health(house, ask, below))
    elif below == SCRIPT:
        only_get(ask)
        await send(answer, house.script)
    elif ask.method == "OPTIONS" and (allowed := preflight(site, below, ask)) is not None:
        answer.also = ()  # what the preflight says of origins is the whole of it
        await send(answer, Answer(204, allowed, b""))
    elif is_metadata:
        only_get(ask)
        await send(answer, metadata(site, below, ask, path))
    else:
        is_own = below[:1] == (OWN,)
        if not is_own:
            answer.problem = partial(site.problem, below)
            answer.metadata = partial(metadata_url, site, below, ask, path)
        org = site.org or (await site.find(ask)).org  # 400, 401, 403, where several stand here
        record.org, record.org_id = org.name, org.external_id
        if asking is not None:
            answer.also = origin.cors_fields(asking, org.origins)
        if below[:2] == PEOPLE:
            await read_as_staff(org, below[2:], ask, answer, record, house.running)
        elif is_own:
            await send(answer, await own_page(org, below[1:], ask, answer, record))
        else:
            answer.problem = partial(org.problem, below)
            return handle(org, below, ask, answer, record, house.running)
    return None


async def of_the_house(house: House, ask: Inbound, path: Segments, record: Record) -> Answer | None:
    """What is the same whichever org stands here."""
    if path in HEALTH:
        return await health(house, ask, path)
    if path == KEYS:
        only_get(ask)
        return problem.of_json(house.keys())
    if path == BACK_CHANNEL:
        return await sign_out(house.logouts, ask, record)
    if path[:2] == TOOLS:
        return await call_tool(called(house.tools.find, path[2:], ask), ask, record)
    if path[:2] == CALLBACKS:
        return await take_event(called(house.inbox, path[2:], ask), ask, record)
    if path[:2] == CONTACTS:
        desk = house.contacts.get((path[2], path[3])) if len(path) == 5 else None
        if desk is None:
            raise NotFound
        return await push_contact(desk, path[4], ask, record)
    return None


def called(find: Callable[[str, str, str], Door | None], path: Segments, ask: Inbound) -> Door:
    """What a vendor calls. It says by the path whose that is."""
    door = find(*path) if len(path) == 3 else None
    if door is None:
        raise NotFound
    if ask.method != "POST":
        raise MethodNotAllowed(("POST",))
    return door


async def who_asks(house: House, ask: Inbound, path: str) -> Identity:
    """Who makes a request that is none of ours: one to the application that we stand in.

    `path` is decoded, and any: only the place of an org is looked for in it.

    Raises:
        MisdirectedRequest, NotFound: no org stands there.
        GatewayError: as `Site.find` and `SignIn.authenticate` do.
    """
    http.check(ask.fields)
    site, _ = house.sites.find(ask.host, tuple(path.removeprefix("/").split("/")))
    return await signed_in((await site.find(ask)).org, ask)


async def health(house: House, ask: Inbound, path: Segments) -> Answer:
    """Whether the process lives; whether work should be sent to it."""
    only_get(ask)
    if path == ("readyz",):
        return problem.of_json({"status": await house.ready()})
    return problem.of_json({"status": "alive"})


def preflight(site: Site, path: Segments, ask: Inbound) -> Fields | None:
    """The fields that answer a CORS preflight: no sign-in, and nothing reaches a vendor."""
    methods = ("GET", "POST") if path[:1] == (OWN,) else site.methods(path)
    if not methods:
        raise NotFound
    return origin.preflight(ask.fields, site.origins, methods, site.named_in)


async def own_page(
    org: Org, path: Segments, ask: Inbound, answer: Answering, record: Record
) -> Answer:
    """What the gateway says about itself, and does for itself."""
    match path:
        case ("whoami",):
            only_get(ask)
            return who(org, await authenticate(org, ask, answer, record))
        case ("claim",) if org.visitors is not None:
            if ask.method != "POST":
                raise MethodNotAllowed(("POST",))
            return problem.of_json({"claimed": await claim(org, ask, answer, record)})
        case ("widget", named, upstream):
            only_get(ask)
            return await show(org, named, upstream, ask, record)
    raise NotFound


def only_get(ask: Inbound) -> None:
    if ask.method not in {"GET", "HEAD"}:
        raise MethodNotAllowed(("GET", "HEAD"))


async def refuse(answer: Stamped, record: Record, error: GatewayError) -> None:
    """End with an answer that says what is wrong; or, when one is under way, without an end."""
    record.code, record.reason = error.code, error.reason
    if answer.started:
        record.interrupted = "gateway" if isinstance(error, OF_OURS) else "upstream"
        await answer.cut()
    else:
        shown = problem.of_error(
            error,
            answer.problem(),
            record.request_id,
            asked=record.asked,
            metadata=answer.metadata(),
        )
        await send(answer, shown)


async def send(answer: Outbound, whole: Answer) -> None:
    """Send an answer of our own."""
    await answer.start(whole.status, whole.fields)
    if whole.content:
        await answer.chunk(whole.content)
    await answer.end()
