"""Any cut of the bytes gives the same answer; what can be read in two ways is refused."""

import gc
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import UpstreamMalformed
from gateway.net.upstream.answer import MAX_HEAD, Answer

OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = OK + b"content-length: 3\r\n\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that can be seen of an answer. `error`: what it ended with, if it did."""

    status: int
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes
    complete: bool
    reusable: bool
    error: type[Exception] | None = None


def read(pieces: Iterable[bytes], method: str = "POST") -> Outcome:
    answer = Answer(method)
    error = None
    try:
        for piece in pieces:
            answer.feed(piece)
    except UpstreamMalformed as refused:
        error = type(refused)
    if not answer.has_head:
        return Outcome(0, (), b"", False, False, error)
    return Outcome(
        status=answer.status,
        fields=tuple(answer.fields),
        body=b"".join(answer.body),
        complete=answer.complete,
        reusable=answer.complete and answer.reusable and error is None,
        error=error,
    )


def cut(raw: bytes, points: Iterable[int]) -> list[bytes]:
    return [raw[a:b] for a, b in pairwise([0, *sorted(set(points)), len(raw)]) if a < b]


# Answers that end by their framing, and leave the connection fit for another request.
WHOLE = [
    pytest.param(OK + b"content-length: 0\r\n\r\n", b"", id="empty"),
    pytest.param(LENGTH + b"abc", b"abc", id="length"),
    pytest.param(
        OK + b"Content-Length:003  \r\n\r\nabc", b"abc", id="length with zeros and blanks"
    ),
    pytest.param(b"HTTP/1.1 200\r\ncontent-length: 3\r\n\r\nabc", b"abc", id="no reason"),
    pytest.param(b"HTTP/1.1 500 \r\ncontent-length: 3\r\n\r\nabc", b"abc", id="500"),
    pytest.param(CHUNKED + b"3\r\nabc\r\n0\r\n\r\n", b"abc", id="chunked"),
    pytest.param(CHUNKED + b"0\r\n\r\n", b"", id="chunked and empty"),
    pytest.param(
        CHUNKED + b"3\r\n\r\n\r\r\n5\r\n\n0\r\n\r\r\n0\r\n\r\n",
        b"\r\n\r\n0\r\n\r",
        id="chunks that look like framing",
    ),
    pytest.param(CHUNKED + b'a;x="y"\r\n0123456789\r\n0\r\n\r\n', b"0123456789", id="extension"),
    pytest.param(
        CHUNKED + b"1\r\na\r\n0\r\nSet-Cookie: a=b\r\nHost: evil\r\nx:\r\n\r\n",
        b"a",
        id="S-25 trailers",
    ),
    pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", b"", id="204"),
    pytest.param(b"HTTP/1.1 304 Not Modified\r\ncontent-length: 0\r\n\r\n", b"", id="304"),
    pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" + LENGTH + b"abc", b"abc", id="S-27 100"),
    pytest.param(
        b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" * 8 + LENGTH + b"abc",
        b"abc",
        id="L-11 eight times 103",
    ),
    pytest.param(OK + b"x: 1\r\n" * 199 + b"content-length: 1\r\n\r\na", b"a", id="200 fields"),
]

