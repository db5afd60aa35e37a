"""Http1Transport over real sockets: what is sent, what comes back, and which connection carries it;
what any transport keeps to is in `test_transports.py`.

Connections are counted at the upstream: a client that never reuses one fails in no other way.
"""

import asyncio
import gc
import os
import socket
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from gateway.core.errors import UpstreamBrokeOff, UpstreamMalformed, UpstreamTimeout
from gateway.net.upstream.clocks import Clocks
from gateway.net.upstream.http1 import render
from tests.net.scripted_upstream import (
    CHUNKED,
    GET,
    LENGTH,
    OK,
    POST,
    Peer,
    Upstream,
    answering,
    ask,
    settled,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request):
    return "asyncio", {"use_uvloop": request.param}


# What is sent


def test_renders_host_then_the_fields_in_order_then_the_length():
    assert render(POST, "vendor.example") == (
        b"POST /a HTTP/1.1\r\nhost: vendor.example\r\nx-a: 1\r\nx-b: 2\r\n"
        b'content-length: 7\r\n\r\n{"a":1}'
    )
    assert render(GET, "v:8080") == b"GET /a?b=c HTTP/1.1\r\nhost: v:8080\r\naccept: */*\r\n\r\n"


@pytest.mark.parametrize(
    ("method", "length"),
    [("POST", True), ("PUT", True), ("PATCH", True), ("GET", False), ("DELETE", False)],
)
def test_says_that_there_is_no_content_where_some_is_expected(method, length):
    sent = render(replace(GET, method=method), "v")
    assert (b"\r\ncontent-length: 0\r\n\r\n" in sent) is length


async def test_the_upstream_gets_exactly_what_render_shows():
    async with Upstream(answering(LENGTH + b"abc")) as upstream:
        transport = upstream.transport()
        for request in (POST, GET, replace(POST, content=b"x" * 2_000_000)):
            assert await ask(transport, request) == b"abc"
            assert upstream.requests[-1] == render(request, transport.authority)
        assert len(upstream.peers) == 1


# What comes back


async def test_gives_fields_in_lower_case_and_values_without_the_blanks_around_them():
    raw = b"HTTP/1.1 418 Tea\r\nX-One:  1 \r\nx-one: 2 3\r\nContent-Length: 0\r\n\r\n"
    async with Upstream(answering(raw)) as upstream, upstream.transport().open(POST) as response:
        assert response.status == 418
        assert list(response.fields) == [
            (b"x-one", b"1"),
            (b"x-one", b"2 3"),
            (b"content-length", b"0"),
        ]


def keepers(kept) -> set[str]:
    return {type(one).__name__ for one in gc.get_referrers(kept)}


async def test_a_stream_that_takes_a_shortcut_keeps_none_of_its_fields():
    answers = answering(LENGTH + b"abc")
    async with Upstream(answers) as upstream, upstream.transport().open(POST) as response:
        fields = response.fields
        assert list(fields) == [(b"content-length", b"3")]
        assert keepers(fields) >= {"Answer", "UpstreamExchange"}
        chunks = response.chunks(SimpleNamespace(take=lambda _: False))
        assert not keepers(fields) & {"Answer", "UpstreamExchange"}
        assert [chunk async for chunk in chunks] == [b"abc"]


async def test_a_body_without_a_length_ends_with_its_connection():
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(OK + b"\r\nabc")

    async with Upstream(script) as upstream:
        transport = upstream.transport()
        assert [await ask(transport) for _ in range(2)] == [b"abc", b"abc"]
        assert len(upstream.peers) == 2


