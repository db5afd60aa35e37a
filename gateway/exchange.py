"""One HTTP exchange, top to bottom. Start reading here.

Routing comes before authentication, because the route says whose sign-ins apply; authentication
before the limits and the body, so that a stranger can neither use them up nor make us read one; the
ledger before the vendor, so that a refusal costs nothing and tells nothing.
"""

from contextlib import AsyncExitStack

from gateway.core.errors import (
    BadRequest,
    ConversationNotFound,
    IdentityNotRepresentable,
    LoopDetected,
    MethodNotAllowed,
    NotFound,
    OriginRefused,
    ToolNotFound,
    UnsupportedMediaType,
)
from gateway.core.formats import fields as http
from gateway.core.formats import pointer
from gateway.core.people.identity import Identity, Person, propose_user_id
from gateway.core.request import call, origin
from gateway.core.request.call import Call
from gateway.core.request.route import Match, Segments
from gateway.orgs.org import Exchange, Org, Upstream
from gateway.ports import Answering, Fields, Inbound, Record, Ticket, Whose
from gateway.relay import relay
from gateway.steps.adoption import adopt
from gateway.steps.idempotency import once, repeatable
from gateway.steps.interrupt import Running
from gateway.steps.uploading import uploading
from gateway.steps.welcome import authenticate


async def handle(
    org: Org, path: Segments, ask: Inbound, answer: Answering, record: Record, running: Running
) -> None:
    """Carry one request to its vendor, and the answer back as it arrives.

    `path` is what is left below the org's own. Raises a `GatewayError` where it ends early.
    """
    upstream, match = route(org, path, ask, record)  # 404, 405: only what is declared exists
    if match.operation.websocket:  # some server lets CONNECT by, which is no handshake
        raise MethodNotAllowed(("GET",))
    check_origin(org, match, ask)  # 403: a page of somebody else's, where none is expected
    identity = await authenticate(org, ask, answer, record)  # 401: who is asking
    counted = org.limits.admit(identity.person, upstream.name, match.operation, record)
    async with counted as ticket:  # 429: how often
        user = await user_id(org, upstream, identity, record)  # 403: the name the vendor knows
        if upstream.contacts is not None:
            upstream.contacts.saw(identity, user)  # the vendor hears of it some other time
        exchange = Exchange(
            org,
            upstream,
            await read_call(org, upstream, match, ask, record),  # 400, 413, 415
            identity,
            user,
            record,
            ask,
        )
        await check_conversations(exchange)  # 404: theirs to continue?
        check_tools(exchange)  # 404: theirs to use?
        bound_tools(exchange)  # 400: has the person said anything lately?
        key = repeatable(exchange)  # 400: the name of what must not be done twice
        if key is None and not match.operation.files:
            await ticket.spend()  # 429: what it may cost
            await relay(exchange, answer, running)  # 502, 504
        else:
            await ask_within(exchange, key, ticket, answer, running)


async def ask_within(
    exchange: Exchange, key: str | None, ticket: Ticket, answer: Answering, running: Running
) -> None:
    """Ask for what must not be done twice, or brings files."""
    async with AsyncExitStack() as within:
        if key is not None:
            # 401, 403: who has been kept out meanwhile has not asked, and may ask again.
            running.check(exchange.asking, since=exchange.record.started)
            await within.enter_async_context(once(exchange, key))  # 409: been asked for already?
        await ticket.spend()  # 429
        if exchange.operation.files:
            # 400, 413, 415: of a form, what comes before a file
            await within.enter_async_context(uploading(exchange))
        await relay(exchange, answer, running)  # 502, 504


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
    record.tool_calls = int(match.operation.calls_tool)
    return upstream, match


def refuse_loop(fields: Fields, via: str) -> None:
    """Refuse a request that has been through this gateway (RFC 9110 section 7.6.3)."""
    for value in http.values(fields, b"via"):
        if via.encode("ascii") in (item.strip() for item in value.split(b",")):
            raise LoopDetected


def check_origin(org: Org, match: Match, ask: Inbound) -> None:
    """Refuse a page of another origin where no browser asks first: at MCP servers and WebSockets.

    A name that was made to lead here (DNS rebinding) is an origin of its own: `hosts` refuses it.
    """
    judged = match.operation.mcp or match.operation.websocket
    if judged and not origin.is_own(
        ask.fields, scheme=ask.scheme, host=ask.host, origins=org.origins
    ):
        raise OriginRefused("No page of this origin may call this server")