# Answers that can be used, on connections that cannot.
LAST = [
    pytest.param(OK + b"connection: close\r\ncontent-length: 3\r\n\r\nabc", b"abc", id="close"),
    pytest.param(
        OK + b"connection: close\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"abc",
        id="close, chunked",
    ),
    pytest.param(b"HTTP/1.0 200 OK\r\ncontent-length: 3\r\n\r\nabc", b"abc", id="S-16 HTTP/1.0"),
    pytest.param(
        b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 3\r\n\r\nabc",
        b"abc",
        id="S-16 HTTP/1.0 with keep-alive",
    ),
    pytest.param(LENGTH + b"abcd", b"abc", id="S-29 one byte too many"),
    pytest.param(LENGTH + b"abc\n", b"abc", id="S-29 a line feed too many"),
    pytest.param(LENGTH + b"abc" + LENGTH + b"xyz", b"abc", id="S-29 a second answer"),
    pytest.param(OK + b"content-length: 0\r\n\r\n\r\n", b"", id="S-29 a line break after nothing"),
    pytest.param(CHUNKED + b"0\r\n\r\n\r\n", b"", id="S-29 a line break after chunks"),
    pytest.param(CHUNKED + b"0\r\n\r\n\r\n\r\n", b"", id="S-29 two line breaks after chunks"),
    pytest.param(CHUNKED + b"0\r\n\r\n\r", b"", id="S-29 half a line break after chunks"),
    pytest.param(CHUNKED + b"0\r\na: b\r\n\r\n\n", b"", id="S-29 a line feed after trailers"),
    pytest.param(CHUNKED + b"1\r\na\r\n0\r\n\r\nX", b"a", id="S-29 a letter after chunks"),
    pytest.param(CHUNKED + b"0\r\n\r\n" + LENGTH + b"xyz", b"", id="S-29 an answer after chunks"),
    pytest.param(CHUNKED + b"0\r\n\r\n0\r\n\r\n", b"", id="S-29 another end after chunks"),
    pytest.param(
        b"HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello", b"", id="S-23 204 with a body"
    ),
    pytest.param(
        b"HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n", b"", id="S-23 204 promises a body"
    ),
    pytest.param(
        b"HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"",
        id="S-23 204 with chunks",
    ),
    pytest.param(b"HTTP/1.1 304 x\r\n\r\nhello", b"", id="S-23 304 with a body"),
]

