"""One HTTP exchange, top to bottom. Start reading here.

Routing comes before authentication, because the route says whose sign-ins apply; authentication
before the body, so that a stranger cannot make us read one; the ledger before the vendor, so that
a refusal costs nothing and tells nothing.
"""

import re
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gateway.core import call, problem
from gateway.core import fields as http
from gateway.core.call import Call
from gateway.core.directory import Directory
from gateway.core.errors import (
    ConversationNotFound,
    GatewayError,
    LoopDetected,
    NotFound,
    UnsupportedMediaType,
    UpstreamCredentialsRefused,
    UpstreamMalformed,
)
from gateway.core.identity import Identity, UserIdRule, propose_user_id
from gateway.core.observe import Costs, Note, Observer, Opens, Pass, Stop, observe
from gateway.core.plan import Destination, VendorRequest, plan
from gateway.core.route import Match, Segments, Table
from gateway.core.vendor import Vendor
from gateway.interrupt import Running, while_connected, within
from gateway.ports import (
    AuditSink,
    ConversationLedger,
    Fields,
    Inbound,
    Limits,
    Outbound,
    Record,
    SignIn,
    Transport,
    VendorResponse,
)


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """A vendor as one org uses it."""

    name: str
    authority: str  # host and port of the vendor, as Host will say
    destination: Destination
    table: Table
    keys: tuple[str, ...] = field(repr=False)  # the first is used; the next, once, on a 401
    transport: Transport
    user_id_rule: UserIdRule
    user_id_pattern: re.Pattern[str]
    agents: frozenset[str] | None = None  # None: every one the key opens
    max_body: int = 1024 * 1024  # bytes
    total: float = 900.0  # seconds an exchange may take


@dataclass(frozen=True, kw_only=True)
class Org:
    """A customer of the gateway: whom it signs in, and which vendors it stands in front of."""

    name: str
    external_id: str
    sign_in: SignIn
    upstreams: Directory[Upstream]
    vendors: Mapping[str, Vendor]  # by the name of the upstream
    ledger: ConversationLedger
    audit: AuditSink
    limits: Limits
    secret: bytes = field(repr=False)  # for opaque user ids
    origins: tuple[str, ...] = ()
    refuse_spoofs: bool = False


@dataclass(slots=True)
class Exchange:
    """One call, decided; and who watches its answer, once there is one."""

    org: Org
    upstream: Upstream
    call: Call
    identity: Identity
    user: str
    record: Record
    observer: Observer | None = None

    def request(self, key: str) -> VendorRequest:
        return plan(
            self.upstream.destination,
            self.call,
            identity=self.identity,
            user=self.user,
            key=key,
            request_id=self.record.request_id,
        )


async def handle(
    org: Org, path: Segments, ask: Inbound, answer: Outbound, record: Record, running: Running
) -> None:
    """Carry one request to its vendor, and the answer back as it arrives.

    `path` is what is left below the org's own. Raises a `GatewayError` where it ends early.
    """
    upstream, match = route(org, path, ask, record)  # 404, 405: only what is declared exists
    identity = await authenticate(org, ask, record)  # 401: who is asking
    with org.limits.admit(identity, upstream.name):  # 429
        user = await user_id(org, upstream, identity, record)  # 403: the name the vendor knows
        read = await read_call(org, upstream, match, ask, record)  # 400, 413, 415
        exchange = Exchange(org, upstream, read, identity, user, record)
        await check_conversations(exchange)  # 404: theirs to continue?
        await relay(exchange, ask, answer, running)  # 502, 504


def route(org: Org, path: Segments, ask: Inbound, record: Record) -> tuple[Upstream, Match]:
    """The upstream and the operation a path means."""
    upstream, below = org.upstreams.find(None, path)
    record.upstream = upstream.name
    refuse_loop(ask.fields, upstream.destination.via)
    match = upstream.table.match(ask.method, below)
    agent = match.variables.get("agent")
    if agent is not None and upstream.agents is not None and agent not in upstream.agents:
        raise NotFound
    record.operation = match.name
    return upstream, match


def refuse_loop(fields: Fields, via: str) -> None:
    """Refuse a request that has been through this gateway (RFC 9110 section 7.6.3)."""
    own = via.encode("ascii")
    for value in http.values(fields, b"via"):
        if own in (item.strip() for item in value.split(b",")):
            raise LoopDetected


async def authenticate(org: Org, ask: Inbound, record: Record) -> Identity:
    """Who is asking."""
    identity = await org.sign_in.authenticate(ask)
    record.subject = identity.subject
    record.actor = identity.actor or ""
    return identity


async def user_id(org: Org, upstream: Upstream, identity: Identity, record: Record) -> str:
    """The name this upstream knows the person by: the one it first had."""
    proposed = propose_user_id(
        identity.person,
        rule=upstream.user_id_rule,
        pattern=upstream.user_id_pattern,
        secret=org.secret,
    )
    record.user = await org.ledger.user_id(upstream.name, identity.person, proposed)
    return record.user


async def read_call(
    org: Org, upstream: Upstream, match: Match, ask: Inbound, record: Record
) -> Call:
    """What is asked, reduced to what the operation lists."""
    content = await read_body(upstream, match, ask)
    record.bytes_in = len(content or b"")
    read = call.read(
        match,
        method=ask.method,
        raw_query=ask.raw_query,
        fields=ask.fields,
        content=content,
        user=record.user,
        subject=record.subject,
        user_header=upstream.destination.user_header,
        refuse_spoofs=org.refuse_spoofs,
    )
    record.dropped.extend(read.dropped)
    record.spoofed.extend(read.spoofed)
    record.conversation = read.conversations[0] if read.conversations else ""
    if read.spoofed:
        org.audit.note("identity_overridden", record)
    return read


