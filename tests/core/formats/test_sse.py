import base64
import json
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.formats.sse import EventStreamSplitter, JsonLinesSplitter, Splitter, event
from tests.support.corpora import corpus

PIECES = [
    b"\r",
    b"\n",
    b"\r\n",
    b"data",
    b":",
    b" ",
    b"a",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xa8",
    b"id: 1",
]
WIRES = st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join)
CUTS = st.lists(st.integers(0, 200), max_size=12)


def pieces(wire: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted({cut for cut in cuts if cut < len(wire)}), len(wire)]
    return [wire[a:b] for a, b in pairwise(edges)]


def split(splitter: Splitter, chunks: list[bytes]) -> tuple[list[bytes], bytes]:
    """The data of all dispatched events, and all raw bytes in order."""
    events = [found for chunk in chunks for found in splitter.feed(chunk)]
    rest = splitter.rest()
    raw = b"".join(found.raw for found in events) + (rest.raw if rest else b"")
    return [found.data for found in events if found.data], raw


@pytest.mark.parametrize("blank", [b"\n", b"\r", b"\r\n", b"\n\r"])
@pytest.mark.parametrize(
    ("splitter", "one", "other"),
    [
        pytest.param(EventStreamSplitter, b"data: {}\n\n", b"data: []\n\n", id="events"),
        pytest.param(JsonLinesSplitter, b"{}\n", b"[]\n", id="JSON lines"),
    ],
)
def test_blank_lines_are_no_events_of_their_own(
    splitter: type[Splitter], one: bytes, other: bytes, blank: bytes
) -> None:
    """N-13, N-22: 256 KiB of them held the loop up for 200 ms."""
    wire = one + blank * 1000 + other + blank * 1000
    for chunks in ([wire], pieces(wire, [len(one) + 500, len(one) + 1001])):
        split_by = splitter()
        events = [found for chunk in chunks for found in split_by.feed(chunk)]
        assert [found.data for found in events if found.data] == [b"{}", b"[]"]
        assert len(events) < 8


@given(WIRES, CUTS)
def test_any_cut_of_an_event_stream_gives_the_same_events_and_loses_no_byte(
    wire: bytes, cuts: list[int]
) -> None:
    whole, raw = split(EventStreamSplitter(), [wire])
    assert raw == wire
    assert split(EventStreamSplitter(), pieces(wire, cuts)) == (whole, wire)


@given(
    st.lists(st.sampled_from([b"\n", b"\r", b"{}", b"data:", b" "]), max_size=40).map(b"".join),
    CUTS,
)
def test_any_cut_of_json_lines_gives_the_same_lines_and_loses_no_byte(
    wire: bytes, cuts: list[int]
) -> None:
    whole, raw = split(JsonLinesSplitter(), [wire])
    assert raw == wire
    assert split(JsonLinesSplitter(), pieces(wire, cuts)) == (whole, wire)


def test_agrees_with_another_parser_on_every_vector_at_every_cut() -> None:
    cases = json.loads(corpus("wpt-eventsource/sse_vectors.json").read_text())["cases"]
    assert len(cases) >= 33
    for case in cases:
        wire = base64.b64decode(case["wire_b64"])
        expected = [found["data"] for found in case["events_eventsource_parser"] if found["data"]]
        if case["id"] == "cr-only":  # the WHATWG text dispatches here, that parser waits
            expected = ["hi"]
        for cut in range(len(wire) + 1):
            data, raw = split(EventStreamSplitter(), [wire[:cut], wire[cut:]])
            assert [one.decode("utf-8", "replace") for one in data] == expected, case["id"]
            assert raw == wire


@pytest.mark.parametrize(
    ("wire", "data"),
    [
        pytest.param(b"data: a\xe2\x80\xa8b\n\n", "a\u2028b".encode(), id="U+2028 ends no line"),
        pytest.param(b"data: a\x0bb\x85c\n\n", b"a\x0bb\x85c", id="VT and NEL end no line"),
        pytest.param(b"data:ab\n\n", b"ab", id="no space"),
        pytest.param(b"data:  a\n\n", b" a", id="two spaces"),
        pytest.param(b"data:\n\n", b"", id="empty data"),
        pytest.param(b": a comment\n\n", b"", id="comment"),
        pytest.param(b"database: x\n\n", b"", id="another field that begins like data"),
        pytest.param(b"user: x\ndata: a\n\n", b"a", id="another field of four letters"),
        pytest.param(b"data: a\ndata: b\n\n", b"a\nb", id="two data lines"),
        pytest.param(b"data\ndata: a\ndata\n\n", b"\na\n", id="data lines without a colon"),
        pytest.param(b"event: x\r\ndata: a\r\n\r\n", b"a", id="CRLF"),
    ],
)
def test_reads_the_data_of_an_event(wire: bytes, data: bytes) -> None:
    (found,) = EventStreamSplitter().feed(wire)
    assert found.data == data


def test_keeps_an_unfinished_event_until_the_end() -> None:
    splitter = EventStreamSplitter()
    assert splitter.feed(b"data: a\n\ndata: b\n") != []
    assert splitter.pending == len(b"data: b\n")
    assert splitter.tail(6) == b"b\n"
    rest = splitter.rest()
    assert rest is not None
    assert rest.data == b"b"
    assert splitter.rest() is None


@pytest.mark.parametrize("prefix", [b"", b"data:", b"data: "])
def test_reads_json_lines_with_or_without_the_word_data(prefix: bytes) -> None:
    splitter = JsonLinesSplitter()
    (found,) = splitter.feed(prefix + b'{"code":3}\r\n{"code"')
    assert found.data == b'{"code":3}'
    assert splitter.tail(0) == b'{"code"'
    assert splitter.pending == 7


