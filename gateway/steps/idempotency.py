"""One call of the vendor for one `Idempotency-Key`, whatever a client, or the way to us, repeats.

The name is kept before the vendor is called, and is free again only where nothing can come of it
any more: the vendor was not reached, or has said no, or that it failed, which SDKs try again under
the same name. After a time-out, a broken answer or a client that left, nobody knows: it stays
taken.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.core.errors import (
    BadRequest,
    ContentTooLarge,
    IdentityNotRepresentable,
    LedgerUnavailable,
    Overloaded,
    RequestTimeout,
    TooManyRequests,
    UnsupportedMediaType,
    UpstreamUnreachable,
)
from gateway.core.request.idempotency import Earlier, digest, key_of, name_of, refuse
from gateway.orgs.org import Exchange
from gateway.ports import Askings
from gateway.steps.interrupt import Stopping

# Raised before a byte has reached the vendor, or after half a form, which is no request.
BEFORE = (
    BadRequest,
    ContentTooLarge,
    IdentityNotRepresentable,
    Overloaded,
    RequestTimeout,
    TooManyRequests,
    UnsupportedMediaType,
    UpstreamUnreachable,
)
# Statuses: nothing comes of it. Not 502 and 504: they are of who stands before one that may think.
SAID_NO = frozenset({*range(400, 500), 500, 503, 529})


def repeatable(exchange: Exchange) -> str | None:
    """The client's name for what must be done once; None: it may be asked for again.

    Raises:
        BadRequest: its name is none.
    """
    call = exchange.call
    if not call.operation.thinks or call.method != "POST":
        return None
    return key_of(exchange.ask.fields)


@asynccontextmanager
async def once(exchange: Exchange, key: str) -> AsyncIterator[None]:
    """Run the block for the first who asks this under its name, and for nobody else.

    Raises:
        AskedAlready: it is not the first.
        LedgerUnavailable: nobody knows.
    """
    askings, call = exchange.org.askings, exchange.call
    if askings is None:
        yield
        return
    record, upstream = exchange.record, exchange.upstream.name
    name = name_of(exchange.identity.person, upstream, call.name, key)
    content = content_of(exchange)
    earlier = await askings.begin(name, Earlier(record.request_id, content))
    if earlier is not None:
        raise refuse(earlier, content)
    nothing_done = False
    try:
        yield
    except Stopping:
        raise
    except BEFORE:
        nothing_done = not record.upstream_status
        raise
    finally:
        await settle(askings, name, exchange, nothing_done=nothing_done)


def content_of(exchange: Exchange) -> bytes:
    """What is asked, however it was written: of the vendor's request what is the same each time.

    And for whom: who comes under the name of somebody who was erased has another id there.
    """
    request = exchange.request(next(iter(exchange.upstream.keys), ""))
    asked = (request.method, request.target, exchange.user)
    return digest(*(one.encode() for one in asked), request.content or b"")


async def settle(askings: Askings, name: bytes, exchange: Exchange, *, nothing_done: bool) -> None:
    """Note what came of it; where that cannot be noted, the name stays taken."""
    record = exchange.record
    try:
        if nothing_done or record.upstream_status in SAID_NO:
            await askings.forget(name)
        else:
            await askings.end(name, record.conversation)
    except LedgerUnavailable:
        return
