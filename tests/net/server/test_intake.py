"""Framing, field lines and trailers, from raw bytes to what the application got."""

import asyncio
import logging
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.server import ServerState

from gateway.net.server.head import Head
from gateway.net.server.intake import LOG, Intake
from gateway.net.server.protocol import guarded_protocol
from gateway.net.server.tally import ServerLimits
from gateway.net.server.turn import Turn
from tests.net.recorder import (
    BODY,
    GET,
    Recorder,
    ask,
    assert_refused,
    chunked,
    post,
    recording,
    until,
)
from tests.support.wire import connected, raw_request, wire

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("either_entry")]


def with_line(line: bytes) -> bytes:
    return raw_request("GET", "/a", [line])


async def test_hands_a_plain_request_on() -> None:
    async with recording() as (app, url):
        answer = await wire(url, raw_request("POST", "/a%2Fb?q=%20", [("X-A", "1 ")], BODY))
    assert (answer.status, answer.complete) == (200, True)
    (seen,) = app.seen
    assert seen.body == BODY
    assert seen.path == "/a%2Fb"
    assert seen.query == b"q=%20"
    assert seen.fields[:2] == [(b"host", b"gateway.test"), (b"x-a", b"1")]


async def test_keeps_the_connection_for_the_next_request() -> None:
    async with recording() as (app, url), connected(url) as peer:
        for target in ("/a", "/b"):
            await peer.send(raw_request("POST", target, body=BODY))
            assert (await peer.answer()).body == target.encode()
        await peer.send(chunked(target="/c"))
        assert (await peer.answer()).body == b"/c"
        assert not peer.closed
    assert [seen.body for seen in app.seen] == [BODY] * 3


def bad_lengths() -> Any:
    for value in ("+3", "-1", "0x3", "3_0", "3 ", "3\t", "", "3, 3", "3,3", "3;", "3 3", "1e1"):
        yield pytest.param(f"Content-Length: {value}".encode(), id=f"S-03 {value!r}")
    yield pytest.param("Content-Length: ٣".encode(), id="S-03 Unicode digit")
    yield pytest.param(b"Content-Length: 18446744073709551617", id="S-03 2^64+1")
    yield pytest.param(b"Content-Length: 5\r\nContent-Length: 5", id="S-03 twice alike")
    yield pytest.param(b"Content-Length: 5\r\nContent-Length: 0", id="S-03 twice, two values")
    yield pytest.param(b"Content-Length:\x0b5", id="S-03 vertical tab")


def bad_codings() -> Any:
    for value in (
        *("xchunked", "chunkedx", "identity", "gzip", "", ",", "chunked,", ",chunked"),
        *("chunked, identity", "gzip, chunked", "chunked, chunked", "chunked;q=1"),
        *("Chunked", "CHUNKED", '"chunked"', "chunked ", "\x0bchunked", "chunked\x00"),
        *("chunked\xa0", "chun\tked"),
    ):
        yield pytest.param(f"Transfer-Encoding: {value}".encode("latin-1"), id=f"S-04 {value!r}")
    twice = b"Transfer-Encoding: chunked\r\nTransfer-Encoding: "
    yield pytest.param(twice + b"chunked", id="S-04 twice")
    yield pytest.param(twice + b"identity", id="S-04 twice, two values")
    for first, second in ((b"Content-Length: 5", b"Transfer-Encoding: chunked"),):
        yield pytest.param(first + b"\r\n" + second, id="S-01 length, then coding")
        yield pytest.param(second + b"\r\n" + first, id="S-01 coding, then length")
    yield pytest.param(b"Transfer-Encoding : chunked", id="S-05 blank before the colon")
    yield pytest.param(b"Content-Length : 5", id="S-05 blank before the colon of a length")
    yield pytest.param(b"Transfer-Encoding:\r\n chunked", id="S-06 folded coding")
    yield pytest.param(b"Transfer-Encoding:\n chunked", id="S-15 folded by a line feed")