MALFORMED = [
    pytest.param(OK + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n", id="S-26 CL, TE"),
    pytest.param(OK + b"transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n", id="S-26 TE, CL"),
    pytest.param(OK + b"content-length: 3\r\nContent-Length: 3\r\n\r\nabc", id="S-26 two equal CL"),
    pytest.param(OK + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabc", id="S-26 two CL"),
    *(
        pytest.param(OK + b"content-length: " + value + b"\r\n\r\nabc", id=f"S-03 CL {value!r}")
        for value in (
            b"3, 3",
            b"+3",
            b"-1",
            b"0x3",
            b"3_0",
            b"3 0",
            b"",
            b"3\xd9\xa3",
            b"18446744073709551617",
            b"3;",
        )
    ),
    *(
        pytest.param(
            OK + b"transfer-encoding: " + value + b"\r\n\r\n0\r\n\r\n", id=f"S-04 TE {value!r}"
        )
        for value in (
            b"xchunked",
            b"chunked, identity",
            b"gzip, chunked",
            b"chunked, chunked",
            b"identity",
            b"Chunked",
            b"\x0bchunked",
            b"chunked\x00",
            b"chunked;q=1",
            b'"chunked"',
            b"",
        )
    ),
    pytest.param(
        OK + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        id="S-04 two TE",
    ),
    pytest.param(OK + b"content-length : 3\r\n\r\nabc", id="S-05 blank before the colon"),
    pytest.param(OK + b" content-length: 3\r\n\r\nabc", id="S-05 blank before the name"),
    pytest.param(OK + b"nocolon\r\n\r\n", id="S-05 no colon"),
    pytest.param(OK + b": x\r\n\r\n", id="S-05 no name"),
    pytest.param(OK + b"x: a\r\n b\r\n\r\n", id="S-06 folded"),
    pytest.param(OK + b"x: a\r\n\tb\r\n\r\n", id="S-06 folded with a tab"),
    pytest.param(OK + b"transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n", id="S-06 folded TE"),
    pytest.param(b"HTTP/1.1 200 OK\ncontent-length: 3\n\nabc", id="S-07 bare line feeds"),
    pytest.param(OK + b"content-length: 3\n\r\nabc", id="S-07 one bare line feed"),
    pytest.param(OK + b"content-length: 3\r\n\nabc", id="S-07 bare line feed ends the head"),
    pytest.param(OK + b"x: a\rb\r\n\r\n", id="S-30 CR in a value"),
    pytest.param(OK + b"x: a\r\nx b\r\n\r\n", id="S-30 a line of its own"),
    pytest.param(b"HTTP/1.1 200 a\rb\r\n\r\n", id="S-30 CR in the reason"),
    pytest.param(OK + b"x: a\0b\r\n\r\n", id="S-26 NUL in a value"),
    pytest.param(OK + b"x\0: a\r\n\r\n", id="S-26 NUL in a name"),
    pytest.param(OK + b"x: \x7f\r\n\r\n", id="S-26 DEL in a value"),
    *(
        pytest.param(CHUNKED + chunk, id=f"S-08 chunk {chunk[:12]!r}")
        for chunk in (
            b"0x3\r\nabc\r\n0\r\n\r\n",
            b"-1\r\n",
            b"3 \r\nabc\r\n0\r\n\r\n",
            b" 3\r\nabc\r\n0\r\n\r\n",
            b"fffffffffffffffff\r\n",
            b"\r\n",
            b"3\nabc\r\n0\r\n\r\n",
            b"g\r\n",
        )
    ),
    pytest.param(CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n", id="S-09 chunk too long"),
    pytest.param(CHUNKED + b"3\r\nabc0\r\n\r\n", id="S-09 no line break after a chunk"),
    pytest.param(CHUNKED + b"3\r\nabc\n0\r\n\r\n", id="S-09 line feed after a chunk"),
    pytest.param(CHUNKED + b"3\r\nab\r\n0\r\n\r\n", id="S-09 chunk too short"),
    pytest.param(CHUNKED + b'3;a="\n"\r\nabc\r\n', id="S-10 line feed in an extension"),
    pytest.param(CHUNKED + b"0\r\na: b\n\r\n", id="S-15 line feed in trailers"),
    *(
        pytest.param(start + b"\r\ncontent-length: 0\r\n\r\n", id=f"S-16 {start!r}")
        for start in (
            b"HTTP/0.9 200 OK",
            b"HTTP/1.2 200 OK",
            b"HTTP/2.0 200 OK",
            b"HTTP/11 200 OK",
            b"http/1.1 200 OK",
            b"RTSP/1.1 200 OK",
            b"ICE/1.1 200 OK",
            b"\r\nHTTP/1.1 200 OK",
            b" HTTP/1.1 200 OK",
            b"HTTP/1.1  200 OK",
            b"HTTP/1.1 099 OK",
            b"HTTP/1.1 600 OK",
            b"HTTP/1.1 999 OK",
            b"HTTP/1.1 20 OK",
            b"HTTP/1.1 2000 OK",
            b"HTTP/1.1 +20 OK",
            b"HTTP/1.1 OK",
            b"SSH-2.0-OpenSSH",
            b"POST / HTTP/1.1",
            b"<html>",
        )
    ),
    pytest.param(
        b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", id="S-16 1.0 with chunks"
    ),
    pytest.param(b"HTTP/1.1 101 x\r\n\r\n" + LENGTH, id="S-27 101"),
    pytest.param(
        b"HTTP/1.1 101 x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n", id="S-27 101 h2c"
    ),
    pytest.param(
        b"HTTP/1.1 100 x\r\ncontent-length: 3\r\n\r\nabc" + LENGTH, id="S-23 100 with a body"
    ),
    pytest.param(
        b"HTTP/1.1 103 x\r\ncontent-length: 0\r\n\r\n" + OK + b"\r\nabc",
        id="S-23 103 with the length of what follows",
    ),
    pytest.param(b"HTTP/1.1 103 x\r\n\r\n" * 9 + LENGTH, id="N-13 nine times 103"),
    pytest.param(OK + b"x: 1\r\n" * 201 + b"\r\n", id="N-13 201 fields"),
]

# Good so far: what is missing may still come, or the connection may end.
UNFINISHED = [
    pytest.param(b"HTTP/1.1 2", id="L-12 in the status"),
    pytest.param(OK + b"content-length: 3", id="L-12 in a field"),
    pytest.param(b"HTTP/1.1 100 x\r\n\r\n", id="L-12 after an interim answer"),
    pytest.param(LENGTH + b"ab", id="L-12 in the body"),
    pytest.param(CHUNKED + b"3\r\nab", id="L-12 in a chunk"),
    pytest.param(CHUNKED + b"3\r\nabc\r\n0\r\n", id="L-12 before the last line break"),
    pytest.param(CHUNKED + b"0\r\na: b\r\n", id="L-12 in the trailers"),
    pytest.param(OK + b"\r\nab", id="until close"),
    pytest.param(OK + b"connection: close\r\n\r\n", id="until close, nothing yet"),
]


def every(*tables: list) -> list:
    return [pytest.param(row.values[0], id=row.id) for table in tables for row in table]


@pytest.mark.parametrize(("raw", "body"), WHOLE)
def test_reads_an_answer_to_its_end(raw, body):
    outcome = read([raw])
    assert outcome.body == body
    assert outcome.complete
    assert outcome.reusable
    assert outcome.error is None


@pytest.mark.parametrize(("raw", "body"), LAST)
def test_gives_the_answer_and_gives_up_the_connection(raw, body):
    outcome = read([raw])
    assert outcome.body == body
    assert outcome.complete
    assert not outcome.reusable
    assert outcome.error is None


@pytest.mark.parametrize("raw", MALFORMED)
def test_refuses_what_can_be_read_in_two_ways_or_none(raw):
    outcome = read([raw])
    assert outcome.error is UpstreamMalformed
    assert not outcome.complete
    assert not outcome.reusable


@pytest.mark.parametrize("raw", UNFINISHED)
def test_half_an_answer_is_not_complete(raw):
    outcome = read([raw])
    assert not outcome.complete
    assert outcome.error is None


@pytest.mark.parametrize("raw", every(WHOLE, LAST, MALFORMED, UNFINISHED))
def test_a_cut_at_any_byte_gives_the_same(raw):
    whole = read([raw])
    for point in range(1, len(raw)):
        assert read(cut(raw, [point])) == whole, point
    assert read(raw[i : i + 1] for i in range(len(raw))) == whole


RAW = [row.values[0] for row in (*WHOLE, *LAST, *MALFORMED, *UNFINISHED)]


@given(st.sampled_from(RAW), st.lists(st.integers(0, 4000)))
def test_any_cut_of_the_bytes_gives_the_same(raw, points):
    assert read(cut(raw, [point % len(raw) for point in points])) == read([raw])


TOKEN = st.text("abcXYZ0-_!~", min_size=1, max_size=10)
VALUE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f"))


@given(
    fields=st.lists(st.tuples(TOKEN.map(lambda name: f"x{name}"), VALUE), max_size=10),
    chunks=st.lists(st.binary(min_size=1, max_size=50), max_size=6),
    chunked=st.booleans(),
    points=st.lists(st.integers(0, 2000)),
)
def test_what_a_server_wrote_is_what_we_read(fields, chunks, chunked, points):
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in fields]
    head = OK + b"".join(b"%b: %b\r\n" % pair for pair in pairs)
    body = b"".join(chunks)
    if chunked:
        framing = (b"transfer-encoding", b"chunked")
        content = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in chunks) + b"0\r\n\r\n"
    else:
        framing = (b"content-length", b"%d" % len(body))
        content = body
    raw = head + b"%b: %b\r\n\r\n" % framing + content
    outcome = read(cut(raw, [point % len(raw) for point in points]))
    assert outcome.body == body
    assert outcome.reusable
    assert outcome.fields == (*((name.lower(), value) for name, value in pairs), framing)


SPELLED = ["%x", "%X", "0%x", "+%x", " %x", "%x ", "0x%x", "%x;a=b", "-%x", "%x_0", "%d"]
CHUNK = st.builds(
    lambda size, content: (size % len(content)).encode() + b"\r\n" + content + b"\r\n",
    st.sampled_from(["%x"] * len(SPELLED) + SPELLED),
    st.one_of(st.binary(max_size=20), st.text("a\r\n0", max_size=20).map(str.encode)),
)


@given(
    st.lists(st.lists(st.one_of(CHUNK, st.sampled_from([b"0\r\n\r\n", b"\r\n", b"1"])))),
    st.lists(st.integers(0, 100), max_size=2),
)
def test_chunks_that_come_whole_are_what_a_parser_makes_of_their_bytes(segments, points):
    """One byte at a time no chunk is whole."""
    joined = [b"".join(segment) for segment in segments]
    pieces = [piece for one in joined for piece in cut(one, [p for p in points if p < len(one)])]
    parsed = read([CHUNKED, *(bytes([byte]) for byte in b"".join(pieces))])
    assert read([CHUNKED, *pieces]) == parsed


def test_while_chunks_come_whole_no_parser_is_kept():
    answer = Answer("POST")
    answer.feed(CHUNKED + b"3\r\nabc\r\n")
    answer.feed(b"1\r\nd\r\n1a\r\n" + b"e" * 26 + b"\r\n")
    assert b"".join(answer.body) == b"abcd" + b"e" * 26
    assert not [one for one in gc.get_referrers(answer.body) if one is not answer]


@given(st.binary(max_size=300), st.lists(st.integers(0, 300)))
def test_noise_is_no_answer_however_it_is_cut(noise, points):
    raw = b"\x16" + noise
    outcome = read(cut(raw, [point % len(raw) for point in points]))
    assert outcome.error is UpstreamMalformed


@given(
    st.sampled_from([row.values[0] for row in WHOLE]), st.binary(min_size=1, max_size=20), st.data()
)
def test_any_byte_after_the_end_makes_the_connection_unfit(raw, surplus, data):
    clean = read([raw])
    poisoned = raw + surplus
    point = data.draw(st.integers(1, len(poisoned)))
    outcome = read(cut(poisoned, [point]))
    assert not outcome.reusable
    assert (outcome.status, outcome.fields, outcome.body) == (
        clean.status,
        clean.fields,
        clean.body,
    )
    assert outcome.complete
    assert outcome.error is None


@pytest.mark.parametrize("method", ["HEAD"])
@pytest.mark.parametrize("after", [b"", b"abc"])
def test_the_answer_to_head_has_no_body_and_is_the_last(method, after):
    """S-23: whether a body comes all the same cannot be known in time."""
    outcome = read([LENGTH + after], method)
    assert outcome.body == b""
    assert outcome.complete
    assert not outcome.reusable


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(OK + b"x: " + b"a" * MAX_HEAD, id="S-26 one long field"),
        pytest.param(OK + b"x: 1\r\n" * (MAX_HEAD // 6), id="N-13 fields without an end"),
        pytest.param(b"HTTP/1.1 200 " + b"a" * MAX_HEAD, id="N-13 reason without an end"),
        pytest.param(
            b"HTTP/1.1 103 x\r\nx: " + b"a" * 16_384 + b"\r\n\r\n" + OK + b"x: " + b"a" * 50_000,
            id="N-13 interim answers count",
        ),
    ],
)
@pytest.mark.parametrize("size", [1000, 1_000_000])
def test_a_head_is_64_kib_at_most(raw, size):
    outcome = read(raw[i : i + size] for i in range(0, len(raw), size))
    assert outcome.error is UpstreamMalformed


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(b"3;", id="S-10 extension without an end"),
        pytest.param(b"0\r\nx: ", id="S-25 trailer without an end"),
        pytest.param(b"0" * 1000, id="S-08 zeros without an end"),
    ],
)
def test_framing_without_a_body_is_64_kib_at_most(start):
    pieces = [CHUNKED + start, *([b"0" * 1000] * 70)]
    assert read(pieces).error is UpstreamMalformed


def test_many_small_chunks_are_no_framing_without_a_body():
    pieces = [CHUNKED, *([b"1\r\na\r\n" * 100] * 200), b"0\r\n\r\n"]
    outcome = read(pieces)
    assert (outcome.body, outcome.reusable) == (b"a" * 20_000, True)


def test_a_body_without_a_length_ends_with_its_connection():
    answer = Answer("GET")
    answer.feed(OK + b"\r\nab")
    assert not answer.complete
    answer.end()
    assert answer.complete
    assert not answer.reusable
    assert answer.body == [b"ab"]


@pytest.mark.parametrize(
    "raw", [row for row in every(UNFINISHED) if not (row.id or "").startswith("until close")]
)
def test_other_bodies_do_not(raw):
    answer = Answer("GET")
    answer.feed(raw)
    answer.end()
    assert not answer.complete


def test_says_whether_any_byte_has_come():
    answer = Answer("GET")
    assert not answer.started
    answer.feed(b"H")
    assert answer.started
