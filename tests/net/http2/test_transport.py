"""HTTP/2 to the byte: an upstream on a real socket that does what a test says, frame by frame.

What both protocols promise is in `test_transports.py`. Here a fault of one answer must leave
whatever else is on its connection alone; a fault of the connection ends it, and the next request
has a new one. Heads are compressed by hpack's encoder, frames are written out.
"""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from h2.settings import SettingCodes
from hpack import Encoder, NeverIndexedHeaderTuple
from msgspec.structs import replace

from gateway.core.errors import (
    GatewayError,
    Overloaded,
    UpstreamBrokeOff,
    UpstreamMalformed,
    UpstreamTimeout,
)
from gateway.net.http2 import connection as http2_connection
from gateway.net.http2 import frames
from gateway.net.http2.connection import Http2Connection
from gateway.net.http2.fields import MAX_BLOCK
from gateway.net.http2.frames import Cutter, Frame
from gateway.net.http2.multiplex import MAX_BARREN
from gateway.net.http2.stream import WINDOW
from gateway.net.http2.transport import MOST_REFUSALS, Http2Transport
from gateway.net.server.arrived import Arrived
from gateway.net.upstream.clocks import Clocks
from gateway.net.upstream.resting import Resting
from tests.net.wires import GET, PATIENCE, POST, Asked, Wire, ask, serving, settled, trusting

pytestmark = pytest.mark.anyio

OK = ((b":status", b"200"),)


class Peer(asyncio.Protocol):
    """One connection, as the upstream has it."""

    def __init__(self, upstream: "Upstream") -> None:
        self.upstream = upstream
        self.taken: asyncio.Queue[Frame] = asyncio.Queue()
        self.gone = asyncio.Event()
        self._encoder = Encoder()
        self._cutter = Cutter()
        self._preface = b""
        self.asked = 0  # requests that came

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.upstream.peers.append(self)
        self.task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        try:
            await self.upstream.script(self)
        finally:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()
        self.task.cancel()

    def data_received(self, data: bytes) -> None:
        size = len(frames.PREFACE)
        missing = size - len(self._preface)
        self._preface += data[:missing]
        assert frames.PREFACE.startswith(self._preface)
        for frame in self._cutter.feed(data[missing:] if missing > 0 else data):
            self.asked += frame.kind == frames.HEADERS
            self.taken.put_nowait(frame)

    def send(self, *raw: bytes) -> None:
        self.transport.write(b"".join(raw))

    def shut(self) -> None:
        """End it in the kernel at once: no loop has come round to it yet."""
        descriptor = self.transport.get_extra_info("socket").fileno()
        with socket.socket(fileno=os.dup(descriptor)) as twin:
            twin.shutdown(socket.SHUT_WR)

    def greet(self, *settings: tuple[int, int]) -> None:
        self.send(frames.write_settings(settings))

    def head(self, stream: int, *fields: tuple[bytes, bytes], last: bool = False) -> bytes:
        block = self._encoder.encode(list(fields))
        return frames.write_head(stream, block, last=last)

    async def frame(self, *kinds: int) -> Frame:
        """The next frame of these kinds."""
        async with asyncio.timeout(PATIENCE):
            while (frame := await self.taken.get()).kind not in kinds:
                pass
        return frame

    async def request(self) -> int:
        """The stream of the next request."""
        return (await self.frame(frames.HEADERS)).stream

    def answer(self, stream: int, content: bytes = b"abc") -> None:
        self.send(self.head(stream, *OK), data(stream, content, last=True))


def data(stream: int, content: bytes, *, last: bool = False) -> bytes:
    return frames.write(frames.DATA, frames.END_STREAM if last else 0, stream, content)


def reset(stream: int, code: int) -> bytes:
    return frames.write_number(frames.RST_STREAM, stream, code)


def goaway(last: int, code: int = 0) -> bytes:
    payload = last.to_bytes(4, "big") + code.to_bytes(4, "big")
    return frames.write(frames.GOAWAY, 0, 0, payload)


Script = Callable[[Peer], Awaitable[None]]


class Upstream:
    def __init__(self, script: Script) -> None:
        self.script = script
        self.peers: list[Peer] = []
        self.transports: list[Http2Transport] = []

    def transport(self, **settings: Any) -> Http2Transport:
        transport = Http2Transport(
            origin=f"https://localhost:{self.port}", ssl_context=trusting("h2"), **settings
        )
        self.transports.append(transport)
        return transport


@asynccontextmanager
async def upstream(script: Script, *protocols: str) -> AsyncGenerator[Upstream, None]:
    one = Upstream(script)
    server = await asyncio.get_running_loop().create_server(
        lambda: Peer(one), "127.0.0.1", 0, ssl=serving(*(protocols or ("h2",)))
    )
    one.port = server.sockets[0].getsockname()[1]
    try:
        yield one
    finally:
        server.close()
        for transport in one.transports:
            await transport.aclose()
            assert (transport.open_connections, transport.waiting) == (0, 0)
        for peer in one.peers:
            await asyncio.wait_for(peer.gone.wait(), PATIENCE)
            await asyncio.wait({peer.task})
            assert peer.task.cancelled() or peer.task.exception() is None, peer.task.exception()


async def obliging(peer: Peer) -> None:
    peer.greet()
    while True:
        peer.answer(await peer.request())


# Faults of one answer


async def beside(fault: Callable[[Peer, int], None], request=GET) -> None:
    """One answer is at fault while another on the connection is under way."""

    async def script(peer: Peer) -> None:
        peer.greet()
        running = await peer.request()
        peer.send(peer.head(running, *OK), data(running, b"one"))
        bad = await peer.request()
        fault(peer, bad)
        told = await peer.frame(frames.RST_STREAM)
        assert told.stream == bad
        peer.send(data(running, b"two", last=True))
        while True:
            peer.answer(await peer.request())

    async with upstream(script) as one:
        transport = one.transport()
        async with transport.open(POST) as running:
            chunks = running.chunks()
            assert await anext(chunks) == b"one"
            with pytest.raises(UpstreamMalformed):
                await ask(transport, request)
            assert [chunk async for chunk in chunks] == [b"two"]
        assert await ask(transport) == b"abc"
        assert len(one.peers) == 1


