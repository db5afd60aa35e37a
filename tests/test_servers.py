"""Under uvicorn, hypercorn and granian as processes, alone and within middlewares that stream."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.support.chatbase import Chatbase
from tests.support.hosts import bearer, chat
from tests.support.ports import free_port
from tests.support.reply import Reply
from tests.support.tokens import Issuer
from tests.support.vendor import Request
from tests.support.wire import Answer, connected, raw_request, wire

pytestmark = pytest.mark.anyio
ISSUER = Issuer()
ALICE = bearer(ISSUER, "alice")
APP = "tests.support.served_host:app"
SERVERS = {
    "uvicorn": ["uvicorn", APP, "--port", "{port}", "--log-level", "warning"],
    "hypercorn": ["hypercorn", APP, "--bind", "127.0.0.1:{port}"],
    "granian": ["granian", APP, "--interface", "asgi", "--port", "{port}"],
}
PATIENCE = 30.0  # seconds a server may take to start, on a machine that is busy
DELTA = {"type": "text-delta", "delta": "x"}


@dataclass(frozen=True)
class Served:
    url: str
    vendor_port: int


@pytest.fixture(scope="module", params=SERVERS)
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp(request.param)
    port, vendor_port = free_port(), free_port()
    environment = {
        **os.environ,
        "VENDOR_URL": f"http://127.0.0.1:{vendor_port}",
        "STORE": str(folder / "gateway.db"),
        "ISSUER_URL": ISSUER.url,
        "ISSUER_SECRET": ISSUER.secret,
    }
    words = [word.format(port=port) for word in SERVERS[request.param]]
    log = (folder / "log").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", *words],
        env=environment,
        cwd=Path(__file__).parents[1],
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        wait_for(port, process, folder / "log")
        yield Served(f"http://127.0.0.1:{port}", vendor_port)
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


def wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), 0.2):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"the server did not start: {log.read_text()}")


@pytest.fixture
async def vendor(served: Served) -> AsyncIterator[Chatbase]:
    made = Chatbase()
    made.at_port = served.vendor_port
    async with made:
        yield made


@pytest.fixture(params=[False, True], ids=["plain", "within middlewares"])
def around(request: pytest.FixtureRequest) -> list[tuple[str, str]]:
    gzip = ("Accept-Encoding", "gzip")
    return [("X-Around", "yes"), gzip] if request.param else []


def own(*fields: tuple[str, str], **members: object) -> bytes:
    """A question to the application's own chat."""
    body = json.dumps({"message": "hi", "userId": "victim", **members}).encode()
    lines = [ALICE, ("Content-Type", "application/json"), *fields]
    return raw_request("POST", "/api/chat", lines, body)


async def get(served: Served, path: str) -> Answer:
    return await wire(served.url, raw_request("GET", path, [ALICE]))


async def test_the_lifespans_of_both_have_run(served: Served) -> None:
    assert (await get(served, "/began")).json() == "yes"
    assert (await get(served, "/ai/readyz")).json() == {"status": "ready"}


@pytest.mark.parametrize("path", ["/ai/%6Civez", "/%61i/livez", "/ai%2Flivez", "/ai/../livez"])
async def test_one_spelling_is_ours(served: Served, path: str) -> None:
    """P-20"""
    answer = await get(served, path)
    assert answer.status in {400, 404}


@pytest.mark.parametrize("path", ["/api/%63hat", "/%61pi/chat", "/api%2Fchat", "//api/chat"])
async def test_another_spelling_is_no_door(served: Served, path: str) -> None:
    """P-02, P-05, P-20: of an application called in process"""
    lines = [("Content-Type", "application/json")]
    answer = await wire(served.url, raw_request("POST", path, lines, b'{"userId":"victim"}'))
    assert answer.status in {400, 401, 404}
    assert b"victim" not in answer.body


async def test_a_stream_flows(
    served: Served, vendor: Chatbase, around: list[tuple[str, str]]
) -> None:
    arrived = anyio.Event()

    async def wait(event: Any) -> None:
        if event["type"] == "finish":
            await arrived.wait()

    vendor.before_event = wait
    async with connected(served.url) as peer:
        await peer.send(chat(ALICE, *around, stream=True))
        await peer.until(b"text-delta")
        arrived.set()
        assert (await peer.answer()).complete
    assert vendor.requests[0].json()["userId"] == "alice"


async def test_a_cut_answer_looks_cut(
    served: Served, vendor: Chatbase, around: list[tuple[str, str]]
) -> None:
    async def broken(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.event(DELTA)
        reply.close()

    vendor.handler = broken
    answer = await wire(served.url, chat(ALICE, *around, stream=True))
    assert b"text-delta" in answer.body
    assert b'"type":"error"' in answer.body
    assert not answer.complete
    vendor.handler = vendor.answer
    assert (await wire(served.url, chat(ALICE, *around))).status == 200


async def test_the_applications_own_cut_answer_looks_cut(
    served: Served, around: list[tuple[str, str]]
) -> None:
    answer = await wire(served.url, own(*around, breaks=True))
    assert b'{"user": "alice"}' in answer.body
    assert not answer.complete


async def test_when_the_client_leaves_the_vendor_hears_of_it(
    served: Served, vendor: Chatbase, around: list[tuple[str, str]]
) -> None:
    async def endless(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.event(DELTA)
        await reply.hang()

    vendor.handler = endless
    async with connected(served.url) as peer:
        await peer.send(chat(ALICE, *around, stream=True))
        await peer.until(b"text-delta")
        peer.close()
        await vendor.connection_closed(1)


async def test_when_the_client_leaves_the_application_hears_of_it(
    served: Served, around: list[tuple[str, str]]
) -> None:
    name = f"left {bool(around)}"
    async with connected(served.url) as peer:
        await peer.send(own(*around, message=name))
        await peer.until(b'{"user": "alice"}')
        peer.close()
    heard: list[str] = []
    with anyio.fail_after(PATIENCE):
        while name not in heard:
            heard = (await get(served, "/left")).json()
