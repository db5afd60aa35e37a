"""A host app and an authorization server, as an app has them: people signed in, and their orgs.

with HostApp() as app:
    app.sessions["s1"] = {"user_id": "alice"}      # the cookie `sessionid` at /me
    app.tokens["t1"] = {"active": True, ...}       # a bearer token at /me, and /introspect
    app.orgs["alice"] = ["org_1"]                  # /orgs?user=alice
    app.script(ME, status(500))
    app.count(ME)
"""

import base64
import json
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlsplit

from tests.support.provider import Provider, Request

ME = "/me"
INTROSPECT = "/introspect"
ORGS = "/orgs"
CLIENT = ("gateway", "s:cret & more")


class HostApp(Provider):
    """Answers as its people are signed in at the time of each request."""

    def __init__(self) -> None:
        super().__init__()
        self.sessions: dict[str, Any] = {}
        self.tokens: dict[str, Any] = {}
        self.orgs: dict[str, list[str]] = {}
        self.secret: str | None = None
        self.forms: list[dict[str, list[str]]] = []  # as they were posted

    @property
    def me(self) -> str:
        return self.url + ME

    @property
    def introspect(self) -> str:
        return self.url + INTROSPECT

    def asked(self) -> list[str]:
        """What stood in the one field that says who asks, request by request."""
        return [
            fields.get("cookie") or fields.get("authorization", "") for _, fields in self.requests
        ]

    def count(self, path: str) -> int:
        return sum(1 for asked, _ in self.requests if asked.partition("?")[0] == path)

    def answer(self, request: Request) -> None:
        path = urlsplit(request.path)
        if path.path == ME:
            self._me(request)
        elif path.path == INTROSPECT:
            self._introspect(request)
        elif path.path == ORGS:
            self._orgs(request, parse_qs(path.query)["user"][0])
        else:
            super().answer(request)

    def _me(self, request: Request) -> None:
        cookie = SimpleCookie(request.headers.get("cookie", "")).get("sessionid")
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        found = self.sessions.get(cookie.value) if cookie else self.tokens.get(token)
        request.reply(json.dumps(found or {}).encode(), code=401 if found is None else 200)

    def _introspect(self, request: Request) -> None:
        form = parse_qs(request.content.decode())
        self.forms.append(form)
        if self._client(request, form) != CLIENT:
            request.reply(b'{"error":"invalid_client"}', code=401)
            return
        found = self.tokens.get(form["token"][0], {"active": False})
        request.reply(json.dumps(found).encode())

    def _client(self, request: Request, form: dict[str, list[str]]) -> tuple[str, str]:
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        if scheme == "Basic":
            name, _, secret = base64.b64decode(shown).decode().partition(":")
            return unquote_plus(name), unquote_plus(secret)
        return form.get("client_id", [""])[0], form.get("client_secret", [""])[0]

    def _orgs(self, request: Request, user: str) -> None:
        if self.secret and request.headers.get("authorization") != f"Bearer {self.secret}":
            request.reply(b"{}", code=401)
        elif user in self.orgs:
            request.reply(json.dumps({"orgs": self.orgs[user]}).encode())
        else:
            request.reply(b"{}", code=404)
