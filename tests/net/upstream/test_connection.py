"""One connection against a transport of our own: the order of events is the test's to choose."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace

import pytest

from gateway.core.errors import (
    GatewayError,
    UpstreamBrokeOff,
    UpstreamMalformed,
    UpstreamTimeout,
)
from gateway.net.upstream.clocks import Clocks
from gateway.net.upstream.connection import MAX_HELD, Connection
from gateway.net.upstream.sending import SLICE
from tests.net.recorder import until
from tests.net.scripted_upstream import CHUNKED, LENGTH, OK
from tests.support.garbage import none_of_ours

pytestmark = pytest.mark.anyio

CLOCKS = Clocks(connect=5, write=15, first_byte=120, idle=120, keepalive=15, max_age=300)

NO_SOCKET = SimpleNamespace(fileno=lambda: -1)


class Wire(asyncio.Transport):
    """Keeps what is written; `steps` is what else it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.steps: list[str] = []
        self.unsent = 0
        self.closing = False
        self.after_write = lambda: None

    def write(self, data) -> None:
        assert not self.closing, "uvloop raises when a closed transport is written to"
        self.written.append(bytes(data))
        self.after_write()

    def abort(self) -> None:
        self.closing = True

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        self.steps.append("pause")

    def resume_reading(self) -> None:
        self.steps.append("resume")

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def set_write_buffer_limits(self, high=None, low=None) -> None:
        self.high = high

    def get_extra_info(self, name, default=None):
        return NO_SOCKET if name == "socket" else default


Ending = Callable[[Connection, bytes], Awaitable[None]]


async def whole(connection: Connection) -> None:
    """Ask, and read to the end."""
    answer = await connection.ask("POST", b"request")
    while True:
        await connection.more(answer)


def connected(**clocks: float) -> tuple[Connection, Wire]:
    settings = {name: getattr(CLOCKS, name) for name in CLOCKS.__slots__} | clocks
    connection = Connection(Clocks(**settings), lambda _: None)
    wire = Wire()
    connection.connection_made(wire)
    return connection, wire


async def answered(connection: Connection, raw: bytes):
    asking = asyncio.ensure_future(connection.ask("POST", b"request"))
    await asyncio.sleep(0)
    connection.data_received(raw)
    return await asking


async def ended(connection: Connection, answer) -> None:
    with pytest.raises(StopAsyncIteration):
        await connection.more(answer)


