"""Honest clients behind each proxy: all arrives, as it comes, and ends as it ended."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.proxies.behind import Behind
from tests.support.chatbase import Chatbase
from tests.support.reply import Reply
from tests.support.vendor import Request
from tests.support.wire import Answer, Peer

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
CHUNK = b"x" * 65_536


@pytest.fixture(autouse=True)
def fresh(behind: Behind) -> Iterator[None]:
    yield
    behind.vendor.forget()
    behind.vendor.handler = behind.vendor.answer
    behind.vendor.before_event = Chatbase().before_event


async def ask(behind: Behind, who: str, method: str, path: str, body: object = None) -> Answer:
    return await behind.send(behind.stage.request(who, method, path, body))


async def conversation_of(behind: Behind, who: str) -> str:
    answer = await ask(behind, who, "POST", "/chat", {"message": "hello", "stream": False})
    assert answer.status == 200, answer.body
    behind.vendor.forget()
    return str(answer.json()["data"]["metadata"]["conversationId"])


async def test_a_whole_answer_passes(behind: Behind) -> None:
    answer = await ask(behind, "alice", "POST", "/chat", {"message": "hi", "stream": False})
    assert (answer.status, answer.complete) == (200, True)
    assert answer.json()["data"]["metadata"]["userId"] == "alice"
    assert answer.values("set-cookie") == []
    assert answer.values("cache-control") == ["no-store, no-transform"]
    (request,) = behind.taken()
    assert request.json() == {"message": "hi", "stream": False, "userId": "alice"}


async def test_an_error_passes_with_its_code(behind: Behind) -> None:
    theirs = await conversation_of(behind, "alice")
    answer = await ask(behind, "bob", "GET", f"/conversations/{theirs}")
    assert answer.status == 404
    assert answer.values("x-gateway-error") == ["conversation_not_found"]
    assert behind.vendor.saw_nothing()


async def test_a_refusal_does_not_wait_for_the_body(behind: Behind) -> None:
    """What a proxy stores before it passes it on, it may store on disk."""
    request = behind.stage.request(None, "POST", "/chat", b"x" * 500_000)
    async with behind.connected() as peer:
        await peer.send(request[:-400_000])
        assert (await peer.answer()).status == 401


async def test_a_stream_passes_event_by_event(behind: Behind) -> None:
    """E-08: the vendor says the next event only once the client has the one before."""
    passed = asyncio.Event()

    async def when_the_client_has_it(event: dict[str, Any]) -> None:
        if event["type"] != "start":
            await asyncio.wait_for(passed.wait(), 10)
            passed.clear()

    behind.vendor.before_event = when_the_client_has_it
    request = behind.stage.request("alice", "POST", "/chat", {"message": "hi"})
    async with behind.connected() as peer:
        await peer.send(request)
        events = ["start", "start-step", "text-start", "text-delta"]
        for count, name in enumerate(events, start=1):
            await peer.until(lambda raw, count=count: raw.count(b"data: {") == count)
            assert f'"type": "{name}"'.encode() in peer.received
            passed.set()
        task = asyncio.create_task(let_pass(peer, passed))
        answer = await peer.answer()
        task.cancel()
    assert answer.complete
    assert answer.body.endswith(b"data: [DONE]\n\n")


async def let_pass(peer: Peer, passed: asyncio.Event) -> None:
    while True:
        seen = peer.received.count(b"data: {")
        await peer.until(lambda raw, seen=seen: raw.count(b"data: {") > seen)
        passed.set()


@pytest.mark.parametrize("leave", ["in order", "by reset"])
async def test_a_client_that_leaves_frees_the_vendor(behind: Behind, leave: str) -> None:
    async def never_ends(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.event({"type": "start"})
        await reply.hang()

    behind.vendor.handler = never_ends
    async with behind.connected() as peer:
        await peer.send(behind.stage.request("alice", "POST", "/chat", {"message": "hi"}))
        await peer.until(b'"start"')
        (request,) = behind.vendor.requests
        if leave == "by reset":
            peer.reset()
        else:
            peer.transport.abort()  # FIN at once; `close` would first wait for TLS's own farewell
        await behind.vendor.connection_closed(request.connection)


async def test_a_large_answer_passes_whole(behind: Behind) -> None:
    theirs = await conversation_of(behind, "alice")
    sent = {"data": "x" * 3_000_000}

    async def large(request: Request, reply: Reply) -> None:
        await reply.json(200, sent)

    behind.vendor.handler = large
    answer = await ask(behind, "alice", "GET", f"/conversations/{theirs}/messages")
    assert (answer.status, answer.complete) == (200, True)
    assert answer.json() == sent


async def test_a_long_message_passes_whole(behind: Behind) -> None:
    body = {"message": "x" * 900_000, "stream": False}
    answer = await ask(behind, "alice", "POST", "/chat", body)
    assert answer.status == 200, answer.body
    (request,) = behind.taken()
    assert request.json() == {**body, "userId": "alice"}


async def test_a_chunked_message_passes(behind: Behind) -> None:
    request = behind.stage.request(
        "alice", "POST", "/chat", None, [("Content-Type", "application/json"), CHUNKED]
    )
    async with behind.connected() as peer:
        for piece in (request, *in_chunks(b'{"message":"hi","stream":false}', 7), b"0\r\n\r\n"):
            await peer.send(piece)
            await asyncio.sleep(0)
        assert (await peer.answer()).status == 200
    (seen,) = behind.taken()
    assert seen.json() == {"message": "hi", "stream": False, "userId": "alice"}


CHUNKED = ("Transfer-Encoding", "chunked")


def in_chunks(content: bytes, size: int) -> list[bytes]:
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    return [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces]


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_cut_answer_looks_cut(behind: Behind, how: str) -> None:
    async def cut(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.event({"type": "start"})
        await heard.wait()
        getattr(reply, how)()

    heard = asyncio.Event()
    behind.vendor.handler = cut
    async with behind.connected() as peer:
        await peer.send(behind.stage.request("alice", "POST", "/chat", {"message": "hi"}))
        await peer.until(b'"start"')
        heard.set()
        answer = await peer.answer()
        assert peer.closed
    assert (answer.status, answer.complete) == (200, False)
    assert b'"start"' in answer.body
    assert b"[DONE]" not in answer.body


async def test_a_client_that_does_not_read_holds_the_vendor_back(behind: Behind) -> None:
    """E-12: what is on the way is bounded by the buffers of sockets, not by the answer."""
    sent = 0

    async def endless(request: Request, reply: Reply) -> None:
        nonlocal sent
        await reply.start_stream()
        while True:
            await reply.event(CHUNK)
            sent = reply.sent

    behind.vendor.handler = endless
    async with behind.connected() as peer:
        await peer.send(behind.stage.request("alice", "POST", "/chat", {"message": "hi"}))
        await peer.until(b"data: x")
        peer.stop_reading()
        before = -1
        while sent > before:
            before = sent
            await asyncio.sleep(0.3)
    assert sent < 3 * (buffer("rmem") + buffer("wmem"))


def buffer(kind: str) -> int:
    """The most bytes the kernel keeps for one side of one connection; there are three of these."""
    return int(Path(f"/proc/sys/net/ipv4/tcp_{kind}").read_text().split()[2])


async def test_requests_of_one_connection_are_answered_in_turn(behind: Behind) -> None:
    async with behind.connected() as peer:
        for who in ("alice", "bob", "alice", "carol", "bob"):
            body = {"message": who, "stream": False}
            await peer.send(behind.stage.request(who, "POST", "/chat", body))
            answer = await peer.answer()
            assert answer.json()["data"]["metadata"]["userId"] == who
            assert behind.vendor.requests[-1].json() == {**body, "userId": who}


async def test_many_people_at_once_get_their_own_answers(behind: Behind) -> None:
    people = [f"person-{number}" for number in range(40)]

    async def conversation(who: str) -> None:
        body = {"message": who, "stream": False}
        for _ in range(3):
            answer = await ask(behind, who, "POST", "/chat", body)
            assert answer.json()["data"]["metadata"]["userId"] == who

    await asyncio.gather(*(conversation(who) for who in people))
    for request in behind.vendor.requests:
        assert request.json()["message"] == request.json()["userId"]
        assert request.values("x-external-user-id") == [request.json()["userId"]]


async def test_a_vendor_that_is_away_is_said_so(behind: Behind) -> None:
    async def away(request: Request, reply: Reply) -> None:
        reply.reset()

    behind.vendor.handler = away
    answer = await ask(behind, "alice", "POST", "/chat", {"message": "hi", "stream": False})
    assert answer.status == 502
    assert answer.values("x-gateway-error") == ["upstream_broke_off"]
    assert len(behind.vendor.requests) == 1


async def test_connections_to_the_gateway_are_kept(behind: Behind) -> None:
    """Else no attack of this folder could touch what the proxy shares among clients."""
    before = len(behind.connected_by)
    for _ in range(10):
        async with behind.connected() as peer:
            for _ in range(3):
                await peer.send(behind.stage.request("alice", "GET", "/users/me/conversations"))
                assert (await peer.answer()).status == 200
    # Of 30: HAProxy keeps them from the second request of each client on, and asks for /readyz.
    assert len(behind.connected_by) - before < 15
