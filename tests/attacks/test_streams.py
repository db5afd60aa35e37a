"""E: event streams that do not end, do not begin, or hold what is not the vendor's to say."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.attacks.both_ends import HI, STREAM, only
from tests.support.chatbase import Chatbase
from tests.support.reply import Reply
from tests.support.stage import Stage, adding, chatbase_stage, events
from tests.support.vendor import Request
from tests.support.wire import connected

pytestmark = pytest.mark.anyio

DELTA = {"type": "text-delta", "delta": "x"}


async def known(stage: Stage[Chatbase]) -> dict[str, object]:
    """The body of a chat in a conversation of alice's, whose stream passes as it comes."""
    own = (await stage.ask("alice", "POST", "/chat", HI)).json()["data"]["metadata"]
    stage.vendor.forget()
    return {**STREAM, "conversationId": own["conversationId"]}


# What is written into a stream --------------------------------------------------------------------

BREAKS = [
    "\n\nevent: admin\ndata: {}\n\n",
    "\r\r",
    "\r\n\r\n",
    "\u2028\u2029",
    "\x85\x0b\x0c",
    "\0",
]


@pytest.mark.parametrize("breaks", BREAKS, ids=ascii)
async def test_no_text_breaks_out_of_its_event(stage: Stage[Chatbase], breaks: str) -> None:
    """Row E-01: of a vendor's text, and of a user id, which is opaque then."""

    async def talkative(request: Request, reply: Reply) -> None:
        await reply.stream([{"type": "text-delta", "delta": f"a{breaks}b"}, {"type": "finish"}])

    stage.vendor.handler = talkative
    answer = await stage.ask("alice", "POST", "/chat", STREAM)
    assert [one.get("delta") for one in events(answer)] == [f"a{breaks}b", None]
    assert answer.body.count(b"\n\n") == 2
    stage.vendor.forget()
    answer = await stage.ask(f"al{breaks}ice", "POST", "/chat", STREAM)
    if "\0" in breaks:  # which no store can hold
        assert (answer.status, stage.vendor.saw_nothing()) == (403, True)
        return
    assert answer.status == 200
    (request,) = stage.vendor.requests
    assert request.json()["userId"].startswith("u_")
    only(stage, request.json()["userId"], "admin")


async def test_our_own_last_word_is_one_event(stage: Stage[Chatbase]) -> None:
    """Row E-01: after each way in which events may be separated."""
    body = await known(stage)
    for separator in (b"\n\n", b"\r\n\r\n", b"\r\r"):

        async def broken(request: Request, reply: Reply, separator: bytes = separator) -> None:
            await reply.start_stream()
            await reply.chunk(b"data: " + json.dumps(DELTA).encode() + separator)
            reply.close()

        stage.vendor.handler = broken
        answer = await stage.ask("alice", "POST", "/chat", body)
        assert not answer.complete
        assert [one["type"] for one in events(answer)] == ["text-delta", "error"]
        assert answer.body.endswith(b"\n\n")


# Streams without an end ---------------------------------------------------------------------------

Vendor = Callable[[Request, Reply], Awaitable[None]]


async def one_byte_at_a_time(request: Request, reply: Reply) -> None:
    await reply.start_stream()
    while True:
        await reply.chunk(b"d")
        await asyncio.sleep(0.01)


async def comments_alone(request: Request, reply: Reply) -> None:
    await reply.start_stream()
    while True:
        await reply.chunk(b": still here\n\n")
        await asyncio.sleep(0.01)


async def silence(request: Request, reply: Reply) -> None:
    await reply.start_stream()
    await reply.event(DELTA)
    await reply.hang()


@pytest.mark.parametrize("vendor", [one_byte_at_a_time, comments_alone, silence])
async def test_a_stream_without_an_end_is_ended(tmp_path: Path, vendor: Vendor) -> None:
    """Row E-04: by the clock for silence, and by the one for the whole."""
    clocks = 'timeouts = { idle = "300ms", total = "1s" }'
    async with chatbase_stage(tmp_path, adding("upstreams.support", clocks)) as stage:
        stage.vendor.handler = vendor
        answer = await stage.ask("alice", "POST", "/chat", STREAM)
        assert not answer.complete
        assert events(answer)[-1]["type"] == "error"
        await stage.vendor.connection_closed(1)


