"""`identify`: the application's own session is the sign-in, by its real middlewares."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, WebSocket
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, SimpleUser
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from gateway import CurrentIdentity, Gateway, GatewayMiddleware
from tests.support.chatbase import Chatbase
from tests.support.hosts import CHAT, bearer, chat, configured
from tests.support.serve import serving
from tests.support.tokens import Issuer
from tests.support.wire import Answer, raw_request, wire

pytestmark = pytest.mark.anyio
ISSUER = Issuer()
SECRET = "a-session-secret-for-tests-only-32b"
OURS = ("Sec-Fetch-Site", "same-origin")


def by_session(connection: HTTPConnection) -> Any:
    return connection.session.get("user_id")


async def sign_in(request: Request) -> PlainTextResponse:
    request.session["user_id"] = request.path_params["who"]
    return PlainTextResponse("welcome")


async def sign_out(request: Request) -> PlainTextResponse:
    request.session.clear()
    return PlainTextResponse("bye")


def application() -> Starlette:
    return Starlette(routes=[Route("/in/{who}", sign_in), Route("/out", sign_out)])


def without_tokens(vendor: Chatbase, folder: Path, **more: Any) -> dict[str, Any]:
    config = configured(vendor, ISSUER, folder / "gateway.db", **more)
    if "sign_in" not in more:
        del config["sign_in"]
    return config


@asynccontextmanager
async def hosted(
    folder: Path, identify: Any = by_session, **more: Any
) -> AsyncIterator[tuple[Chatbase, str]]:
    app = application()
    async with Chatbase() as vendor:
        config = without_tokens(vendor, folder, **more)
        app.add_middleware(GatewayMiddleware, config=config, identify=identify)
        app.add_middleware(SessionMiddleware, secret_key=SECRET)
        async with serving(app) as url:
            yield vendor, url


async def session(url: str, who: str = "alice") -> tuple[str, str]:
    """The cookie of somebody who signs in at the application."""
    answer = await wire(url, raw_request("GET", f"/in/{who}"))
    return ("Cookie", answer.values("set-cookie")[0].partition(";")[0])


def code(answer: Answer) -> tuple[int, list[str]]:
    return answer.status, answer.values("x-gateway-error")


async def test_the_applications_session_is_the_sign_in(tmp_path: Path) -> None:
    async with hosted(tmp_path) as (vendor, url):
        cookie = await session(url)
        assert (await wire(url, chat(cookie, OURS))).status == 200
        assert vendor.requests[0].json()["userId"] == "alice"
        assert vendor.requests[0].values("cookie") == []
        assert code(await wire(url, chat(OURS))) == (401, ["credentials_missing"])
        forged = ("Cookie", cookie[1][:-3] + "AAA")
        assert code(await wire(url, chat(forged, OURS))) == (401, ["credentials_missing"])
        out = await wire(url, raw_request("GET", "/out", [cookie]))
        gone = ("Cookie", out.values("set-cookie")[0].partition(";")[0])
        assert code(await wire(url, chat(gone, OURS))) == (401, ["credentials_missing"])
        assert len(vendor.requests) == 1


@pytest.mark.parametrize(
    "fields",
    [
        [("Sec-Fetch-Site", "cross-site")],
        [("Sec-Fetch-Site", "same-site")],
        [("Origin", "https://evil.example")],
        [("Origin", "null")],
        [],
    ],
)
async def test_a_session_is_worth_nothing_from_another_origin(
    tmp_path: Path, fields: list[tuple[str, str]]
) -> None:
    """V-01, V-05, V-06: of a session that the application has verified"""
    async with hosted(tmp_path) as (vendor, url):
        answer = await wire(url, chat(await session(url), *fields))
        assert code(answer) == (403, ["origin_refused"])
        assert vendor.saw_nothing()


async def test_pages_of_origins_that_are_listed_may_use_it(tmp_path: Path) -> None:
    async with Chatbase() as vendor:
        whole = without_tokens(vendor, tmp_path)
        org = {"origins": ["https://app.example"], "upstreams": whole.pop("upstreams")}
        app = application()
        app.add_middleware(
            GatewayMiddleware, config={**whole, "orgs": {"acme": org}}, identify=by_session
        )
        app.add_middleware(SessionMiddleware, secret_key=SECRET)
        async with serving(app) as url:
            cookie = await session(url)
            page = [("Origin", "https://app.example"), ("Sec-Fetch-Site", "cross-site")]
            answer = await wire(url, chat(cookie, *page))
            assert answer.status == 200
            assert answer.values("access-control-allow-origin") == ["https://app.example"]


class Tokens(AuthenticationBackend):
    """A host whose clients show a token of its own."""

    async def authenticate(self, conn: HTTPConnection) -> Any:
        shown = conn.headers.get("authorization", "")
        if shown.startswith("Token "):
            return AuthCredentials(), SimpleUser(shown.removeprefix("Token "))
        return None


async def by_user(connection: HTTPConnection) -> Any:
    return connection.user.username if connection.user.is_authenticated else None


@pytest.mark.parametrize(
    ("cookies", "fields", "status"),
    [
        (True, [], 200),  # no browser can have sent it
        (True, [("Origin", "https://evil.example")], 403),
        (True, [("Cookie", "a=b")], 403),
        (False, [("Origin", "https://evil.example"), ("Cookie", "a=b")], 200),
    ],
)
async def test_a_host_that_goes_by_no_cookie_may_say_so(
    tmp_path: Path, cookies: bool, fields: list[tuple[str, str]], status: int
) -> None:
    app = Starlette()
    async with Chatbase() as vendor:
        more = {"sign_in": {"type": "host", "cookies": cookies}}
        app.add_middleware(
            GatewayMiddleware, config=without_tokens(vendor, tmp_path, **more), identify=by_user
        )
        app.add_middleware(AuthenticationMiddleware, backend=Tokens())
        async with serving(app) as url:
            answer = await wire(url, chat(("Authorization", "Token alice"), *fields))
            assert answer.status == status
            assert vendor.saw_nothing() == (status != 200)
            assert (await wire(url, chat(OURS))).status == 401


async def test_a_token_beside_a_session_must_be_of_the_same_person(tmp_path: Path) -> None:
    """C-18, J-31"""
    jwt = {"issuer": ISSUER.url, "audience": ISSUER.audience, "secret": ISSUER.secret}
    async with hosted(tmp_path, sign_in=[{"type": "host"}, jwt]) as (vendor, url):
        cookie = await session(url, "alice")
        forged = ("Authorization", bearer(ISSUER, "alice")[1][:-4] + "AAAA")
        for fields, expected in (
            ([cookie, bearer(ISSUER, "bob")], (400, ["ambiguous_credentials"])),
            ([cookie, forged], (401, ["credentials_invalid"])),
        ):
            assert code(await wire(url, chat(*fields, OURS))) == expected
        assert vendor.saw_nothing()
        expired = ISSUER.token("bob", algorithm="HS256", exp=1)
        for fields in (
            [cookie, bearer(ISSUER, "alice")],
            [cookie],
            [bearer(ISSUER, "bob")],
            [cookie, ("Authorization", f"Bearer {expired}")],
        ):
            assert (await wire(url, chat(*fields, OURS))).status == 200


async def test_a_client_cannot_put_itself_into_the_scope(tmp_path: Path) -> None:
    """C-19"""
    async with hosted(tmp_path) as (vendor, url):
        claims = [
            ("Session", '{"user_id":"victim"}'),
            ("X-Session", "victim"),
            ("X-Scope-User", "victim"),
            ("X-Forwarded-User", "victim"),
            ("Remote-User", "victim"),
            ("Cookie", "session=victim; user_id=victim"),
        ]
        assert (await wire(url, chat(*claims, OURS))).status == 401
        assert vendor.saw_nothing()


@pytest.mark.parametrize(
    ("order", "told"),
    [
        ("inside", "SessionMiddleware runs after the gateway: add it after GatewayMiddleware"),
        ("absent", "no SessionMiddleware has run"),
    ],
)
async def test_says_which_middleware_is_missing(
    tmp_path: Path, order: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = application()
    async with Chatbase() as vendor:
        if order == "inside":
            app.add_middleware(SessionMiddleware, secret_key=SECRET)
        config = without_tokens(vendor, tmp_path)
        app.add_middleware(GatewayMiddleware, config=config, identify=by_session)
        with caplog.at_level(logging.ERROR, logger="gateway"):
            async with serving(app) as url:
                assert code(await wire(url, chat(OURS))) == (500, ["internal"])
        assert vendor.saw_nothing()
    assert [record.getMessage() for record in caplog.records if told in record.getMessage()]


async def test_what_identify_says_wrongly_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, logger="gateway"):
        async with hosted(tmp_path, identify=lambda connection: True) as (vendor, url):
            assert (await wire(url, chat(OURS))).status == 500
            assert vendor.saw_nothing()
    assert any("identify said a bool" in record.getMessage() for record in caplog.records)


async def test_a_mounted_gateway_asks_too(tmp_path: Path) -> None:
    async with Chatbase() as vendor:
        gateway = Gateway.from_dict(without_tokens(vendor, tmp_path), identify=by_session)
        app = Starlette(
            routes=[Route("/in/{who}", sign_in), Mount("/ai", gateway)], lifespan=gateway.lifespan
        )
        app.add_middleware(SessionMiddleware, secret_key=SECRET)
        async with serving(app) as url:
            assert (await wire(url, chat(await session(url), OURS))).status == 200
            assert (await wire(url, chat(OURS))).status == 401


async def test_the_application_may_say_of_which_org_somebody_is(tmp_path: Path) -> None:
    def identify(connection: HTTPConnection) -> Any:
        who = connection.session.get("user_id")
        return who and {"subject": who, "org": who.partition("-")[0], "roles": ["user"]}

    async with Chatbase(key="cb-key") as vendor:
        whole = without_tokens(vendor, tmp_path)
        upstreams = whole.pop("upstreams")
        whole["orgs"] = {name: {"upstreams": upstreams} for name in ("acme", "globex")}
        app = application()
        app.add_middleware(GatewayMiddleware, config=whole, identify=identify)
        app.add_middleware(SessionMiddleware, secret_key=SECRET)
        async with serving(app) as url:
            asked = raw_request(
                "GET", "/ai/_gateway/whoami", [await session(url, "globex-bob"), OURS]
            )
            who = (await wire(url, asked)).json()
            assert (who["org"], who["subject"], who["roles"]) == ("globex", "globex-bob", ["user"])
            assert (await wire(url, chat(await session(url, "evil-eve"), OURS))).status == 403
            assert vendor.saw_nothing()


@asynccontextmanager
async def with_pages(folder: Path) -> AsyncIterator[str]:
    """An application whose own routes want to know who asks."""
    app = FastAPI()

    @app.api_route("/me", methods=["GET", "POST"])
    async def me(who: CurrentIdentity) -> str:
        return who.subject

    @app.websocket("/ws")
    async def socket(socket: WebSocket, who: CurrentIdentity) -> None:
        await socket.accept()
        await socket.send_text(who.subject)
        await socket.close()

    app.mount("/", application())
    async with Chatbase() as vendor:
        app.add_middleware(
            GatewayMiddleware, config=without_tokens(vendor, folder), identify=by_session
        )
        app.add_middleware(
            CORSMiddleware,
            allow_origins=["https://app.example"],
            allow_methods=["GET", "POST"],
            allow_credentials=True,
        )
        app.add_middleware(SessionMiddleware, secret_key=SECRET)
        async with serving(app, ws="websockets-sansio") as url:
            yield url


VISIT = [("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")]


@pytest.mark.parametrize(
    ("method", "fields", "status"),
    [
        ("GET", [("Sec-Fetch-Site", "cross-site"), *VISIT], 200),  # a link on another site
        ("GET", [("Sec-Fetch-Site", "none"), *VISIT], 200),  # a bookmark
        ("GET", [], 200),  # an old browser
        ("GET", [OURS], 200),
        ("POST", [OURS], 200),
        ("GET", [("Sec-Fetch-Site", "cross-site")], 403),  # a script's, or a picture's
        ("GET", [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate")], 403),
        ("GET", [("Sec-Fetch-Site", "cross-site"), VISIT[0], ("Sec-Fetch-Dest", "iframe")], 403),
        ("POST", [("Sec-Fetch-Site", "cross-site"), *VISIT], 403),  # a form's
        ("POST", [("Origin", "https://evil.example")], 403),
        ("POST", [], 403),
    ],
)
async def test_in_the_applications_own_routes_a_visit_is_one_of_ours(
    tmp_path: Path, method: str, fields: list[tuple[str, str]], status: int
) -> None:
    async with with_pages(tmp_path) as url:
        asked = raw_request(method, "/me", [await session(url), *fields])
        answer = await wire(url, asked)
        assert answer.status == status
        if status == 403:
            assert answer.values("x-gateway-error") == ["origin_refused"]


@pytest.mark.parametrize(
    ("origin", "allowed"), [("http://{}", True), ("https://evil.example", False)]
)
async def test_a_socket_from_another_origin_is_nobodys(
    tmp_path: Path, origin: str, allowed: bool
) -> None:
    async with with_pages(tmp_path) as url:
        fields = dict([await session(url), ("Origin", origin.format(url.partition("//")[2]))])
        address = url.replace("http", "ws") + "/ws"
        if allowed:
            async with connect(address, additional_headers=fields) as socket:
                assert await socket.recv() == "alice"
            return
        with pytest.raises(InvalidStatus):
            async with connect(address, additional_headers=fields):
                pass


async def test_the_hosts_cors_answers_for_what_it_allows(tmp_path: Path) -> None:
    async with with_pages(tmp_path) as url:
        page = [("Origin", "https://app.example"), ("Sec-Fetch-Site", "cross-site")]
        asking = [*page, ("Access-Control-Request-Method", "POST")]
        answer = await wire(url, raw_request("OPTIONS", f"/ai{CHAT}", asking))
        assert answer.status == 200
        assert answer.values("access-control-allow-origin") == ["https://app.example"]
        # Its cookies count for nothing all the same, until `origins` names it.
        assert code(await wire(url, chat(await session(url), *page)))[0] == 403
