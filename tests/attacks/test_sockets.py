"""Rows X: handshakes and messages that are somebody else's, and bytes that are none.

A handshake that is refused reaches no vendor, and a message that is refused is never said there.
"""

import asyncio
import base64
import json
import os
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import Request, Response, ServerConnection
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support.sockets import KEY, SocketStage, Vendor, socket_stage
from tests.support.wire import Peer, connected, raw_request, wire

pytestmark = pytest.mark.anyio
ASK = {"type": "response.create"}
SECRET = "a-secret-of-a-session-of-32-bytes"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def stage(
    tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> AsyncIterator[SocketStage]:
    def cookies(text: str) -> str:
        places = 'from = ["authorization", "cookie:session"]\n'
        head, rest = text.split("[sign_in]\n")
        own = "[orgs.acme]\norigins = ['https://app.test']\n[[orgs.acme.sign_in]]\n" + places
        return (head + own + rest).replace("[upstreams.llm]", "[orgs.acme.upstreams.llm]")

    async with socket_stage(tmp_path_factory.mktemp("sockets"), cookies) as running:
        yield running


@asynccontextmanager
async def untouched(stage: SocketStage) -> AsyncIterator[None]:
    """Within this, the vendor sees no handshake and hears nothing."""
    before = len(stage.vendor.handshakes), len(stage.vendor.messages)
    yield
    assert (len(stage.vendor.handshakes), len(stage.vendor.messages)) == before


async def refused(stage: SocketStage, who: str | None, **options: Any) -> tuple[int, str]:
    """The status and code of a handshake that is refused."""
    async with untouched(stage):
        with pytest.raises(InvalidStatus) as caught:
            async with stage.connect(who, **options):
                pass
    answer = caught.value.response
    return answer.status_code, answer.headers["x-gateway-error"]


# pages of others

OTHERS = [
    "https://evil.example",
    "null",
    "https://app.test.evil.example",
    "https://APP.test",
    "http://app.test",
    "https://app.test:8443",
    "https://app.test, https://evil.example",
    "",
]


@pytest.mark.parametrize("origin", OTHERS)
@pytest.mark.parametrize("carries", ["cookie", "authorization"])
async def test_a_page_of_another_origin_opens_nothing(
    stage: SocketStage, origin: str, carries: str
) -> None:
    token = stage.token("alice")
    fields = {"Origin": origin, "Cookie": f"session={token}"}
    if carries == "authorization":
        fields = {"Origin": origin, "Authorization": f"Bearer {token}"}
    assert await refused(stage, None, fields=fields) == (403, "origin_refused")


async def test_a_cookie_without_an_origin_opens_nothing(stage: SocketStage) -> None:
    fields = {"Cookie": f"session={stage.token('alice')}"}
    assert await refused(stage, None, fields=fields) == (403, "origin_refused")


async def test_a_page_of_ours_opens_one_with_its_cookie(stage: SocketStage) -> None:
    fields = {"Cookie": f"session={stage.token('alice')}", "Origin": "https://app.test"}
    async with stage.connect(None, fields=fields) as alice:
        await alice.send(json.dumps(ASK))
        await alice.recv()
    assert stage.vendor.field("openai-safety-identifier") == ["alice"]


# credentials


async def test_without_a_credential_nothing_opens(stage: SocketStage) -> None:
    assert await refused(stage, None) == (401, "credentials_missing")


@pytest.mark.parametrize("where", ["authorization", "subprotocol", "bearer subprotocol"])
@pytest.mark.parametrize(
    ("claims", "code"), [({"exp": 1}, "credentials_expired"), ({"aud": "x"}, "credentials_invalid")]
)
async def test_a_bad_credential_opens_nothing(
    stage: SocketStage, where: str, claims: dict[str, object], code: str
) -> None:
    token = stage.token("alice", **claims)
    options: dict[str, Any] = {"fields": {"Authorization": f"Bearer {token}"}}
    if where != "authorization":
        prefix = "bearer." if where.startswith("bearer") else "openai-insecure-api-key."
        options = {"subprotocols": ["realtime", prefix + token]}
    assert await refused(stage, None, **options) == (401, code)


async def test_a_token_in_the_query_or_a_message_is_none(stage: SocketStage) -> None:
    for name in ("access_token", "token", "api_key", "key"):
        path = f"{stage.path}&{name}={stage.token('alice')}"
        assert await refused(stage, None, path=path) == (401, "credentials_missing")


async def test_two_credentials_open_nothing(stage: SocketStage) -> None:
    offered = ["realtime", f"openai-insecure-api-key.{stage.token('alice')}"]
    got = await refused(stage, "alice", subprotocols=offered)
    assert got == (400, "ambiguous_credentials")
    twice = [*offered, f"bearer.{stage.token('bob')}"]
    assert await refused(stage, None, subprotocols=twice) == (400, "ambiguous_credentials")


# who and whose, in messages


async def closed_with(socket: Any) -> tuple[int, str]:
    """The close code and reason a client gets."""
    try:
        while True:
            await asyncio.wait_for(socket.recv(), 10)
    except ConnectionClosed as closed:
        return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")


@pytest.mark.parametrize(
    "name", ["user", "userId", "USER_ID", "safety_identifier", "x-external-user-id", "user[id]"]
)
@pytest.mark.parametrize("where", ["top", "session"])
async def test_what_names_people_is_left_out_of_a_message(
    stage: SocketStage, name: str, where: str
) -> None:
    said: dict[str, Any] = {"type": "session.update", "session": {"instructions": "hi"}}
    (said if where == "top" else said["session"])[name] = "bob"
    async with stage.connect("alice") as alice:
        await alice.send(json.dumps(said))
        await alice.recv()
    expected = {"type": "session.update", "session": {"instructions": "hi"}}
    assert stage.vendor.messages[-1] == expected


MESSAGES = [
    b'{"type":"response.create","conversation_id":"c_bob"}',
    b'{"type":"session.update","session":{"threadId":"t_bob"}}',
    b'{"type":"response.create","response":{"conversation":"conv_bob"}}',
    b'{"type":"response.create","response":{"Conversation":"auto"}}',
    b'{"type":"session.update","type":"response.create"}',
    b'{"type":"session.update","session":{"tools":[{"type":"mcp","server_url":"http://x"}]}}',
    b'{"type":"response.create","response":{"tools":[{"type":"file_search"}]}}',
    b'{"type":"conversation.item.create","item":{"type":"mcp_approval_response"}}',
    b'{"type":"no.such.message"}',
    b'{"Type":"response.create"}',
    b'{"type":["response.create"]}',
    b'{"type":null}',
    b"{}",
    b"[]",
    b'"response.create"',
    b"response.create",
    b'{"type":"response.create"}{}',
    b'{"type":"response.create","event_id":NaN}',
    b"[" * 10_000,
]


@pytest.mark.parametrize("raw", MESSAGES, ids=range(len(MESSAGES)))
async def test_a_message_that_may_not_be_said_is_not_and_ends_it(
    stage: SocketStage, raw: bytes
) -> None:
    async with stage.connect("alice") as alice:
        before = list(stage.vendor.messages)
        await alice.send(raw.decode())
        code, reason = await closed_with(alice)
        assert code == 1008
        assert reason in {"bad_request", "ambiguous_json"}
        assert stage.vendor.messages == before


async def test_binary_is_not_said(stage: SocketStage) -> None:
    async with stage.connect("alice") as alice:
        before = list(stage.vendor.messages)
        await alice.send(b'{"type":"response.create"}')
        assert await closed_with(alice) == (1003, "unsupported_media_type")
        assert stage.vendor.messages == before


# vendors that refuse


@pytest.mark.parametrize("status", [200, 204, 301, 302, 307, 400, 404, 426, 429, 500, 503])
async def test_a_vendor_that_opens_nothing_is_a_bad_gateway(
    stage: SocketStage, status: int
) -> None:
    asked = len(stage.vendor.handshakes)

    def answer(request: Request) -> Response:
        fields = Headers({"location": f"{stage.vendor.url.replace('http', 'ws')}/other"})
        return Response(status, "Some", fields, b"words of a vendor")

    stage.vendor.refuse = answer
    try:
        with pytest.raises(InvalidStatus) as caught:
            async with stage.connect("alice"):
                pass
    finally:
        stage.vendor.refuse = None
    assert caught.value.response.status_code == 502
    assert caught.value.response.headers["x-gateway-error"] == "upstream_malformed"
    assert b"words" not in (caught.value.response.body or b"")
    assert len(stage.vendor.handshakes) == asked + 1  # nobody is followed elsewhere


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_is_ours(stage: SocketStage, status: int) -> None:
    stage.vendor.refuse = lambda _: Response(status, "No", Headers(), b"sk-vendor")
    try:
        with pytest.raises(InvalidStatus) as caught:
            async with stage.connect("alice"):
                pass
    finally:
        stage.vendor.refuse = None
    assert caught.value.response.headers["x-gateway-error"] == "upstream_credentials_refused"


# L-02: what a vendor says last


async def test_a_close_that_quotes_our_key_says_nothing(stage: SocketStage) -> None:
    async def closes(socket: ServerConnection, vendor: Vendor) -> None:
        await socket.close(4001, f"bad key {KEY}")

    before, stage.vendor.handler = stage.vendor.handler, closes
    try:
        async with stage.connect("alice") as alice:
            assert await closed_with(alice) == (1014, "upstream_malformed")
    finally:
        stage.vendor.handler = before


# frames that are none, X-08: frames without end, X-11: bytes that come early


def handshake(stage: SocketStage, *fields: tuple[str, str]) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", key),
        ("Authorization", f"Bearer {stage.token('alice')}"),
    ]
    return raw_request("GET", stage.path, [*lines, *fields])


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
    """A frame as clients mask them."""
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", first, 0x80 | size)
    elif size < 65536:
        head = struct.pack("!BBH", first, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", first, 0x80 | 127, size)
    return head + bytes(4) + payload  # a mask of zeros changes nothing


def close_code(received: bytes) -> int:
    """What the last close frame says."""
    _, _, frames = received.partition(b"\r\n\r\n")
    at = frames.rfind(b"\x88")
    assert at >= 0, frames
    return int(struct.unpack("!H", frames[at + 2 : at + 4])[0])


def says_close(received: bytes) -> bool:
    return b"\x88" in received.partition(b"\r\n\r\n")[2]


TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9
BAD_FRAMES = [
    pytest.param(frame(TEXT, b"{}", rsv=4), 1002, id="RSV1, which compression would set"),
    pytest.param(frame(TEXT, b"{}", rsv=2), 1002, id="RSV2"),
    pytest.param(frame(3, b"{}"), 1002, id="an opcode nobody has"),
    pytest.param(frame(11, b""), 1002, id="a control opcode nobody has"),
    pytest.param(b"\x81\x02{}", 1002, id="a frame without a mask"),
    pytest.param(frame(PING, b"x", fin=False), 1002, id="a ping in parts"),
    pytest.param(frame(PING, b"x" * 126), 1002, id="a ping of 126 bytes"),
    pytest.param(frame(0, b"{}"), 1002, id="a part of nothing"),
    pytest.param(frame(TEXT, b"{", fin=False) + frame(TEXT, b"}"), 1002, id="a message in another"),
    pytest.param(frame(TEXT, b"\xff\xfe"), 1007, id="no UTF-8"),
    pytest.param(frame(CLOSE, b"\x03"), 1002, id="half a close code"),
    pytest.param(frame(CLOSE, struct.pack("!H", 1005)), 1002, id="a close code nobody may send"),
    pytest.param(frame(CLOSE, struct.pack("!H", 999)), 1002, id="a close code below all"),
]


async def opened(peer: Peer, asked: bytes) -> None:
    await peer.send(asked)
    assert b"101 Switching" in await peer.until(b"\r\n\r\n")


@pytest.mark.parametrize(("frames", "code"), BAD_FRAMES)
async def test_a_frame_that_is_none_ends_it(stage: SocketStage, frames: bytes, code: int) -> None:
    before = list(stage.vendor.messages)
    async with connected(stage.url) as peer:
        await opened(peer, handshake(stage))
        await peer.send(frames)
        assert close_code(await peer.until_closed()) == code
    assert stage.vendor.messages == before


BIG = 5 * 1024 * 1024


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param(frame(TEXT, b" " * BIG), id="one large message"),
        pytest.param(frame(TEXT, b" " * (2**20 + 1)), id="one beyond the upstream's max_body"),
        pytest.param(
            frame(TEXT, b" " * 2**20, fin=False) + frame(0, b" " * 2**20, fin=False) * 4,
            id="a large one in parts",
        ),
        pytest.param(
            frame(TEXT, b"", fin=False) + frame(0, b"", fin=False) * 2000, id="of nothing"
        ),
        pytest.param(
            frame(TEXT, b" ", fin=False) + frame(0, b" ", fin=False) * 2000, id="of crumbs"
        ),
        pytest.param(struct.pack("!BBQ", 0x81, 0xFF, 2**62) + bytes(64), id="one of 4 exabytes"),
    ],
)
async def test_what_is_too_large_ends_it(stage: SocketStage, frames: bytes) -> None:
    before = list(stage.vendor.messages)
    async with connected(stage.url) as peer:
        await opened(peer, handshake(stage))
        await peer.send(frames)
        assert close_code(await peer.until(says_close)) == 1009
    assert stage.vendor.messages == before


