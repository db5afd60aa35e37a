"""Whatever bytes come, a connection goes on or ends by a `Violation`, and nothing is unbounded.

`test_http2.py` tries it frame by frame on a real socket.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.errors import UpstreamBrokeOff, UpstreamError, UpstreamMalformed
from gateway.core.request.plan import VendorRequest
from gateway.net.http2 import frames
from gateway.net.http2.fields import write_block
from gateway.net.http2.frames import Violation
from gateway.net.http2.multiplex import MAX_BARREN, MAX_SETTINGS, Multiplex
from gateway.net.http2.stream import MAX_PIECES, WINDOW, Stream
from gateway.net.upstream.clocks import Clocks

REQUEST = VendorRequest("POST", "/a", (), b"x" * 100_000)
CLOCKS = Clocks(connect=9, write=9, first_byte=9, idle=9, keepalive=9, max_age=9)
BLOCKS = (b"\x88", b"\x88\x5c\x013", b"\x40\x01x\x01y", b"\x89", b"\xbe", b"\x3f\xe1\x1f", b"")
WORDS = st.sampled_from([0, 1, 4, 100, 65_535, 2**30, 2**31 - 1, 2**31, 2**32 - 1]).map(
    lambda number: number.to_bytes(4, "big")
)
SENSIBLE = st.builds(
    frames.write,
    st.integers(0, 10),
    st.sampled_from([0, 1, 4, 5, 8, 0x20, 0x2D]),
    st.sampled_from([0, 1, 3, 5, 7, 2]),
    st.one_of(
        st.sampled_from(BLOCKS),
        st.binary(max_size=30),
        WORDS,
        st.tuples(WORDS, WORDS).map(b"".join),
        st.builds(lambda name, value: b"\0" + bytes([name]) + value, st.integers(0, 8), WORDS),
        st.just(b"x" * 16_384),
    ),
)


async def told(pieces: list[bytes]) -> None:
    """Feed all of it to a connection with three exchanges."""
    written: list[bytes] = []
    multiplex = Multiplex(CLOCKS, written.append, lambda: None)
    multiplex.greet()
    multiplex.feed(frames.write_settings([]))
    streams = [Stream(multiplex, method, used=False) for method in ("GET", "HEAD", "POST")]
    for stream in streams:
        multiplex.begin(stream, write_block(REQUEST, "v"), b"x" * 100_000, more=False)
    sent = len(written)
    try:
        for piece in pieces:
            multiplex.feed(piece)
    except Violation:
        pass
    finally:
        assert len(written) - sent <= 2 * (len(b"".join(pieces)) // 9)
        for stream in streams:
            assert sum(map(len, stream._body)) <= WINDOW
            assert not (stream.complete and stream._head is None)
            stream.leave()
        assert multiplex.streams == []
        assert not multiplex._blocked


@given(st.lists(SENSIBLE, max_size=25))
@settings(max_examples=300)
def test_frames_in_any_order_end_it_in_order_or_not_at_all(pieces: list[bytes]) -> None:
    asyncio.run(told(pieces))


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_so_do_bytes_that_are_no_frames(pieces: list[bytes]) -> None:
    asyncio.run(told(pieces))


def test_the_connection_is_as_wide_as_can_be_and_is_kept_so() -> None:
    """So that one who does not read stops nobody; what streams hold is bounded by theirs."""
    written: list[bytes] = []

    async def whole() -> None:
        multiplex = Multiplex(CLOCKS, written.append, lambda: None)
        multiplex.greet()
        assert b"".join(written).endswith(
            frames.write_number(frames.WINDOW_UPDATE, 0, 2**31 - 1 - 65_535)
        )
        multiplex.feed(frames.write_settings([]))
        multiplex._window_in = 2**30  # a gigabyte later
        stream = Stream(multiplex, "GET", used=False)
        multiplex.begin(stream, write_block(REQUEST, "v"), b"", more=False)
        multiplex.feed(frames.write_head(1, b"\x88", last=False))
        multiplex.feed(frames.write(frames.DATA, 0, 1, b"x"))
        assert written[-1] == frames.write_number(frames.WINDOW_UPDATE, 0, 2**30)
        stream.leave()

    asyncio.run(whole())


def test_what_an_exchange_that_ended_still_had_on_the_way_is_no_offence() -> None:
    """As many bytes as its window let come; and it is not held."""

    async def whole() -> None:
        multiplex = Multiplex(CLOCKS, list[Any]().append, lambda: None)
        multiplex.feed(frames.write_settings([]))
        for _ in range(3):
            stream = Stream(multiplex, "GET", used=False)
            multiplex.begin(stream, write_block(REQUEST, "v"), b"", more=False)
            stream.leave()
            multiplex.feed(frames.write(frames.DATA, 0, stream.number, b"x") * MAX_BARREN)
        assert multiplex.has_room

    asyncio.run(whole())


class Looked(dict[Any, None]):
    """Counts how many of those that wait are looked at one by one."""

    looks = 0

    def __iter__(self) -> Iterator[Any]:
        for one in super().__iter__():
            self.looks += 1
            yield one


@pytest.mark.parametrize("place", [0, 1, 399], ids=["connection", "first", "last"])
def test_a_wider_window_is_the_news_of_those_alone_who_waited_for_it(place: int) -> None:
    """N-13, N-22: each update had all looked at that wait; 256 KiB of them held the loop up."""

    async def whole() -> None:
        multiplex = Multiplex(CLOCKS, list[Any]().append, lambda: None)
        multiplex.feed(frames.write_settings([(frames.INITIAL_WINDOW_SIZE, 0)]))
        looked = multiplex._blocked = Looked()
        streams = [Stream(multiplex, "POST", used=False) for _ in range(200)]
        for stream in streams:
            multiplex.begin(stream, write_block(REQUEST, "v"), b"x", more=False)
        assert len(looked) == 200
        multiplex.feed(frames.write_number(frames.WINDOW_UPDATE, place, 1) * (MAX_BARREN - 1))
        assert looked.looks == 0
        assert len(looked) == 200 - (place > 0)
        for stream in streams:
            stream.leave()

    asyncio.run(whole())


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["stream", "all", "send", "settings", "writable"]), st.integers(1, 9)
        )
    )
)
@settings(max_examples=300)
def test_nobody_waits_who_could_send(steps: list[tuple[str, int]]) -> None:
    async def whole() -> None:
        multiplex = Multiplex(CLOCKS, list[Any]().append, lambda: None)
        multiplex.feed(frames.write_settings([(frames.INITIAL_WINDOW_SIZE, 3)]))
        multiplex._window_out = 5
        streams = [Stream(multiplex, "POST", used=False) for _ in range(3)]
        for stream in streams:
            multiplex.begin(stream, write_block(REQUEST, "v"), b"xxxxx", more=False)
            multiplex.room(stream)
        for step, number in steps:
            stream = streams[number % 3]
            match step:
                case "stream":
                    more = frames.write_number(frames.WINDOW_UPDATE, stream.number, number)
                    multiplex.feed(more)
                case "all":
                    multiplex.feed(frames.write_number(frames.WINDOW_UPDATE, 0, number))
                case "settings":
                    multiplex.feed(frames.write_settings([(frames.INITIAL_WINDOW_SIZE, number)]))
                case "writable":
                    multiplex.set_writable(number % 2 == 0)
                case "send" if (room := multiplex.room(stream)) > 0:
                    multiplex.send(stream, b"x" * min(room, number), last=False)
            for waiting in list(multiplex._blocked):
                assert multiplex.room(waiting) <= 0
        for stream in streams:
            stream.leave()

    asyncio.run(whole())


def test_an_answer_in_crumbs_is_held_in_few_pieces() -> None:
    """N-13: each of two bytes, a window full of them took 6 MB in place of 256 KiB."""

    async def whole() -> None:
        multiplex = Multiplex(CLOCKS, list[Any]().append, lambda: None)
        multiplex.feed(frames.write_settings([]))
        stream = Stream(multiplex, "GET", used=False)
        multiplex.begin(stream, write_block(REQUEST, "v"), b"", more=False)
        multiplex.feed(frames.write_head(1, b"\x88", last=False))
        crumbs = [b"%02d" % (number % 100) for number in range(WINDOW // 2)]
        for crumb in crumbs:
            multiplex.feed(frames.write(frames.DATA, 0, 1, crumb))
            assert len(stream._body) <= MAX_PIECES
        assert await stream.more() == b"".join(crumbs)
        stream.leave()

    asyncio.run(whole())


@pytest.mark.parametrize("frame", ["in one", "one by one"])
def test_settings_are_numbered(frame: str) -> None:
    """N-13, N-22: each may change every stream's window."""

    async def whole() -> None:
        multiplex = Multiplex(CLOCKS, list[Any]().append, lambda: None)
        multiplex.feed(frames.write_settings([]))
        stream = Stream(multiplex, "GET", used=False)
        multiplex.begin(stream, write_block(REQUEST, "v"), b"", more=False)
        multiplex.feed(frames.write_head(1, b"\x88", last=False))
        news = frames.write(frames.DATA, 0, 1, b"x")
        one = (frames.INITIAL_WINDOW_SIZE, 0)
        if frame == "in one":
            multiplex.feed(frames.write_settings([one] * MAX_SETTINGS) + news)
        else:
            multiplex.feed((frames.write_settings([one]) + news) * MAX_SETTINGS)
        with pytest.raises(Violation):
            multiplex.feed(frames.write_settings([one]))
        stream.leave()

    asyncio.run(whole())


