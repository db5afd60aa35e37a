"""What serves an application in tests starts it, stops it, and leaves nothing behind."""

import asyncio
from urllib.parse import urlsplit

import pytest

from tests.support.serve import running, serving
from tests.support.wire import Peer, connected, raw_request, wire

pytestmark = pytest.mark.anyio


async def echo(scope, receive, send):
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            scope["state"]["started"] = True
            await send({"type": message["type"] + ".complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = f"{scope['method']} {scope['raw_path'].decode()} {scope['state']}".encode()
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


async def stream_until_left(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"first", "more_body": True})
    while (await receive())["type"] != "http.disconnect":
        pass


async def test_serves_on_a_real_socket_after_the_lifespan_has_run():
    async with serving(echo) as url:
        answer = await wire(url, raw_request("GET", "/a%2Fb"))
    assert answer.body == b"GET /a%2Fb {'started': True}"
    assert answer.values("date")


async def open_stream(url: str) -> Peer:
    parts = urlsplit(url)
    _, peer = await asyncio.get_running_loop().create_connection(Peer, parts.hostname, parts.port)
    await peer.send(raw_request("GET", "/"))
    await peer.until(b"first")
    return peer


async def test_stops_under_an_open_stream_and_leaves_no_task():
    before = asyncio.all_tasks()
    async with running(stream_until_left, lifespan="off") as (server, url):
        peer = await open_stream(url)
        assert len(server.server_state.connections) == 1
    await peer.until_closed()
    assert asyncio.all_tasks() == before


async def test_complains_about_an_application_that_goes_on_without_its_client(monkeypatch):
    monkeypatch.setattr("tests.support.serve.PATIENCE", 0.05)
    reached = asyncio.Event()

    async def deaf(scope, receive, send):
        reached.set()
        await asyncio.Event().wait()

    async def drive() -> None:
        async with serving(deaf, lifespan="off") as url, connected(url) as peer:
            await peer.send(raw_request("GET", "/"))
            await reached.wait()

    with pytest.raises(AssertionError, match="went on"):
        await drive()
