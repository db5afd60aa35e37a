"""Both ways into the gateway give a client the same bytes: ASGI, and straight from the connection.

One gateway stands at two sockets of one server each. Beside the moment and the request's name, what
comes back must not differ in a byte.
"""

import asyncio
import inspect
import itertools
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from gateway.app import Gateway
from gateway.net.server.own_turn import OwnTurn
from gateway.net.server.protocol import guarded_protocol
from gateway.net.server.tally import ServerLimits
from tests.support import config
from tests.support.chatbase import Chatbase
from tests.support.chatbase_conversations import Conversations
from tests.support.reply import Reply
from tests.support.serve import serving
from tests.support.stage import Stage
from tests.support.tokens import Issuer
from tests.support.vendor import Handler, Request
from tests.support.wire import connected, raw_request

LIMITS = ServerLimits(linger=0.2)
BASE = "/support/api/v2/agents/agent_1"
HI = {"message": "hi", "stream": False}
LAST = raw_request("GET", "/livez", [("Connection", "close")])


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@dataclass(frozen=True)
class Both:
    """A stage at the gateway's own entry, and the URL of the same over ASGI."""

    stage: Stage[Chatbase]
    over_asgi: str

    async def say(self, *segments: bytes) -> bytes:
        """What comes back, whichever way one goes."""
        own = await self._said(self.stage.url, segments)
        assert own == await self._said(self.over_asgi, segments)
        return own

    async def _said(self, url: str, segments: tuple[bytes, ...]) -> bytes:
        """To a vendor that says the same each time."""
        vendor, numbers = self.stage.vendor, itertools.count(1)
        vendor.forget()
        vendor.memory = Conversations()
        vendor.memory.new_id = lambda: f"conversation-{next(numbers)}"
        return masked(await said(url, segments))


async def said(url: str, segments: tuple[bytes, ...]) -> bytes:
    async with connected(url) as peer:
        for number, segment in enumerate(segments):
            if number:
                await peer.until(b"\r\n\r\n")
            await peer.send(segment)
        return await peer.until_closed()


