"""The vendor's side of an exchange: the request goes, and its answer comes back as it arrives."""

import time
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any

from gateway.core import problem
from gateway.core.answer.observe import Costs, Names, Note, Observer, Opens, Stop, observe
from gateway.core.errors import (
    BadRequest,
    GatewayError,
    UpstreamCredentialsRefused,
    UpstreamMalformed,
)
from gateway.core.formats import fields as http
from gateway.core.formats.fields import MediaType
from gateway.core.people.seal import handle
from gateway.core.profile.metered import Metered
from gateway.core.request.call import Call
from gateway.core.request.spelled import canonical_id
from gateway.orgs.org import Exchange
from gateway.ports import Fields, Outbound, Record, VendorResponse
from gateway.steps.interrupt import Interrupt, Running
from gateway.steps.shortcut import shortcut

MAX_AMOUNTS = 32  # kinds of cost of one answer


async def relay(exchange: Exchange, answer: Outbound, running: Running) -> None:
    """Send the request, once more with the next key on a 401, and pass on what comes.

    One chunk in, one chunk out, no queue between: a slow client slows the vendor.
    """
    keys = keys_of(exchange)
    try:
        with Interrupt(running, exchange.asking, since=exchange.record.started) as interrupt:
            interrupt.identity = exchange.going_on
            interrupt.after(exchange.upstream.total, exchange.ends_at)
            interrupt.when_left(exchange.ask)
            while keys:
                async with exchange.upstream.transport.open(
                    exchange.request(keys[0]), exchange
                ) as response:
                    exchange.record.upstream_status = response.status
                    if response.status == 401 and keys[0] != keys[-1]:
                        exchange.org.audit.note("key_refused", exchange.record)
                        keys = keys[1:]
                        continue
                    observer, watch = await begin(exchange, response, answer), exchange.watch
                    async for chunk in response.chunks(shortcut(observer, watch, answer)):
                        if answer.started and observer.passes(chunk) and watch.passes(chunk):
                            await answer.chunk(chunk)
                        elif notes := observer.feed(chunk):
                            await act(exchange, notes, answer)
                        del chunk  # it need not stay until the next comes
                    await end(exchange, observer, answer)
                    return
    except GatewayError as error:
        await say_last(exchange, error, answer)
        raise


def keys_of(exchange: Exchange) -> tuple[str, ...]:
    """The keys to ask with, one after the other."""
    keys = exchange.upstream.keys[:2] or ("",)
    # What has been sent as it came is not there a second time.
    return keys if exchange.upload is None else keys[:1]


async def begin(exchange: Exchange, response: VendorResponse, answer: Outbound) -> Observer:
    """Judge the head of the vendor's answer, and pass it on if its content need not be seen first.

    Returns:
        Who watches the rest.
    """
    media = media_type(response.fields)
    fields = head(exchange, response, media)
    operation, session = exchange.operation, ""
    if operation.opened_in or operation.mcp:
        session = await claim_session(exchange, response, fields)
    observer = exchange.observer = observe(
        operation,
        media,
        ok=200 <= response.status < 300,
        user=exchange.user,
        known=exchange.call.conversations,
        hidden=unasked(exchange.call),
        editing=exchange.editing(session),
    )
    exchange.record.first_byte_ms = (time.monotonic() - exchange.record.started) * 1000
    del exchange.call  # a body may be large, and a stream long
    exchange.head = response.status, fields
    if not observer.holds:
        await start(exchange, answer)
    return observer


async def end(exchange: Exchange, observer: Observer, answer: Outbound) -> None:
    """Pass on what was held back, and the end."""
    await act(exchange, observer.end(), answer)
    if not answer.started:
        await start(exchange, answer)
    if rest := exchange.watch.end():
        await answer.chunk(rest)
    await answer.end()


def start(exchange: Exchange, answer: Outbound, more: Fields = ()) -> Coroutine[Any, Any, None]:
    """Pass on the head, and let go of it: a stream is long."""
    (status, fields), exchange.head = exchange.head, (0, ())
    return answer.start(status, [*fields, *more])


def unasked(call: Call) -> Metered | None:
    """What the vendor tells because we asked, and the client did not."""
    metered = call.operation.metered
    return metered if metered is not None and metered.needs(call.body or {}) else None


def head(
    exchange: Exchange, response: VendorResponse, media: MediaType | None
) -> list[tuple[bytes, bytes]]:
    """The fields of the vendor's answer that the client gets.

    A 401 or 403 is about our own key, where there is one, and such bodies quote keys; that of an
    MCP server would have clients sign in there, past us. A redirect
    would take the client, or the key, elsewhere; a coded answer cannot be looked into.
    """
    refuses_us = exchange.upstream.keys or exchange.operation.mcp
    if response.status in {401, 403} and refuses_us:
        exchange.org.audit.note("upstream_credentials_refused", exchange.record)
        raise UpstreamCredentialsRefused(proxy_error="http_request_denied")
    if 300 <= response.status < 400:
        raise UpstreamMalformed("The upstream answered with a redirect")
    coding = http.first(response.fields, b"content-encoding")
    if coding is not None and coding.lower() != b"identity":
        raise UpstreamMalformed("The upstream answered with a content coding nobody asked for")
    if media is not None and media.is_page:
        raise UpstreamMalformed("The upstream answered with a page")
    passed = http.passed_to_client(response.fields, exchange.operation.answer_fields)
    # All at once: what stands in one stands in them joined, and no key has the break between.
    exchange.upstream.quoted.check(b"\n".join(map(http.VALUE_OF, passed)))
    if response.status >= 400:
        passed.append((b"proxy-status", problem.received(response.status)))
    return passed