@pytest.mark.parametrize("line", [*bad_lengths(), *bad_codings()])
async def test_refuses_a_body_whose_end_two_servers_could_see_differently(line: bytes) -> None:
    async with recording() as (app, url):
        for body in (BODY, b"0\r\n\r\n"):
            answer = await ask(url, post(line, body=body))
            assert_refused(answer, 400)
    assert app.started == []


def bad_chunks() -> Any:
    for size in ("0x5", "-5", "+5", "5 ", " 5", "5\t", "", "5_0", "g", "1" * 17, "5\x00"):
        yield pytest.param(f"{size}\r\nhello\r\n0\r\n\r\n".encode(), id=f"S-08 {size!r}")
    yield pytest.param(b"0" * 1000 + b"5\r\nhello\r\n0\r\n\r\n", id="S-08 a thousand zeros")
    yield pytest.param(b"5\nhello\r\n0\r\n\r\n", id="S-07 line feed after the size")
    yield pytest.param(b"5\r\nhello\n0\r\n\r\n", id="S-07 line feed after the data")
    yield pytest.param(b"5\rhello\r\n0\r\n\r\n", id="S-07 carriage return after the size")
    yield pytest.param(b"5\r\nhelloX0\r\n\r\n", id="S-09 no end of the data")
    yield pytest.param(b"5;a=" + b"x" * 1_000_000 + b"\r\nhello\r\n0\r\n\r\n", id="S-10 1 MB")
    yield pytest.param(b"5;" + b"x" * 600 + b"\r\nhello\r\n0\r\n\r\n", id="S-10 600 bytes")
    yield pytest.param(b"1;aaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n" * 100, id="S-10 many, small")
    yield pytest.param(b'5;a="\n"\r\nhello\r\n0\r\n\r\n', id="S-10 line feed in quotes")
    yield pytest.param(b'5;a="\r"\r\nhello\r\n0\r\n\r\n', id="S-10 carriage return in quotes")
    yield pytest.param(b"5;a\nb\r\nhello\r\n0\r\n\r\n", id="S-10 line feed")


@pytest.mark.parametrize("body", [*bad_chunks()])
async def test_refuses_chunks_that_are_not_plain(body: bytes) -> None:
    async with recording() as (app, url):
        assert_refused(await ask(url, chunked(body)), 400)
        assert app.started == []


@pytest.mark.parametrize("body", [*bad_chunks()])
async def test_an_application_that_reads_never_gets_the_end_of_bad_chunks(body: bytes) -> None:
    async with recording() as (app, url), connected(url) as peer:
        await peer.send(chunked(b"1\r\nx\r\n"))
        await until(lambda: app.started == ["/a"])
        await peer.send(body)
        assert_refused(await peer.answer(), 400)
        await peer.until_closed()
        await until(lambda: len(app.seen) == 1)
    assert app.seen[0].body is None


async def test_takes_a_small_chunk_extension() -> None:
    async with recording() as (app, url):
        answer = await wire(url, chunked(b"5;name=value\r\nhello\r\n0\r\n\r\n"))
    assert answer.status == 200
    assert app.seen[0].body == BODY


async def test_takes_many_small_chunks_in_small_segments() -> None:
    async with recording() as (app, url), connected(url) as peer:
        for byte in chunked(b"1\r\nx\r\n" * 300 + b"0\r\n\r\n"):
            await peer.send(bytes([byte]))
        assert (await peer.answer()).status == 200
    assert app.seen[0].body == b"x" * 300