async def test_nothing_is_compressed(stage: SocketStage) -> None:
    async with connected(stage.url) as peer:
        asked = handshake(stage, ("Sec-WebSocket-Extensions", "permessage-deflate"))
        await peer.send(asked)
        head = await peer.until(b"\r\n\r\n")
    assert b"extensions" not in head.lower()
    assert "sec-websocket-extensions" not in stage.vendor.handshakes[-1].headers


@pytest.mark.parametrize("rest", [frame(TEXT, b"{}"), b"GET / HTTP/1.1\r\n\r\n", b"x"])
async def test_what_comes_before_the_answer_is_not_taken(stage: SocketStage, rest: bytes) -> None:
    async with untouched(stage):
        answer = await wire(stage.url, handshake(stage) + rest)
    assert answer.status == 400


# those who do not read


async def test_pings_without_end_are_not_answered_without_end(stage: SocketStage) -> None:
    async with connected(stage.url) as peer:
        await opened(peer, handshake(stage))
        await peer.send(frame(PING, b"x" * 125) * 10_000 + frame(TEXT, json.dumps(ASK).encode()))
        await peer.until(b'"type": "said"')


async def test_a_client_that_does_not_read_slows_the_vendor(stage: SocketStage) -> None:
    sent = 0

    async def floods(socket: ServerConnection, vendor: Vendor) -> None:
        nonlocal sent
        for _ in range(2000):
            await socket.send(json.dumps({"type": "x", "pad": "x" * 50_000}))
            sent += 1

    echo, stage.vendor.handler = stage.vendor.handler, floods
    try:
        async with connected(stage.url) as peer:
            peer.transport.pause_reading()
            await peer.send(handshake(stage))
            seen = -1
            while seen != sent or sent == 0:  # until it stands still
                seen = sent
                await asyncio.sleep(0.5)
            assert sent < 1500  # of 100 MB the kernels hold some
    finally:
        stage.vendor.handler = echo