async def claim_session(
    exchange: Exchange, response: VendorResponse, fields: list[tuple[bytes, bytes]]
) -> str:
    """Make what a field of the answer opens theirs, before the head goes out.

    An error opens nothing: what it names, unless it is theirs, does not pass (`fields` loses it).

    Returns:
        The session the answer is of; "" where there is none.
    """
    known = exchange.call.conversations
    for name in exchange.operation.opened_in:
        named = http.values(response.fields, name)
        if len(named) > 1:
            raise UpstreamMalformed("The upstream's answer names two conversations")
        conversation = _kept_as(exchange, named[0]) if named else None
        if conversation is None or conversation in known:
            continue
        if response.status >= 400:
            fields[:] = [one for one in fields if one[0] != name]
        else:
            await claim(exchange, conversation)
            return conversation
    return known[0] if known else ""


def _kept_as(exchange: Exchange, named: bytes) -> str:
    """The name under which the ledger has what a field of the answer names."""
    value = named.decode("latin-1")
    try:
        return handle(value) if exchange.operation.mcp else canonical_id(value)
    except BadRequest as error:
        raise UpstreamMalformed("The upstream's answer names no conversation") from error


def media_type(fields: Fields) -> MediaType | None:
    """The one media type of an answer; None where it says none.

    Of two, or of what is no media type, a browser makes something else than we do.
    """
    written = [value for name, value in fields if name == b"content-type" and value]
    if not written:
        return None
    media = http.media_type(written[0])
    if media is None or len(written) > 1:
        raise UpstreamMalformed("The upstream's answer has no media type, or two")
    if media.hides:
        raise UpstreamMalformed("The upstream's answer is in another encoding than UTF-8")
    return media


async def act(exchange: Exchange, notes: Iterable[Note], answer: Outbound) -> None:
    """Do what the observer says, in its order: an id is owned before it leaves."""
    for note in notes:
        match note:
            case bytes():
                await let_by(exchange, note, answer)
            case Opens(conversation):
                await claim(exchange, conversation)
            case Names(user):
                await check_name(exchange, user)
            case Costs(usage):
                count(exchange.record, usage)
            case Stop(error):
                exchange.org.audit.note("answer_stopped", exchange.record)
                raise error


async def let_by(exchange: Exchange, content: bytes, answer: Outbound) -> None:
    """Pass bytes on, unless our key stands in them; an answer held whole says how long it is."""
    if exchange.observer is not None and exchange.observer.holds:
        passed = content
        exchange.upstream.quoted.check(content)
        await start(exchange, answer, [(b"content-length", b"%d" % len(content))])
    else:
        passed = exchange.watch.feed(content)
    if passed:
        if not answer.started:
            await start(exchange, answer)
        await answer.chunk(passed)


def count(record: Record, usage: Mapping[str, float]) -> None:
    """Note what the answer cost so far; no more names than a vendor has for that."""
    told = record.usage = record.usage or {}
    for name, amount in usage.items():
        if name in told or len(told) < MAX_AMOUNTS:
            told[name] = amount


async def claim(exchange: Exchange, conversation: str) -> None:
    """Make a conversation that the answer opens theirs; one that is another's ends the answer."""
    person = exchange.identity.person
    if not await exchange.org.ledger.claim(exchange.upstream.name, conversation, person):
        exchange.org.audit.note("conversation_of_another", exchange.record)
        raise UpstreamMalformed("The upstream answered with another person's conversation")
    record = exchange.record
    if not (record.conversation and exchange.operation.opens_more):
        record.conversation = conversation


async def check_name(exchange: Exchange, user: str) -> None:
    """Refuse an answer that names another user, unless this person had that name before."""
    person = exchange.identity.person
    if not await exchange.org.ledger.was_named(exchange.upstream.name, person, user):
        exchange.org.audit.note("answer_names_another", exchange.record)
        raise UpstreamMalformed("The upstream's answer names another user")


async def say_last(exchange: Exchange, error: GatewayError, answer: Outbound) -> None:
    """Tell a client that is in the middle of a stream why it ends, in the vendor's own words."""
    observer, record = exchange.observer, exchange.record
    if exchange.operation.mcp and record.asked is None:
        return  # nobody waits for an answer there
    if answer.started and observer is not None:
        shape = exchange.upstream.destination.vendor.problem
        data, name = problem.last_event(error, shape, record.request_id, record.asked)
        if event := observer.interject(data, name):
            await answer.chunk(event)
