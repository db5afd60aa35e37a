"""The route most people write: FastAPI, PyJWT, and one httpx client.

ISSUER_PEM=… VENDOR=http://127.0.0.1:9000 uvicorn benchmarks.peers.route:app
"""

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import jwt
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, StreamingResponse

from benchmarks.peers import Peer, running
from benchmarks.tokens import AUDIENCE, ISSUER, Issuer
from tests.support.ports import free_port

VENDOR = os.environ.get("VENDOR", "")
KEY = Path(os.environ["ISSUER_PEM"]).read_bytes() if "ISSUER_PEM" in os.environ else b""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(base_url=VENDOR, timeout=120, limits=limits) as client:
        app.state.client = client
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/api/v2/agents/{agent}/chat")
async def chat(agent: str, request: Request) -> Any:
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    try:
        claims = jwt.decode(token, KEY, algorithms=["RS256"], audience=AUDIENCE, issuer=ISSUER)
    except jwt.InvalidTokenError:
        raise HTTPException(401) from None
    body = await request.json()
    body["userId"] = claims["sub"]
    client: httpx.AsyncClient = request.app.state.client
    fields = {"authorization": "Bearer a-key-of-a-benchmark"}
    path = f"/api/v2/agents/{agent}/chat"
    if not body.get("stream"):
        answer = await client.post(path, json=body, headers=fields)
        return JSONResponse(answer.json(), answer.status_code)
    asked = client.build_request("POST", path, json=body, headers=fields)
    answer = await client.send(asked, stream=True)

    async def events() -> AsyncIterator[bytes]:
        async for part in answer.aiter_bytes():
            yield part
        await answer.aclose()

    return StreamingResponse(events(), answer.status_code, media_type="text/event-stream")


@contextmanager
def fastapi_route(folder: Path, vendor: int, issuer: Issuer) -> Iterator[Peer]:
    port = free_port()
    os.environ |= {"VENDOR": f"http://127.0.0.1:{vendor}", "ISSUER_PEM": str(issuer.pem)}
    command = [sys.executable, "-m", "uvicorn", "benchmarks.peers.route:app"]
    command += ["--port", str(port), "--log-level", "error", "--app-dir", os.getcwd()]
    with running(command, port, folder / "route.log") as pid:
        lacks = "ownership, usage, limits, log, metrics"
        yield Peer("FastAPI + httpx", port, pid, lacks=lacks, slow=True)
