"""The admin listener as an ASGI application: what programs ask, with the token in each request.

All but the plain health pages need it; browsers are shown the console (`gateway.console`). Nothing
is changed by either but who is blocked. It is never mounted where people come in.
"""

import asyncio
import hmac
import importlib
import logging
import re
import secrets
import time
from typing import TYPE_CHECKING

from gateway.admin.body import Pairs, pairs, whole
from gateway.admin.current import Current
from gateway.admin.health import readiness
from gateway.admin.lists import Whole
from gateway.admin.openapi import document
from gateway.admin.query import wanted
from gateway.admin.sending import send_whole, stream
from gateway.admin.throttle import Throttle
from gateway.app import Gateway
from gateway.core import problem
from gateway.core.errors import (
    BadRequest,
    CredentialsInvalid,
    CredentialsMissing,
    GatewayError,
    MethodNotAllowed,
    NotFound,
    Unauthenticated,
    UnsupportedMediaType,
)
from gateway.core.formats import fields as http
from gateway.core.formats.request_id import uuid7, written
from gateway.core.problem import Answer
from gateway.ports import Fields
from gateway.telemetry.metrics import MEDIA

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from gateway.console.app import Console

LOG = logging.getLogger("gateway.admin")

PUBLIC = frozenset({"/livez", "/readyz"})
LISTS = frozenset({"/usage", "/audit", "/conversations"})
PATHS = PUBLIC | LISTS | {"/metrics", "/audit/verify", "/openapi.json", "/users/blocked"}
CHANGES = frozenset({"/users/block", "/users/unblock"})
CONSOLE = re.compile("/console(?:/.*)?", re.DOTALL)


class AdminApp:
    """What operators ask of one gateway, which something else opens and closes."""

    def __init__(self, gateway: Gateway, token: str) -> None:
        self._now = Current(gateway)
        self._token = token
        self._throttle = Throttle()
        self._began = time.monotonic()
        self._console: Console | None = None

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http":
            return
        request_id = written(uuid7(time.time(), secrets.token_bytes(10)))
        try:
            is_page = scope["path"] == "/" or CONSOLE.fullmatch(scope["path"]) is not None
            answer = await (self._shown if is_page else self._answer)(scope, receive)
            if isinstance(answer, Whole):
                await stream(answer, receive, send)
                return
        except GatewayError as error:
            if isinstance(error, Unauthenticated):
                LOG.warning("an operator's page was asked for without its token: %s", error.code)
            answer = problem.of_error(error, None, request_id)
        await send_whole(answer, send, only_head=scope["method"] == "HEAD")

    async def _answer(self, scope: "Scope", receive: "Receive") -> Answer | Whole:
        path, query = scope["path"], pairs(scope["query_string"])
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
            if not http.is_plain_json(http.single(scope["headers"], b"content-type")):
                raise UnsupportedMediaType
            content = await whole(receive)
            return await self._now.people.change(path.removeprefix("/users/"), content, who)
        if path in LISTS:
            return await self._now.lists.answer(path[1:], query, who)
        return await self._page(path, query)

    async def _shown(self, scope: "Scope", receive: "Receive") -> Answer | Whole:
        """A page of the console, which is read when somebody first looks at one."""
        if self._console is None:
            # Its templates and parsers take a while, in which streams are not to stand still.
            await asyncio.to_thread(importlib.import_module, "gateway.console.app")
            from gateway.console.app import Console

            self._console = await asyncio.to_thread(
                Console, self._now, self._token, self._throttle, self._began
            )
        return await self._console.answer(scope, receive)

    async def _page(self, path: str, query: Pairs) -> Answer:
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
            return await self._now.people.blocked()
        metrics = self._now.assembled.process.metrics
        if metrics is None:
            raise NotFound
        return _text(await asyncio.to_thread(metrics.text))

    async def _ready(self, query: Pairs) -> Answer:
        if not query:
            found = await self._now.assembled.process.readiness.check()
            return problem.of_json({"status": found})
        if list(query) != [("verbose", "")]:
            raise BadRequest("There is verbose, and nothing else")
        status, says = await readiness(self._now.assembled, self._began)
        return problem.of_json(says, status=status)

    async def _verified(self, query: Pairs) -> Answer:
        org = wanted(query, ("org",), self._now.orgs).which.org
        verdict = await self._now.lists.verified(org=org)
        names = self._now.names
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

    def _authenticate(self, fields: Fields, who: str) -> None:
        shown = [value for name, value in fields if name == b"authorization"]
        if not shown:
            raise CredentialsMissing
        self._throttle.check(who)
        scheme, _, token = shown[0].partition(b" ")
        is_it = hmac.compare_digest(
            token, self._token.encode()
        )  # in the same time wherever they differ
        if len(shown) > 1 or scheme.lower() != b"bearer" or not is_it:
            self._throttle.note(who)
            raise CredentialsInvalid


def _text(content: bytes) -> Answer:
    length = str(len(content)).encode()
    return Answer(200, [(b"content-type", MEDIA.encode()), (b"content-length", length)], content)