async def user_id(org: Org, upstream: Upstream, identity: Identity, record: Record) -> str:
    """The name this upstream knows the person by: the one it first had, whatever the rule is now.

    Raises:
        IdentityNotRepresentable: they have none, and the rule gives them none.
    """
    known = org.ledger.remembered_user_id(upstream.name, identity.person)
    record.user = known or await looked_up(org, upstream, identity.person)
    return record.user


async def looked_up(org: Org, upstream: Upstream, person: Person) -> str:
    """The name that the ledger has, or has from now on."""
    try:
        proposed = propose_user_id(
            person,
            rule=upstream.user_id_rule,
            pattern=upstream.user_id_pattern,
            secret=org.secret,
        )
    except IdentityNotRepresentable:
        known = await org.ledger.known_user_id(upstream.name, person)
        if known is None:
            raise
        return known
    return await org.ledger.user_id(upstream.name, person, proposed)


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
        fields=fields_of_client(org, ask, record),
        content=content,
        user=record.user,
        subject=record.subject,
        org=org.external_id,
        user_header=upstream.destination.user_header,
        refuse_spoofs=org.refuse_spoofs,
        seal=org.seal(upstream, record.subject) if match.operation.mcp else None,
    )
    record.dropped, record.spoofed = read.dropped, read.spoofed
    if read.spoofed:
        org.audit.note("identity_overridden", record)
    if read.asked is not None:
        record.asked = read.asked.id
        record.tool_calls = len(read.asked.tools)
    return read


def fields_of_client(org: Org, ask: Inbound, record: Record) -> Fields:
    """The fields without those of a proxy that has signed the person in: it spoofs nobody."""
    if not record.actor or not org.forwarded_in:
        return ask.fields
    return http.not_forwarded(ask.fields, org.forwarded_in)


async def read_body(upstream: Upstream, match: Match, ask: Inbound) -> bytes | None:
    """The body of an operation that takes one; an empty object where none need be sent."""
    operation = match.operation
    if operation.files or not operation.takes_body or ask.method in {"GET", "HEAD"}:
        return None
    declared = http.single(ask.fields, b"content-type")
    optional = operation.may_lack_body
    if not http.is_plain_json(declared) and not (optional and declared is None):
        raise UnsupportedMediaType
    if http.values(ask.fields, b"content-encoding"):
        raise UnsupportedMediaType
    content = await ask.body(upstream.max_body)
    if not content and optional:
        return b"{}"
    if declared is None:
        raise UnsupportedMediaType
    return content


async def check_conversations(exchange: Exchange) -> None:
    """Refuse unless every conversation the call names is this person's.

    Only then is it recorded: what somebody else wrote there may be anything, a token perhaps.
    """
    if exchange.operation.continues and not exchange.call.conversations:
        # A vendor may take none for all: GPTBots' lists do.
        raise BadRequest("This operation needs to be told which conversation it is about")
    if exchange.operation.opens and not exchange.call.conversations:
        # Or the vendor would be paid for an answer that nobody may read.
        exchange.org.ledger.check_takes_claims()
    for conversation in exchange.call.conversations:
        await check_conversation(exchange, conversation)


async def check_conversation(exchange: Exchange, conversation: str) -> None:
    """Refuse unless it is this person's."""
    org, upstream = exchange.org, exchange.upstream
    whose = await org.ledger.whose(upstream.name, conversation, exchange.identity.person)
    adopted = whose is Whose.NOBODYS and await adopt(exchange, conversation)
    if whose is not Whose.THEIRS and not adopted:
        org.audit.note("conversation_denied", exchange.record)
        raise ConversationNotFound
    exchange.record.conversation = conversation


def bound_tools(exchange: Exchange) -> None:
    """Refuse when tools and agent have had only each other to talk to for too long."""
    org, upstream, call = exchange.org, exchange.upstream, exchange.call
    if not call.operation.says or not call.conversations:
        return
    said = is_said(call)
    for conversation in call.conversations:
        name = (org.external_id, upstream.name, conversation)
        if said:
            org.rounds.said(*name)
        elif not org.rounds.may_go_on(*name):
            raise BadRequest("Tools have answered ten times in a row: now the person has to speak")


def is_said(call: Call) -> bool:
    """Whether the person says anything in it."""
    for place in call.operation.says:
        for value in pointer.find(call.body, place.tokens):
            if value:
                return True
    return False


def check_tools(exchange: Exchange) -> None:
    """Refuse unless every tool the call names is this person's to use."""
    asked = exchange.call.asked
    if asked is None:
        return
    allowed = exchange.tools
    if allowed is None or allowed.issuperset(asked.tools):
        return
    exchange.org.audit.note("tool_denied", exchange.record)
    raise ToolNotFound
