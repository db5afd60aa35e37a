"""`base_url = "app:"`: a FastAPI chat backend behind its own gateway, and no door beside it.

tests/test_promises.py holds this to the twelve promises.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import BackgroundTasks, Body, FastAPI, Request, WebSocket
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from starlette.applications import Starlette
from starlette.middleware.sessions import SessionMiddleware
from starlette.routing import Mount
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from gateway import CurrentIdentity, GatewayMiddleware
from gateway.core.formats.fields import TOKEN
from tests.support.hosts import bearer
from tests.support.serve import serving
from tests.support.spellings import PEOPLE, joined
from tests.support.tokens import Issuer
from tests.support.wire import Answer, connected, raw_request, wire

pytestmark = pytest.mark.anyio
ISSUER = Issuer()
PROFILE = {
    "operations": {
        "chat": {
            "method": "POST",
            "path": "/api/chat",
            "user": ["body:/userId"],
            "conversation": ["body:/conversationId"],
            "opens": ["body:/conversationId"],
            "members": ["message", "stream", "conversationId"],
        },
        "history": {
            "method": "GET",
            "path": "/api/chats/{chat}",
            "conversation": ["path:chat"],
        },
        "rating": {
            "method": "POST",
            "path": "/api/chats/{chat}/rating",
            "conversation": ["path:chat"],
        },
        "broken": "POST /api/broken",
        "refused": "GET /api/refused",
        "later": "GET /api/later",
        "file": "GET /api/file",
        "words": "GET /api/words",
    },
}


def config(folder: Path, **more: Any) -> dict[str, Any]:
    return {
        "store": {"url": f"sqlite:///{folder}/gateway.db"},
        "sign_in": {
            "issuer": ISSUER.url,
            "audience": ISSUER.audience,
            "secret": ISSUER.secret,
        },
        "vendors": {"ours": PROFILE},
        "upstreams": {"bot": {"vendor": "ours", "base_url": "app:"}},
        **more,
    }


Question = Annotated[dict[str, Any], Body()]


class Backend:
    """A backend that believes what it is told, and remembers it."""

    def __init__(self) -> None:
        self.app = FastAPI()
        self.heard: list[tuple[str, list[tuple[str, str]], Any]] = []
        self.state: list[Any] = []
        self.go_on = asyncio.Event()
        self._routes(self.app)

    def note(self, request: Request | WebSocket, body: Any = None) -> None:
        self.heard.append((request.url.path, list(request.headers.items()), body))
        self.state.append(request.state._state.get("identity"))

    def told(self, name: str) -> list[str]:
        return [value for _, fields, _ in self.heard for key, value in fields if key == name]

    def _routes(self, app: FastAPI) -> None:
        @app.post("/api/chat")
        async def chat(request: Request, who: CurrentIdentity, body: Question) -> Any:
            self.note(request, body)
            assert who.subject == body["userId"]
            name = body.get("conversationId", f"c-{len(self.heard)}")
            if not body.get("stream"):
                return {"conversationId": name, "text": "hello"}

            async def events() -> AsyncIterator[str]:
                yield f"data: {json.dumps({'conversationId': name})}\n\n"
                await self.go_on.wait()
                yield "data: [DONE]\n\n"

            return StreamingResponse(events(), media_type="text/event-stream")

        @app.get("/api/chats/{chat}")
        async def history(chat: str, request: Request) -> Any:
            self.note(request)
            return {"conversationId": chat}

        @app.post("/api/chats/{chat}/rating")
        async def rating(chat: str, request: Request) -> None:
            self.note(request)

        @app.post("/api/broken")
        async def broken() -> None:
            raise LookupError("a fault of the backend's")

        @app.get("/api/refused")
        async def refused(request: Request) -> JSONResponse:
            return JSONResponse({"detail": "not in your plan"}, 403)

        @app.get("/api/later")
        async def later(request: Request, tasks: BackgroundTasks) -> str:
            tasks.add_task(self.note, request)
            return "soon"

        @app.get("/api/file")
        async def file() -> FileResponse:
            return FileResponse(__file__, media_type="text/x-python")

        @app.get("/api/words")
        async def words() -> StreamingResponse:
            return StreamingResponse(iter(["one ", "", "two"]), media_type="text/plain")

        @app.websocket("/api/chat")
        async def socket_at_an_operation(socket: WebSocket) -> None:
            self.note(socket)

        @app.websocket("/ws")
        async def socket(socket: WebSocket) -> None:
            self.note(socket)
            await socket.accept()
            await socket.close()

        @app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "DELETE", "PATCH"])
        async def anything(path: str, request: Request) -> Any:
            self.note(request, (await request.body()).decode())
            return {"path": path}


@asynccontextmanager
async def behind(folder: Path, **more: Any) -> AsyncIterator[tuple[Backend, str]]:
    backend = Backend()
    backend.app.add_middleware(GatewayMiddleware, config=config(folder, **more))
    async with serving(backend.app, ws="websockets-sansio") as url:
        yield backend, url


def request(
    method: str, path: str, body: Any = None, *fields: tuple[str, str], who: str | None = "alice"
) -> bytes:
    lines = [*fields] if who is None else [bearer(ISSUER, who), *fields]
    content = None if body is None else json.dumps(body).encode()
    if content is not None:
        lines.append(("Content-Type", "application/json"))
    return raw_request(method, path, lines, content)


async def ask(url: str, method: str, path: str, body: Any = None, **more: Any) -> Answer:
    return await wire(url, request(method, path, body, **more))


async def test_the_backend_is_told_who_asks(tmp_path: Path) -> None:
    async with behind(tmp_path) as (backend, url):
        answer = await wire(
            url,
            request("POST", "/api/chat", {"message": "hi", "userId": "victim"}, ("Cookie", "a=b")),
        )
        assert answer.status == 200, answer.body
        ((_, fields, body),) = backend.heard
        assert body == {"message": "hi", "userId": "alice"}
        assert dict(fields)["x-external-user-id"] == "alice"
        assert {"authorization", "cookie"}.isdisjoint(dict(fields))
        assert backend.state[0].subject == "alice"


async def test_nobody_is_told_without_signing_in(tmp_path: Path) -> None:
    async with behind(tmp_path) as (backend, url):
        answer = await ask(url, "POST", "/api/chat", {"message": "hi"}, who=None)
        assert (answer.status, answer.values("x-gateway-error")) == (401, ["credentials_missing"])
        assert backend.heard == []


async def test_a_conversation_is_whose_it_is(tmp_path: Path) -> None:
    async with behind(tmp_path) as (backend, url):
        name = (await ask(url, "POST", "/api/chat", {"message": "hi"})).json()["conversationId"]
        assert (await ask(url, "GET", f"/api/chats/{name}")).status == 200
        backend.heard.clear()
        for who, path in (("bob", name), ("alice", "another")):
            answer = await ask(url, "GET", f"/api/chats/{path}", who=who)
            assert answer.status == 404
            more = await ask(
                url, "POST", "/api/chat", {"message": "x", "conversationId": path}, who=who
            )
            assert more.status == 404
        assert backend.heard == []


async def test_a_stream_flows_and_may_be_left(tmp_path: Path) -> None:
    async with behind(tmp_path) as (backend, url), connected(url) as peer:
        await peer.send(request("POST", "/api/chat", {"message": "hi", "stream": True}))
        await peer.until(b"conversationId")
        backend.go_on.set()
        assert (await peer.answer()).complete


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "PROPFIND"])
async def test_an_operations_url_takes_its_method_only(tmp_path: Path, method: str) -> None:
    async with behind(tmp_path) as (backend, url):
        answer = await ask(url, method, "/api/chat")
        assert answer.status in {405, 501}
        assert backend.heard == []


SPELLINGS = [
    "/api/chat/",
    "//api/chat",
    "/api//chat",
    "/api/./chat",
    "/x/../api/chat",
    "/api/%63hat",
    "/%61pi/chat",
    "/api%2Fchat",
    "/api%2fchat",
    "/api/chat%2F",
    "/api/%2e/chat",
    "/x/%2e%2e/api/chat",
    "/API/CHAT",
    "/api/Chat",
    "/api/chat;v=1",
    "/api/chat%3B",
    "/api/chat%20",
    "/api/chat%00",
    "/api/chat%3Fx",
    "/api/chat%23x",
    "/api/chat%252F",
    "/api%5Cchat",
    "/api/chats/c%2D1",
    "/api/chats/%3F",
    "/api/chats/%2E%2E",
    "/api/chats/c-1%3F/rating",
    "/api/chats/c-1%23x/rating",
    "/api/chats/c-1%00/rating",
    "/api/chats/c-1%253F/rating",
    "//api/chats/c-1%3F/rating",
    "/api/chats/%20/rating",
    "/api/chats/%3Bx/rating",
    "/api/chats/./rating",
    "/api/chats/%2E%2E/rating",
    "/api/chats/%5C/rating",
]


@pytest.mark.parametrize("path", SPELLINGS)
async def test_another_spelling_of_an_operation_is_no_door(tmp_path: Path, path: str) -> None:
    """P-01, P-02, P-04, P-05, P-09, P-17, P-20: of an application called in process"""
    async with behind(tmp_path) as (backend, url):
        for method, who in (("POST", "alice"), ("POST", None), ("GET", None)):
            answer = await ask(url, method, path, {"message": "hi", "userId": "victim"}, who=who)
            assert answer.status in {400, 401, 404, 405}, answer.raw
        assert backend.heard == []


async def test_who_asks_is_stripped_of_every_request(tmp_path: Path) -> None:
    """H-01, H-02, H-14: of every request to an application that is its own vendor"""
    words = [one for words in PEOPLE for one in (words, ("x", *words)) if one[:2] != ("x", "x")]
    names = [
        name
        for name in {spelt for one in words for spelt in joined(one)}
        if TOKEN.fullmatch(name.lower().replace("_", "-").encode())
    ]
    async with behind(tmp_path) as (backend, url):
        kept = [("X-Kept", "yes"), ("Cookie", "a=b"), bearer(ISSUER, "alice")]
        for first in range(0, len(names), 50):
            claims = [(name, "victim") for name in names[first : first + 50]]
            raw = raw_request("POST", "/other%20place", [*claims, *kept], b"victim's own")
            assert (await wire(url, raw)).status == 200
        async with connect(
            url.replace("http", "ws") + "/ws",
            additional_headers={"X-External-User-Id": "victim", "X-Kept": "yes"},
        ):
            pass
        assert len(backend.heard) > 5
        for path, fields, _ in backend.heard:
            assert "victim" not in dict(fields).values(), (path, fields)
            assert dict(fields)["x-kept"] == "yes"
        assert backend.heard[0][0] == "/other place"
        assert dict(backend.heard[0][1])["cookie"] == "a=b"
        assert backend.heard[0][2] == "victim's own"
        assert all(identity is None for identity in backend.state)


async def test_a_trailer_says_nothing_either(tmp_path: Path) -> None:
    """ME-1: uvicorn puts the trailers of a chunked body into the list of fields"""
    async with behind(tmp_path) as (backend, url):
        head = b"POST /other HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        tail = b"0\r\nX-External-User-Id: victim\r\nX-External-Org-Id: victim\r\n\r\n"
        for cut in (0, len(head)):
            async with connected(url) as peer:
                await peer.send((head + b"1\r\nx\r\n" + tail)[:cut])
                await peer.send((head + b"1\r\nx\r\n" + tail)[cut:])
                assert (await peer.answer()).status == 200
        assert len(backend.heard) == 2
        assert b"victim" not in repr(backend.heard).encode()


async def test_a_websocket_at_an_operations_url_is_turned_away(tmp_path: Path) -> None:
    async with behind(tmp_path) as (backend, url):
        for path in ("/api/chat", "/api//chat", "/API/chat", "/api/%63hat"):
            with pytest.raises(InvalidStatus) as refused:
                async with connect(
                    url.replace("http", "ws") + path,
                    additional_headers=dict([bearer(ISSUER, "alice")]),
                ):
                    pass
            assert refused.value.response.status_code == 403
        assert backend.heard == []


async def test_another_host_is_no_door(tmp_path: Path) -> None:
    org = {
        "hosts": ["app.example"],
        "sign_in": config(tmp_path)["sign_in"],
        "upstreams": {"bot": {"vendor": "ours", "base_url": "app:"}},
    }
    backend = Backend()
    whole = config(tmp_path, orgs={"acme": org})
    del whole["upstreams"], whole["sign_in"]
    backend.app.add_middleware(GatewayMiddleware, config=whole)
    async with serving(backend.app) as url:
        for host, status in (("app.example", 200), ("other.example", 421)):
            lines = [bearer(ISSUER, "alice"), ("Content-Type", "application/json")]
            raw = raw_request("POST", "/api/chat", lines, b'{"message":"hi"}', host=host)
            assert (await wire(url, raw)).status == status
    assert len(backend.heard) == 1


async def test_the_prefix_is_no_second_door(tmp_path: Path) -> None:
    async with behind(tmp_path) as (backend, url):
        for path in ("/ai/api/chat", "/ai/bot/api/chat", "/ai/the%20application%20itself/api/chat"):
            answer = await ask(url, "POST", path, {"message": "hi"})
            assert answer.status in {400, 404}
        assert backend.heard == []
        assert (await ask(url, "GET", "/ai/_gateway/whoami")).json()["subject"] == "alice"
        assert (await ask(url, "GET", "/ai/livez")).status == 200
        # And what we have of our own there is no page of the application's.
        assert (await ask(url, "GET", "/livez")).json() == {"path": "livez"}
        assert (await ask(url, "GET", "/_gateway/whoami")).json() == {"path": "_gateway/whoami"}


async def test_a_fault_of_the_backends_is_an_answer_and_its_own(tmp_path: Path) -> None:
    seen: list[BaseException] = []
    backend = Backend()

    class Outer:
        """What reports faults to somebody stands outside, and hears of them still."""

        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            try:
                await self.app(scope, receive, send)
            except Exception as error:
                seen.append(error)
                raise

    backend.app.add_middleware(GatewayMiddleware, config=config(tmp_path))
    backend.app.add_middleware(Outer)
    async with serving(backend.app) as url:
        answer = await ask(url, "POST", "/api/broken")
        assert (answer.status, answer.values("x-gateway-error")) == (502, ["upstream_broke_off"])
    assert [type(error) for error in seen] == [LookupError]


async def test_a_backend_without_a_key_may_refuse(tmp_path: Path) -> None:
    async with behind(tmp_path) as (_, url):
        answer = await ask(url, "GET", "/api/refused")
        assert (answer.status, answer.json()) == (403, {"detail": "not in your plan"})


async def test_what_a_backend_does_after_its_answer_is_done(tmp_path: Path) -> None:
    async with behind(tmp_path) as (backend, url):
        assert (await ask(url, "GET", "/api/later")).json() == "soon"
    assert [path for path, _, _ in backend.heard] == ["/api/later"]


async def test_a_file_is_sent_as_any_answer(tmp_path: Path) -> None:
    async with behind(tmp_path) as (_, url):
        answer = await ask(url, "GET", "/api/file")
        assert answer.body == Path(__file__).read_bytes()


async def test_an_answer_may_come_in_pieces_of_nothing(tmp_path: Path) -> None:
    """As Starlette ends each StreamingResponse."""
    async with behind(tmp_path) as (_, url):
        answer = await ask(url, "GET", "/api/words")
        assert (answer.status, answer.body, answer.complete) == (200, b"one two", True)


async def test_the_session_of_the_outer_middleware_is_there(tmp_path: Path) -> None:
    app = FastAPI()

    @app.post("/api/chat")
    async def chat(request: Request) -> Any:
        request.session["asked"] = True
        return {"conversationId": "c-1", "seen": dict(request.session)}

    app.add_middleware(GatewayMiddleware, config=config(tmp_path))
    app.add_middleware(SessionMiddleware, secret_key="s" * 32)
    async with serving(app) as url:
        answer = await ask(url, "POST", "/api/chat", {"message": "hi"})
        assert answer.json()["seen"] == {"asked": True}
        assert answer.values("set-cookie")[0].startswith("session=")


@pytest.mark.parametrize("root", ["", "/root"])
async def test_a_mounted_backend_keeps_its_urls(tmp_path: Path, root: str) -> None:
    backend = Backend()
    backend.app.add_middleware(GatewayMiddleware, config=config(tmp_path))
    outer = Starlette(routes=[Mount("/v1", backend.app)])
    async with serving(outer, root_path=root) as url:
        answer = await ask(url, "POST", "/v1/api/chat", {"message": "hi"})
        assert answer.status == 200, answer.body
    assert [path for path, _, _ in backend.heard] == [f"{root}/v1/api/chat"]


async def test_an_org_may_stand_below_a_path_of_the_application(tmp_path: Path) -> None:
    backend = FastAPI()

    @backend.post("/acme/api/chat")
    async def chat(request: Request, who: CurrentIdentity) -> Any:
        return {"conversationId": "c-1", "org": who.org}

    whole = config(tmp_path)
    org = {name: whole.pop(name) for name in ("sign_in", "upstreams")}
    backend.add_middleware(
        GatewayMiddleware, config={**whole, "orgs": {"acme": {"path": "/acme", **org}}}
    )
    async with serving(backend) as url:
        answer = await ask(url, "POST", "/acme/api/chat", {"message": "hi"})
        assert answer.json()["org"] == "acme"
        assert (await ask(url, "POST", "/acme/api/chat", {}, who=None)).status == 401
