"""GatewayMiddleware around a real application: what is ours, what stays the application's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import BackgroundTasks, FastAPI, HTTPException, Request, UploadFile, WebSocket
from fastapi.responses import PlainTextResponse, StreamingResponse
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from gateway import ConfigError, CurrentIdentity, GatewayMiddleware
from gateway.mounted.caller import Caller
from tests.support.chatbase import Chatbase
from tests.support.hosts import bearer, chat, configured
from tests.support.serve import serving
from tests.support.tokens import Issuer
from tests.support.wire import connected, raw_request, wire

pytestmark = pytest.mark.anyio
ISSUER = Issuer()
ALICE = bearer(ISSUER, "alice")


def application() -> FastAPI:
    """A host with a bit of everything that a middleware could break."""
    trace: list[str] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        trace.append("starts")
        yield {"greeting": "hello"}
        trace.append("ends")

    app = FastAPI(lifespan=lifespan)
    app.state.trace = trace
    app.state.go_on = asyncio.Event()

    @app.get("/state")
    async def state(request: Request) -> str:
        return str(request.state.greeting)

    @app.get("/me")
    async def me(who: CurrentIdentity, request: Request) -> dict[str, str]:
        assert request.state.identity is who
        return {"subject": who.subject, "org": who.org}

    @app.get("/perhaps")
    async def perhaps(request: Request) -> str:
        caller = request.scope["gateway"]
        assert isinstance(caller, Caller)
        identity = await caller.identity()
        return "nobody" if identity is None else identity.subject

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"one"
            await app.state.go_on.wait()
            yield b"two"

        return StreamingResponse(chunks())

    @app.post("/upload")
    async def upload(file: UploadFile) -> int:
        return len(await file.read())

    @app.get("/later")
    async def later(tasks: BackgroundTasks) -> str:
        tasks.add_task(trace.append, "later")
        return "soon"

    @app.get("/teapot")
    async def teapot() -> None:
        raise HTTPException(418, "a teapot")

    @app.get("/broken")
    async def broken() -> None:
        raise LookupError("a fault of the host's")

    @app.get("/echo/{path:path}")
    async def echo(path: str, request: Request) -> str:
        return f"{path} {request.headers['x-external-user-id']}"

    @app.websocket("/ws")
    async def socket(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(await socket.receive_text())
        await socket.close()

    @app.websocket("/private")
    async def private(socket: WebSocket, who: CurrentIdentity) -> None:
        await socket.accept()
        await socket.send_text(who.subject)
        await socket.close()

    async def plain(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse(f"mounted {scope['path']}")(scope, receive, send)

    app.mount("/sub", plain)
    app.mount("/aix", plain)
    return app


@asynccontextmanager
async def hosted(app: Any, folder: Path, **options: Any) -> AsyncIterator[tuple[Chatbase, str]]:
    """The application with a gateway in it, and the vendor behind that."""
    async with Chatbase() as vendor:
        app.add_middleware(
            GatewayMiddleware, config=configured(vendor, ISSUER, folder / "gateway.db")
        )
        async with serving(app, ws="websockets-sansio", **options) as url:
            yield vendor, url


async def test_below_the_prefix_stands_the_gateway(tmp_path: Path) -> None:
    async with hosted(application(), tmp_path) as (vendor, url):
        answer = await wire(url, chat(ALICE))
        assert answer.status == 200, answer.body
        assert vendor.requests[0].json()["userId"] == "alice"
        assert (await wire(url, raw_request("GET", "/ai/livez"))).json() == {"status": "alive"}
        assert (await wire(url, raw_request("GET", "/ai/readyz"))).status == 200
        who = await wire(url, raw_request("GET", "/ai/_gateway/whoami", [ALICE]))
        assert who.json()["subject"] == "alice"
        assert (await wire(url, raw_request("GET", "/ai"))).status == 404
        assert (await wire(url, chat())).status == 401


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/aix/livez", 200),  # the host has this one
        ("/AI/livez", 404),
        ("/livez", 404),
        ("/sub/../ai/livez", 200),  # to Starlette a path below /sub
        ("//ai/livez", 404),
        ("/ai%2Flivez", 400),  # ours, by the path as Starlette reads it
        ("/%61i/livez", 400),
        ("/ai/%6Civez", 400),
        ("/ai//livez", 400),
        ("/ai/../livez", 400),
    ],
)
async def test_one_spelling_is_ours(tmp_path: Path, path: str, status: int) -> None:
    """P-20"""
    async with hosted(application(), tmp_path) as (vendor, url):
        answer = await wire(url, raw_request("GET", path))
        assert answer.status == status, answer.body
        assert b"alive" not in answer.body
        assert vendor.saw_nothing()


async def test_the_hosts_own_routes_work_as_before(tmp_path: Path) -> None:
    app = application()
    async with hosted(app, tmp_path) as (_, url):
        assert (await wire(url, raw_request("GET", "/state"))).json() == "hello"
        assert (await wire(url, raw_request("GET", "/sub/x"))).body == b"mounted /sub/x"
        body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
        body += b"x" * 3_000_000 + b"\r\n--b--\r\n"
        form = ("Content-Type", "multipart/form-data; boundary=b")
        assert (await wire(url, raw_request("POST", "/upload", [form], body))).json() == 3_000_000
        assert (await wire(url, raw_request("GET", "/later"))).json() == "soon"
        answer = await wire(url, raw_request("GET", "/teapot"))
        assert (answer.status, answer.json()) == (418, {"detail": "a teapot"})
        assert (await wire(url, raw_request("GET", "/broken"))).status == 500
        # A client may write any field to a host that has not given its own URLs to the gateway.
        fields = [("X-External-User-Id", "me")]
        echo = await wire(url, raw_request("GET", "/echo/a%20b", fields))
        assert echo.json() == "a b me"
        async with connect(url.replace("http", "ws") + "/ws") as socket:
            await socket.send("hi")
            assert await socket.recv() == "hi"
    assert app.state.trace == ["starts", "later", "ends"]


async def test_the_hosts_own_streams_flow(tmp_path: Path) -> None:
    app = application()
    async with hosted(app, tmp_path) as (_, url), connected(url) as peer:
        await peer.send(raw_request("GET", "/stream"))
        await peer.until(b"one")
        app.state.go_on.set()
        assert (await peer.answer()).body == b"onetwo"


async def test_a_stream_flows_through_the_gateway(tmp_path: Path) -> None:
    async with hosted(application(), tmp_path) as (vendor, url), connected(url) as peer:
        arrived = asyncio.Event()

        async def wait(event: Any) -> None:
            if event["type"] == "finish":
                await arrived.wait()

        vendor.before_event = wait
        await peer.send(chat(ALICE, stream=True))
        await peer.until(b"text-delta")
        arrived.set()
        assert (await peer.answer()).complete


async def test_says_who_asks_in_the_hosts_own_routes(tmp_path: Path) -> None:
    async with hosted(application(), tmp_path) as (_, url):
        me = await wire(url, raw_request("GET", "/me", [ALICE]))
        assert me.json() == {"subject": "alice", "org": "default"}
        assert (await wire(url, raw_request("GET", "/perhaps", [ALICE]))).json() == "alice"
        assert (await wire(url, raw_request("GET", "/perhaps"))).json() == "nobody"
        async with connect(
            url.replace("http", "ws") + "/private", additional_headers=dict([ALICE])
        ) as socket:
            assert await socket.recv() == "alice"


@pytest.mark.parametrize("path", ["/me", "/perhaps"])
async def test_whoever_is_not_signed_in_is_told_so(tmp_path: Path, path: str) -> None:
    forged = ("Authorization", ALICE[1][:-4] + "AAAA")
    async with hosted(application(), tmp_path) as (_, url):
        cases = [([forged], "credentials_invalid")]
        if path == "/me":
            cases.append(([], "credentials_missing"))
        for fields, code in cases:
            answer = await wire(url, raw_request("GET", path, fields))
            assert answer.status == 401
            assert answer.values("content-type") == ["application/problem+json"]
            assert answer.values("x-gateway-error") == [code]
            assert answer.json()["code"] == code
            assert answer.values("www-authenticate")[0].startswith("Bearer")
            assert answer.values("cache-control") == ["no-store, no-transform"]
        with pytest.raises(InvalidStatus) as refused:
            async with connect(url.replace("http", "ws") + "/private"):
                pass
        assert refused.value.response.status_code == 403


async def test_a_host_may_answer_for_our_errors_itself(tmp_path: Path) -> None:
    from gateway.core.errors import Unauthenticated

    app = application()

    @app.exception_handler(Unauthenticated)
    async def to_sign_in(request: Request, error: Exception) -> PlainTextResponse:
        return PlainTextResponse("go and sign in", 303, {"location": "/sign-in"})

    async with hosted(app, tmp_path) as (_, url):
        answer = await wire(url, raw_request("GET", "/me"))
        assert (answer.status, answer.values("location")) == (303, ["/sign-in"])


async def test_current_identity_says_what_it_needs(tmp_path: Path) -> None:
    app = FastAPI()

    @app.get("/me")
    async def me(who: CurrentIdentity) -> str:
        return who.subject

    async with serving(app) as url:
        answer = await wire(url, raw_request("GET", "/me"))
        assert answer.status == 500
    from gateway.mounted.current import current_identity

    with pytest.raises(RuntimeError, match="GatewayMiddleware"):
        await current_identity(Request({"type": "http", "headers": []}))


@pytest.mark.parametrize("root", ["", "/host"])
async def test_stands_below_whatever_the_server_and_a_mount_put_before_it(
    tmp_path: Path, root: str
) -> None:
    inner = Starlette(routes=[Mount("/sub", Starlette())])
    async with Chatbase() as vendor:
        inner.add_middleware(
            GatewayMiddleware, config=configured(vendor, ISSUER, tmp_path / "gateway.db")
        )
        outer = Starlette(routes=[Mount("/v1", inner)])
        async with serving(outer, root_path=root) as url:
            assert (await wire(url, chat(ALICE, prefix="/v1/ai"))).status == 200
            assert (await wire(url, chat(ALICE, prefix="/ai"))).status == 404


async def test_a_file_is_read_like_a_dictionary(tmp_path: Path) -> None:
    from tests.support import config

    async with Chatbase() as vendor:
        file = tmp_path / "gateway.toml"
        file.write_text(config.chatbase(vendor.url, ISSUER, store=tmp_path / "gateway.db"))
        app = Starlette()
        app.add_middleware(GatewayMiddleware, config=str(file), prefix="/the/ai")
        async with serving(app) as url:
            assert (await wire(url, chat(ALICE, prefix="/the/ai"))).status == 200


@pytest.mark.parametrize("prefix", ["", "/", "ai", "/ai/", "/a//b", "/a i", "/../ai", "/ai?x"])
async def test_a_prefix_is_a_plain_path(tmp_path: Path, prefix: str) -> None:
    async with Chatbase() as vendor:
        config = configured(vendor, ISSUER, tmp_path / "gateway.db")
    with pytest.raises(ValueError, match="prefix"):
        GatewayMiddleware(Starlette(), config=config, prefix=prefix)


async def test_a_mistake_in_the_configuration_keeps_the_server_from_starting() -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        sent.append(message)

    app = Starlette()
    app.add_middleware(GatewayMiddleware, config={"upstreams": {}, "sing_in": {}})
    with pytest.raises(ConfigError, match="sing_in"):
        await app({"type": "lifespan"}, receive, send)
    (message,) = sent
    assert message["type"] == "lifespan.startup.failed"
    assert "sing_in" in message["message"]
    with pytest.raises(ConfigError):
        await app({"type": "http", "path": "/", "method": "GET", "headers": []}, receive, send)
