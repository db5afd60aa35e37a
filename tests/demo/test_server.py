import asyncio
import signal
import socket

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from gateway.demo.server import LOOPBACK, TRIED, listen, origin, served

pytestmark = pytest.mark.anyio


def hello() -> Starlette:
    return Starlette(routes=[Route("/", lambda request: PlainTextResponse("hello"))])


async def test_serves_until_the_context_ends():
    with listen(0) as listener:
        url = origin(listener)
        async with httpx.AsyncClient(trust_env=False) as client:
            async with served(hello(), listener):
                assert (await client.get(url)).text == "hello"
            with pytest.raises(httpx.TransportError):
                await client.get(url)


async def test_leaves_signals_to_whoever_runs_it():
    before = signal.getsignal(signal.SIGINT)
    with listen(0) as listener:
        async with served(hello(), listener):
            assert signal.getsignal(signal.SIGINT) is before


async def test_says_when_an_application_does_not_start():
    async def broken(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})

    with listen(0) as listener, pytest.raises(RuntimeError, match="did not start"):
        async with served(broken, listener):
            pytest.fail("served all the same")


async def test_an_answer_without_end_is_ended_with_the_server():
    never = asyncio.Event()

    async def endless(scope, receive, send):
        if scope["type"] != "http":
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        await never.wait()

    with listen(0) as listener:
        async with httpx.AsyncClient(trust_env=False) as client:
            async with served(endless, listener):
                request = client.build_request("GET", origin(listener))
                answer = await client.send(request, stream=True)
            with pytest.raises(httpx.TransportError):
                await answer.aread()


async def test_moves_on_from_a_port_that_is_taken():
    with listen(0) as first:
        taken = first.getsockname()[1]
        with listen(taken) as second:
            assert taken < second.getsockname()[1] < taken + TRIED


async def test_gives_up_when_all_of_them_are_taken(monkeypatch):
    def busy(address):
        raise OSError("taken")

    monkeypatch.setattr(socket, "create_server", busy)
    with pytest.raises(OSError, match="taken"):
        listen(8000)


async def test_its_answers_wait_for_nothing():
    with listen(0) as listener:
        assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_nobody_but_this_machine_can_reach_it():
    with listen(0) as listener:
        assert listener.getsockname()[0] == LOOPBACK
