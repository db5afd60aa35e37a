"""A form with files on its way: read as it comes, made anew, and passed on piece by piece.

The vendor is not called before the first file begins, or the form is whole: what is refused until
then it never sees. What is refused later leaves it half a request, which is none.
"""

import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import TypeAlias

from gateway.core.errors import UnsupportedMediaType
from gateway.core.formats import fields as http
from gateway.core.request.form import FormRewriter, boundary_of
from gateway.orgs.org import Exchange, Upload
from gateway.ports import FormReader, Inbound

Pieces: TypeAlias = AsyncGenerator[bytes, None]


@asynccontextmanager
async def uploading(exchange: Exchange) -> AsyncIterator[None]:
    """Run the block while the form of an operation that takes files can be passed on.

    Raises:
        BadRequest, UnsupportedMediaType, ContentTooLarge, SpoofedIdentity, RequestTimeout.
    """
    ask = exchange.ask
    reads = exchange.upstream.reads_forms
    if reads is None or http.values(ask.fields, b"content-encoding"):
        raise UnsupportedMediaType
    boundary = boundary_of(http.single(ask.fields, b"content-type"))
    form = FormRewriter(
        exchange.operation,
        user=exchange.user,
        own=(exchange.user, exchange.identity.subject, exchange.org.external_id),
        boundary=secrets.token_hex(16).encode("ascii"),
        refuse_spoofs=exchange.org.refuse_spoofs,
    )
    async with aclosing(pieces(exchange, ask, form, reads(boundary))) as made:
        exchange.upload = Upload(form.content_type, with_first(await anext(made), made))
        try:
            yield
        finally:
            note(exchange, form)


async def pieces(
    exchange: Exchange, ask: Inbound, form: FormRewriter, reader: FormReader
) -> Pieces:
    """The form made anew: the first piece once a file has begun, or all of it."""
    made = [form.opening()]
    async with aclosing(ask.chunks(exchange.upstream.max_body)) as chunks:
        async for chunk in chunks:
            exchange.record.bytes_in += len(chunk)
            made += [form.take(event) for event in reader.feed(chunk)]
            if form.has_file and (piece := b"".join(made)):
                yield piece
                made.clear()
    reader.end()
    yield b"".join([*made, form.closing()])


async def with_first(first: bytes, rest: Pieces) -> Pieces:
    async with aclosing(rest):
        yield first
        async for piece in rest:
            yield piece


def note(exchange: Exchange, form: FormRewriter) -> None:
    """Note what was left out of it."""
    record = exchange.record
    record.dropped = (*record.dropped, *form.dropped)
    record.spoofed = (*record.spoofed, *form.spoofed)
    if form.spoofed:
        exchange.org.audit.note("identity_overridden", record)