A_FAULT = [
    pytest.param(((b":status", b"200"), field), id=f"{row} {field!a}")
    for row, field in [
        ("S-26", (b"X-Upper", b"1")),
        ("S-26", (b"x y", b"1")),
        ("S-26", (b"", b"1")),
        ("S-26", (b"x:y", b"1")),
        ("S-26", (b"x\xe9", b"1")),
        ("S-26", (b"x", b"a\0b")),
        ("S-30", (b"x", b"a\r\nset-cookie: b")),
        ("S-30", (b"x", b"a\nb")),
        ("S-30", (b"x", b"a\rb")),
        ("S-30", (b"x\r\ny", b"b")),
        ("S-26", (b"x", b" a")),
        ("S-26", (b"x", b"a\t")),
        ("S-26", (b"x", b"a\x7f")),
        ("S-26", (b"connection", b"close")),
        ("S-26", (b"keep-alive", b"timeout=5")),
        ("S-26", (b"proxy-connection", b"close")),
        ("S-26", (b"transfer-encoding", b"chunked")),
        ("S-27", (b"upgrade", b"websocket")),
        ("S-26", (b":status", b"200")),
        ("S-26", (b":path", b"/")),
        ("S-26", (b":unknown", b"1")),
        ("S-26", (b"content-length", b"3x")),
        ("S-26", (b"content-length", b"-3")),
        ("S-26", (b"content-length", b"")),
        ("S-26", (b"content-length", b"9" * 20)),
    ]
] + [
    pytest.param(fields, id=f"{row} {name}")
    for row, name, fields in [
        ("S-26", "no status", ((b"x", b"1"),)),
        ("S-26", "a status that comes late", ((b"x", b"1"), (b":status", b"200"))),
        ("S-26", "a short status", ((b":status", b"20"),)),
        ("S-26", "a long status", ((b":status", b"2000"),)),
        ("S-26", "a status that is no number", ((b":status", b"2 0"),)),
        ("S-26", "a status of 600", ((b":status", b"600"),)),
        ("S-27", "101", ((b":status", b"101"),)),
        ("S-26", "two lengths", (*OK, (b"content-length", b"3"), (b"content-length", b"3"))),
        ("N-13", "201 fields", (*OK, *((b"x", b"1"),) * 201)),
    ]
]


@pytest.mark.parametrize("fields", A_FAULT)
async def test_a_head_that_can_be_read_in_two_ways_is_no_answer(fields):
    await beside(lambda peer, stream: peer.send(peer.head(stream, *fields)))


SIZED = (*OK, (b"content-length", b"3"))


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(
            lambda peer, stream: peer.send(peer.head(stream, *SIZED), data(stream, b"abcd")),
            id="S-26 more than was said",
        ),
        pytest.param(
            lambda peer, stream: peer.send(
                peer.head(stream, *SIZED), data(stream, b"ab", last=True)
            ),
            id="S-26 less than was said",
        ),
        pytest.param(
            lambda peer, stream: peer.send(peer.head(stream, *SIZED, last=True)),
            id="S-26 nothing where something was said",
        ),
        pytest.param(
            lambda peer, stream: peer.send(
                peer.head(stream, *SIZED), peer.head(stream, (b"x", b"1"), last=True)
            ),
            id="S-26 trailers where something was said",
        ),
        pytest.param(
            lambda peer, stream: peer.send(data(stream, b"abc", last=True)),
            id="S-26 a body without a head",
        ),
        pytest.param(
            lambda peer, stream: peer.send(peer.head(stream, *OK), peer.head(stream, (b"x", b"1"))),
            id="S-25 trailers that are not the end",
        ),
        pytest.param(
            lambda peer, stream: peer.send(
                *(peer.head(stream, (b":status", b"103")) for _ in range(9))
            ),
            id="N-13 a flood of 103",
        ),
        pytest.param(
            lambda peer, stream: peer.send(peer.head(stream, (b":status", b"103"), last=True)),
            id="S-27 nothing but 103",
        ),
        pytest.param(
            lambda peer, stream: peer.send(
                peer.head(stream, (b":status", b"204")), data(stream, b"abc", last=True)
            ),
            id="S-23 a body of 204",
        ),
    ],
)
async def test_a_fault_of_one_answer_ends_no_other(fault):
    await beside(fault)


