"""The recording vendor is what other tests believe: it records exactly, and misses nothing."""

import asyncio
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.message import Malformed, dechunk
from tests.support.reply import Reply
from tests.support.vendor import RecordingVendor, Request
from tests.support.wire import connected, parse_answer, raw_request, wire

pytestmark = pytest.mark.anyio


async def test_records_every_byte_with_order_and_duplicates_of_fields():
    raw = (
        b"POST /a?b=%2f HTTP/1.1\r\nHost: h\r\nX-B: 2\r\nx-a: 1\r\nX-B: 3 \r\n"
        b'content-length: 7\r\n\r\n{"a":1}'
    )
    async with RecordingVendor() as vendor:
        assert vendor.saw_nothing()
        answer = await wire(vendor.url, raw)
        assert (answer.status, answer.json(), answer.complete) == (200, {}, True)
        request = await vendor.request_arrived()
        assert not vendor.saw_nothing()
    assert request.raw == raw
    assert (request.method, request.target, request.body) == ("POST", "/a?b=%2f", b'{"a":1}')
    assert request.values("x-b") == ["2", "3"]
    assert [name for name, _ in request.fields] == ["host", "x-b", "x-a", "x-b", "content-length"]
    assert request.json() == {"a": 1}


async def test_keeps_a_connection_for_further_requests_and_numbers_both():
    async with RecordingVendor() as vendor, connected(vendor.url) as peer:
        for _ in range(2):
            await peer.send(raw_request("GET", "/"))
            assert (await peer.answer()).status == 200
        async with connected(vendor.url) as other:
            await other.send(raw_request("GET", "/"))
            await other.answer()
        assert [(one.number, one.connection) for one in vendor.requests] == [(1, 1), (2, 1), (3, 2)]
        await vendor.connection_closed(2)
        assert vendor.open_connections() == 1


async def test_reads_a_chunked_request_and_one_that_comes_byte_by_byte():
    raw = (
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nt: 1\r\n\r\n"
    )
    async with RecordingVendor() as vendor, connected(vendor.url) as peer:
        for byte in raw:
            await peer.send(bytes([byte]))
        await peer.answer()
        assert vendor.requests[0].body == b"abcde"
        assert vendor.requests[0].raw == raw


async def test_a_test_decides_when_the_second_chunk_leaves():
    gate = asyncio.Event()

    async def handler(request: Request, reply: Reply) -> None:
        await reply.start_stream([("x-n", str(request.number))])
        await reply.event({"n": 1}, name="first")
        await gate.wait()
        await reply.event("two")
        await reply.end()

    async with RecordingVendor(handler) as vendor, connected(vendor.url) as peer:
        await peer.send(raw_request("GET", "/"))
        await peer.until(b'event: first\ndata: {"n": 1}\n\n')
        assert b"two" not in peer.received
        gate.set()
        answer = await peer.answer()
        assert answer.body == b'event: first\ndata: {"n": 1}\n\ndata: two\n\n'
        assert answer.complete


async def test_sees_a_client_leave_while_it_hangs_and_cancels_the_handler():
    ended = asyncio.Event()

    async def handler(request: Request, reply: Reply) -> None:
        try:
            await reply.hang()
        finally:
            ended.set()

    async with RecordingVendor(handler) as vendor, connected(vendor.url) as peer:
        await peer.send(raw_request("GET", "/"))
        await vendor.request_arrived()
        peer.reset()
        await vendor.connection_closed(1, within=1)
        async with asyncio.timeout(1):
            await ended.wait()


@pytest.mark.parametrize("way", ["close", "reset"])
async def test_an_answer_that_is_cut_reads_as_incomplete(way: str):
    async def handler(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.event("half")
        await arrived.wait()
        getattr(reply, way)()

    arrived = asyncio.Event()
    async with RecordingVendor(handler) as vendor, connected(vendor.url) as peer:
        await peer.send(raw_request("GET", "/"))
        await peer.until(b"half")
        arrived.set()
        answer = await peer.answer()
        assert (answer.body, answer.complete) == (b"data: half\n\n", False)


async def test_sees_a_connection_that_no_loop_has_taken_up_yet():
    async with RecordingVendor() as vendor:
        # A blocking connect: the kernel has it, the loop has not.
        with socket.create_connection(("127.0.0.1", vendor.port)):
            assert not vendor.connections
            assert not vendor.saw_nothing()


@pytest.mark.parametrize("content", [b"", b"G"], ids=["a goodbye", "a byte and a goodbye"])
async def test_sees_bytes_that_no_loop_has_read_yet_but_not_their_end(content: bytes):
    async with RecordingVendor() as vendor:
        with socket.create_connection(("127.0.0.1", vendor.port)) as client:
            await vendor.until(lambda: bool(vendor.connections))
            vendor.forget()
            client.sendall(content)
            client.shutdown(socket.SHUT_WR)
            assert vendor.saw_nothing() is not bool(content)


async def test_forgets_what_went_before():
    async with RecordingVendor() as vendor, connected(vendor.url) as peer:
        await peer.send(raw_request("GET", "/1"))
        await peer.answer()
        vendor.forget()
        assert vendor.saw_nothing()
        await peer.send(raw_request("GET", "/2"))
        await peer.answer()
        assert not vendor.saw_nothing()
        assert vendor.requests[0].target == "/2"


async def test_raises_what_a_handler_raised_when_it_stops():
    async def handler(request: Request, reply: Reply) -> None:
        raise RuntimeError("the script is wrong")

    async def drive() -> None:
        async with RecordingVendor(handler) as vendor, connected(vendor.url) as peer:
            await peer.send(raw_request("GET", "/"))
            await peer.until_closed()

    with pytest.raises(ExceptionGroup) as caught:
        await drive()
    assert caught.group_contains(RuntimeError, match="the script is wrong")


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"GET /\r\n\r\n", id="HTTP/0.9"),
        pytest.param(b"GET / HTTP/1.1\r\na: 1\r\n b: 2\r\n\r\n", id="folded line"),
        pytest.param(
            b"POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", id="two lengths"
        ),
    ],
)
async def test_complains_about_a_request_that_is_no_http(raw: bytes):
    async def drive() -> None:
        async with RecordingVendor() as vendor, connected(vendor.url) as peer:
            await peer.send(raw)
            await peer.until_closed()
            assert vendor.requests == []

    with pytest.raises(ExceptionGroup) as caught:
        await drive()
    assert caught.group_contains(Malformed)


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=5), st.integers(0, 400))
def test_a_chunked_body_is_complete_only_with_its_end(parts: list[bytes], cut: int):
    raw = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    whole = dechunk(raw + b"rest")
    assert (whole.content, whole.used, whole.complete) == (b"".join(parts), len(raw), True)
    half = dechunk(raw[: min(cut, len(raw) - 1)])
    assert not half.complete
    assert b"".join(parts).startswith(half.content)


def test_skips_interim_answers_and_keeps_what_follows():
    raw = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 204 No Content\r\na: b\r\n\r\nmore"
    answer = parse_answer(raw)
    assert answer is not None
    assert (answer.status, answer.fields, answer.body) == (204, [("a", "b")], b"")
    assert answer.rest == b"more"