def bad_lines() -> Any:
    for line, name in (
        (b"nocolon", "S-05 no colon"),
        (b": v", "S-05 no name"),
        (b" X-A: b", "S-05 blank before the name"),
        (b"X A: b", "S-05 blank in the name"),
        (b"X-A : b", "S-05 blank after the name"),
        (b"X-A: b\r\n folded", "S-06 folded"),
        (b"X-A: b\r\n\tfolded", "S-06 folded by a tab"),
        (b"X-A:\r\n folded", "S-06 folded from the start"),
        (b"X-A: b\nX-B: c", "S-07 line feed"),
        (b"X-A: b\rX-B: c", "S-07 carriage return"),
        (b"X-A: b\r", "S-07 two carriage returns"),
    ):
        yield pytest.param(line, id=name)
    for code in (*range(9), *range(14, 32), 127):
        yield pytest.param(b"X-A: b%cc" % code, id=f"S-05 control {code} in a value")
    for code in b'()<>@,;\\"/[]?={} \x00\x7f\x80\xff':
        yield pytest.param(b"X%cA: b" % code, id=f"S-05 {bytes([code])!r} in a name")


@pytest.mark.parametrize("line", [*bad_lines()])
async def test_refuses_a_field_line_that_is_none(line: bytes) -> None:
    async with recording() as (app, url):
        assert_refused(await ask(url, with_line(line)), 400)
    assert app.started == []