def large(size: int = 70_000) -> tuple[tuple[bytes, bytes], ...]:
    """Fields of a head of so many bytes."""
    return (*OK, *((b"x-%d" % at, b"a" * 3400) for at in range(size // 3400)))


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(lambda peer, stream: peer.head(stream, *large()), id="S-26 70 KB"),
        pytest.param(lambda peer, stream: peer.head(stream, *large(size=200_000)), id="200 KB"),
        pytest.param(
            lambda peer, stream: peer.head(stream, *OK, (b"x", b"a" * 200_000)),
            id="S-26 200 KB in one field",
        ),
        pytest.param(
            lambda peer, stream: frames.write_head(
                stream, b"\x88" + a_field(b"a" * 200_000), last=False
            ),
            id="S-26 200 KB as they are",
        ),
        pytest.param(lambda peer, stream: a_bomb(peer, stream, 20), id="N-13 a bomb of 80 KB"),
        pytest.param(
            lambda peer, stream: frames.write_head(stream, b"\x88" * 2000, last=False),
            id="N-13 2,000 fields of two bytes",
        ),
        pytest.param(
            lambda peer, stream: peer.head(stream, (b":status", b"103"), *large()[1:]),
            id="N-13 70 KB of 103",
        ),
    ],
)
async def test_a_head_that_is_too_large_ends_no_other(fault):
    """RFC 9113 section 10.5.1"""
    await beside(lambda peer, stream: peer.send(fault(peer, stream)))


@pytest.mark.parametrize("where", ["head", "trailers", "of one who has left"])
async def test_what_a_head_refers_to_may_stand_in_one_that_is_too_large(where):
    """RFC 9113 section 4.3: it is read to its end, for all that come after it."""
    remembered = (b"x-remembered", b"1")

    async def script(peer: Peer) -> None:
        peer.greet()
        first = await peer.request()
        if where == "of one who has left":
            await peer.frame(frames.RST_STREAM)
        if where == "trailers":
            peer.send(peer.head(first, *OK), data(first, b"abc"))
            peer.send(peer.head(first, *large()[1:], remembered, last=True))
        else:
            peer.send(peer.head(first, *large(), remembered))
        stream = await peer.request()
        head = peer.head(stream, *OK, remembered)
        assert len(head) < 9 + 5, "it only refers to what was said before"
        peer.send(head, data(stream, b"abc", last=True))
        await peer.gone.wait()

    async with upstream(script) as one:
        transport = one.transport()
        if where == "trailers":
            assert await ask(transport) == b"abc"
        elif where == "head":
            with pytest.raises(UpstreamMalformed):
                await ask(transport)
        else:
            leaving = asyncio.create_task(ask(transport))
            await settled(lambda: any(peer.asked for peer in one.peers))
            leaving.cancel()
            await asyncio.wait([leaving])
        async with transport.open(GET) as response:
            assert list(response.fields) == [remembered]
        assert len(one.peers) == 1


async def test_a_body_where_only_a_head_was_asked_for_reaches_nobody():
    """S-23"""
    await beside(
        lambda peer, stream: peer.send(peer.head(stream, *OK), data(stream, b"abc", last=True)),
        replace(GET, method="HEAD"),
    )


async def test_more_than_the_window_ends_the_answer_and_no_other():
    """N-13: what comes and nobody takes is bounded whatever the upstream does."""

    async def script(peer: Peer) -> None:
        peer.greet()
        unread, running = await peer.request(), await peer.request()
        peer.send(peer.head(unread, *OK), peer.head(running, *OK))
        peer.send(*(data(unread, b"x" * 16_384) for _ in range(20)))
        told = await peer.frame(frames.RST_STREAM)
        assert told.stream == unread
        assert frames.number_of(told) == frames.FLOW_CONTROL_ERROR
        refused.set()
        peer.send(data(running, b"abc", last=True))
        await peer.gone.wait()

    refused = asyncio.Event()
    async with upstream(script) as one:
        transport = one.transport()
        running = asyncio.create_task(ask(transport))
        async with transport.open(POST) as unread:
            await asyncio.wait_for(refused.wait(), PATIENCE)
            chunks = unread.chunks()
            assert len(await anext(chunks)) == WINDOW
            with pytest.raises(UpstreamMalformed):
                await anext(chunks)
        assert await running == b"abc"


async def test_trailers_reach_nobody():
    """S-25"""

    async def script(peer: Peer) -> None:
        peer.greet()
        stream = await peer.request()
        trailers = peer.head(stream, (b"set-cookie", b"sid=1"), (b":status", b"500"), last=True)
        peer.send(peer.head(stream, *OK), data(stream, b"abc"), trailers)
        await peer.gone.wait()

    async with upstream(script) as one, one.transport().open(GET) as response:
        assert [chunk async for chunk in response.chunks()] == [b"abc"]
        assert (response.status, list(response.fields)) == (200, [])


async def test_what_comes_after_an_answer_is_nobodys():
    """S-29, ME-9"""

    async def script(peer: Peer) -> None:
        peer.greet()
        while True:
            stream = await peer.request()
            peer.answer(stream)
            peer.send(data(stream, b"POISON"), peer.head(stream, *OK, last=True))

    async with upstream(script) as one:
        transport = one.transport()
        assert [await ask(transport) for _ in range(5)] == [b"abc"] * 5
        assert len(one.peers) == 1


# Faults of the connection


def naked(kind: int, stream: int, payload: bytes = b"", flags: int = 0) -> Callable[..., bytes]:
    return lambda peer, asked: frames.write(kind, flags, stream, payload)


def flood(frame: Callable[[Peer, int], bytes]) -> Callable[[Peer, int], bytes]:
    return lambda peer, asked: frame(peer, asked) * (MAX_BARREN + 1)


def a_bomb(peer: Peer, asked: int, references: int = 1000) -> bytes:
    """CVE-2016-6581: a long field, and a thousand references to it."""
    block = Encoder().encode([(b"x", b"a" * 4000)], huffman=False) + b"\xbe" * references
    return frames.write_head(asked, b"\x88" + block, last=False)


def a_field(value: bytes) -> bytes:
    """As it is, and not to be remembered."""
    return bytes(Encoder().encode([NeverIndexedHeaderTuple(b"x", value)], huffman=False))


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(naked(frames.DATA, 0, b"abc"), id="data of no stream"),
        pytest.param(naked(frames.DATA, 2, b"abc"), id="data of the upstream's own stream"),
        pytest.param(naked(frames.DATA, 99, b"abc"), id="S-29 data nobody asked for"),
        pytest.param(lambda peer, _: peer.head(99, *OK), id="S-29 an answer nobody asked for"),
        pytest.param(lambda peer, _: peer.head(2, *OK), id="an answer on a stream of its own"),
        pytest.param(naked(frames.RST_STREAM, 99, bytes(4)), id="a reset nobody asked for"),
        pytest.param(
            naked(frames.PUSH_PROMISE, 1, b"\0\0\0\2\x82", frames.END_HEADERS), id="a promise"
        ),
        pytest.param(naked(frames.CONTINUATION, 1, b"", frames.END_HEADERS), id="no head before"),
        pytest.param(
            lambda peer, asked: (
                frames.write(frames.HEADERS, 0, asked) + frames.write(frames.PING, 0, 0, bytes(8))
            ),
            id="something within a head",
        ),
        pytest.param(
            lambda peer, asked: (
                frames.write(frames.HEADERS, 0, asked)
                + frames.write(frames.CONTINUATION, frames.END_HEADERS, asked + 2)
            ),
            id="a head that goes on elsewhere",
        ),
        pytest.param(
            lambda peer, asked: (
                frames.write(frames.HEADERS, 0, asked, b"\0" * 16_384)
                + frames.write(frames.CONTINUATION, 0, asked, b"\0" * 16_384) * 16
            ),
            id="N-13 a head without end",
        ),
        pytest.param(
            lambda peer, asked: (
                frames.write(frames.HEADERS, 0, asked)
                + frames.write(frames.CONTINUATION, 0, asked) * (MAX_BARREN + 1)
            ),
            id="N-13 a head without end or bytes",
        ),
        pytest.param(
            lambda peer, asked: frames.write_head(asked, b"\xff" * 10, last=False),
            id="a head that is not compressed",
        ),
        pytest.param(a_bomb, id="N-13 a small head that is large"),
        pytest.param(
            lambda peer, asked: frames.write_head(asked, a_field(b"a" * MAX_BLOCK), last=False),
            id="S-26 256 KB of head, and more",
        ),
        pytest.param(
            lambda peer, asked: peer.head(asked, *large(size=300_000)),
            id="S-26 300 KB of head, compressed",
        ),
        pytest.param(
            lambda peer, asked: frames.write(frames.DATA, frames.PADDED, asked, b"\x05abc"),
            id="more padding than frame",
        ),
        pytest.param(naked(frames.DATA, 1, b"x" * 16_385), id="a frame that is too large"),
        pytest.param(naked(frames.RST_STREAM, 1, b"123"), id="a short reset"),
        pytest.param(naked(frames.SETTINGS, 0, b"12345"), id="a short setting"),
        pytest.param(naked(frames.SETTINGS, 1), id="settings of a stream"),
        pytest.param(naked(frames.PING, 0, b"1234567"), id="a short ping"),
        pytest.param(naked(frames.GOAWAY, 0, b"1234567"), id="a short goodbye"),
        pytest.param(naked(frames.WINDOW_UPDATE, 0, bytes(4)), id="a window wider by nothing"),
        pytest.param(naked(frames.WINDOW_UPDATE, 0, b"\x7f" + b"\xff" * 3), id="too wide"),
        pytest.param(naked(frames.WINDOW_UPDATE, 1, b"\x7f" + b"\xff" * 3), id="too wide a stream"),
        pytest.param(
            lambda peer, _: frames.write_settings([(frames.INITIAL_WINDOW_SIZE, 2**31)]),
            id="too wide from the start",
        ),
        pytest.param(flood(naked(frames.PING, 0, bytes(8))), id="N-13 CVE-2019-9512 pings"),
        pytest.param(flood(naked(frames.SETTINGS, 0)), id="N-13 CVE-2019-9515 settings"),
        pytest.param(flood(naked(frames.DATA, 1)), id="N-13 CVE-2019-9518 empty data"),
        pytest.param(
            flood(naked(frames.DATA, 1, b"\x01\0", frames.PADDED)), id="N-13 padding alone"
        ),
        pytest.param(flood(naked(frames.WINDOW_UPDATE, 0, b"\0\0\0\1")), id="N-13 windows"),
        pytest.param(flood(naked(2, 1, bytes(5))), id="N-13 CVE-2019-9513 priorities"),
        pytest.param(
            lambda peer, _: frames.write_settings([(frames.INITIAL_WINDOW_SIZE, 0)] * 2000),
            id="N-13 many settings in one frame",
        ),
        *(
            pytest.param(
                lambda peer, asked, resize=resize: frames.write_head(
                    asked, resize * (50_000 // len(resize)) + b"\x88", last=False
                ),
                id=f"N-13 the table of fields gets another size, often: {resize.hex()}",
            )
            for resize in (b"\x20", b"\x3e", b"\x3f\x00", b"\x3f\xe1\x1f", b"\x20\x3f\xe1\x1f")
        ),
        pytest.param(flood(naked(0xFA, 0)), id="N-13 frames nobody knows"),
    ],
)
async def test_a_connection_in_doubt_ends_with_all_that_is_on_it(fault):
    async def script(peer: Peer) -> None:
        peer.greet()
        if len(one.peers) > 1:
            while True:
                peer.answer(await peer.request())
        asked = await peer.request()
        peer.send(peer.head(asked, *OK))
        await peer.request()
        peer.send(fault(peer, asked))
        assert frames.last_of(await peer.frame(frames.GOAWAY)) == 0
        await peer.gone.wait()

    async with upstream(script) as one:
        transport = one.transport()
        async with transport.open(POST) as first:
            second = asyncio.create_task(ask(transport, POST))
            with pytest.raises(UpstreamMalformed):
                await anext(first.chunks())
            with pytest.raises(UpstreamMalformed):
                await second
        await one.peers[0].gone.wait()
        assert await ask(transport, POST) == b"abc"
        assert len(one.peers) == 2


