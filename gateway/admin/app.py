"""The admin listener as an ASGI application. All but the plain health pages need the token.

Nothing is changed by it but who is blocked. It is never mounted where people come in.
"""

import asyncio
import hmac
import logging
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from gateway.admin.health import readiness
from gateway.admin.lists import Lists, Whole
from gateway.admin.openapi import document
from gateway.admin.people import People
from gateway.admin.query import wanted
from gateway.admin.throttle import Throttle
from gateway.app import Gateway
from gateway.assemble import Assembled
from gateway.core import problem
from gateway.core.errors import (
    BadRequest,
    ContentTooLarge,
    CredentialsInvalid,
    CredentialsMissing,
    GatewayError,
    MethodNotAllowed,
    NotFound,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
)
from gateway.core.formats import fields as http
from gateway.core.formats.request_id import uuid7, written
from gateway.core.problem import Answer
from gateway.ports import Fields
from gateway.store.verify import verify
from gateway.telemetry.metrics import MEDIA

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

LOG = logging.getLogger("gateway.admin")

PUBLIC = frozenset({"/livez", "/readyz"})
LISTS = frozenset({"/usage", "/audit", "/conversations"})
PATHS = PUBLIC | LISTS | {"/metrics", "/audit/verify", "/openapi.json", "/users/blocked"}
CHANGES = frozenset({"/users/block", "/users/unblock"})
MOST_BYTES = 16 * 1024  # of a body
MOST_PARAMETERS = 32
EVERY_ANSWER = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]

Query = Sequence[tuple[str, str]]


class ClientIsGone(Exception):
    """Nobody reads the report any more."""


class AdminApp:
    """What operators ask of one gateway, which something else opens and closes."""

    def __init__(self, gateway: Gateway, token: str) -> None:
        self._gateway = gateway
        self._token = token.encode()
        self._lists: tuple[Assembled, Lists] | None = None
        self._throttle = Throttle()
        self._began = time.monotonic()

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http":
            return
        request_id = written(uuid7(time.time(), secrets.token_bytes(10)))
        try:
            answer = await self._answer(scope, receive)
            if isinstance(answer, Whole):
                await _stream(answer, receive, send)
                return
        except GatewayError as error:
            if isinstance(error, Unauthenticated):
                LOG.warning("an operator's page was asked for without its token: %s", error.code)
            answer = problem.of_error(error, None, request_id)
        await _send(answer, send, only_head=scope["method"] == "HEAD")

    async def _answer(self, scope: "Scope", receive: "Receive") -> Answer | Whole:
        path, query = scope["path"], _query(scope["query_string"])
        who = (scope.get("client") or ("",))[0]
        if path not in PUBLIC or query:
            self._authenticate(scope["headers"], who)
        if path not in PATHS | CHANGES:
            raise NotFound
        allowed = ("POST",) if path in CHANGES else ("GET", "HEAD")
        if scope["method"] not in allowed:
            raise MethodNotAllowed(allowed)
        if path in CHANGES:
            if query:
                raise BadRequest("There are no parameters here")
            content = await _body(scope["headers"], receive)
            return await self._people().change(path.removeprefix("/users/"), content, who)
        if path in LISTS:
            return await self._of(self._assembled()).answer(path[1:], query, who)
        return await self._page(path, query)

    async def _page(self, path: str, query: Query) -> Answer:
        if path == "/audit/verify":
            return await self._verified(query)
        if path == "/readyz":
            return await self._ready(query)
        if query:
            raise BadRequest("There are no parameters here")
        if path == "/livez":
            return problem.of_json({"status": "alive"})
        if path == "/openapi.json":
            return problem.of_json(document())
        if path == "/users/blocked":
            return await self._people().blocked()
        metrics = self._assembled().process.metrics
        if metrics is None:
            raise NotFound
        return _text(await asyncio.to_thread(metrics.text))

    async def _ready(self, query: Query) -> Answer:
        if not query:
            found = await self._assembled().process.readiness.check()
            return problem.of_json({"status": found})
        if list(query) != [("verbose", "")]:
            raise BadRequest("There is verbose, and nothing else")
        status, says = await readiness(self._assembled(), self._began)
        return problem.of_json(says, status=status)

    async def _verified(self, query: Query) -> Answer:
        org = wanted(query, ("org",), self._orgs).which.org
        verdict = await verify(self._assembled().process.store.database, org=org)
        names = {external_id: name for name, external_id in self._orgs.items()}
        return problem.of_json(
            {
                "sound": not verdict.faults,
                "rows": verdict.rows,
                "orgs": verdict.orgs,
                "erased": verdict.erased,
                "faults": [
                    {"org": names.get(one.org, one.org), "number": one.number, "what": one.what}
                    for one in verdict.faults
                ],
            }
        )

    @property
    def _orgs(self) -> dict[str, str]:
        return {name: org.external_id for name, org in self._gateway.settings.orgs.items()}

    def _assembled(self) -> Assembled:
        assembled = self._gateway.assembled
        if assembled is None:
            raise Unavailable("The gateway is not open")
        return assembled

    def _of(self, assembled: Assembled) -> Lists:
        if self._lists is None or self._lists[0] is not assembled:
            self._lists = (assembled, Lists(assembled.process.store.database, self._orgs))
        return self._lists[1]

    def _people(self) -> People:
        return People(self._assembled().process.store, self._orgs)

    def _authenticate(self, fields: Fields, who: str) -> None:
        shown = [value for name, value in fields if name == b"authorization"]
        if not shown:
            raise CredentialsMissing
        self._throttle.check(who)
        scheme, _, token = shown[0].partition(b" ")
        is_it = hmac.compare_digest(token, self._token)  # in the same time wherever they differ
        if len(shown) > 1 or scheme.lower() != b"bearer" or not is_it:
            self._throttle.note(who)
            raise CredentialsInvalid