@pytest.mark.parametrize("most", [1, 3])
def test_there_is_room_for_as_many_as_the_upstream_says_also_when_it_says_less(most: int) -> None:
    async def whole() -> None:
        multiplex = Multiplex(CLOCKS, list[Any]().append, lambda: None)
        assert not multiplex.has_room  # before it said anything
        multiplex.feed(frames.write_settings([]))
        for _ in range(3):
            assert multiplex.has_room
            stream = Stream(multiplex, "GET", used=False)
            multiplex.begin(stream, write_block(REQUEST, "v"), b"", more=False)
        multiplex.feed(frames.write_settings([(frames.MAX_CONCURRENT_STREAMS, most)]))
        while len(multiplex.streams) > most - 1:
            assert not multiplex.has_room
            multiplex.streams[0].leave()
        assert multiplex.has_room
        for stream in multiplex.streams:
            stream.leave()

    asyncio.run(whole())


class Answered:
    """An answer under way, for whose next piece somebody waits who has a shortcut."""

    def __init__(self, multiplex: Multiplex, takes: Callable[[bytes], bool]) -> None:
        self.offered: list[bytes] = []
        self._takes = takes
        self.stream = Stream(multiplex, "GET", used=False)
        multiplex.begin(self.stream, write_block(REQUEST, "v"), b"", more=False)
        multiplex.feed(frames.write_head(self.stream.number, b"\x88", last=False))
        self.waiting = asyncio.ensure_future(self.stream.more(self))

    def take(self, content: bytes) -> bool:
        self.offered.append(content)
        return self._takes(content)

    def data(self, content: bytes, flags: int = 0) -> bytes:
        return frames.write(frames.DATA, flags, self.stream.number, content)


