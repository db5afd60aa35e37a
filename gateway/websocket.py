"""One WebSocket, top to bottom: the handshake is judged as a request is, then each message.

It ends when either side closes, with the code it gave; when a message may not be said; when the
credential has expired, or the person may speak no longer by the configuration that serves by then;
when it has been open for as long as one may be; and when the gateway stops.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from gateway.core.answer.note import Costs, Names, Opens, Reader, Stop
from gateway.core.errors import (
    CredentialsExpired,
    CredentialsInvalid,
    GatewayError,
    NotFound,
    Overloaded,
    Unavailable,
    UpstreamCredentialsRefused,
    UpstreamError,
    UpstreamTimeout,
)
from gateway.core.people.identity import VISITOR
from gateway.core.request.route import Segments
from gateway.core.websocket import closing, handshake, spoken
from gateway.core.websocket.closing import Closing
from gateway.exchange import (
    check_conversation,
    check_conversations,
    check_origin,
    read_call,
    route,
    user_id,
)
from gateway.orgs.org import Exchange, Org
from gateway.ports import Inbound, Record, Ticket
from gateway.ports.socket import ClientSocket, Closed, Socket, VendorSocket
from gateway.relay import MAX_AMOUNTS, check_name, claim
from gateway.steps.interrupt import Interrupt, Running
from gateway.steps.stamp import Stamped
from gateway.steps.welcome import authenticate, signed_in

OF_THE_VENDOR = (UpstreamError, UpstreamTimeout)  # what ends one, and is not our doing
MAX_NOTED = 50  # names left out, of a whole WebSocket

Left: TypeAlias = tuple[Socket, Closed]
Weigh: TypeAlias = Callable[[Exchange, bytes], Awaitable[bytes]]
Check: TypeAlias = Callable[[], Awaitable[None]]  # raises where it may go on no longer


async def handle(
    org: Org,
    path: Segments,
    ask: Inbound,
    socket: ClientSocket,
    answer: Stamped,
    record: Record,
    running: Running,
    org_now: Callable[[], Awaitable[Org]],
) -> None:
    """Carry a WebSocket to its vendor. Raises a `GatewayError` where it is not opened.

    `org_now` finds the org again, by the configuration that serves then.
    """
    upstream, match = route(org, path, ask, record)  # 404, 405: only what is declared exists
    check_origin(org, match, ask)  # 403: a page of somebody else's
    identity = await authenticate(org, ask, answer, record)  # 401: who is asking
    counted = org.limits.admit(identity.person, upstream.name, match.operation, record)
    async with counted as ticket:  # 429: how often
        user = await user_id(org, upstream, identity, record)  # 403: the name the vendor knows
        read = await read_call(org, upstream, match, ask, record)  # 400
        exchange = Exchange(org, upstream, read, identity, user, record, ask)
        await check_conversations(exchange)  # 404: theirs to continue?
        await ticket.spend()  # 429: what it may cost
        check = partial(check_again, exchange, path, org_now)
        await converse(exchange, ticket, socket, answer, running, check)  # 502, 504


async def converse(
    exchange: Exchange,
    ticket: Ticket,
    socket: ClientSocket,
    answer: Stamped,
    running: Running,
    check: Check,
) -> None:
    """Open it on both sides, carry what is said, and close both."""
    record = exchange.record
    async with opened(exchange) as vendor:
        try:
            with Interrupt(running, exchange.identity, since=record.started):
                record.first_byte_ms = (time.monotonic() - record.started) * 1000
                await socket.accept(vendor.subprotocol, answer.marks())
                record.status = 101
                side, closed = await carried_out(exchange, ticket, socket, vendor, check)
                if side is vendor:
                    exchange.upstream.quoted.check(closed.reason.encode("utf-8"))
        except GatewayError as error:
            record.code, record.reason = error.code, error.reason
            record.interrupted = "upstream" if isinstance(error, OF_THE_VENDOR) else "gateway"
            await socket.close(closing.of_error(error))
            await vendor.close(Closing(closing.GOING_AWAY))
        else:
            await pass_on(side, closed, socket, vendor)


@asynccontextmanager
async def opened(exchange: Exchange) -> AsyncIterator[VendorSocket]:
    """The vendor's WebSocket; tried once more with the next key when the first is refused."""
    operation, upstream = exchange.operation, exchange.upstream
    if upstream.sockets is None:
        raise NotFound
    offer = handshake.passed(exchange.ask.fields, operation.subprotocols)
    keys = upstream.keys[:2] or ("",)
    for key in keys:
        vendor = upstream.sockets.open(exchange.request(key), offer, exchange)
        try:
            socket = await vendor.__aenter__()
        except UpstreamCredentialsRefused:
            if key == keys[-1]:
                exchange.org.audit.note("upstream_credentials_refused", exchange.record)
                raise
            exchange.org.audit.note("key_refused", exchange.record)
            continue
        try:
            yield socket
        finally:
            await vendor.__aexit__(None, None, None)
        return