async def _body(fields: Fields, receive: "Receive") -> bytes:
    if not http.is_plain_json(http.single(fields, b"content-type")):
        raise UnsupportedMediaType
    content = bytearray()
    while True:
        message: Any = await receive()
        if message["type"] != "http.request":
            raise BadRequest("The body broke off")
        content += message.get("body", b"")
        if len(content) > MOST_BYTES:
            raise ContentTooLarge
        if not message.get("more_body", False):
            return bytes(content)


def _query(raw: bytes) -> Query:
    try:
        found = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_PARAMETERS
        )
    except ValueError as error:  # UnicodeDecodeError is one
        raise BadRequest("The query is none") from error
    return found


def _text(content: bytes) -> Answer:
    length = str(len(content)).encode()
    return Answer(200, [(b"content-type", MEDIA.encode()), (b"content-length", length)], content)


async def _send(answer: Answer, send: "Send", *, only_head: bool) -> None:
    await _start(answer.status, answer.fields, send)
    body = b"" if only_head else answer.content
    await send({"type": "http.response.body", "body": body})


async def _start(status: int, fields: Sequence[tuple[bytes, bytes]], send: "Send") -> None:
    headers = [*fields, *EVERY_ANSWER]
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _stream(whole: Whole, receive: "Receive", send: "Send") -> None:
    """Write a list as it comes. One that breaks off has no proper end: half must not look whole."""
    leaving = asyncio.create_task(_left(receive))
    has_begun = False

    async def chunk(content: bytes) -> None:
        nonlocal has_begun
        if leaving.done():
            raise ClientIsGone
        if not has_begun:
            has_begun = True
            await _start(200, [(b"content-type", whole.media)], send)
        await send({"type": "http.response.body", "body": content, "more_body": True})

    try:
        await whole.write(chunk)
        await send({"type": "http.response.body", "body": b""})
    except ClientIsGone:
        return
    except GatewayError:
        if not has_begun:
            raise
    finally:
        leaving.cancel()
        with suppress(asyncio.CancelledError):
            await leaving


async def _left(receive: "Receive") -> None:
    message: Any = {}
    while message.get("type") != "http.disconnect":
        message = await receive()