# Which connection carries it


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(LENGTH + b"abc", id="length"),
        pytest.param(CHUNKED + b"3\r\nabc\r\n0\r\n\r\n", id="chunked"),
        pytest.param(b"HTTP/1.1 103 x\r\n\r\n" + LENGTH + b"abc", id="L-11 after an early hint"),
        pytest.param(b"HTTP/1.1 404 x\r\ncontent-length: 0\r\n\r\n", id="empty"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", id="204"),
    ],
)
async def test_one_connection_carries_one_exchange_after_another(raw):
    async with Upstream(answering(raw)) as upstream:
        transport = upstream.transport()
        bodies = [await ask(transport, POST) for _ in range(10)]
        assert len(set(bodies)) == 1
        assert len(upstream.peers) == 1
        assert (transport.open_connections, transport.idle_connections) == (1, 1)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(
            LENGTH + b"abc" + OK + b"content-length: 6\r\n\r\nPOISON", id="S-29 an answer"
        ),
        pytest.param(LENGTH + b"abc\r\n", id="S-29 a line break"),
        pytest.param(CHUNKED + b"3\r\nabc\r\n0\r\n\r\n\r\n", id="S-29 after chunks"),
        pytest.param(CHUNKED + b"3\r\nabc\r\n0\r\n\r\n" + LENGTH + b"xyz", id="S-29 an answer too"),
        pytest.param(OK + b"connection: close\r\ncontent-length: 3\r\n\r\nabc", id="close"),
        pytest.param(b"HTTP/1.0 200 OK\r\ncontent-length: 3\r\n\r\nabc", id="S-16 HTTP/1.0"),
    ],
)
async def test_a_doubt_about_the_end_costs_the_connection_and_nobody_else_an_answer(raw):
    async with Upstream(answering(raw)) as upstream:
        transport = upstream.transport()
        for number in (1, 2, 3):
            assert await ask(transport, POST) == b"abc"
            await upstream.until(lambda number=number: upstream.is_gone(number))
        assert len(upstream.peers) == 3


async def test_bytes_that_nobody_asked_for_close_a_connection_at_rest():
    """S-29, ME-9"""
    gate = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(LENGTH + b"%03d" % peer.number)
        await gate.wait()
        peer.send(OK + b"content-length: 6\r\n\r\nPOISON")
        await peer.closed()

    async with Upstream(script) as upstream:
        transport = upstream.transport()
        assert await ask(transport) == b"001"
        assert transport.idle_connections == 1
        gate.set()
        await settled(lambda: transport.open_connections == 0)
        assert await ask(transport, POST) == b"002"


POISON = OK + b"content-length: 6\r\n\r\nPOISON"


def slip(peer: Peer, raw: bytes) -> None:
    """Have the kernel take it at once: it is there before our loop comes round."""
    os.write(peer.writer.get_extra_info("socket").fileno(), raw)