@pytest.mark.parametrize("is_known", [False, True], ids=["held back", "passing"])
async def test_an_event_without_an_end_is_not_kept(stage: Stage[Chatbase], is_known: bool) -> None:
    """Row E-04: a blank line that never comes; 4 MiB, and no more."""
    body = await known(stage) if is_known else STREAM

    async def endless(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        for _ in range(400):
            await reply.chunk(b"data: " + b"x" * 65_530 + b"\n")
        await reply.end()

    stage.vendor.handler = endless
    answer = await stage.ask("alice", "POST", "/chat", body)
    assert not answer.complete
    assert len(answer.body) < 6_000_000


# What is no stream --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "media", "content", "expected"),
    [
        (400, "application/json", b'{"error":{"code":"X"}}', 400),
        (429, "application/json", b'{"error":{"code":"X"}}', 429),
        (500, "text/plain", b"away", 500),
        (503, "text/event-stream", b'data: {"type":"error"}\n\n', 503),
        (200, "text/html", b"<html>", 502),
        (200, "text/plain", b"data: {}\n\n", 502),
        (500, "text/html", b"<html>", 502),
        (401, "application/json", b"{}", 502),
        (200, "application/json", b"<html>", 502),
        (204, "text/event-stream", b"", 204),
    ],
)
async def test_an_answer_that_is_no_stream_has_its_own_status(
    stage: Stage[Chatbase], status: int, media: str, content: bytes, expected: int
) -> None:
    """Row E-05."""

    async def other(request: Request, reply: Reply) -> None:
        if status == 204:
            await reply.head(204)
        else:
            await reply.body(status, content, media)

    stage.vendor.handler = other
    answer = await stage.ask("alice", "POST", "/chat", STREAM)
    assert answer.status == expected
    assert answer.complete
    if expected == status:
        assert answer.body == content


async def test_each_event_leaves_before_the_next_is_there(stage: Stage[Chatbase]) -> None:
    """Rows E-08, E-09: nothing buffers, and nothing asks for a coding that would."""
    go_on = asyncio.Semaphore(0)

    async def stepwise(request: Request, reply: Reply) -> None:
        assert request.values("accept-encoding") == ["identity"]
        await reply.start_stream()
        for number in range(5):
            await reply.event({"type": "text-delta", "delta": f"n{number}"})
            await go_on.acquire()
        await reply.end()

    stage.vendor.handler = stepwise
    async with connected(stage.url) as peer:
        fields = [("Accept-Encoding", "gzip, br")]
        await peer.send(stage.request("alice", "POST", "/chat", STREAM, fields))
        for number in range(5):
            await peer.until(f"n{number}".encode())
            assert f"n{number + 1}".encode() not in peer.received
            go_on.release()
        answer = await peer.answer()
        assert answer.complete
        assert answer.values("x-accel-buffering") == ["no"]
        assert "no-transform" in answer.values("cache-control")[0]
        assert not answer.values("content-encoding")


@pytest.mark.parametrize("line", [b"retry: 1\n\n", b"id: bobs-17\ndata: {}\n\n"])
async def test_what_a_vendor_says_to_the_reader_passes_and_means_nothing_here(
    stage: Stage[Chatbase], line: bytes
) -> None:
    """Rows E-07, E-10: a client that comes back with an id gets no stream of somebody's."""

    async def lines(request: Request, reply: Reply) -> None:
        assert not request.values("last-event-id")
        await reply.start_stream()
        await reply.chunk(line)
        await reply.end()

    stage.vendor.handler = lines
    answer = await stage.ask("alice", "POST", "/chat", STREAM, [("Last-Event-ID", "bobs-17")])
    assert answer.body == line
    only(stage, "alice", "bobs-17")


async def test_many_who_do_not_read_cost_little(stage: Stage[Chatbase]) -> None:
    """Row E-12: the vendor is held back for each; who reads is served all the same."""
    body = await known(stage)
    sent = 0

    async def flood(request: Request, reply: Reply) -> None:
        nonlocal sent
        await reply.start_stream()
        while request.json()["message"] == "flood":
            await reply.event({"type": "text-delta", "delta": "x" * 60_000})
            sent += 60_000
        await reply.end()

    stage.vendor.handler = flood
    async with (
        connected(stage.url) as one,
        connected(stage.url) as two,
        connected(stage.url) as six,
    ):
        peers = (one, two, six)
        for peer in peers:
            await peer.send(stage.request("alice", "POST", "/chat", {**body, "message": "flood"}))
            await peer.until(b"text-delta")
            peer.stop_reading()
        before = -1
        while sent != before:
            before = sent
            answer = await stage.ask("alice", "POST", "/chat", body)
            assert answer.complete
            await asyncio.sleep(0.1)
        assert sent < 40_000_000 * len(peers)
        for peer in peers:
            peer.reset()