async def read_body(upstream: Upstream, match: Match, ask: Inbound) -> bytes | None:
    """The body of an operation that takes one."""
    if not match.operation.takes_body or ask.method in {"GET", "HEAD"}:
        return None
    if not http.is_plain_json(http.single(ask.fields, b"content-type")):
        raise UnsupportedMediaType
    if http.values(ask.fields, b"content-encoding"):
        raise UnsupportedMediaType
    return await ask.body(upstream.max_body)


async def check_conversations(exchange: Exchange) -> None:
    """Refuse unless every conversation the call names is this person's."""
    org, upstream = exchange.org, exchange.upstream
    for conversation in exchange.call.conversations:
        owner = await org.ledger.owner(org.external_id, upstream.name, conversation)
        if owner != exchange.identity.person:
            org.audit.note("conversation_denied", exchange.record)
            raise ConversationNotFound


async def relay(exchange: Exchange, ask: Inbound, answer: Outbound, running: Running) -> None:
    """Send the request, and pass the answer on as it comes."""
    try:
        async with (
            within(exchange.upstream.total),
            while_connected(ask, running),
            opened(exchange) as response,
        ):
            await pass_on(exchange, response, answer)
    except GatewayError as error:
        await say_last(exchange, error, answer)
        raise


@asynccontextmanager
async def opened(exchange: Exchange) -> AsyncIterator[VendorResponse]:
    """The vendor's answer, at its head; asked once more with the next key on a 401."""
    keys = exchange.upstream.keys[:2] or ("",)
    for key in keys:
        async with exchange.upstream.transport.open(exchange.request(key)) as response:
            exchange.record.upstream_status = response.status
            if response.status == 401 and key != keys[-1]:
                exchange.org.audit.note("key_refused", exchange.record)
                continue
            yield response
            return


async def pass_on(exchange: Exchange, response: VendorResponse, answer: Outbound) -> None:
    """One chunk in, one chunk out, no queue between: a slow client slows the vendor."""
    fields = head(exchange, response)
    media = http.media_type(http.first(response.fields, b"content-type"))
    observer = exchange.observer = observe(
        exchange.call.operation,
        media,
        ok=200 <= response.status < 300,
        user=exchange.user,
        known=exchange.call.conversations,
    )
    exchange.record.first_byte_ms = (time.monotonic() - exchange.record.started) * 1000
    if not observer.holds:
        await answer.start(response.status, fields)
    async for chunk in response.chunks():
        await act(exchange, observer.feed(chunk), response.status, fields, answer)
    await act(exchange, observer.end(), response.status, fields, answer)
    if not answer.started:
        await answer.start(response.status, fields)
    await answer.end()


def head(exchange: Exchange, response: VendorResponse) -> Fields:
    """The fields of the vendor's answer that the client gets.

    A 401 or 403 is about our own key, and such bodies quote keys; a redirect would take the client,
    or the key, elsewhere; a coded answer cannot be looked into.
    """
    if response.status in {401, 403}:
        exchange.org.audit.note("upstream_credentials_refused", exchange.record)
        raise UpstreamCredentialsRefused(proxy_error="http_request_denied")
    if 300 <= response.status < 400:
        raise UpstreamMalformed("The upstream answered with a redirect")
    coding = http.first(response.fields, b"content-encoding")
    if coding is not None and coding.lower() != b"identity":
        raise UpstreamMalformed("The upstream answered with a content coding nobody asked for")
    media = http.media_type(http.first(response.fields, b"content-type"))
    if media is not None and media.essence in http.PAGES:
        raise UpstreamMalformed("The upstream answered with a page")
    passed = http.passed_to_client(response.fields, exchange.call.operation.response_fields)
    if response.status >= 400:
        passed.append((b"proxy-status", problem.received(response.status)))
    return passed


async def act(
    exchange: Exchange, notes: Iterator[Note], status: int, fields: Fields, answer: Outbound
) -> None:
    """Do what the observer says, in its order: an id is owned before it leaves."""
    for note in notes:
        match note:
            case Pass(content):
                if not answer.started:
                    length = str(len(content)).encode("ascii")
                    await answer.start(status, [*fields, (b"content-length", length)])
                await answer.chunk(content)
            case Opens(conversation):
                await claim(exchange, conversation)
            case Costs(usage):
                exchange.record.usage.update(usage)
            case Stop(error):
                exchange.org.audit.note("answer_stopped", exchange.record)
                raise error


async def claim(exchange: Exchange, conversation: str) -> None:
    """Make a conversation that the answer opens theirs; one that is another's ends the answer."""
    person = exchange.identity.person
    if not await exchange.org.ledger.claim(exchange.upstream.name, conversation, person):
        exchange.org.audit.note("conversation_of_another", exchange.record)
        raise UpstreamMalformed("The upstream answered with another person's conversation")
    exchange.record.conversation = conversation


async def say_last(exchange: Exchange, error: GatewayError, answer: Outbound) -> None:
    """Tell a client that is in the middle of a stream why it ends, in the vendor's own words."""
    observer = exchange.observer
    if answer.started and observer is not None and observer.between_events:
        shape = exchange.upstream.destination.vendor.problem
        await answer.chunk(problem.last_event(error, shape, exchange.record.request_id))