async def carried_out(
    exchange: Exchange, ticket: Ticket, socket: ClientSocket, vendor: VendorSocket, check: Check
) -> Left:
    """Carry messages both ways until one side closes: which, and how."""
    reader = Reader(exchange.operation, exchange.user, exchange.call.conversations)

    async def said(exchange: Exchange, content: bytes) -> bytes:
        return await weigh_message(exchange, ticket, content)

    async def heard(exchange: Exchange, content: bytes) -> bytes:
        return await weigh_answer(exchange, reader, content)

    pumps = [
        asyncio.create_task(pump(exchange, socket, vendor, said)),
        asyncio.create_task(pump(exchange, vendor, socket, heard)),
        asyncio.create_task(until_no_longer(exchange, ticket, check)),
    ]
    try:
        done, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        return next(one for one in pumps if one in done).result()
    finally:
        for one in pumps:
            one.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


async def pump(exchange: Exchange, source: Socket, sink: Socket, weigh: Weigh) -> Left:
    """One message in, one message out, no queue between: whoever is slow slows the other."""
    while True:
        try:
            content = await source.receive()
        except Closed as closed:
            return source, closed
        content = await weigh(exchange, content)
        try:
            await sink.send(content)
        except Closed as closed:
            return sink, closed


async def weigh_message(exchange: Exchange, ticket: Ticket, content: bytes) -> bytes:
    """A message as the vendor gets it. Raises a `GatewayError` where it may not be said."""
    org, record, upstream = exchange.org, exchange.record, exchange.upstream
    record.bytes_in += len(content)
    said = spoken.read(
        exchange.operation,
        content,
        limit=upstream.max_body,
        user=exchange.user,
        own=frozenset({exchange.user, record.subject, org.external_id}),
        refuse_spoofs=org.refuse_spoofs,
    )
    if said.spoofed and not record.spoofed:
        org.audit.note("identity_overridden", record)
    record.spoofed = kept(record.spoofed, said.spoofed)
    record.dropped = kept(record.dropped, said.dropped)
    record.tool_calls += said.calls_tool
    for conversation in said.conversations:
        await check_conversation(exchange, conversation)
    if said.thinks:
        await ticket.again()
    return said.content


def kept(noted: Sequence[str], left_out: Sequence[str]) -> Sequence[str]:
    """Names that were left out; what the handshake named may be more than is noted later."""
    return (*noted, *left_out[: max(0, MAX_NOTED - len(noted))])


async def weigh_answer(exchange: Exchange, reader: Reader, content: bytes) -> bytes:
    """A message of the vendor's: what it names is theirs before they hear of it."""
    exchange.record.bytes_out += len(content)
    exchange.upstream.quoted.check(content)
    for note in reader.read_event(content):
        match note:
            case Opens(conversation):
                await claim(exchange, conversation)
            case Names(user):
                await check_name(exchange, user)
            case Costs(usage):
                add(exchange.record, usage)
            case Stop(error):
                exchange.org.audit.note("answer_stopped", exchange.record)
                raise error
    return content


def add(record: Record, usage: dict[str, float]) -> None:
    """Note what one answer of many cost; no more names than a vendor has for that."""
    told = record.usage = record.usage or {}
    for name, amount in usage.items():
        if name in told or len(told) < MAX_AMOUNTS:
            told[name] = told.get(name, 0) + amount


async def until_no_longer(exchange: Exchange, ticket: Ticket, check: Check) -> Left:
    """Look now and then whether the credential still says who this is; return never.

    What it has cost is charged each time: it may last for very long.

    Raises:
        Unauthenticated, Forbidden: it does not. That nobody can tell now ends nothing.
        TooManyRequests: a budget is spent.
        Overloaded: it has been open for as long as one may be.
    """
    expires_at = exchange.identity.expires_at
    ends_at = time.monotonic() + exchange.upstream.longest
    while True:
        left = min(exchange.upstream.recheck, ends_at - time.monotonic())
        if expires_at is not None:
            left = min(left, expires_at - time.time())
        await asyncio.sleep(max(0.0, left))
        if expires_at is not None and time.time() >= expires_at:
            raise CredentialsExpired
        if time.monotonic() >= ends_at:
            raise Overloaded("It has been open for as long as one may be: connect again")
        try:
            await check()
            await ticket.renew()
        except Unavailable:
            continue


async def check_again(
    exchange: Exchange, path: Segments, org_now: Callable[[], Awaitable[Org]]
) -> None:
    """Refuse where the handshake, come now, would be refused, or somebody else's."""
    org, person = await org_now(), exchange.identity.person
    upstream, _ = route(org, path, exchange.ask, replace(exchange.record))
    if upstream.name != exchange.upstream.name:
        raise NotFound
    if VISITOR.fullmatch(person.subject):
        if org.visitors is None or await org.ledger.has_become(person):
            raise CredentialsInvalid
    elif (await signed_in(org, exchange.ask)).person != person:
        raise CredentialsInvalid


async def pass_on(side: Socket, closed: Closed, socket: ClientSocket, vendor: VendorSocket) -> None:
    """Tell the other side how the one has closed."""
    if side is socket:
        left = closing.carried(closed.code, closed.reason, otherwise=closing.GOING_AWAY)
        await vendor.close(left)
    else:
        left = closing.carried(closed.code, closed.reason, otherwise=closing.BAD_GATEWAY)
        await socket.close(left)
