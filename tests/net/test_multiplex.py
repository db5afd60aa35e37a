"""Whatever bytes come, a connection goes on or ends by a `Violation`, and nothing is unbounded.

`test_http2.py` tries it frame by frame on a real socket.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.plan import VendorRequest
from gateway.net import frames
from gateway.net.clocks import Clocks
from gateway.net.frames import Violation
from gateway.net.http2_fields import write_block
from gateway.net.multiplex import MAX_BARREN, MAX_SETTINGS, Multiplex
from gateway.net.stream import MAX_PIECES, WINDOW, Stream

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