def masked(raw: bytes) -> bytes:
    """Without the moment, and the names that each request has of its own."""
    raw = re.sub(rb"date: [^\r]+ GMT", b"date: D", raw)
    raw = re.sub(rb"(req_vendor_|ratelimit-remaining: )[0-9]+", rb"\1N", raw)
    return re.sub(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", b"ID", raw)


@asynccontextmanager
async def both_of(folder: Path) -> AsyncIterator[Both]:
    issuer, file = Issuer(), folder / "gateway.toml"
    async with Chatbase() as vendor:
        file.write_text(config.chatbase(vendor.url, issuer, store=folder / "gateway.db"))
        gateway = Gateway.from_file(file)
        own, asgi = guarded_protocol(LIMITS, gateway), guarded_protocol(LIMITS)
        async with (
            serving(gateway, http=own, server_header=False) as url,
            serving(gateway, http=asgi, server_header=False, lifespan="off") as over_asgi,
        ):
            yield Both(Stage(vendor, gateway, issuer, url, BASE), over_asgi)


@pytest.fixture(scope="module")
async def shared(
    tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> AsyncIterator[Both]:
    async with both_of(tmp_path_factory.mktemp("both")) as both:
        yield both


@pytest.fixture
def both(shared: Both) -> Both:
    shared.stage.vendor.handler = shared.stage.vendor.answer
    return shared


def http_1_0(raw: bytes) -> bytes:
    return raw.replace(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", 1)


OUR_OWN = [
    raw_request("GET", "/livez"),
    raw_request("HEAD", "/livez"),
    raw_request("GET", "/livez?a=b&c"),
    raw_request("POST", "/livez", [], b"{}"),
    raw_request("GET", "/readyz"),
    raw_request("OPTIONS", "/livez"),
    raw_request("OPTIONS", "*"),
    raw_request("GET", "/_gateway/widget.js"),
    raw_request("HEAD", "/_gateway/widget.js"),
    raw_request("GET", "/.well-known/jwks.json"),
    raw_request("GET", "/nothing/here"),
    raw_request("GET", "/support/%2e%2e/livez"),
    raw_request("GET", '/support/"<|>{`}^'),
    raw_request("GET", "/livez", [("X_Under", "score")]),
    raw_request("GET", "/livez", [("X-Blank", "at the end \t ")]),
    raw_request("GET", "/livez", [("Expect", "100-continue")]),
    raw_request("GET", "/livez", [("Host", "again")]),
    raw_request("GET", "/livez", [("Connection", "close")]),
    raw_request("GET", "/livez", [("Connection", "Upgrade"), ("Upgrade", "h2c")]),
    raw_request("GET", "/_gateway/whoami"),
    raw_request(
        "OPTIONS",
        BASE + "/chat",
        [("Origin", "https://app.test"), ("Access-Control-Request-Method", "POST")],
    ),
    raw_request("POST", BASE + "/chat", [("Content-Type", "application/json")], b"{}"),
    raw_request("GET", "/livez", host=None),
    http_1_0(raw_request("GET", "/livez")),
    http_1_0(raw_request("GET", "/livez", [("Connection", "keep-alive")])),
    b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"nonsense\r\n\r\n",
]


@pytest.mark.anyio
@pytest.mark.parametrize("raw", OUR_OWN, ids=lambda raw: raw[:40].decode("latin-1"))
async def test_what_we_say_ourselves_is_the_same(both: Both, raw: bytes) -> None:
    assert await both.say(raw + LAST)
    assert both.stage.vendor.saw_nothing()


def asked(both: Both, body: object = HI, *fields: tuple[str, str] | bytes) -> bytes:
    return both.stage.request("alice", "POST", "/chat", body, fields)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(HI, id="whole"),
        pytest.param({"message": "hi"}, id="stream"),
        pytest.param(b"{", id="no JSON"),
        pytest.param({**HI, "conversationId": "conv_of_another"}, id="of another"),
        pytest.param(b'{"stream":false,"message":"' + b"x" * 200_000 + b'"}', id="large"),
        pytest.param(b"x" * 2_000_000, id="too large"),
    ],
)
async def test_an_exchange_is_the_same(both: Both, body: object) -> None:
    assert (await both.say(asked(both, body) + LAST)).startswith(b"HTTP/1.1 ")


@pytest.mark.anyio
async def test_a_stream_for_http_1_0_is_the_same(both: Both) -> None:
    assert b" 200 " in await both.say(http_1_0(asked(both, {"message": "hi"})))


@pytest.mark.anyio
async def test_a_body_that_was_waited_for_is_the_same(both: Both) -> None:
    head, _, body = asked(both, HI, ("Expect", "100-continue")).partition(b"\r\n\r\n")
    back = await both.say(head + b"\r\n\r\n", body + LAST)
    assert back.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 ")
    whole = await both.say(head + b"\r\n\r\n" + body + LAST)
    assert whole == back


@pytest.mark.anyio
@pytest.mark.parametrize("digits", [1, 17, 18, 19, 5000])
async def test_a_length_of_many_digits_is_the_same(both: Both, digits: int) -> None:
    """Python reads no number of more than 4,300 digits; llhttp reads zeros without end."""
    raw = asked(both)
    length = b"%d" % len(raw.partition(b"\r\n\r\n")[2])
    line = b"Content-Length: " + length
    assert line in raw
    raw = raw.replace(line, b"Content-Length: " + length.rjust(digits, b"0"))
    listed = both.stage.request("alice", "GET", "/users/me/conversations")
    taken = both.stage.request("alice", "GET", "/users/me/conversations", b"{}")
    taken = taken.replace(b"Content-Length: 2", b"Content-Length: " + b"2".rjust(digits, b"0"))
    assert await both.say(raw + LAST)
    assert b" 200 " in await both.say(taken + listed + LAST)


@pytest.mark.anyio
async def test_a_body_in_chunks_is_the_same(both: Both) -> None:
    head, _, body = asked(both).partition(b"\r\n\r\n")
    head = re.sub(rb"Content-Length: \d+", b"Transfer-Encoding: chunked", head) + b"\r\n\r\n"
    chunks = b"".join(b"1\r\n%c\r\n" % code for code in body) + b"0\r\n\r\n"
    assert b" 200 " in await both.say(head + chunks + LAST)
    assert b" 400 " in await both.say(head + chunks[:-2] + b"X-Trailer: 1\r\n\r\n" + LAST)


@pytest.mark.anyio
async def test_what_is_pipelined_is_the_same(both: Both) -> None:
    back = await both.say(asked(both) + asked(both, {"message": "hi"}) + asked(both, b"{") + LAST)
    assert back.count(b"HTTP/1.1 ") == 4


@pytest.mark.anyio
async def test_a_stream_waits_in_few_layers(both: Both) -> None:
    """Each holds a frame for as long as the stream lasts, and is gone through at each turn."""
    go_on = asyncio.Event()

    async def slow(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.event({"type": "text-delta", "delta": "first"})
        await go_on.wait()
        await reply.end()

    both.stage.vendor.handler = slow
    async with connected(both.stage.url) as peer:
        await peer.send(asked(both, {"message": "hi"}))
        await peer.until(b"first")
        assert waiting_in(OwnTurn.run) == [
            "OwnTurn.run",
            "serve",
            "handle",
            "relay",
        ]
        go_on.set()
        await peer.send(LAST)
        await peer.until_closed()


def waiting_in(outermost: Callable[..., Any]) -> list[str]:
    """The coroutines in which the task waits that runs this one."""
    layers = []
    for task in asyncio.all_tasks():
        layer: Any = task.get_coro()
        if layer.__qualname__ == outermost.__qualname__:
            while inspect.iscoroutine(layer):
                layers.append(layer.__qualname__)
                layer = layer.cr_await
    return layers


@pytest.mark.anyio
async def test_a_request_that_comes_during_a_stream_is_answered_after_it(both: Both) -> None:
    """Whatever was let go of meanwhile: the next head, in two pieces, is read like any other."""
    go_on = asyncio.Event()

    async def slow(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        for delta in ("first", "second"):
            await reply.event({"type": "text-delta", "delta": delta})
        await go_on.wait()
        await reply.event({"type": "text-delta", "delta": "third"})
        await reply.end()

    both.stage.vendor.handler = slow
    for url in (both.stage.url, both.over_asgi):
        go_on.clear()
        async with connected(url) as peer:
            await peer.send(asked(both, {"message": "hi"}))
            await peer.until(b"second")
            await peer.send(LAST[:20])
            await peer.send(LAST[20:])
            go_on.set()
            raw = await peer.until_closed()
        assert raw.count(b"HTTP/1.1 200") == 2
        assert raw.index(b"third") < raw.index(b'"alive"')


async def _breaks_off(request: Request, reply: Reply) -> None:
    await reply.start_stream()
    await reply.event({"type": "text-delta", "delta": "half"})
    reply.close()


async def _says_nothing(request: Request, reply: Reply) -> None:
    reply.close()


async def _has_nothing_to_say(request: Request, reply: Reply) -> None:
    await reply.head(204)


async def _says_an_empty_thing(request: Request, reply: Reply) -> None:
    await reply.head(200, [("content-length", "0"), ("content-type", "application/json")])


async def _drips(request: Request, reply: Reply) -> None:
    await reply.head(200, [("content-type", "text/plain")])
    for _ in range(5):
        await reply.raw(b"drop")
    reply.close()


@pytest.mark.anyio
@pytest.mark.parametrize(
    "handler",
    [_breaks_off, _says_nothing, _has_nothing_to_say, _says_an_empty_thing, _drips],
    ids=lambda handler: handler.__name__,
)
@pytest.mark.parametrize("stream", [False, True])
async def test_what_becomes_of_a_vendors_odd_answer_is_the_same(
    both: Both, handler: Handler, stream: bool
) -> None:
    both.stage.vendor.handler = handler
    assert await both.say(asked(both, {"message": "hi", "stream": stream}) + LAST)


@pytest.mark.anyio
async def test_a_read_with_head_is_the_same(both: Both) -> None:
    listed = both.stage.request("alice", "GET", "/users/me/conversations")
    assert b" 200 " in await both.say(listed + listed.replace(b"GET", b"HEAD", 1) + LAST)


@pytest.mark.anyio
async def test_a_body_that_stops_is_the_same(tmp_path: Path) -> None:
    async with both_of(tmp_path) as both:
        hasty = replace(LIMITS, body_timeout=0.2)
        gateway = both.stage.gateway
        assert gateway is not None
        async with (
            serving(gateway, http=guarded_protocol(hasty, gateway), lifespan="off") as own,
            serving(gateway, http=guarded_protocol(hasty), lifespan="off") as asgi,
        ):
            raw = (asked(both)[:-4],)
            back = masked(await said(own, raw))
            assert back == masked(await said(asgi, raw))
            assert back.startswith(b"HTTP/1.1 408 ")
