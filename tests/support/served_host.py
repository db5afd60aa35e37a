"""An application with a gateway in it, for a server that runs as a process of its own.

Its own chat is its own vendor; below /ai is Chatbase. A request with `X-Around` passes middlewares
that read answers as streams; all others come straight from the server.

The environment says where it stands: VENDOR_URL, STORE, ISSUER_URL, ISSUER_SECRET.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway import GatewayMiddleware

PROFILE = {
    "operations": {
        "chat": {
            "method": "POST",
            "path": "/api/chat",
            "user": ["body:/userId"],
            "members": ["message", "breaks"],
            "no_conversation": "this one remembers nothing",
        }
    }
}
LEFT: list[str] = []


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
    yield {"began": "yes"}


host = FastAPI(lifespan=lifespan)


@host.get("/began")
async def began(request: Request) -> str:
    return str(request.state.began)


@host.get("/left")
async def left() -> list[str]:
    return LEFT


@host.post("/api/chat")
async def chat(request: Request) -> StreamingResponse:
    asked = await request.json()

    async def events() -> AsyncIterator[str]:
        yield f"data: {json.dumps({'user': asked['userId']})}\n\n"
        if asked.get("breaks"):
            raise RuntimeError("this is what a fault in a backend's stream looks like")
        try:
            await asyncio.Event().wait()
        finally:
            LEFT.append(asked["message"])

    return StreamingResponse(events(), media_type="text/event-stream")


host.add_middleware(
    GatewayMiddleware,
    config={
        "store": {"url": f"sqlite:///{os.environ['STORE']}"},
        "sign_in": {
            "issuer": os.environ["ISSUER_URL"],
            "audience": "chat",
            "secret": os.environ["ISSUER_SECRET"],
        },
        "vendors": {"ours": PROFILE},
        "upstreams": {
            "own": {"vendor": "ours", "base_url": "app:"},
            "support": {
                "vendor": "chatbase",
                "base_url": os.environ["VENDOR_URL"],
                "key": "cb-key",
                "agent": "agent_1",
            },
        },
    },
)


async def pass_on(request: Request, call_next: Any) -> Any:
    return await call_next(request)


class Around:
    """Two middlewares of the usual kind, one in the other, and one that compresses."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        inner = BaseHTTPMiddleware(GZipMiddleware(app), dispatch=pass_on)
        self._around = BaseHTTPMiddleware(inner, dispatch=pass_on)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wanted = any(name == b"x-around" for name, _ in scope.get("headers", ()))
        await (self._around if wanted else self._app)(scope, receive, send)


app = Around(host)