@pytest.mark.parametrize("slipped", [POISON, POISON[:5], b"\r\n"], ids=["answer", "half", "break"])
@pytest.mark.parametrize("line", [False, True], ids=["at rest", "on its way to the next in line"])
async def test_bytes_that_came_before_the_request_are_not_its_answer(slipped, line):
    """S-29, ME-9: they were in the kernel, unread, when the connection was taken again."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            peer.send(LENGTH + b"%03d" % peer.number)

    async with Upstream(script) as upstream:
        transport = upstream.transport(max_connections=1)
        waiting = None
        async with transport.open(POST) as first:
            assert [chunk async for chunk in first.chunks()] == [b"001"]
            if line:
                waiting = asyncio.ensure_future(ask(transport, POST))
                await settled(lambda: transport.waiting == 1)
            slip(upstream.peers[0], slipped)
        assert await (waiting or ask(transport, POST)) == b"002"


async def test_a_request_is_not_lost_on_a_connection_that_has_just_been_closed():
    """S-28: the kernel knew."""

    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(LENGTH + b"%03d" % peer.number)
        await peer.closed()

    async with Upstream(script) as upstream:
        transport = upstream.transport()
        for number in (1, 2, 3):
            assert await ask(transport, POST) == b"%03d" % number
            descriptor = upstream.peers[-1].writer.get_extra_info("socket").fileno()
            with socket.socket(fileno=os.dup(descriptor)) as twin:
                twin.shutdown(socket.SHUT_WR)


async def test_a_connection_the_upstream_closes_at_rest_is_forgotten():
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(LENGTH + b"abc")

    async with Upstream(script) as upstream:
        transport = upstream.transport()
        for _ in range(3):
            assert await ask(transport, POST) == b"abc"
            await settled(lambda: transport.open_connections == 0)
            assert transport.idle_connections == 0
        assert len(upstream.peers) == 3


async def test_an_old_connection_is_not_kept():
    async with Upstream(answering(LENGTH + b"abc")) as upstream:
        transport = upstream.transport(clocks=Clocks(max_age=0.0))
        assert [await ask(transport) for _ in range(2)] == [b"abc", b"abc"]
        assert len(upstream.peers) == 2
        assert transport.idle_connections == 0


async def test_the_last_connection_that_came_to_rest_is_the_first_to_be_used():
    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            peer.send(LENGTH + b"%03d" % peer.number)

    async with Upstream(script) as upstream:
        transport = upstream.transport()
        async with transport.open(GET) as first:
            async with transport.open(GET) as second:
                assert [chunk async for chunk in second.chunks()] == [b"002"]
            assert [chunk async for chunk in first.chunks()] == [b"001"]
        assert [await ask(transport) for _ in range(3)] == [b"001"] * 3


# What goes wrong


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(
            OK + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n", id="S-26 CL+TE"
        ),
        pytest.param(OK + b"content-length: 3\r\ncontent-length: 3\r\n\r\nabc", id="S-26 two CL"),
        pytest.param(
            CHUNKED[:-2] + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            id="S-26 two TE",
        ),
        pytest.param(OK + b"transfer-encoding: gzip, chunked\r\n\r\n", id="S-04 gzip, chunked"),
        pytest.param(OK + b"transfer-encoding: Chunked\r\n\r\n", id="S-04 Chunked"),
        pytest.param(CHUNKED.replace(b"1.1", b"1.0"), id="S-16 chunks in HTTP/1.0"),
        pytest.param(OK + b"x: a\r\n b\r\n\r\n", id="S-26 obs-fold"),
        pytest.param(OK + b"x: a\0\r\n\r\n", id="S-26 NUL"),
        pytest.param(OK + b"x: " + b"a" * 200_000 + b"\r\n\r\n", id="S-26 200 KB of head"),
        pytest.param(b"HTTP/1.1 101 Switching Protocols\r\n\r\n", id="S-27 101"),
        pytest.param(b"HTTP/1.1 103 x\r\n\r\n" * 9 + LENGTH + b"abc", id="N-13 a flood of 103"),
        pytest.param(b"HTTP/1.1 200 OK\n\nabc", id="S-07 bare line feeds"),
        pytest.param(b"abc", id="S-16 HTTP/0.9"),
    ],
)
async def test_a_head_that_can_be_read_in_two_ways_is_no_answer(raw):
    async with Upstream(answering(LENGTH + b"abc", raw)) as upstream:
        transport = upstream.transport()
        assert await ask(transport, POST) == b"abc"
        with pytest.raises(UpstreamMalformed):
            async with transport.open(POST):
                pytest.fail("somebody has seen it, and passed it on perhaps")
        await upstream.until(lambda: upstream.is_gone(1))
        assert await ask(transport, POST) == b"abc"
        assert len(upstream.peers) == 2


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        pytest.param(OK + b"content-length: 9\r\n\r\nabc", UpstreamBrokeOff, id="S-26 short body"),
        pytest.param(CHUNKED + b"3\r\nabc\r\n", UpstreamBrokeOff, id="S-09 no last chunk"),
        pytest.param(CHUNKED + b"3\r\nabc\r\n0\r\n", UpstreamBrokeOff, id="S-09 half an end"),
        pytest.param(CHUNKED + b"3\r\nabcXX", UpstreamMalformed, id="S-26 bad chunk"),
    ],
)
async def test_a_body_that_ends_badly_is_given_as_far_as_it_came_and_then_an_error(raw, error):
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(raw)

    async with Upstream(script) as upstream:
        taken = []
        with pytest.raises(error):  # noqa: PT012 - the pieces before it are the point
            async with upstream.transport().open(GET) as response:
                async for chunk in response.chunks():
                    taken.append(chunk)  # noqa: PERF401 - what an exception cuts short, too
        assert taken == [b"abc"]


async def test_a_body_without_a_length_is_not_complete_when_the_connection_is_reset():
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(OK + b"\r\nabc")
        await gate.wait()
        peer.reset()

    gate = asyncio.Event()
    async with Upstream(script) as upstream, upstream.transport().open(GET) as response:
        chunks = response.chunks()
        assert await anext(chunks) == b"abc"
        gate.set()
        with pytest.raises(UpstreamBrokeOff):
            await anext(chunks)


@pytest.mark.parametrize("how", [Peer.cut, Peer.reset], ids=["FIN", "RST"])
@pytest.mark.parametrize(
    ("raw", "proxy_error"),
    [
        pytest.param(b"", "connection_terminated", id="before any byte"),
        pytest.param(b"HTTP/1.1 200 O", "http_response_incomplete", id="in the head"),
        pytest.param(
            b"HTTP/1.1 100 x\r\n\r\n", "http_response_incomplete", id="after an interim one"
        ),
    ],
)
async def test_an_answer_that_never_came_is_a_502(raw, proxy_error, how):
    gate = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(raw)
        await gate.wait()
        how(peer)

    async with Upstream(script) as upstream:
        transport = upstream.transport()
        asking = asyncio.create_task(ask(transport))
        await upstream.until(lambda: len(upstream.requests) == 1)
        await settled(lambda: not raw or any(one.heard for one in transport._pool._open))
        gate.set()
        with pytest.raises(UpstreamBrokeOff) as caught:
            await asking
        assert caught.value.error_type == proxy_error
        assert len(upstream.peers) == 1, "a connection that is new is not tried again"


def dying_at_the_second_request(how):
    """Each connection gives one answer, and none to its second request."""

    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(LENGTH + b"%03d" % peer.number)
        await peer.request()
        how(peer)

    return script


@pytest.mark.parametrize("how", [Peer.cut, Peer.reset], ids=["FIN", "RST"])
async def test_a_get_on_a_connection_that_died_at_rest_is_sent_once_more(how):
    """S-28, RF-05"""
    async with Upstream(dying_at_the_second_request(how)) as upstream:
        transport = upstream.transport()
        assert await ask(transport) == b"001"
        assert await ask(transport) == b"002"
        assert len(upstream.requests) == 3
        assert len(upstream.peers) == 2


@pytest.mark.parametrize("how", [Peer.cut, Peer.reset], ids=["FIN", "RST"])
async def test_what_may_have_been_heard_is_never_sent_again(how):
    """S-28, RF-05"""
    async with Upstream(dying_at_the_second_request(how)) as upstream:
        transport = upstream.transport()
        assert await ask(transport, POST) == b"001"
        with pytest.raises(UpstreamBrokeOff) as caught:
            await ask(transport, POST)
        assert caught.value.error_type == "connection_terminated"
        assert len(upstream.requests) == 2
        assert await ask(transport, POST) == b"002"


async def test_a_get_is_sent_twice_at_most():
    async def script(peer: Peer) -> None:
        await peer.request()
        if peer.number == 1:
            peer.send(LENGTH + b"abc")
            await peer.request()

    async with Upstream(script) as upstream:
        transport = upstream.transport()
        await ask(transport)
        with pytest.raises(UpstreamBrokeOff):
            await ask(transport)
        assert len(upstream.requests) == 3


async def test_a_get_is_sent_again_on_a_new_connection_though_others_are_at_rest():
    """They may be as dead as the first: the upstream may have been exchanged behind all of them."""

    async def script(peer: Peer) -> None:
        for _ in range(1 if peer.number <= 2 else 100):
            await peer.request()
            peer.send(LENGTH + b"%03d" % peer.number)
        await peer.request()

    async with Upstream(script) as upstream:
        transport = upstream.transport(max_connections=2)
        async with transport.open(GET) as first, transport.open(GET) as second:
            for response in (first, second):
                assert [len(chunk) async for chunk in response.chunks()] == [3]
        assert transport.idle_connections == 2
        assert await ask(transport) == b"003"
        assert len(upstream.peers) == 3


async def test_a_get_is_not_sent_again_once_a_byte_of_its_answer_has_come():
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(LENGTH + b"abc")
        await peer.request()
        peer.send(b"H")

    async with Upstream(script) as upstream:
        transport = upstream.transport()
        await ask(transport)
        with pytest.raises(UpstreamBrokeOff) as caught:
            await ask(transport)
        assert caught.value.error_type == "http_response_incomplete"
        assert len(upstream.requests) == 2


# Answers that come early


async def test_an_answer_before_the_request_was_sent_whole_is_given():
    """RFC 9112 section 9.3: the rest of the request is not sent, and the connection is closed."""

    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\n\r\nbig")
        await read_on.wait()
        await peer.closed()

    read_on = asyncio.Event()
    async with Upstream(script) as upstream:
        transport = upstream.transport()
        async with transport.open(replace(POST, content=b"x" * 50_000_000)) as response:
            assert response.status == 413
            assert [chunk async for chunk in response.chunks()] == [b"big"]
        await settled(lambda: transport.open_connections == 0)
        read_on.set()
        await upstream.until(lambda: upstream.is_gone(1))


async def test_an_upstream_that_stops_reading_is_a_timeout():
    async def script(peer: Peer) -> None:
        await peer.head()
        await done.wait()

    done = asyncio.Event()
    async with Upstream(script) as upstream:
        transport = upstream.transport(clocks=Clocks(write=0.1))
        with pytest.raises(UpstreamTimeout) as caught:
            await ask(transport, replace(POST, content=b"x" * 50_000_000))
        assert caught.value.error_type == "connection_write_timeout"
        await settled(lambda: transport.open_connections == 0)
        done.set()


async def test_an_upstream_that_leaves_while_we_send_is_a_502():
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.reset()

    async with Upstream(script) as upstream:
        with pytest.raises(UpstreamBrokeOff):
            await ask(upstream.transport(), replace(POST, content=b"x" * 50_000_000))


# Clocks


async def test_a_head_that_drips_does_not_hold_the_clock():
    """RF-10"""

    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(OK + b"x: ")
        while not peer.writer.is_closing():
            peer.send(b"a")
            await asyncio.sleep(0.005)

    async with Upstream(script) as upstream:
        transport = upstream.transport(clocks=Clocks(first_byte=0.1, idle=10))
        with pytest.raises(UpstreamTimeout) as caught:
            await ask(transport)
        assert caught.value.error_type == "http_response_timeout"
        await upstream.until(lambda: upstream.is_gone(1))


# Leaving


async def test_an_answer_that_was_not_taken_whole_costs_the_connection():
    async with Upstream(answering(LENGTH + b"abc")) as upstream:
        transport = upstream.transport()
        async with transport.open(GET) as response:
            assert response.status == 200
        await settled(lambda: transport.open_connections == 0)


async def test_an_exception_after_the_end_costs_the_connection():
    async with Upstream(answering(LENGTH + b"abc")) as upstream:
        transport = upstream.transport()
        with pytest.raises(KeyError):  # noqa: PT012 - it comes after the end
            async with transport.open(GET) as response:
                assert [chunk async for chunk in response.chunks()] == [b"abc"]
                raise KeyError
        await settled(lambda: transport.open_connections == 0)


# Requests that are sent as they come


async def coming(*pieces: bytes):
    """A body that comes in these pieces."""
    for piece in pieces:
        yield piece
        await asyncio.sleep(0)


async def test_a_stream_is_sent_in_chunks_and_the_connection_is_used_again():
    async with Upstream(answering(LENGTH + b"abc")) as upstream:
        transport = upstream.transport()
        for _ in range(2):
            stream = coming(b"first", b"x" * 50_000, b"last")
            assert await ask(transport, replace(POST, stream=stream)) == b"abc"
        await ask(transport, GET)
        assert len(upstream.peers) == 1
        sent = b"5\r\nfirst\r\nc350\r\n" + b"x" * 50_000 + b"\r\n4\r\nlast\r\n0\r\n\r\n"
        for request in upstream.requests[:2]:
            head, _, body = request.partition(b"\r\n\r\n")
            assert b"\r\ntransfer-encoding: chunked" in head
            assert b"content-length" not in head
            assert body == sent


async def test_the_clock_of_a_rest_does_not_end_the_next_exchange():
    async def late():
        await asyncio.sleep(0.4)
        yield b"late"

    async with Upstream(answering(LENGTH + b"abc")) as upstream:
        transport = upstream.transport(clocks=Clocks(keepalive=0.2))
        assert await ask(transport) == b"abc"
        assert await ask(transport, replace(POST, stream=late())) == b"abc"
        assert len(upstream.peers) == 1


async def test_of_a_stream_nothing_more_is_taken_than_goes_away():
    """The write clock runs while the upstream does not read; and what was not asked for is left."""
    taken = 0

    async def endless():
        nonlocal taken
        while True:
            taken += 1
            yield b"x" * 65_536

    async def script(peer: Peer) -> None:
        await peer.head()
        await done.wait()

    done = asyncio.Event()
    async with Upstream(script) as upstream:
        transport = upstream.transport(clocks=Clocks(write=0.2))
        with pytest.raises(UpstreamTimeout) as caught:
            await ask(transport, replace(POST, stream=endless()))
        assert caught.value.error_type == "connection_write_timeout"
        assert taken < 400  # 25 MiB: what two sockets hold
        await settled(lambda: transport.open_connections == 0)
        done.set()


async def test_a_stream_that_pauses_is_no_fault_of_the_upstream():
    async def slow():
        yield b"a"
        await asyncio.sleep(0.3)
        yield b"b"

    async with Upstream(answering(LENGTH + b"abc")) as upstream:
        assert (
            await ask(upstream.transport(clocks=Clocks(write=0.1)), replace(POST, stream=slow()))
            == b"abc"
        )
