"""Applications that a gateway stands in, and what tests ask of them.

app.add_middleware(GatewayMiddleware, config=configured(vendor, issuer, store))
async with serving(app) as url:
    answer = await wire(url, chat(bearer(issuer, "alice")))
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from starlette.applications import Starlette
from starlette.routing import Mount

from gateway.app import Gateway
from gateway.middleware import GatewayMiddleware
from tests.support.serve import serving
from tests.support.stores import laid
from tests.support.tokens import Issuer
from tests.support.vendor import RecordingVendor
from tests.support.wire import raw_request

How = Literal["mounted", "middleware", "app"]
HOSTED: tuple[How, ...] = ("mounted", "middleware", "app")
CHAT = "/support/api/v2/agents/agent_1/chat"


def configured(vendor: RecordingVendor, issuer: Issuer, store: Path, **more: Any) -> dict[str, Any]:
    """A configuration as a program would write it: Chatbase, and tokens of `issuer`."""
    return {
        "store": {"url": laid(f"sqlite:///{store}")},
        "sign_in": {
            "issuer": issuer.url,
            "audience": issuer.audience,
            "secret": issuer.secret,
        },
        "upstreams": {
            "support": {
                "vendor": "chatbase",
                "base_url": vendor.url,
                "key": "cb-key",
                "agent": "agent_1",
            }
        },
        **more,
    }


def bearer(issuer: Issuer, who: str) -> tuple[str, str]:
    # Made when tests are collected, shown when their turn comes: a whole run later, perhaps.
    token = issuer.token(who, algorithm="HS256", exp=int(time.time()) + 86_400)
    return ("Authorization", f"Bearer {token}")


def chat(*fields: tuple[str, str], prefix: str = "/ai", stream: bool = False) -> bytes:
    """A question, as a page of the application would send it."""
    body = b'{"message":"hi","stream":%s}' % (b"true" if stream else b"false")
    lines = [("Content-Type", "application/json"), *fields]
    return raw_request("POST", prefix + CHAT, lines, body)


def backend(model_url: str) -> FastAPI:
    """A chat backend that trusts its caller, as those do that need a gateway.

    Its model stands behind a socket, so that a test sees there what the backend has been told: all
    of the request goes on, and all of the answer comes back as it arrives.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with httpx.AsyncClient(trust_env=False, timeout=60) as model:
            yield {"model": model}

    app = FastAPI(lifespan=lifespan)

    @app.api_route("/{path:path}", methods=["GET", "POST", "PATCH", "DELETE"])
    async def relay(request: Request) -> StreamingResponse:
        target = request.scope["raw_path"] + b"?" + request.scope["query_string"]
        asked = httpx.Request(
            request.method,
            model_url + target.decode("ascii").removesuffix("?"),
            headers=[pair for pair in request.headers.raw if pair[0] != b"host"],
            content=await request.body(),
        )
        answer = await request.state.model.send(asked, stream=True)

        async def chunks() -> AsyncIterator[bytes]:
            try:
                async for chunk in answer.aiter_raw():
                    yield chunk
            finally:
                await answer.aclose()

        passed = StreamingResponse(chunks(), answer.status_code)
        passed.raw_headers = [
            pair for pair in answer.headers.raw if pair[0].lower() != b"transfer-encoding"
        ]
        return passed

    return app


@asynccontextmanager
async def hosted(how: How, file: Path, vendor_url: str) -> AsyncIterator[tuple[str, str]]:
    """The gateway of a file inside an application: its URL, and what stands before our paths.

    Of "app", `vendor_url` is the model's: the file then says `base_url = "app:"`.
    """
    app: Any
    if how == "mounted":
        gateway = Gateway.from_file(file)
        app = Starlette(routes=[Mount("/in", gateway)], lifespan=gateway.lifespan)
    else:
        app = backend(vendor_url) if how == "app" else Starlette()
        app.add_middleware(GatewayMiddleware, config=file)
    async with serving(app, proxy_headers=False, access_log=False) as url:
        yield url, {"mounted": "/in", "middleware": "/ai", "app": ""}[how]