async def test_what_nobody_takes_is_left_to_the_kernel():
    connection, wire = connected()
    answer = await answered(connection, OK + b"content-length: 1000000\r\n\r\n")
    connection.data_received(b"a" * (MAX_HELD // 2))
    assert wire.steps == []
    connection.data_received(b"b" * MAX_HELD)
    connection.data_received(b"c")
    assert wire.steps == ["pause"]
    assert len(await connection.more(answer)) == MAX_HELD // 2 + MAX_HELD + 1
    assert wire.steps == ["pause", "resume"]
    connection.data_received(b"d" * (MAX_HELD + 1))
    assert wire.steps == ["pause", "resume", "pause"]


async def test_never_stops_reading_while_there_is_nothing_to_take():
    connection, wire = connected()
    await answered(
        connection, OK + b"x: " + b"a" * 60_000 + b"\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    connection.data_received(b"1;" + b"x" * 60_000)
    assert wire.steps == []


async def test_pieces_that_came_together_are_taken_together():
    connection, _ = connected()
    answer = await answered(connection, CHUNKED + b"1\r\na\r\n1\r\nb\r\n")
    connection.data_received(b"1\r\nc\r\n0\r\n\r\n")
    assert await connection.more(answer) == b"abc"
    await ended(connection, answer)
    assert connection.finish()


async def test_half_a_chunk_header_is_no_news():
    connection, _ = connected()
    answer = await answered(connection, CHUNKED)
    waiting = asyncio.ensure_future(connection.more(answer))
    for byte in b"1\r\n":
        connection.data_received(bytes([byte]))
        await asyncio.sleep(0)
    assert not waiting.done()
    connection.data_received(b"a")
    assert await waiting == b"a"


async def test_what_a_shortcut_takes_wakes_nobody():
    connection, _ = connected()
    answer = await answered(connection, CHUNKED)
    taken = []

    def shortcut(chunk: bytes) -> bool:
        taken.append(chunk)
        return chunk != b"look"

    waiting = asyncio.ensure_future(connection.more(answer, SimpleNamespace(take=shortcut)))
    await asyncio.sleep(0)
    for piece in (b"1\r\na\r\n", b"1\r\nb\r\n1\r\n", b"c\r\n"):
        connection.data_received(piece)
        await asyncio.sleep(0)
    assert (taken, waiting.done()) == ([b"a", b"b", b"c"], False)
    connection.data_received(b"4\r\nlook\r\n")
    connection.data_received(b"1\r\nd\r\n")
    assert await waiting == b"look"
    assert await connection.more(answer) == b"d"
    assert taken == [b"a", b"b", b"c", b"look"], "nothing passes what somebody was woken for"


async def test_nothing_takes_a_shortcut_while_nobody_waits():
    connection, _ = connected()
    answer = await answered(connection, CHUNKED)
    taken = []
    waiting = asyncio.ensure_future(connection.more(answer, SimpleNamespace(take=taken.append)))
    await asyncio.sleep(0)
    waiting.cancel()
    connection.data_received(b"1\r\na\r\n")
    await asyncio.wait([waiting])
    connection.data_received(b"1\r\nb\r\n")
    assert taken == []
    assert await connection.more(answer) == b"ab"


async def test_the_end_of_an_answer_takes_no_shortcut():
    connection, _ = connected()
    answer = await answered(connection, CHUNKED)
    waiting = asyncio.ensure_future(connection.more(answer, SimpleNamespace(take=lambda _: True)))
    await asyncio.sleep(0)
    connection.data_received(b"1\r\na\r\n")
    connection.data_received(b"1\r\nb\r\n0\r\n\r\n")
    assert await waiting == b"b"
    await ended(connection, answer)
    assert connection.finish()


async def test_what_took_a_shortcut_starts_the_clock_anew():
    connection, wire = connected(idle=0.2)
    answer = await answered(connection, CHUNKED)
    waiting = asyncio.ensure_future(connection.more(answer, SimpleNamespace(take=lambda _: True)))
    loop = asyncio.get_running_loop()
    for _ in range(4):
        await asyncio.sleep(0.1)
        connection.data_received(b"1\r\na\r\n")
        last = loop.time()
    assert not waiting.done()
    with pytest.raises(UpstreamTimeout):
        await waiting
    assert loop.time() >= last + 0.2 - 0.01
    assert wire.closing


async def test_an_answer_in_time_counts_though_the_loop_comes_to_it_late():
    """RF-48: held up, the loop finds bytes and an overdue clock in one turn, bytes first."""
    connection, wire = connected(idle=0.01)
    answer = await answered(connection, CHUNKED)
    waiting = asyncio.ensure_future(connection.more(answer))
    await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    loop.call_soon(connection.data_received, b"1\r\na\r\n")
    held_up = loop.time() + 0.02
    while loop.time() < held_up:
        pass
    assert await waiting == b"a"
    assert not wire.closing
    with pytest.raises(UpstreamTimeout):
        await connection.more(answer)


async def test_an_answer_before_all_was_sent_is_the_last_though_the_kernel_took_every_byte():
    connection, wire = connected()
    wire.after_write = connection.pause_writing
    asking = asyncio.ensure_future(connection.ask("POST", b"x" * (2 * SLICE)))
    await asyncio.sleep(0)
    connection.data_received(LENGTH + b"abc")
    answer = await asking
    assert await connection.more(answer) == b"abc"
    assert len(wire.written) == 1
    assert not connection.finish()
    assert wire.closing


async def test_a_request_that_was_not_sent_whole_is_followed_by_none():
    connection, wire = connected()
    wire.unsent = 1
    answer = await answered(connection, LENGTH + b"abc")
    assert await connection.more(answer) == b"abc"
    assert not connection.finish()
    assert wire.closing


async def test_a_large_request_is_sent_slice_by_slice_as_the_other_side_takes_it():
    connection, wire = connected()
    wire.after_write = connection.pause_writing
    asking = asyncio.ensure_future(connection.ask("POST", b"x" * (3 * SLICE + 1)))
    for number in (1, 2, 3, 4):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(wire.written) == number
        connection.resume_writing()
    assert b"".join(wire.written) == b"x" * (3 * SLICE + 1)
    connection.data_received(LENGTH + b"abc")
    assert (await asking).status == 200


async def test_the_first_byte_clock_survives_a_late_word_that_all_was_sent():
    connection, _ = connected(first_byte=0.02)
    asking = asyncio.ensure_future(connection.ask("POST", b"x" * SLICE))
    await asyncio.sleep(0)
    connection.pause_writing()
    connection.resume_writing()
    with pytest.raises(UpstreamTimeout):
        await asking


async def test_nothing_is_written_to_a_connection_that_closed_between_two_slices():
    connection, wire = connected()
    asking = asyncio.ensure_future(connection.ask("POST", b"x" * (3 * SLICE)))
    connection.pause_writing()
    await asyncio.sleep(0)
    connection.data_received(b"\0")
    connection.resume_writing()
    with pytest.raises(UpstreamMalformed):
        await asking
    assert len(wire.written) == 1


async def test_whoever_waits_and_is_cancelled_leaves_nothing_behind():
    connection, _ = connected()
    asking = asyncio.ensure_future(connection.ask("POST", b"x"))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    connection.abort()
    connection.data_received(LENGTH + b"abc")
    connection.connection_lost(None)
    assert connection.closed


@pytest.mark.parametrize("finished", [False, True], ids=["lost", "finished"])
async def test_an_answer_that_breaks_off_leaves_no_circle(finished: bool):
    async def broken_off() -> None:
        connection, _ = connected()
        await answered(connection, CHUNKED + b"1\r\na\r\n")
        if finished:
            connection.finish()
        connection.connection_lost(None)

    with none_of_ours():
        await asyncio.create_task(broken_off())


async def lost(connection: Connection, content: bytes) -> None:
    if content:
        connection.data_received(content)
    connection.connection_lost(None)


async def malformed(connection: Connection, content: bytes) -> None:
    connection.data_received(content + b"\0\r\n\r\n")
    connection.connection_lost(None)


async def late(connection: Connection, content: bytes) -> None:
    connection.data_received(content)
    await until(lambda: connection.closed)
    connection.connection_lost(None)


@pytest.mark.parametrize("ending", [lost, malformed, late])
@pytest.mark.parametrize("begun", [b"HTTP/1.1 200", CHUNKED, CHUNKED + b"1\r\na\r\n"])
async def test_nor_does_one_whose_end_somebody_hears_of(begun: bytes, ending: Ending):
    async def heard() -> None:
        connection, _ = connected(first_byte=0.01, idle=0.01)
        asking = asyncio.ensure_future(whole(connection))
        await asyncio.sleep(0)
        # A task: as with the loop, what calls the connection holds nobody who waits for it. Since
        # 3.12 the frames of an error hold those that called them.
        await asyncio.create_task(ending(connection, begun))
        await asyncio.wait([asking], timeout=20)
        assert isinstance(asking.exception(), GatewayError)

    with none_of_ours():
        await asyncio.create_task(heard())


async def test_what_ended_it_is_heard_of_again():
    connection, _ = connected()
    answer = await answered(connection, CHUNKED)
    connection.data_received(b"no chunk\r\n")
    connection.connection_lost(None)
    with pytest.raises(UpstreamMalformed):
        await connection.more(answer)
    async with asyncio.timeout(5):
        with pytest.raises(UpstreamBrokeOff):
            await connection.more(answer)


async def test_a_head_that_nobody_waits_for_any_more_leaves_no_circle():
    async def given_up() -> None:
        connection, _ = connected()
        asking = asyncio.ensure_future(connection.ask("POST", b"request"))
        await asyncio.sleep(0)
        connection.data_received(b"HTTP/1.1 200")
        asking.cancel()
        await asyncio.wait([asking], timeout=20)
        connection.connection_lost(None)

    with none_of_ours():
        await asyncio.create_task(given_up())
