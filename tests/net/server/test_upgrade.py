"""Requests that ask for another protocol."""

import asyncio
from typing import Any

import pytest

from gateway.net.server.upgrade import is_handshake
from tests.net.recorder import (
    BODY,
    GET,
    ask,
    assert_refused,
    post,
    recording,
)
from tests.support.wire import connected, raw_request

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("either_entry")]

H2C = [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAA")]
WEBSOCKET = [("Connection", "Upgrade"), ("Upgrade", "websocket")]
VERSION = [("Sec-WebSocket-Version", "13")]
HANDSHAKE = [(b"connection", b"keep-alive, Upgrade"), (b"upgrade", b"WebSocket")]
KEY = (b"sec-websocket-key", b"x")


@pytest.mark.parametrize("fields", [H2C, WEBSOCKET], ids=["S-17 h2c", "websocket without a key"])
async def test_answers_an_upgrade_as_a_plain_request(fields: Any) -> None:
    async with recording() as (app, url):
        answer = await ask(url, raw_request("GET", "/a", fields) + b"PRI * HTTP/2.0\r\n\r\nSM")
    assert (answer.status, answer.values("connection")) == (200, ["close"])
    assert [seen.path for seen in app.seen] == ["/a"]


async def test_http_1_0_knows_no_upgrade() -> None:
    """S-16: what stands between, and speaks 1.0, would not know of it."""
    fields = [*WEBSOCKET, ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), *VERSION]
    async with recording() as (app, url):
        asked = raw_request("GET", "/a", fields).replace(b"HTTP/1.1", b"HTTP/1.0")
        answer = await ask(url, asked)
    assert (answer.status, answer.values("connection")) == (200, ["close"])
    assert [seen.path for seen in app.seen] == ["/a"]


@pytest.mark.parametrize(
    ("method", "fields", "expected"),
    [
        ("GET", [*HANDSHAKE, KEY], True),
        ("POST", [*HANDSHAKE, KEY], False),
        ("GET", HANDSHAKE, False),
        ("GET", [*HANDSHAKE[1:], KEY], False),
        ("GET", [*HANDSHAKE[:1], KEY], False),
        ("GET", [*HANDSHAKE, (b"upgrade", b"h2c"), KEY], False),
        ("GET", [*HANDSHAKE, KEY, (b"content-length", b"0")], False),
        ("GET", [*HANDSHAKE, KEY, (b"transfer-encoding", b"chunked")], False),
    ],
)
def test_only_a_whole_handshake_without_a_body_is_one(
    method: str, fields: list[tuple[bytes, bytes]], expected: bool
) -> None:
    assert is_handshake(method, fields) is expected


BODIES = {
    "length": post(b"Content-Length: 5", *(f"{n}: {v}".encode() for n, v in H2C)),
    "chunks": raw_request("POST", "/a", [*H2C, b"Transfer-Encoding: chunked"])
    + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("raw", BODIES.values(), ids=BODIES.keys())
@pytest.mark.parametrize("rest", [b"", GET], ids=["alone", "with another request behind"])
async def test_reads_the_body_of_a_request_whose_upgrade_is_ignored(
    raw: bytes, rest: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with recording(linger=5.0) as (app, url):  # it may close before the last byte is sent
        answer = await ask(url, raw + rest)
        assert (answer.status, answer.values("connection")) == (200, ["close"])
        async with connected(url) as peer:
            for byte in raw + rest:
                await peer.send(bytes([byte]))
                await asyncio.sleep(0)
            assert (await peer.answer()).status == 200
            await peer.until_closed()
    assert [seen.body for seen in app.seen] == [BODY, BODY]
    assert [one for one in caplog.records if one.name.startswith("gateway")] == []


async def test_takes_an_empty_body_with_an_upgrade() -> None:
    async with recording() as (app, url):
        answer = await ask(url, raw_request("POST", "/a", [*H2C, ("Content-Length", "0")]))
    assert (answer.status, app.seen[0].body) == (200, b"")


async def test_refuses_trailers_of_a_request_whose_upgrade_is_ignored() -> None:
    raw = raw_request("POST", "/a", [*H2C, b"Transfer-Encoding: chunked"])
    async with recording() as (app, url):
        answer = await ask(url, raw + b"5\r\nhello\r\n0\r\nX-External-User-Id: bob\r\n\r\n")
    assert_refused(answer, 400)
    assert app.started == []