async def test_resets_of_streams_that_ended_are_no_news_however_many():
    """N-13 CVE-2023-44487, the other way round."""

    async def script(peer: Peer) -> None:
        peer.greet()
        peer.answer(await peer.request())
        await ended.wait()
        peer.send(reset(1, frames.CANCEL) * (MAX_BARREN + 1))
        await peer.gone.wait()

    ended = asyncio.Event()
    async with upstream(script) as one:
        await ask(one.transport())
        ended.set()
        await asyncio.wait_for(one.peers[0].gone.wait(), PATIENCE)


async def test_an_answer_that_goes_on_without_end_after_its_own_ends_the_connection():
    """N-13: of a window full it may have been on its way."""

    async def script(peer: Peer) -> None:
        peer.greet()
        running = await peer.request()
        peer.send(peer.head(running, *OK), data(running, b"one"))
        ended = await peer.request()
        peer.answer(ended)
        peer.send(*(data(ended, b"x" * 16_384) for _ in range(2 * WINDOW // 16_384)))
        await peer.frame(frames.GOAWAY)
        await peer.gone.wait()

    async with upstream(script) as one:
        transport = one.transport()
        async with transport.open(POST) as running:
            assert await ask(transport) == b"abc"
            with pytest.raises(UpstreamMalformed):  # noqa: PT012 - after what came before
                async for chunk in running.chunks():
                    assert chunk == b"one"


async def test_an_upstream_that_asks_and_does_not_listen_is_left():
    """CVE-2019-9512: what is written to it piles up here otherwise."""

    async def script(peer: Peer) -> None:
        peer.greet()
        stream = await peer.request()
        peer.transport.pause_reading()
        peer.send(peer.head(stream, *OK))
        pings = frames.write(frames.PING, 0, 0, bytes(8)) * 900
        while not peer.transport.is_closing():
            peer.send(pings, data(stream, b"x"))
            await asyncio.sleep(0)

    async with upstream(script) as one:
        transport = one.transport()
        async with transport.open(GET) as response:
            (connection,) = transport._connections
            largest = 0
            with pytest.raises(UpstreamBrokeOff):  # noqa: PT012 - what piled up is the point
                async for _ in response.chunks():
                    largest = max(largest, connection._transport.get_write_buffer_size())
        assert largest <= http2_connection.MAX_UNSENT + 1024  # and what was one too many
        one.peers[0].transport.abort()


# Before the first request


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", id="HTTP/1.1"),
        pytest.param(frames.write(frames.PING, 0, 0, bytes(8)), id="another frame"),
        pytest.param(b"", id="nothing, and the end"),
    ],
)
async def test_whoever_does_not_speak_http_2_is_not_reached(first):
    async def script(peer: Peer) -> None:
        peer.send(first)
        if not first:
            peer.transport.close()
        await peer.gone.wait()

    async with upstream(script) as one:
        with pytest.raises(GatewayError) as caught:
            await ask(one.transport())
        assert caught.value.error_type == "connection_terminated"


async def test_whoever_says_nothing_is_late():
    async def script(peer: Peer) -> None:
        await peer.gone.wait()

    async with upstream(script) as one:
        with pytest.raises(GatewayError) as caught:
            await ask(one.transport(clocks=Clocks(connect=0.3)))
        assert caught.value.error_type == "connection_timeout"


@pytest.mark.parametrize("protocols", [("http/1.1",), ("nothing-we-know",)])
async def test_whoever_does_not_choose_http_2_is_not_spoken_to(protocols):
    """No HTTP/1.1 in its place: what is configured is what is spoken."""

    async def script(peer: Peer) -> None:
        await peer.gone.wait()

    async with upstream(script, *protocols) as one:
        with pytest.raises(GatewayError) as caught:
            await ask(one.transport())
        assert caught.value.error_type == "tls_protocol_error"
        assert all(peer.taken.empty() for peer in one.peers)


def test_it_is_spoken_over_tls_alone():
    with pytest.raises(ValueError, match="TLS"):
        Http2Transport(origin="http://localhost:1")


# Said by the upstream: not yet, no more, not this one


async def test_a_goodbye_ends_no_answer_and_lets_none_begin():
    """What nginx says after 1,000 requests, and everybody who is exchanged in service."""

    async def script(peer: Peer) -> None:
        peer.greet()
        if len(one.peers) > 1:
            while True:
                peer.answer(await peer.request())
        running = await peer.request()
        peer.send(peer.head(running, *OK), data(running, b"one"))
        peer.send(goaway(2**31 - 1), goaway(running))
        await more.wait()
        peer.send(data(running, b"two", last=True))
        await peer.gone.wait()

    more = asyncio.Event()
    async with upstream(script) as one:
        transport = one.transport()
        async with transport.open(POST) as running:
            chunks = running.chunks()
            assert await anext(chunks) == b"one"
            assert await ask(transport, POST) == b"abc"
            assert len(one.peers) == 2
            more.set()
            assert [chunk async for chunk in chunks] == [b"two"]
        await asyncio.wait_for(one.peers[0].gone.wait(), PATIENCE)


async def test_a_goodbye_at_rest_closes_at_once():
    async def script(peer: Peer) -> None:
        peer.greet()
        peer.answer(await peer.request())
        await ended.wait()
        peer.send(goaway(2**31 - 1))
        await peer.gone.wait()

    ended = asyncio.Event()
    async with upstream(script) as one:
        transport = one.transport(clocks=Clocks(keepalive=600))
        await ask(transport)
        ended.set()
        await asyncio.wait_for(one.peers[0].gone.wait(), PATIENCE)
        await settled(lambda: transport.open_connections == 0)


def refusing(*, times: int, how: Callable[[int], bytes]) -> Script:
    """Does nothing with so many requests, and says so."""
    left = times

    async def script(peer: Peer) -> None:
        nonlocal left
        peer.greet()
        while True:
            stream = await peer.request()
            if left:
                left -= 1
                peer.send(how(stream))
            else:
                peer.answer(stream)

    return script


UNSEEN = [
    pytest.param(lambda stream: reset(stream, frames.REFUSED_STREAM), id="refused"),
    pytest.param(lambda stream: goaway(stream - 2 if stream > 1 else 0), id="after the goodbye"),
]


@pytest.mark.parametrize("how", UNSEEN)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_what_the_upstream_says_it_did_nothing_with_is_sent_once_more(how, method):
    """RFC 9113 section 8.7; S-28, RF-05"""
    async with upstream(refusing(times=1, how=how)) as one:
        request = replace(POST, method=method, content=b"x" * 10_000)
        assert await ask(one.transport(), request) == b"abc"
        assert len(one.peers) == 2


@pytest.mark.parametrize("how", UNSEEN)
async def test_it_may_say_so_three_times(how):
    async with upstream(refusing(times=MOST_REFUSALS, how=how)) as one:
        assert await ask(one.transport(), POST) == b"abc"
        assert [peer.asked for peer in one.peers] == [1] * (MOST_REFUSALS + 1)


@pytest.mark.parametrize("how", UNSEEN)
async def test_it_is_sent_four_times_at_most(how):
    async with upstream(refusing(times=9, how=how)) as one:
        with pytest.raises(UpstreamBrokeOff):
            await ask(one.transport(), POST)
        assert [peer.asked for peer in one.peers] == [1] * (MOST_REFUSALS + 1)


async def test_an_upstream_that_refuses_all_is_not_given_ever_more_connections():
    how = UNSEEN[0].values[0]
    async with upstream(refusing(times=1000, how=how)) as one:
        transport = one.transport()
        for _ in range(5):
            with pytest.raises(UpstreamBrokeOff):
                await ask(transport, POST)
        assert [peer.asked for peer in one.peers] == [5] * (MOST_REFUSALS + 1)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_may_have_been_heard_after_a_refusal_is_not_sent_again(method):
    async def script(peer: Peer) -> None:
        peer.greet()
        if len(one.peers) == 1:
            peer.answer(await peer.request())
            peer.send(goaway(await peer.request() - 2))
            return
        await peer.request()  # and not a word

    async with upstream(script) as one:
        transport = one.transport()
        assert await ask(transport) == b"abc"
        with pytest.raises(UpstreamBrokeOff):
            await ask(transport, replace(POST, method=method))
        assert [peer.asked for peer in one.peers] == [2, 1]


@pytest.mark.parametrize(("method", "times"), [("GET", 2), ("POST", 1)])
async def test_after_silence_a_get_alone_is_sent_once_more(method, times):
    """S-28, RF-05"""

    async def script(peer: Peer) -> None:
        peer.greet()
        if len(one.peers) == 1:
            peer.answer(await peer.request())
        await peer.request()

    async with upstream(script) as one:
        transport = one.transport()
        assert await ask(transport) == b"abc"
        with pytest.raises(UpstreamBrokeOff):
            await ask(transport, replace(POST, method=method))
        assert [peer.asked for peer in one.peers] == [2, 1][:times]


async def test_it_is_sent_on_a_new_connection_then_others_may_be_as_stale():
    async def script(peer: Peer) -> None:
        peer.greet((frames.MAX_CONCURRENT_STREAMS, 1))
        stream = await peer.request()
        await two_are_open.wait()
        peer.answer(stream)
        if len(one.peers) < 3:
            await peer.request()
            return
        await peer.gone.wait()

    two_are_open = asyncio.Event()
    async with upstream(script) as one:
        transport = one.transport()
        asking = [asyncio.create_task(ask(transport)) for _ in range(2)]
        await settled(lambda: sum(peer.asked for peer in one.peers) == 2)
        two_are_open.set()
        await asyncio.gather(*asking)
        assert await ask(transport) == b"abc"
        *others, last = [peer.asked for peer in one.peers]
        assert (sorted(others), last) == ([1, 2], 1)


@pytest.mark.parametrize(
    ("end", "shut"),
    [(b"", True), (goaway(2**31 - 1), True), (goaway(2**31 - 1), False), (goaway(1), False)],
    ids=["the end", "a goodbye and the end", "a goodbye", "a goodbye that says the last"],
)
async def test_no_request_follows_a_goodbye_that_has_come_unread(end, shut):
    """S-28, RF-06: had it been sent, who could say whether it was heard?"""

    async def script(peer: Peer) -> None:
        peer.greet()
        peer.answer(await peer.request())
        await peer.gone.wait()

    async with upstream(script) as one:
        transport = one.transport(clocks=Clocks(keepalive=600))
        for number in range(1, 4):
            assert await ask(transport, POST) == b"abc"
            assert [peer.asked for peer in one.peers] == [1] * number
            peer = one.peers[-1]
            peer.send(end)
            if shut:
                peer.shut()


async def test_the_end_is_heard_though_much_is_still_to_be_sent():
    """asyncio would wait half a minute for the upstream to take it, and the next be sent there."""

    async def script(peer: Peer) -> None:
        peer.greet((frames.INITIAL_WINDOW_SIZE, 2**30))
        peer.send(frames.write_number(frames.WINDOW_UPDATE, 0, 2**30))
        stream = await peer.request()
        if len(one.peers) > 1:
            peer.answer(stream)
            await peer.gone.wait()
        await peer.frame(frames.DATA)
        peer.transport.pause_reading()
        (connection,) = transport._connections
        before, unsent = -1, 0
        while not before == unsent > 0:
            await asyncio.sleep(0.05)
            before, unsent = unsent, connection._transport.get_write_buffer_size()
        peer.shut()
        await ended.wait()

    ended = asyncio.Event()
    async with upstream(script) as one:
        transport = one.transport(clocks=Clocks(write=600))
        with pytest.raises(UpstreamBrokeOff):
            await asyncio.wait_for(
                ask(transport, replace(POST, content=b"x" * 30_000_000)), PATIENCE
            )
        ended.set()
        assert await ask(transport) == b"abc"


async def test_what_else_has_come_unread_costs_no_connection():
    async with upstream(obliging) as one:
        transport = one.transport()
        for _ in range(3):
            assert await ask(transport, POST) == b"abc"
            one.peers[0].send(frames.write(frames.PING, 0, 0, bytes(8)))
        assert len(one.peers) == 1


async def test_while_others_are_answered_nobody_waits_for_the_loop_to_read(monkeypatch):
    """Each turn is as long as all that others have to do in it."""

    async def script(peer: Peer) -> None:
        peer.greet()
        running = await peer.request()
        peer.send(peer.head(running, *OK))
        await peer.request()

    looks: list[int] = []
    monkeypatch.setattr(Arrived, "at", lambda _, descriptor: looks.append(descriptor))
    async with upstream(script) as one:
        transport = one.transport()
        async with transport.open(POST):
            with pytest.raises(UpstreamBrokeOff):
                await ask(transport, POST)
        assert looks == []


async def test_an_upstream_that_always_has_more_to_say_is_asked_all_the_same(monkeypatch):
    monkeypatch.setattr(Arrived, "at", lambda *_: True)
    async with upstream(obliging) as one:
        transport = one.transport()
        assert [await ask(transport) for _ in range(3)] == [b"abc"] * 3
        assert len(one.peers) == 1


async def test_a_stream_is_not_sent_again_for_it_is_gone():
    async def stream() -> AsyncGenerator[bytes, None]:
        yield b"once"

    how = UNSEEN[0].values[0]
    async with upstream(refusing(times=1, how=how)) as one:
        with pytest.raises(UpstreamBrokeOff):
            await ask(one.transport(), replace(POST, stream=stream()))
        assert len(one.peers) == 1


@pytest.mark.parametrize("code", [0, frames.CANCEL, frames.ENHANCE_YOUR_CALM, 0xFFFF])
async def test_another_reset_may_have_been_heard(code):
    async with upstream(refusing(times=1, how=lambda stream: reset(stream, code))) as one:
        with pytest.raises(UpstreamBrokeOff) as caught:
            await ask(one.transport(), POST)
        assert caught.value.error_type == "connection_terminated"
        assert len(one.peers) == 1


async def test_a_refusal_after_the_answer_has_begun_is_none():
    async def script(peer: Peer) -> None:
        peer.greet()
        stream = await peer.request()
        peer.send(peer.head(stream, (b":status", b"103")), reset(stream, frames.REFUSED_STREAM))
        await peer.gone.wait()

    async with upstream(script) as one:
        with pytest.raises(UpstreamBrokeOff):
            await ask(one.transport(), POST)
        assert len(one.peers) == 1


async def test_a_reset_after_the_whole_answer_only_wants_no_more_of_the_request():
    """RFC 9113 section 8.1."""

    async def script(peer: Peer) -> None:
        peer.greet((frames.INITIAL_WINDOW_SIZE, 10))
        stream = await peer.request()
        peer.answer(stream, b"big")
        peer.send(reset(stream, 0))
        await peer.gone.wait()

    async with upstream(script) as one:
        assert await ask(one.transport(), replace(POST, content=b"x" * 100_000)) == b"big"


async def test_an_answer_that_comes_early_ends_the_request_as_well():
    async def script(peer: Peer) -> None:
        peer.greet((frames.INITIAL_WINDOW_SIZE, 10))
        peer.answer(await peer.request(), b"big")
        told = await peer.frame(frames.RST_STREAM)
        assert (told.stream, frames.number_of(told)) == (1, frames.CANCEL)
        peer.answer(await peer.request())
        await peer.gone.wait()

    async with upstream(script) as one:
        transport = one.transport()
        assert await ask(transport, replace(POST, content=b"x" * 100_000)) == b"big"
        assert await ask(transport) == b"abc"


@pytest.mark.parametrize("size", [0, 100, 4096, 65_536])
async def test_an_upstream_may_remember_as_little_of_fields_as_it_likes(size):
    """RFC 7541 section 4.2: hpack, as Envoy, insists that the writer says to have understood."""

    async def script(asked: Asked) -> None:
        await asked.content()
        connection = asked.connection.h2
        connection.update_settings({SettingCodes.HEADER_TABLE_SIZE: size // 2})
        asked.head(200, last=True)

    said = {SettingCodes.HEADER_TABLE_SIZE: size}
    async with Wire(script, "h2", h2_settings=said) as wire:
        transport = wire.transport()
        for _ in range(3):
            assert await ask(transport) == b""
        assert wire.connections == 1


# How many at a time


async def test_beyond_what_one_connection_takes_there_is_another():
    async def script(peer: Peer) -> None:
        peer.greet((frames.MAX_CONCURRENT_STREAMS, 3))
        streams = [await peer.request() for _ in range(3)]
        await all_here.wait()
        for stream in streams:
            peer.answer(stream)
        while True:
            peer.answer(await peer.request())

    all_here = asyncio.Event()
    async with upstream(script) as one:
        transport = one.transport()
        asking = [asyncio.create_task(ask(transport)) for _ in range(9)]
        await settled(lambda: len(one.peers) == 3)
        all_here.set()
        assert await asyncio.gather(*asking) == [b"abc"] * 9
        assert len(one.peers) == 3
        assert await ask(transport) == b"abc"
        assert len(one.peers) == 3


async def test_a_request_does_not_look_at_each_connection_that_is_full(monkeypatch):
    async def script(peer: Peer) -> None:
        peer.greet((frames.MAX_CONCURRENT_STREAMS, 1))
        while True:
            stream = await peer.request()
            if len(one.peers) == 21:
                peer.answer(stream)
            else:
                peer.send(peer.head(stream, *OK))

    async with upstream(script) as one, AsyncExitStack() as open_:
        transport = one.transport()
        for _ in range(20):
            await open_.enter_async_context(transport.open(POST))
        await ask(transport)
        looks, has_room = [], Http2Connection.has_room.fget
        counted = property(lambda connection: looks.append(connection) or has_room(connection))
        monkeypatch.setattr(Http2Connection, "has_room", counted)
        for _ in range(5):
            await ask(transport)
        assert len(one.peers) == 21
        assert len(looks) < 5 * 5


async def test_a_burst_at_the_start_shares_one_connection():
    async with upstream(obliging) as one:
        transport = one.transport()
        assert await asyncio.gather(*(ask(transport) for _ in range(50))) == [b"abc"] * 50
        assert len(one.peers) == 1


async def test_whoever_leaves_while_it_is_made_takes_it_from_nobody():
    async with upstream(obliging) as one:
        transport = one.transport()
        asking = [asyncio.create_task(ask(transport)) for _ in range(5)]
        await settled(lambda: transport.open_connections == 1)
        asking[0].cancel()
        assert await asyncio.gather(*asking[1:]) == [b"abc"] * 4
        assert len(one.peers) == 1


async def test_an_upstream_that_takes_nothing_now_is_overloaded():
    async def script(peer: Peer) -> None:
        peer.greet((frames.MAX_CONCURRENT_STREAMS, 0))
        await peer.gone.wait()

    async with upstream(script) as one:
        with pytest.raises(Overloaded):
            await ask(one.transport())
        assert len(one.peers) == 1


async def test_connections_at_rest_are_bounded_across_upstreams():
    shared = Resting(most=1)
    async with upstream(obliging) as one, upstream(obliging) as other:
        first, second = one.transport(resting=shared), other.transport(resting=shared)
        await ask(first)
        await ask(second)
        await asyncio.wait_for(one.peers[0].gone.wait(), PATIENCE)
        assert (first.idle_connections, second.idle_connections) == (0, 1)
        async with second.open(GET):
            assert len(shared) == 0


# Windows


async def test_no_more_is_sent_than_the_upstream_takes():
    """And what it takes back while we wait counts (RFC 9113 section 6.9.2)."""
    content = b"x" * 40_000
    taken = bytearray()

    async def until(size: int, peer: Peer) -> None:
        while len(taken) < size:
            taken.extend((await peer.frame(frames.DATA)).payload)
        for _ in range(20):
            await asyncio.sleep(0)
        assert peer.taken.empty()
        assert len(taken) == size

    async def script(peer: Peer) -> None:
        peer.greet((frames.INITIAL_WINDOW_SIZE, 1000))
        stream = await peer.request()
        await until(1000, peer)
        peer.send(frames.write_number(frames.WINDOW_UPDATE, stream, 500))
        await until(1500, peer)
        peer.greet((frames.INITIAL_WINDOW_SIZE, 0))
        peer.send(frames.write_number(frames.WINDOW_UPDATE, stream, 1000))
        await peer.frame(frames.SETTINGS)
        await until(1500, peer)
        peer.send(frames.write_number(frames.WINDOW_UPDATE, stream, 1))
        await until(1501, peer)
        peer.greet((frames.INITIAL_WINDOW_SIZE, 100_000))
        await peer.frame(frames.SETTINGS)
        while len(taken) < len(content):
            taken.extend((await peer.frame(frames.DATA)).payload)
        peer.answer(stream)
        await peer.gone.wait()

    async with upstream(script) as one:
        assert await ask(one.transport(), replace(POST, content=content)) == b"abc"
        assert taken == content


async def test_no_more_is_sent_than_the_connection_takes():
    taken = 0

    async def until(size: int, peer: Peer) -> None:
        nonlocal taken
        while taken < size:
            taken += len((await peer.frame(frames.DATA)).payload)
        for _ in range(20):
            await asyncio.sleep(0)
        assert peer.taken.empty()
        assert taken == size

    async def script(peer: Peer) -> None:
        peer.greet((frames.INITIAL_WINDOW_SIZE, 10_000_000))
        stream = await peer.request()
        await until(65_535, peer)
        peer.send(frames.write_number(frames.WINDOW_UPDATE, 0, 20_000))
        await until(85_535, peer)
        peer.send(frames.write_number(frames.WINDOW_UPDATE, 0, 100_000))
        await until(100_000, peer)
        peer.answer(stream)
        await peer.gone.wait()

    async with upstream(script) as one:
        content = b"x" * 100_000
        assert await ask(one.transport(), replace(POST, content=content)) == b"abc"


async def test_uploads_share_the_window_of_their_connection():
    """One that is large does not keep the others waiting until it is through."""
    first: list[int] = []

    async def script(peer: Peer) -> None:
        peer.greet((frames.INITIAL_WINDOW_SIZE, 10_000_000))
        streams = [await peer.request() for _ in range(2)]
        while len(first) < 40:
            frame = await peer.frame(frames.DATA)
            first.append(frame.stream)
            size = len(frame.payload)
            peer.send(frames.write_number(frames.WINDOW_UPDATE, 0, size))
        for stream in streams:
            peer.answer(stream)
        await peer.gone.wait()

    async with upstream(script) as one:
        transport = one.transport()
        large = replace(POST, content=b"x" * 3_000_000)
        await asyncio.gather(ask(transport, large), ask(transport, large))
        assert min(first[10:].count(1), first[10:].count(3)) > 5


async def test_an_answer_nobody_reads_stops_no_other_on_its_connection():
    async def script(peer: Peer) -> None:
        peer.greet()
        unread = await peer.request()
        peer.send(peer.head(unread, *OK), *(data(unread, b"x" * 16_384) for _ in range(16)))
        while True:
            stream = await peer.request()
            peer.send(peer.head(stream, *OK))
            for _ in range(20):
                for _ in range(8):
                    peer.send(data(stream, b"y" * 16_384))
                await peer.frame(frames.WINDOW_UPDATE)
            peer.send(data(stream, b"", last=True))

    async with upstream(script) as one:
        transport = one.transport()
        async with transport.open(GET) as unread:
            assert len(await ask(transport)) == 20 * 8 * 16_384
            assert len(await anext(unread.chunks())) == WINDOW


# Whether it lives


async def test_a_ping_is_answered():
    async def script(peer: Peer) -> None:
        peer.greet()
        stream = await peer.request()
        peer.send(frames.write(frames.PING, 0, 0, b"whatever"))
        answer = await peer.frame(frames.PING)
        assert (answer.flags, answer.payload) == (frames.ACK, b"whatever")
        peer.answer(stream)
        await peer.gone.wait()

    async with upstream(script) as one:
        assert await ask(one.transport()) == b"abc"


async def test_the_key_is_in_no_log_whatever_the_level(caplog):
    """G-01"""
    caplog.set_level("DEBUG")
    async with upstream(obliging) as one:
        secret = b"Bearer sk-0123456789"
        request = replace(POST, fields=((b"authorization", secret),))
        assert await ask(one.transport(), request) == b"abc"
        assert "sk-0123456789" not in caplog.text
        assert "hpack" not in caplog.text


@pytest.mark.parametrize("lives", [True, False])
async def test_an_upstream_that_falls_silent_is_asked_whether_it_lives(lives, monkeypatch):
    """Else whoever asks next is put where nobody answers any more."""
    monkeypatch.setattr(http2_connection, "QUIET", 0.05)
    monkeypatch.setattr(http2_connection, "ANSWERS_PING", PATIENCE if lives else 0.05)
    pings = 0

    async def script(peer: Peer) -> None:
        nonlocal pings
        peer.greet()
        stream = await peer.request()
        while pings < 3:
            ping = await peer.frame(frames.PING)
            pings += 1
            if lives:
                peer.send(frames.write(frames.PING, frames.ACK, 0, ping.payload))
        peer.answer(stream)
        await peer.gone.wait()

    async with upstream(script) as one:
        asking = ask(one.transport(), POST)
        if lives:
            assert await asking == b"abc"
            assert pings == 3
            return
        with pytest.raises(UpstreamTimeout) as caught:
            await asking
        assert caught.value.error_type == "connection_read_timeout"
        await asyncio.wait_for(one.peers[0].gone.wait(), PATIENCE)
        assert pings == 1


async def test_one_that_is_silent_is_left_though_more_and_more_is_asked_of_it(monkeypatch):
    """RF-03: each new request would have put off the question, and joined those that wait."""
    monkeypatch.setattr(http2_connection, "QUIET", 0.2)
    monkeypatch.setattr(http2_connection, "ANSWERS_PING", 0.2)

    async def script(peer: Peer) -> None:
        peer.greet()
        if len(one.peers) > 1:
            while True:
                peer.answer(await peer.request())
        await peer.gone.wait()

    async with upstream(script) as one:
        transport = one.transport()
        asking = []
        async with asyncio.timeout(PATIENCE):
            while len(one.peers) < 2:
                asking.append(asyncio.create_task(ask(transport, POST)))
                await asyncio.sleep(0.05)
        outcomes = await asyncio.gather(*asking, return_exceptions=True)
        assert isinstance(outcomes[0], UpstreamTimeout)
        assert outcomes[-1] == b"abc"