# what a client has stays here


async def test_a_clients_credentials_and_fields_stay_here(stage: SocketStage) -> None:
    token = stage.token("alice")
    fields = {
        "Cookie": f"session={token}",
        "Origin": "https://app.test",
        "X-External-User-Id": "bob",
        "OpenAI-Safety-Identifier": "bob",
        "OpenAI-Organization": "org_other",
        "X-Api-Key": token,
        "OpenAI-Beta": "realtime=v1, assistants=v2",
    }
    offered = ["realtime", "graphql-ws"]
    async with stage.connect(None, fields=fields, subprotocols=offered) as alice:
        assert alice.subprotocol == "realtime"
    asked = stage.vendor.handshakes[-1].headers
    assert token not in str(asked)
    assert "bob" not in str(asked)
    for name in ("cookie", "origin", "openai-organization", "x-api-key"):
        assert name not in asked
    assert asked.get_all("openai-beta") == ["realtime=v1"]
    assert asked.get_all("sec-websocket-protocol") == ["realtime"]


# P-19: paths, as everywhere


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/llm/v1/realtime%2F", 400),
        ("/llm/v1/./realtime", 400),
        ("/llm//v1/realtime", 400),
        ("/llm/v1/Realtime", 404),
        ("/llm/v1/chat/completions", 405),
        ("/llm/v1/realtime/calls", 404),
        ("/readyz", 404),
        ("/_gateway/whoami", 404),
    ],
)
async def test_only_what_is_declared_opens(stage: SocketStage, path: str, status: int) -> None:
    assert (await refused(stage, "alice", path=path))[0] == status


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "DELETE"])
async def test_a_request_that_is_no_handshake_opens_nothing(
    stage: SocketStage, method: str
) -> None:
    token = ("Authorization", f"Bearer {stage.token('alice')}")
    async with untouched(stage):
        answer = await wire(stage.url, raw_request(method, stage.path, [token]))
    assert answer.status == 405