@pytest.mark.parametrize("name", ["", "error"])
def test_an_event_we_write_is_read_back_as_it_was(name: str) -> None:
    written = event(b'{"type":"error"}', name)
    (found,) = EventStreamSplitter().feed(written)
    assert found.data == b'{"type":"error"}'
    assert written.startswith(b"event: error\n") is bool(name)
    assert EventStreamSplitter().frame(b'{"type":"error"}', name) == written


@pytest.mark.parametrize(
    ("before", "written"),
    [
        pytest.param(b"", b"{}\n", id="in an empty stream"),
        pytest.param(b'{"code":3}\n', b"{}\n", id="bare lines"),
        pytest.param(b'data: {"code":3}\n\n', b"data:{}\n\n", id="data lines"),
        pytest.param(b'data:{"code":3}\r\n\r\n', b"data:{}\n\n", id="data lines in CRLF"),
    ],
)
def test_a_line_we_write_has_the_form_of_the_others(before: bytes, written: bytes) -> None:
    splitter = JsonLinesSplitter()
    splitter.feed(before)
    assert splitter.frame(b"{}", "error") == written


@pytest.mark.parametrize("chunks", [[b"\n\n"], [b"\n", b"\n"], [b"data: a\n\n", b"\n\n"]])
def test_an_event_ends_where_its_blank_line_does(chunks: list[bytes]) -> None:
    splitter = EventStreamSplitter()
    for chunk in chunks:
        found = splitter.feed(chunk)
    assert [one.raw for one in found] == [b"\n\n"]
    assert splitter.pending == 0


def test_only_the_first_event_may_begin_with_a_byte_order_mark() -> None:
    wire = b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n"
    assert [found.data for found in EventStreamSplitter().feed(wire)] == [b"a", b""]


@pytest.mark.parametrize("splitter", [EventStreamSplitter(), JsonLinesSplitter()])
def test_what_is_left_is_left_once(splitter: Splitter) -> None:
    splitter.feed(b"data: 1")
    assert splitter.rest() is not None
    assert splitter.rest() is None


def test_an_event_without_end_is_searched_once_however_small_its_pieces() -> None:
    splitter = EventStreamSplitter()
    began = time.process_time()
    for _ in range(10_000):
        splitter.feed(b"x" * 100)
    assert time.process_time() - began < 1  # 0.02; anew each time: 46


ENDS = st.sampled_from([b"\n\n", b"\r\n\r\n", b"\n\n\n", b"\r\n\n", b"\r\r", b"\n", b""])
SKIPPED = st.lists(
    st.tuples(st.sampled_from([b"data: {}", b"data:", b"data", b": c", b"{}", b""]), ENDS).map(
        b"".join
    ),
    max_size=6,
)


@pytest.mark.parametrize("kind", [EventStreamSplitter, JsonLinesSplitter])
@given(chunks=SKIPPED, after=WIRES)
def test_what_is_skipped_is_whole_events_and_leaves_no_trace(
    kind: type[EventStreamSplitter | JsonLinesSplitter], chunks: list[bytes], after: bytes
) -> None:
    one, other = kind(), kind()
    for chunk in chunks:
        found = other.feed(chunk)
        if one.skip(chunk):
            assert b"".join(event.raw for event in found) == chunk
            assert other.pending == 0
        else:
            assert one.feed(chunk) == found
        assert one.pending == other.pending
        assert one.frame(b"{}", "") == other.frame(b"{}", "")
    assert one.feed(after) == other.feed(after)


@pytest.mark.parametrize(
    ("splitter", "chunk"),
    [
        (EventStreamSplitter(), b"data: 1\n\n"),
        (EventStreamSplitter(), b"data: 1\n\ndata: 2\n\n"),
        (EventStreamSplitter(), b"data: 1\r\n\r\n"),
        (EventStreamSplitter(), b"data: 1\r\n\r\ndata: 2\r\n\r\n"),
        (JsonLinesSplitter(), b'{"code":3}\n{"code":4}\r\n\n'),
        (JsonLinesSplitter(), b'data: {"code":3}\n\n'),
    ],
)
def test_events_that_come_whole_can_be_skipped(splitter: Splitter, chunk: bytes) -> None:
    assert splitter.skip(chunk)
    splitter.feed(b"data: ha")
    assert not splitter.skip(chunk), "it is the end of another one"


def test_what_was_skipped_was_the_first_event() -> None:
    splitter = EventStreamSplitter()
    assert splitter.skip(b"data: a\n\n")
    (found,) = splitter.feed(b"\xef\xbb\xbfdata: b\n\n")
    assert found.data == b""


def test_a_line_we_write_has_the_form_of_the_last_that_was_skipped() -> None:
    splitter = JsonLinesSplitter()
    assert splitter.skip(b"1\n2\ndata:3\n")
    assert splitter.frame(b"{}", "error") == b"data:{}\n\n"
    assert not splitter.skip(b"1\ndata:\n"), "its last line says nothing"


@pytest.mark.parametrize("end", [b"\n\n\n", b"\r\n\r\n\r\n", b"\r\r\n\r\n", b"\n\r\n\r\n"])
@pytest.mark.parametrize("before", [b"", b"data: 1"])
def test_where_three_lines_end_an_event_may_have_begun(before: bytes, end: bytes) -> None:
    assert not EventStreamSplitter().skip(before + end)
    assert not EventStreamSplitter().skip(b"\n\n")
