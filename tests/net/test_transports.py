"""What the pipelines may rely on, over HTTP/1.1 and over HTTP/2: one set of tests for both.

`test_http1.py` and `test_http2.py` have what is the bytes' own.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable

import pytest
from msgspec.structs import replace

from gateway.core.errors import (
    GatewayError,
    Overloaded,
    UpstreamBrokeOff,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from gateway.net.upstream.clocks import Clocks
from tests.net.wires import GET, POST, WIRES, Asked, Wire, answering, ask, settled
from tests.support.garbage import none_of_ours

pytestmark = pytest.mark.anyio

MORE = 8 * 1024 * 1024  # bytes: more than fits in any buffer on the way


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request):
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture(params=WIRES)
def protocol(request) -> str:
    return request.param


# What is sent


async def test_the_upstream_gets_the_request_and_nothing_else(protocol):
    async with Wire(answering(), protocol) as wire:
        transport = wire.transport()
        assert await ask(transport, POST) == b"abc"
        assert await ask(transport, GET) == b"abc"
        posted, got = wire.asked
        host = (b"host", transport.authority.encode())
        assert (posted.method, posted.target) == ("POST", "/a")
        assert posted.fields == [host, *POST.fields, (b"content-length", b"7")]
        assert posted.came == POST.content
        assert (got.method, got.target) == ("GET", "/a?b=c")
        assert got.fields == [host, *GET.fields]
        assert wire.connections == 1


@pytest.mark.parametrize("size", [0, 1, 16_384, 16_385, 65_536, 2_000_000])
async def test_a_content_of_any_size_arrives_whole(protocol, size):
    content = bytes(range(256)) * (size // 256 + 1)
    async with Wire(answering(), protocol) as wire:
        await ask(wire.transport(), replace(POST, content=content[:size]))
        assert bytes(wire.asked[0].came) == content[:size]
        assert dict(wire.asked[0].fields)[b"content-length"] == b"%d" % size


async def test_a_long_field_arrives_whole(protocol):
    long = bytes(range(0x21, 0x7F)) * 200
    async with Wire(answering(), protocol) as wire:
        await ask(wire.transport(), replace(GET, fields=((b"x-a", long), (b"x-b", b"1"))))
        assert wire.asked[0].fields[1:] == [(b"x-a", long), (b"x-b", b"1")]


@pytest.mark.parametrize(
    "bad",
    [
        *(
            pytest.param(replace(GET, target=target), id=f"S-19 target {target!a}")
            for target in (
                "",
                "a",
                "*",
                "http://evil/",
                "/a b",
                "/a\r\nx: y",
                "/a#b",
                "/é",
                "/\x7f",
            )
        ),
        *(
            pytest.param(replace(GET, method=method), id=f"S-21 method {method!a}")
            for method in ("", "get", "GET /x HTTP/1.1\r\nx:", "G T", "GET\n")
        ),
        *(
            pytest.param(replace(GET, fields=((b"a", value),)), id=f"S-30 value {value!a}")
            for value in (b"b\r\nc: d", b"b\nc: d", b"b\rc", b"b\0c")
        ),
        pytest.param(replace(GET, fields=((b"a\r\nb", b"c"),)), id="S-30 name"),
        *(
            pytest.param(replace(GET, fields=((name, b"1"),)), id=f"ME-10 {name!a}")
            for name in (b"host", b"content-length", b"transfer-encoding", b"connection", b"expect")
        ),
    ],
)
async def test_a_request_that_is_another_one_on_the_wire_is_never_sent(protocol, bad):
    async with Wire(answering(), protocol) as wire:
        with pytest.raises(ValueError, match="request"):
            wire.transport().open(bad)
        assert wire.connections == 0


async def test_asks_no_proxy_of_the_environment(protocol, monkeypatch):
    """R-11"""
    for name in (
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
    ):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with Wire(answering(), protocol) as wire:
        assert await ask(wire.transport()) == b"abc"


# What comes back


async def test_gives_status_and_fields_as_they_came_and_the_body_piece_by_piece(protocol):
    gate = asyncio.Event()

    async def script(asked: Asked) -> None:
        asked.head(418, [(b"x-one", b"1"), (b"x-one", b"2")])
        asked.body(b"one")
        await gate.wait()
        asked.body(b"two", last=True)

    async with Wire(script, protocol) as wire, wire.transport().open(POST) as response:
        chunks = response.chunks()
        assert response.status == 418
        assert [pair for pair in response.fields if pair[0] == b"x-one"] == [
            (b"x-one", b"1"),
            (b"x-one", b"2"),
        ]
        assert await anext(chunks) == b"one"
        gate.set()
        assert [chunk async for chunk in chunks] == [b"two"]


async def test_follows_no_redirect_keeps_no_cookie_and_decodes_nothing(protocol):
    """D-01, D-02, ME-7, L-10"""
    said = [
        (b"location", b"/other"),
        (b"set-cookie", b"sid=ALICE"),
        (b"content-encoding", b"gzip"),
        (b"content-length", b"5"),
    ]
    async with Wire(answering(b"plain", status=302, fields=said), protocol) as wire:
        transport = wire.transport()
        async with transport.open(GET) as response:
            assert response.status == 302
            assert list(response.fields) == said
            assert [chunk async for chunk in response.chunks()] == [b"plain"]
        await ask(transport)
        assert wire.asked[0].fields == wire.asked[1].fields
        assert len(wire.asked) == 2


@pytest.mark.parametrize(
    ("method", "status", "fields"),
    [
        ("HEAD", 200, [(b"content-length", b"999")]),
        ("GET", 204, []),
        ("GET", 304, [(b"content-length", b"999")]),
        ("GET", 404, []),
    ],
)
async def test_an_answer_without_a_body_is_whole_with_its_head(protocol, method, status, fields):
    async def script(asked: Asked) -> None:
        await asked.content()
        asked.head(status, fields, last=True)

    request = replace(GET, method=method)
    async with Wire(script, protocol) as wire, wire.transport().open(request) as response:
        assert response.status == status
        assert [chunk async for chunk in response.chunks()] == []


async def test_interim_answers_are_passed_over(protocol):
    """S-27, L-11"""

    async def script(asked: Asked) -> None:
        await asked.content()
        asked.head(100)
        asked.head(103, [(b"link", b"</style.css>")])
        asked.head(200, [(b"x-a", b"1")])
        asked.body(b"abc", last=True)

    async with Wire(script, protocol) as wire, wire.transport().open(POST) as response:
        assert response.status == 200
        assert (b"link", b"</style.css>") not in response.fields
        assert [chunk async for chunk in response.chunks()] == [b"abc"]


async def test_a_large_body_arrives_whole_though_it_is_taken_slowly(protocol):
    body = bytes(range(256)) * (MORE // 256)
    async with Wire(answering(body), protocol) as wire:
        taken = bytearray()
        async with wire.transport().open(GET) as response:
            async for chunk in response.chunks():
                assert len(chunk) <= 65_536 + 262_144  # what is held, and one more read
                taken += chunk
                await asyncio.sleep(0)
        assert bytes(taken) == body


class Flood:
    """An answer of 64 MiB, of which so much has been `sent`; it begins when it is told to."""

    def __init__(self) -> None:
        self.sent = 0
        self.begins = asyncio.Event()

    async def script(self, asked: Asked) -> None:
        await asked.content()
        asked.head(200)
        await self.begins.wait()
        while self.sent < 64 * 1024 * 1024:
            asked.body(b"x" * 65_536)
            await asked.drain()
            self.sent += 65_536

    async def stands(self) -> None:
        """Wait until no more goes out, and see that this is soon."""
        before = -1
        while before < self.sent:
            before = self.sent
            await asyncio.sleep(0.1)
        assert self.sent < 32 * 1024 * 1024  # what is on the way in kernels' buffers


async def test_what_nobody_takes_stays_with_the_upstream(protocol):
    """N-03: the memory of an answer that is not read is bounded."""
    flood = Flood()
    flood.begins.set()
    async with Wire(flood.script, protocol) as wire, wire.transport().open(GET) as response:
        chunks = response.chunks()
        await anext(chunks)
        await flood.stands()
        assert len(await anext(chunks)) < 1_048_576


async def test_many_at_once_each_get_their_own(protocol):
    async def script(asked: Asked) -> None:
        content = await asked.content()
        asked.head(200)
        for number in range(5):
            asked.body(b"%b %d;" % (content, number))
            await asyncio.sleep(0)
        asked.body(asked.target.encode(), last=True)

    async def one(transport, number: int) -> None:
        request = replace(POST, target=f"/{number}", content=b"%d" % number)
        pieces = b"".join(b"%d %d;" % (number, piece) for piece in range(5))
        assert await ask(transport, request) == pieces + b"/%d" % number

    async with Wire(script, protocol) as wire:
        transport = wire.transport()
        await asyncio.gather(*(one(transport, number) for number in range(200)))


# The shortcut of an answer


class Stream:
    """An answer whose pieces come when a test says so, and what takes them."""

    def __init__(self, takes: Callable[[bytes], bool] = lambda piece: True) -> None:
        self.came: list[bytes] = []
        self.pieces: asyncio.Queue[bytes] = asyncio.Queue()
        self._takes = takes

    async def script(self, asked: Asked) -> None:
        await asked.content()
        asked.head(200)
        while piece := await self.pieces.get():
            asked.body(piece)
        asked.body(b"", last=True)

    def take(self, piece: bytes) -> bool:
        self.came.append(piece)
        return self._takes(piece)

    async def comes(self, piece: bytes) -> None:
        """Send it, and wait until it has been offered."""
        before = len(self.came)
        self.pieces.put_nowait(piece)
        await settled(lambda: len(self.came) > before)


async def has_come() -> None:
    """Let what is on its way come: a while of the clock, and turns of the loop, which may lag."""
    await asyncio.sleep(0.05)
    for _ in range(50):
        await asyncio.sleep(0)


async def test_what_a_shortcut_takes_wakes_nobody_and_what_it_does_not_is_held(protocol):
    stream = Stream(lambda piece: not piece.startswith(b"look"))
    async with Wire(stream.script, protocol) as wire, wire.transport().open(POST) as response:
        chunks = response.chunks(stream)
        waiting = asyncio.ensure_future(anext(chunks))
        for piece in (b"a", b"b"):
            await stream.comes(piece)
        assert not waiting.done()
        await stream.comes(b"look")
        assert await waiting == b"look"
        stream.pieces.put_nowait(b"c")  # nobody waits, so it is offered to nobody
        await has_come()
        assert await anext(chunks) == b"c"
        waiting = asyncio.ensure_future(anext(chunks))
        await stream.comes(b"d")
        assert not waiting.done()
        stream.pieces.put_nowait(b"")
        with pytest.raises(StopAsyncIteration):
            await waiting
        assert stream.came == [b"a", b"b", b"look", b"d"]


async def test_whoever_has_left_is_offered_nothing(protocol):
    stream = Stream()
    async with Wire(stream.script, protocol) as wire:
        async with wire.transport().open(POST) as response:
            waiting = asyncio.ensure_future(anext(response.chunks(stream)))
            await stream.comes(b"a")
            stream.pieces.put_nowait(b"b")
            waiting.cancel()
            await asyncio.wait([waiting])
        await settled(lambda: wire.asked[0].left)
        assert stream.came in ([b"a"], [b"a", b"b"])


async def test_all_of_a_large_answer_goes_by_the_shortcut(protocol):
    """What it takes has been taken: the upstream may send more."""
    stream = Stream()
    body = bytes(range(256)) * (MORE // 256)
    async with Wire(stream.script, protocol) as wire, wire.transport().open(GET) as response:
        chunks = response.chunks(stream)
        waiting = asyncio.ensure_future(anext(chunks))
        stream.pieces.put_nowait(body)
        await settled(lambda: sum(map(len, stream.came)) == len(body))
        assert not waiting.done()
        assert b"".join(stream.came) == body
        stream.pieces.put_nowait(b"")
        with pytest.raises(StopAsyncIteration):
            await waiting


async def test_what_the_shortcut_cannot_take_slows_the_upstream(protocol):
    """E-12: the client reads no more, so its shortcut takes no more."""
    flood = Flood()
    stream = Stream(lambda piece: flood.sent < MORE)
    async with Wire(flood.script, protocol) as wire, wire.transport().open(GET) as response:
        waiting = asyncio.ensure_future(anext(response.chunks(stream)))
        await asyncio.sleep(0)
        flood.begins.set()
        assert (await waiting).startswith(stream.came[-1])
        assert flood.sent >= MORE
        await flood.stands()


async def test_what_takes_the_shortcut_starts_the_clock_anew(protocol):
    stream = Stream()
    async with (
        Wire(stream.script, protocol) as wire,
        wire.transport(clocks=Clocks(idle=1.0)).open(GET) as response,
    ):
        waiting = asyncio.ensure_future(anext(response.chunks(stream)))
        for _ in range(4):
            await asyncio.sleep(0.3)
            await stream.comes(b"a")
        last = asyncio.get_running_loop().time()
        assert not waiting.done()
        with pytest.raises(UpstreamTimeout) as caught:
            await waiting
        assert asyncio.get_running_loop().time() >= last + 0.9
        assert caught.value.error_type == "connection_read_timeout"


# Uploads


async def coming(*pieces: bytes, closed: list[bool] | None = None) -> AsyncGenerator[bytes, None]:
    try:
        for piece in pieces:
            yield piece
            await asyncio.sleep(0)
    finally:
        if closed is not None:
            closed.append(True)


async def test_a_stream_is_sent_as_it_comes(protocol):
    closed: list[bool] = []
    async with Wire(answering(), protocol) as wire:
        pieces = (b"first", b"x" * 500_000, b"last")
        for _ in range(2):
            stream = coming(*pieces, closed=closed)
            assert await ask(wire.transport(), replace(POST, stream=stream)) == b"abc"
        assert [bytes(asked.came) for asked in wire.asked] == [b"".join(pieces)] * 2
        assert b"content-length" not in dict(wire.asked[0].fields)
        assert closed == [True, True]


async def test_a_stream_is_heard_before_it_has_ended(protocol):
    heard = asyncio.Event()

    async def pieces() -> AsyncGenerator[bytes, None]:
        yield b"one"
        await heard.wait()
        yield b"two"

    async def script(asked: Asked) -> None:
        await settled(lambda: bytes(asked.came) == b"one")
        heard.set()
        await answering()(asked)

    async with Wire(script, protocol) as wire:
        assert await ask(wire.transport(), replace(POST, stream=pieces())) == b"abc"
        assert bytes(wire.asked[0].came) == b"onetwo"


async def test_an_answer_that_comes_early_ends_the_upload(protocol):
    closed: list[bool] = []

    async def script(asked: Asked) -> None:
        asked.head(413)
        asked.body(b"big", last=True)

    async def endless() -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield b"x" * 10_000
                await asyncio.sleep(0.001)
        finally:
            closed.append(True)

    request = replace(POST, stream=endless())
    async with Wire(script, protocol) as wire, wire.transport().open(request) as response:
        assert response.status == 413
        assert closed == [True]
        assert [chunk async for chunk in response.chunks()] == [b"big"]


async def test_an_upload_that_fails_ends_the_request_and_is_told(protocol):
    async def fails() -> AsyncGenerator[bytes, None]:
        yield b"half"
        raise KeyError("the client")

    async def script(asked: Asked) -> None:
        await asked.until_gone()

    async with Wire(script, protocol) as wire:
        with pytest.raises(KeyError):
            await ask(wire.transport(), replace(POST, stream=fails()))
        await settled(lambda: wire.asked != [] and wire.asked[0].left)
        assert not wire.asked[0].whole.is_set()


# What goes wrong


async def test_a_body_that_is_cut_is_given_as_far_as_it_came_and_then_an_error(protocol):
    """L-12"""

    async def script(asked: Asked) -> None:
        await asked.content()
        asked.head(200)
        asked.body(b"abc")
        await gate.wait()
        asked.cut()

    gate = asyncio.Event()
    async with Wire(script, protocol) as wire, wire.transport().open(GET) as response:
        chunks = response.chunks()
        assert await anext(chunks) == b"abc"
        gate.set()
        with pytest.raises(UpstreamBrokeOff) as caught:
            await anext(chunks)
        assert caught.value.error_type == "http_response_incomplete"


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("late", [False, True])
async def test_what_breaks_off_leaves_nothing_to_the_collector(protocol, begun, late):
    async def script(asked: Asked) -> None:
        await asked.content()
        if begun:
            asked.head(200)
            asked.body(b"abc")
        if late:
            await asked.until_gone()
        else:
            asked.cut()

    async def broken_off() -> None:
        asking = asyncio.ensure_future(ask(transport, POST))
        await asyncio.wait([asking])
        assert isinstance(asking.exception(), GatewayError)

    async with Wire(script, protocol) as wire:
        transport = wire.transport(clocks=Clocks(first_byte=0.05, idle=0.05) if late else Clocks())
        await broken_off()
        with none_of_ours():
            for _ in range(3):
                await asyncio.create_task(broken_off())
            await asyncio.sleep(0)


async def test_an_upload_that_breaks_off_leaves_nothing_to_the_collector_either(protocol):
    async def script(asked: Asked) -> None:
        await settled(lambda: len(asked.came) > 0)
        asked.cut()

    async def broken_off() -> None:
        asking = asyncio.ensure_future(ask(transport, replace(POST, stream=endless())))
        await asyncio.wait([asking])
        assert isinstance(asking.exception(), GatewayError)

    async def endless() -> AsyncGenerator[bytes, None]:
        while True:
            yield b"x" * 10_000
            await asyncio.sleep(0)

    async with Wire(script, protocol) as wire:
        transport = wire.transport()
        await broken_off()
        with none_of_ours():
            for _ in range(3):
                await asyncio.create_task(broken_off())
            await asyncio.sleep(0)


@pytest.mark.parametrize("size", [b"2", b"4"], ids=["S-26 more", "S-26 less"])
async def test_a_body_of_another_length_than_was_said_is_an_error(protocol, size):
    """What is too much reaches nobody."""

    async def script(asked: Asked) -> None:
        await asked.content()
        asked.head(200, [(b"content-length", size)])
        asked.body(b"abc", last=True)
        if protocol == "http/1.1":
            asked.cut()

    taken = b""
    async with Wire(script, protocol) as wire:
        try:
            async with wire.transport().open(POST) as response:
                async for chunk in response.chunks():
                    taken += chunk
        except UpstreamError:
            pass
        else:
            assert (protocol, size) == ("http/1.1", b"2")  # there the rest is the next answer's
        assert len(taken) <= int(size)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_answer_that_never_came_is_a_502(protocol, method):
    async def script(asked: Asked) -> None:
        await asked.content()
        asked.cut()

    async with Wire(script, protocol) as wire:
        with pytest.raises(UpstreamBrokeOff) as caught:
            await ask(wire.transport(), replace(POST, method=method))
        assert caught.value.error_type == "connection_terminated"
        assert len(wire.asked) == 1, "on a connection that is new it is not tried again"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_no_request_is_lost_on_a_connection_that_has_just_been_closed(protocol, method):
    """S-28, RF-06: the kernel knew."""
    async with Wire(answering(), protocol) as wire:
        transport = wire.transport()
        for number in (1, 2, 3):
            assert await ask(transport, replace(POST, method=method)) == b"abc"
            assert (len(wire.asked), wire.connections) == (number, number)
            wire.shut()


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_what_may_have_been_heard_is_never_sent_again(protocol, method):
    """S-28, RF-05"""

    async def script(asked: Asked) -> None:
        await asked.content()
        if len(wire.asked) == 2:
            asked.cut()
        else:
            asked.head(200)
            asked.body(b"abc", last=True)

    again = replace(POST, method=method)
    async with Wire(script, protocol) as wire:
        transport = wire.transport()
        assert await ask(transport, again) == b"abc"
        with pytest.raises(UpstreamBrokeOff):
            await ask(transport, again)
        assert len(wire.asked) == 2
        assert await ask(transport, again) == b"abc"


async def test_a_get_on_a_connection_that_had_been_used_is_sent_once_more(protocol):
    """S-28, RF-05"""

    async def script(asked: Asked) -> None:
        await asked.content()
        if len(wire.asked) == 2:
            asked.cut()
        else:
            asked.head(200)
            asked.body(b"%d" % len(wire.asked), last=True)

    async with Wire(script, protocol) as wire:
        transport = wire.transport()
        assert [await ask(transport) for _ in range(2)] == [b"1", b"3"]


async def test_an_upstream_that_is_not_there_cannot_be_reached(protocol):
    async with Wire(answering(), protocol) as wire:
        transport = wire.transport()
        wire._server.close()
        await wire._server.wait_closed()
        with pytest.raises(UpstreamUnreachable) as caught:
            await ask(transport)
        assert caught.value.error_type == "connection_refused"
        await settled(lambda: transport.open_connections == 0)


async def test_a_certificate_that_does_not_hold_is_no_upstream(protocol):
    async with Wire(answering(), protocol) as wire:
        with pytest.raises(UpstreamUnreachable) as caught:
            await ask(wire.transport(ssl_context=None))
        assert caught.value.error_type == "tls_certificate_error"
        assert wire.asked == []


# Clocks


async def test_an_answer_that_does_not_begin_is_a_timeout(protocol):
    async def script(asked: Asked) -> None:
        await asked.until_gone()

    async with Wire(script, protocol) as wire:
        with pytest.raises(UpstreamTimeout) as caught:
            await ask(wire.transport(clocks=Clocks(first_byte=0.05)))
        assert caught.value.error_type == "http_response_timeout"
        await settled(lambda: wire.asked[0].left)
        assert len(wire.asked) == 1


async def test_a_body_that_pauses_too_long_is_a_timeout_after_what_came(protocol):
    """RF-08"""

    async def script(asked: Asked) -> None:
        await asked.content()
        asked.head(200)
        asked.body(b"abc")
        await asked.until_gone()

    async with Wire(script, protocol) as wire:
        async with wire.transport(clocks=Clocks(idle=0.05)).open(GET) as response:
            chunks = response.chunks()
            assert await anext(chunks) == b"abc"
            with pytest.raises(UpstreamTimeout) as caught:
                await anext(chunks)
        assert caught.value.error_type == "connection_read_timeout"
        await settled(lambda: wire.asked[0].left)


async def test_every_piece_of_a_body_starts_the_clock_anew(protocol):
    async def script(asked: Asked) -> None:
        await asked.content()
        asked.head(200)
        for _ in range(15):
            asked.body(b"a")
            await asyncio.sleep(0.1)
        asked.body(b"", last=True)

    async with Wire(script, protocol) as wire:
        assert await ask(wire.transport(clocks=Clocks(idle=1.2))) == b"a" * 15


async def test_a_client_that_takes_its_time_is_no_fault_of_the_upstream(protocol):
    async def script(asked: Asked) -> None:
        await asked.content()
        asked.head(200)
        asked.body(b"abc")
        await gate.wait()
        asked.body(b"def", last=True)

    gate = asyncio.Event()
    async with (
        Wire(script, protocol) as wire,
        wire.transport(clocks=Clocks(idle=0.3)).open(GET) as response,
    ):
        chunks = response.chunks()
        assert await anext(chunks) == b"abc"
        await asyncio.sleep(0.5)
        gate.set()
        assert [chunk async for chunk in chunks] == [b"def"]


# Leaving, and places


async def begun(asked: Asked) -> None:
    """Answers that begin and do not end."""
    await asked.content()
    asked.head(200)
    asked.body(b"abc")
    await asked.until_gone()


@pytest.mark.parametrize("how", ["without a word", "by a break", "by an exception", "by a cancel"])
async def test_the_upstream_hears_at_once_of_whoever_leaves(protocol, how):
    """A person who presses "stop" pays for no more words."""

    async def leave(transport) -> None:
        async with transport.open(POST) as response:
            if how == "without a word":
                return
            async for _ in response.chunks():
                if how == "by a break":
                    break
                if how == "by an exception":
                    raise KeyError
                inside.set()

    inside = asyncio.Event()
    async with Wire(begun, protocol) as wire:
        transport = wire.transport(max_connections=1)
        leaving = asyncio.create_task(leave(transport))
        if how == "by a cancel":
            await asyncio.wait_for(inside.wait(), 10)
            leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        await wire.asked[0].until_gone()
        assert wire.asked[0].left
        wire.script = answering()
        assert await ask(transport) == b"abc"


async def test_a_storm_of_cancels_loses_no_place(protocol):
    """ME-11: at every moment of an exchange, one after the other and under contention."""
    async with Wire(begun, protocol) as wire:
        transport = wire.transport(max_connections=5, pool_wait=10)
        for spread in range(40):
            asking = [asyncio.create_task(ask(transport)) for _ in range(12)]
            for _ in range(spread):
                await asyncio.sleep(0)
            for task in asking:
                task.cancel()
            await asyncio.wait(asking)
        wire.script = answering()
        assert await asyncio.gather(*(ask(transport) for _ in range(20))) == [b"abc"] * 20
        assert transport.waiting == 0


async def test_no_more_run_than_may_and_the_rest_wait_in_line(protocol):
    gate = asyncio.Event()

    async def script(asked: Asked) -> None:
        await asked.content()
        await gate.wait()
        asked.head(200)
        asked.body(b"abc", last=True)

    async with Wire(script, protocol) as wire:
        transport = wire.transport(max_connections=2, max_waiters=1, pool_wait=10)
        asking = [asyncio.create_task(ask(transport)) for _ in range(3)]
        await settled(lambda: len(wire.asked) == 2 and transport.waiting == 1)
        with pytest.raises(Overloaded):
            await ask(transport)
        assert len(wire.asked) == 2
        gate.set()
        assert await asyncio.gather(*asking) == [b"abc"] * 3


async def test_who_waits_too_long_for_a_place_is_told(protocol):
    async with Wire(begun, protocol) as wire:
        transport = wire.transport(max_connections=1, pool_wait=0.05)
        async with transport.open(GET):
            with pytest.raises(Overloaded):
                await ask(transport)
        assert len(wire.asked) == 1


async def test_a_connection_at_rest_expires(protocol):
    async with Wire(answering(), protocol) as wire:
        transport = wire.transport(clocks=Clocks(keepalive=0.05))
        await ask(transport)
        assert transport.idle_connections == 1
        await settled(lambda: not wire.open and transport.open_connections == 0)


async def test_an_old_connection_takes_no_further_exchange(protocol):
    """A name may mean another address by now."""
    async with Wire(answering(), protocol) as wire:
        transport = wire.transport(clocks=Clocks(max_age=0.2))
        await ask(transport)
        await asyncio.sleep(0.25)
        await ask(transport)
        assert wire.connections == 2


async def test_a_response_kept_beyond_its_exchange_reads_nobody_elses_answer(protocol):
    async with Wire(answering(), protocol) as wire:
        transport = wire.transport()
        async with transport.open(GET) as kept:
            assert [chunk async for chunk in kept.chunks()] == [b"abc"]
        async with transport.open(GET):
            with pytest.raises(RuntimeError):
                await anext(kept.chunks())


async def test_closing_the_transport_ends_every_exchange_and_begins_none(protocol):
    async with Wire(begun, protocol) as wire:
        transport = wire.transport(max_connections=1, pool_wait=10)
        async with transport.open(GET) as response:
            chunks = response.chunks()
            assert await anext(chunks) == b"abc"
            waiting = asyncio.create_task(ask(transport))
            await settled(lambda: transport.waiting == 1)
            await transport.aclose()
            assert transport.open_connections == 0
            with pytest.raises(UpstreamBrokeOff):
                await anext(chunks)
            with pytest.raises(Overloaded):
                await waiting
        with pytest.raises(GatewayError):
            await ask(transport)
        await transport.aclose()
