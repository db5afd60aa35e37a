"""A WebSocket over ASGI messages, as any server hands them over."""

from typing import Any

import pytest

from gateway.core.errors import UnsupportedMediaType
from gateway.core.websocket.closing import Closing
from gateway.net.asgi.socket import AsgiSocket, HandshakeAnswer
from gateway.ports.socket import Closed

pytestmark = pytest.mark.anyio


class Server:
    def __init__(self, *incoming: dict[str, Any], fails: type[Exception] | None = None) -> None:
        self.incoming = list(incoming)
        self.sent: list[dict[str, Any]] = []
        self.fails = fails

    async def receive(self) -> dict[str, Any]:
        return self.incoming.pop(0)

    async def send(self, message: Any) -> None:
        if self.fails is not None:
            raise self.fails("the client has left")
        self.sent.append(dict(message))


async def test_text_passes_both_ways() -> None:
    server = Server({"type": "websocket.receive", "text": "grüß"})
    socket = AsgiSocket(server.receive, server.send)
    await socket.accept("realtime", [(b"x-request-id", b"r")])
    assert await socket.receive() == "grüß".encode()
    await socket.send(b"ja")
    await socket.close(Closing(1008, "why"))
    await socket.close(Closing(1011))
    assert server.sent == [
        {
            "type": "websocket.accept",
            "subprotocol": "realtime",
            "headers": [(b"x-request-id", b"r")],
        },
        {"type": "websocket.send", "text": "ja"},
        {"type": "websocket.close", "code": 1008, "reason": "why"},
    ]


async def test_binary_is_refused() -> None:
    server = Server({"type": "websocket.receive", "bytes": b"x", "text": None})
    with pytest.raises(UnsupportedMediaType):
        await AsgiSocket(server.receive, server.send).receive()


@pytest.mark.parametrize(
    ("message", "code", "reason"),
    [
        ({"code": 4001, "reason": "mine"}, 4001, "mine"),
        ({"code": 1006}, 1006, ""),
        ({"code": None, "reason": None}, 1005, ""),
        ({}, 1005, ""),
    ],
)
async def test_a_client_that_closes_says_how(
    message: dict[str, Any], code: int, reason: str
) -> None:
    server = Server({"type": "websocket.disconnect", **message})
    socket = AsgiSocket(server.receive, server.send)
    with pytest.raises(Closed) as closed:
        await socket.receive()
    assert (closed.value.code, closed.value.reason) == (code, reason)
    await socket.close(Closing(1000))
    assert server.sent == []


@pytest.mark.parametrize("fails", [OSError, RuntimeError])
async def test_a_client_that_is_gone_has_closed(fails: type[Exception]) -> None:
    server = Server(fails=fails)
    socket = AsgiSocket(server.receive, server.send)
    with pytest.raises(Closed):
        await socket.send(b"x")
    await AsgiSocket(server.receive, server.send).close(Closing(1000))


async def test_a_refusal_is_an_answer_where_the_server_can_give_one() -> None:
    server = Server()
    answer = HandshakeAnswer({"extensions": {"websocket.http.response": {}}}, server.send)
    await answer.start(401, [(b"content-length", b"2"), (b"x-a", b"b")])
    await answer.chunk(b"no")
    await answer.end()
    assert [one["type"] for one in server.sent] == [
        "websocket.http.response.start",
        "websocket.http.response.body",
        "websocket.http.response.body",
    ]
    assert server.sent[0]["headers"] == [(b"x-a", b"b")]
    assert not server.sent[-1]["more_body"]


async def test_elsewhere_it_is_a_close() -> None:
    server = Server()
    answer = HandshakeAnswer({}, server.send)
    await answer.start(401, [])
    await answer.chunk(b"no")
    await answer.cut()
    assert server.sent == [{"type": "websocket.close", "code": 1008}]
