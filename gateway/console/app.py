"""The console: pages of the admin listener, for a browser in which the token was shown once.

Every path stands in one of three tables, and whoever asks for it is looked at by that table alone:
what anybody may load, what needs a session, and what changes something. Without scripts the pages
do all they do with them, but for the chart.
"""

import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlencode

from gateway.admin.body import pairs
from gateway.admin.current import Current
from gateway.admin.lists import Whole
from gateway.admin.throttle import Throttle
from gateway.console.asked import Asked, asked_of
from gateway.console.assets import ASSETS, asset
from gateway.console.guard import require_name, require_own_page
from gateway.console.lists import Lists
from gateway.console.overview import Overview
from gateway.console.person import People
from gateway.console.rendering import answer, moved, page
from gateway.console.session import COOKIE, Sessions
from gateway.core.errors import GatewayError, MethodNotAllowed, NotFound
from gateway.core.formats import fields as http
from gateway.core.problem import Answer

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

LOG = logging.getLogger("gateway.admin")

HOME = "/console"
SIGN_IN = "/console/sign-in"
READS = ("GET", "HEAD")

Handler: TypeAlias = Callable[[Asked], Awaitable[Answer | Whole]]


class Console:
    """Of one gateway and one admin token; `began` is monotonic, in seconds."""

    def __init__(self, now: Current, token: str, throttle: Throttle, began: float) -> None:
        self._now = now
        self._token = token.encode()
        self._throttle = throttle
        self._sessions = Sessions(token)
        overview, lists = Overview(now, began), Lists(now)
        people = People(now, lists)
        self.pages: Mapping[str, Handler] = {
            HOME: overview.page,
            "/console/health": overview.health,
            "/console/days": overview.days,
            "/console/usage": lists.page,
            "/console/conversations": lists.page,
            "/console/audit": lists.page,
            "/console/verified": lists.verified,
            "/console/people": people.page,
            "/console/person": people.person,
        }
        self.changes: Mapping[str, Handler] = {
            "/console/block": people.change,
            "/console/unblock": people.change,
            "/console/sign-out": self._sign_out,
        }

    async def answer(self, scope: "Scope", receive: "Receive") -> Answer | Whole:
        """A page, or why there is none."""
        try:
            asked = await asked_of(scope, receive)
            host = require_name(asked.fields, self._now.hosts)
            if asked.path == "/":
                return moved(HOME)
            if asked.path in ASSETS:
                _require(asked, READS)
                return answer(*asset(asked.path))
            if asked.path == SIGN_IN:
                return self._sign_in(asked, host)
            if asked.path not in self.pages and asked.path not in self.changes:
                raise NotFound
            if not self._is_signed_in(asked, host):
                return page("sign_in.html", status=401, wrong=False, then=asked.target)
            if asked.path in self.pages:
                _require(asked, READS)
                return await self.pages[asked.path](asked)
            _require(asked, ("POST",))
            return await self.changes[asked.path](asked)
        except GatewayError as error:
            return _refusal(error)

    def _is_signed_in(self, asked: Asked, host: str) -> bool:
        """By a cookie, which counts only where it is our own page that the browser sends it for."""
        try:
            require_own_page(asked.fields, host, method=asked.method)
            cookie = http.cookie(asked.fields, COOKIE)
        except GatewayError:  # of another page, or two cookies of one name
            return False
        return cookie is not None and self._sessions.is_one(cookie)

    def _sign_in(self, asked: Asked, host: str) -> Answer:
        _require(asked, (*READS, "POST"))
        if asked.method != "POST":
            return page("sign_in.html", wrong=False, then=HOME)
        require_own_page(asked.fields, host, method=asked.method)
        self._throttle.check(asked.who)
        form = asked.form
        then = form.get("then", HOME)
        if not hmac.compare_digest(form.get("token", "").strip().encode(), self._token):
            self._throttle.note(asked.who)
            LOG.warning("a wrong token was shown at the console")
            return page("sign_in.html", status=401, wrong=True, then=then)
        LOG.info("an operator has signed in at the console, from %s", asked.who)
        cookie = self._sessions.begin(secure=asked.secure)
        return moved(self._way_back(then), (b"set-cookie", cookie))

    def _way_back(self, then: str) -> str:
        """To the page that was asked for; written anew, for whoever sent the form chose it."""
        path, _, query = then.partition("?")
        if path not in self.pages or not query.isascii():
            return HOME
        return f"{path}?{urlencode(pairs(query.encode()))}" if query else path

    async def _sign_out(self, asked: Asked) -> Answer:
        return moved(SIGN_IN, (b"set-cookie", self._sessions.end(secure=asked.secure)))


def _require(asked: Asked, methods: tuple[str, ...]) -> None:
    if asked.method not in methods:
        raise MethodNotAllowed(methods)


def _refusal(error: GatewayError) -> Answer:
    fields = [(b"x-gateway-error", error.code.encode("ascii"))]
    if error.retry_after is not None:
        fields.append((b"retry-after", str(error.retry_after).encode("ascii")))
    if isinstance(error, MethodNotAllowed):
        fields.append((b"allow", ", ".join(error.allow).encode("ascii")))
    return page(
        "refusal.html",
        status=error.status,
        fields=tuple(fields),
        title=HTTPStatus(error.status).phrase,
        detail=error.detail,
        code=error.code,
    )