TRAILERS = [
    pytest.param(f"{name}: {value}\r\n".encode(), id=f"S-24 {name}")
    for name, value in (
        ("X-External-User-Id", "victim"),
        ("Host", "evil"),
        ("Cookie", "session=bob"),
        ("Authorization", "Bearer x"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("Forwarded", "for=127.0.0.1"),
        ("Content-Length", "5"),
        ("Transfer-Encoding", "chunked"),
        ("X-Empty", ""),
        ("X-A: b\r\nX-B", "c"),
    )
]


@pytest.mark.parametrize("trailers", TRAILERS)
async def test_refuses_trailers_in_the_segment_of_the_head(trailers: bytes) -> None:
    async with recording() as (app, url):
        raw = chunked(b"5\r\nhello\r\n0\r\n" + trailers + b"\r\n")
        assert_refused(await ask(url, raw), 400)
    assert app.started == []


@pytest.mark.parametrize("trailers", TRAILERS)
async def test_refuses_trailers_that_come_later(trailers: bytes) -> None:
    async with recording() as (app, url), connected(url) as peer:
        await peer.send(chunked(b"5\r\nhello\r\n0\r\n"))
        await until(lambda: app.started == ["/a"])
        await peer.send(trailers + b"\r\n")
        assert_refused(await peer.answer(), 400)
        await peer.until_closed()
        await until(lambda: len(app.seen) == 1)
    (seen,) = app.seen
    assert seen.body is None
    assert seen.fields == [(b"host", b"gateway.test"), (b"transfer-encoding", b"chunked")]


# Any cut of the bytes


class Arrived:
    """A `Turn` that nobody takes."""

    def __init__(self, head: Head) -> None:
        self.head = head
        self.content = b""
        self.is_whole = False
        self.keep_alive = self.started = self.complete = False
        self.held = 0

    def take(self, content: bytes) -> None:
        self.content += content
        self.held += len(content)

    def whole(self) -> None:
        self.is_whole = True

    def leave(self) -> None:
        raise AssertionError("there is no socket to leave by")

    async def run(self) -> None:
        raise AssertionError("there is no loop to run in")


class Taken(Intake):
    """Requests as the application would get them, without a socket."""

    def __init__(self) -> None:
        super().__init__(uvicorn.Config(Recorder(), log_config=None), ServerState(), {}, Unused())
        self.requests: list[Arrived] = []
        self.connection_made(Unused())

    def waits(self) -> bool:
        return False

    def turn_of(self, head: Head) -> Turn:
        return Arrived(head)

    def begin(self, turn: Turn) -> None:
        assert isinstance(turn, Arrived)
        self.requests.append(turn)

    def on_answered(self) -> None:
        raise AssertionError("nobody answers here")

    def verdict(self, segments: list[bytes]) -> object:
        """What is wrong, or what arrived."""
        for segment in segments:
            fault = self.take(segment)
            if fault is not None:
                return type(fault)
        return [(one.head, one.content, one.is_whole, one.keep_alive) for one in self.requests]


class Unused:
    """A loop, a transport: asked for much, and of no use here."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


def cut(raw: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(raw) + 1) for place in places), len(raw)]
    return [raw[start:end] for start, end in pairwise(edges) if end > start]


WHOLE = [
    GET,
    post(b"Content-Length: 5"),
    chunked(b"2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"),
    chunked() + GET,
    chunked(b"5\r\nhello\r\n0\r\nX-External-User-Id: victim\r\n\r\n"),
    chunked(b"5;a=" + b"x" * 2000 + b"\r\nhello\r\n0\r\n\r\n"),
    raw_request("GET", "/a", [b"X-A: " + b"b" * 40_000]),
    raw_request("GET", "/" + "a" * 20_000),
    raw_request("GET", "/a", [b"X-A: b"] * 101),
    raw_request("POST", "/a", [b"Connection: Upgrade", b"Upgrade: h2c", b"Content-Length: 5"])
    + BODY,
    post(b"Content-Length: 5", b"Transfer-Encoding: chunked"),
    b"TRACK / HTTP/1.1\r\nHost: a\r\n\r\n",
]


@given(st.sampled_from(WHOLE), st.lists(st.integers(min_value=0), max_size=12))
def test_any_cut_of_the_bytes_means_the_same(raw: bytes, places: list[int]) -> None:
    assert Taken().verdict(cut(raw, places)) == Taken().verdict([raw])


def test_reads_no_more_of_a_body_than_a_buffer_while_nobody_takes_it() -> None:
    taken = Taken()
    assert taken.take(raw_request("POST", "/a", [b"Content-Length: 200000"])) is None
    assert taken.take(b"x" * 65_536) is None
    assert not taken.flow.read_paused
    assert taken.take(b"x") is None
    assert taken.flow.read_paused


START = [b"GET ", b"POST ", b"/a", b"*", b" HTTP/1.1", b" HTTP/1.0", b"#", b"//"]
MARKS = [b"\r\n", b"\n", b"\r", b": ", b" ", b"\x00", b"\xff"]
LINES = [
    *(b"Host: a\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"),
    *(b"Connection: Upgrade\r\n", b"Upgrade: h2c\r\n", b"Expect: 100-continue\r\n"),
]
BODIES = [b"5\r\nhello\r\n", b"0\r\n\r\n", b"hello", b";a=b"]
PIECES = [*START, *MARKS, *LINES, *BODIES, GET, chunked(), post(b"Content-Length: 5")]


class Loud(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        raise AssertionError(record.getMessage())


@pytest.fixture(scope="module")
def no_errors() -> Iterator[None]:
    """What the intake did not foresee, it logs as an error."""
    loud = Loud(logging.ERROR)
    LOG.addHandler(loud)
    yield
    LOG.removeHandler(loud)


@pytest.mark.usefixtures("no_errors")
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=20)), max_size=30))
def test_nothing_that_is_sent_makes_it_fail(segments: list[bytes]) -> None:
    taken = Taken()
    taken.verdict([segment for segment in segments if segment])
    for one in taken.requests:
        assert [name for name, _ in one.head.fields].count(b"host") == 1
        assert one.head.target.startswith(b"/") or one.head.target == b"*"


class Wire(asyncio.Transport):
    """A client's end that says who it is."""

    asked = 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        if name != "peername":
            return default
        self.asked += 1
        return "192.0.2.1", 4711


async def test_while_an_answer_takes_long_a_clients_address_is_not_kept() -> None:
    wire = Wire()
    config = uvicorn.Config(lambda: None, log_config=None)  # else it sets all loggers of uvicorn up
    connection = guarded_protocol(ServerLimits())(config, ServerState(), {})
    connection.connection_made(wire)
    connection.may_reuse = True
    for asked in (1, 2):
        assert connection.client == connection.client == ("192.0.2.1", 4711)
        assert wire.asked == asked
        connection.rest()
    connection.connection_lost(None)