def under_way(
    written: list[bytes], *takes: Callable[[bytes], bool]
) -> tuple[Multiplex, list[Answered]]:
    multiplex = Multiplex(CLOCKS, written.append, lambda: None)
    multiplex.feed(frames.write_settings([]))
    return multiplex, [Answered(multiplex, one) for one in takes]


def yes(content: bytes) -> bool:
    return True


def test_what_comes_in_one_read_takes_the_shortcut_together() -> None:
    async def whole() -> None:
        multiplex, (one, other) = under_way([], yes, yes)
        await asyncio.sleep(0)
        both = one.data(b"a") + other.data(b"1") + one.data(b"b") + other.data(b"2")
        multiplex.feed(both + one.data(b"c")[:5])
        assert (one.offered, other.offered) == ([b"ab"], [b"12"])
        multiplex.feed(one.data(b"c")[5:])
        assert (one.offered, other.offered) == ([b"ab", b"c"], [b"12"])
        assert not one.waiting.done()
        for each in (one, other):
            each.waiting.cancel()
            each.stream.leave()

    asyncio.run(whole())


def test_nothing_passes_what_is_held_for_somebody() -> None:
    async def whole() -> None:
        multiplex, (one,) = under_way([], lambda content: content != b"look")
        multiplex.feed(one.data(b"look"))
        multiplex.feed(one.data(b"a"))  # nobody waits for it
        multiplex.feed(one.data(b"b"))
        assert await one.waiting == b"look"
        assert await one.stream.more(one) == b"ab"
        assert one.offered == [b"look"]
        one.stream.leave()
        multiplex.feed(one.data(b"c"))
        assert one.offered == [b"look"]

    asyncio.run(whole())


@pytest.mark.parametrize("cancelled", [True, False])
def test_nothing_takes_the_shortcut_of_one_who_waits_no_more(cancelled: bool) -> None:
    async def whole() -> None:
        multiplex, (one,) = under_way([], yes)
        await asyncio.sleep(0)
        if cancelled:
            one.waiting.cancel()
        else:
            one.stream.fail(UpstreamBrokeOff())
        multiplex.feed(one.data(b"a"))
        assert one.offered == []
        await asyncio.wait([one.waiting])
        one.stream.leave()

    asyncio.run(whole())


END = frames.END_STREAM


@pytest.mark.parametrize("end", ["the end", "a reset", "too much", "what ends the connection"])
def test_what_comes_with_the_end_of_an_answer_takes_no_shortcut(end: str) -> None:
    """It is given before the end is told, whichever that is."""

    async def whole() -> None:
        multiplex, (one,) = under_way([], yes)
        await asyncio.sleep(0)
        raw = one.data(b"abc", END if end == "the end" else 0)
        if end == "a reset":
            raw += frames.write_number(frames.RST_STREAM, one.stream.number, frames.CANCEL)
        if end == "too much":
            raw += one.data(b"x" * 16_384) * (WINDOW // 16_384)
        if end == "what ends the connection":
            with pytest.raises(Violation):
                multiplex.feed(raw + frames.write(frames.PING, 0, 0, b""))
            one.stream.fail(UpstreamMalformed())
        else:
            multiplex.feed(raw)
        assert one.offered == []
        assert (await one.waiting).startswith(b"abc")
        with pytest.raises(StopAsyncIteration if end == "the end" else UpstreamError):
            await one.stream.more(one)
        one.stream.leave()

    asyncio.run(whole())


def test_what_takes_the_shortcut_has_been_taken() -> None:
    """The window is given back as for what somebody took."""
    written: list[bytes] = []

    async def whole() -> None:
        multiplex, (one,) = under_way(written, yes)
        await asyncio.sleep(0)
        for size in (16_384, 16_384 * 7, 5):
            del written[:]
            for at in range(0, size, 16_384):
                multiplex.feed(one.data(b"x" * min(size - at, 16_384)))
            wider = frames.write_number(frames.WINDOW_UPDATE, one.stream.number, WINDOW // 2)
            assert written == ([wider] if size == 16_384 * 7 else [])
        one.waiting.cancel()
        one.stream.leave()

    asyncio.run(whole())


def test_a_shortcut_that_fails_is_the_matter_of_its_own_exchange() -> None:
    """Other people's answers are on the connection: whoever waits meets the same fault."""

    def fails(content: bytes) -> bool:
        raise KeyError(content)

    async def whole() -> None:
        multiplex, (one, other) = under_way([], fails, yes)
        await asyncio.sleep(0)
        multiplex.feed(one.data(b"a") + other.data(b"b"))
        assert await one.waiting == b"a"
        assert other.offered == [b"b"]
        assert not other.waiting.done()
        other.waiting.cancel()
        one.stream.leave()
        other.stream.leave()

    asyncio.run(whole())


def test_no_data_is_no_news() -> None:
    """Padding and empty frames move no clock and are offered to nobody."""

    async def whole() -> None:
        multiplex, (one,) = under_way([], yes)
        await asyncio.sleep(0)
        ends_at = one.stream._deadline._at
        multiplex.feed(one.data(b"\x05" + bytes(5), frames.PADDED) + one.data(b""))
        assert (one.offered, one.stream._deadline._at) == ([], ends_at)
        await asyncio.sleep(0.01)
        multiplex.feed(one.data(b"a"))
        assert one.offered == [b"a"]
        assert one.stream._deadline._at > ends_at
        one.waiting.cancel()
        one.stream.leave()

    asyncio.run(whole())
