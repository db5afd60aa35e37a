"""The guarded protocol, from raw bytes on one side to what the application got on the other."""

import asyncio
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.net.recorder import LARGE, QUICK, ask, recording
from tests.support.wire import Answer, connected, parse_answer, raw_request, wire

pytestmark = pytest.mark.anyio

GET = raw_request("GET", "/a")
BODY = b"hello"


def post(*lines: bytes, body: bytes = BODY, target: str = "/a") -> bytes:
    """A POST with exactly these framing lines."""
    return raw_request("POST", target, lines) + body


def chunked(body: bytes = b"5\r\nhello\r\n0\r\n\r\n", target: str = "/a") -> bytes:
    return raw_request("POST", target, [b"Transfer-Encoding: chunked"]) + body


def with_line(line: bytes) -> bytes:
    return raw_request("GET", "/a", [line])


async def test_hands_a_plain_request_on() -> None:
    async with recording() as (app, url):
        answer = await wire(url, raw_request("POST", "/a%2Fb?q=%20", [("X-A", "1 ")], BODY))
    assert (answer.status, answer.complete) == (200, True)
    (seen,) = app.seen
    assert seen.body == BODY
    assert seen.scope["raw_path"] == b"/a%2Fb"
    assert seen.scope["query_string"] == b"q=%20"
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


@pytest.mark.parametrize(
    ("version", "status"),
    [
        *((version, 400) for version in ("", "HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/3.0")),
        *((version, 400) for version in ("HTTP/1", "HTTP/1.", "HTTP/1.10", "HTTP/01.1")),
        *((version, 400) for version in ("http/1.1", "HTTPS/1.1", "ICE/1.0", "HTTP/1.1 ")),
    ],
)
async def test_speaks_http_1_only(version: str, status: int) -> None:
    async with recording() as (app, url):
        line = f"GET /a {version}".rstrip(" ") if not version else f"GET /a {version}"
        assert_refused(await ask(url, line.encode() + b"\r\nHost: a\r\n\r\n"), status)
    assert app.started == []


async def test_refuses_the_preface_of_http_2() -> None:
    async with recording() as (app, url):
        assert_refused(await ask(url, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 400)
    assert app.started == []


async def test_a_request_of_http_1_0_is_the_last_of_its_connection() -> None:
    head = b"GET /a HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"
    async with recording() as (app, url), connected(url) as peer:
        await peer.send(head + head)
        answer = await peer.answer()
        assert answer.values("connection") == ["close"]
        await peer.until_closed()
        assert peer.received == b""
    assert len(app.seen) == 1


async def test_refuses_chunks_in_http_1_0() -> None:
    async with recording() as (app, url):
        assert_refused(await ask(url, chunked().replace(b"HTTP/1.1", b"HTTP/1.0")), 400)
    assert app.started == []


def bad_targets() -> Any:
    for target in ("a", "@evil", ":80", "?", "?a=b", "*", "http://evil/x", "//evil/x", "///"):
        yield pytest.param(target.encode(), id=f"P-12 {target}")
    for target in ("/a#b", "#/public", "/#", "/a?b#c"):
        yield pytest.param(target.encode(), id=f"P-13 {target}")
    for target in ("/a b", "/a\\b", "\\\\evil", "/\\evil", "/a?b c"):
        yield pytest.param(target.encode(), id=f"S-19 {target!r}")
    for code in (*range(33), 127, 128, 195, 255):
        yield pytest.param(b"/a%cb" % code, id=f"S-19 byte {code} in the path")
        yield pytest.param(b"/a?b=%cb" % code, id=f"S-19 byte {code} in the query")


@pytest.mark.parametrize("target", [*bad_targets()])
async def test_refuses_a_target_that_is_no_path(target: bytes) -> None:
    async with recording() as (app, url):
        assert_refused(await ask(url, b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n"), 400)
    assert app.started == []


async def test_takes_the_whole_server_as_target_of_options() -> None:
    async with recording() as (app, url):
        answer = await wire(url, raw_request("OPTIONS", "*"))
    assert (answer.status, app.seen[0].scope["raw_path"]) == (200, b"*")


@pytest.mark.parametrize(
    "method",
    [
        "CONNECT",
        "TRACE",
        "TRACK",
        "DEBUG",
        "get",
        "Get",
        "__class__",
        "PROPFIND",
        "PURGE",
        "X" * 50,
    ],
)
async def test_refuses_methods_nobody_has_here(method: str) -> None:
    target = "evil:80" if method == "CONNECT" else "/a"
    async with recording() as (app, url):
        answer = await ask(url, raw_request(method, target))
    assert_refused(answer, 405)
    assert "POST" in answer.values("allow")[0]
    assert app.started == []


async def test_refuses_a_method_of_a_megabyte() -> None:
    async with recording() as (app, url):
        assert_refused(await ask(url, b"G" * 1_000_000), 405)
    assert app.started == []


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("hosts", [[], ["a", "a"], ["a", "b"]])
async def test_wants_exactly_one_host(version: str, hosts: list[str]) -> None:
    lines = "".join(f"Host: {host}\r\n" for host in hosts)
    async with recording() as (app, url):
        raw = f"GET /a HTTP/{version}\r\n{lines}\r\n"
        assert_refused(await ask(url, raw.encode()), 400)
    assert app.started == []


@pytest.mark.parametrize("value", ["100-continue, x", "200-ok", "", "100-continue;q=1"])
async def test_can_be_expected_to_continue_and_nothing_else(value: str) -> None:
    async with recording() as (app, url):
        raw = raw_request("POST", "/a", [("Expect", value)], BODY)
        assert_refused(await ask(url, raw), 417)
    assert app.started == []


async def test_says_continue_when_the_application_reads() -> None:
    async with recording() as (app, url), connected(url) as peer:
        head = raw_request("POST", "/a", [("Expect", "100-continue"), ("Content-Length", "5")])
        await peer.send(head)
        await peer.until(b"HTTP/1.1 100 Continue\r\n\r\n")
        await peer.send(BODY)
        assert (await peer.answer()).status == 200
    assert app.seen[0].body == BODY


async def test_does_not_ask_for_a_body_it_will_not_read() -> None:
    async with recording() as (_, url), connected(url) as peer:
        fields = [("Expect", "100-continue"), ("Content-Length", "5")]
        await peer.send(raw_request("POST", "/early", fields))
        answer = await peer.answer()
        await peer.until_closed()
    assert answer.status == 401
    assert b"100 Continue" not in answer.raw


# Sizes


async def test_refuses_a_long_target() -> None:
    async with recording(max_target=1000) as (app, url):
        assert_refused(await ask(url, raw_request("GET", "/" + "a" * 1000)), 414)
        assert app.started == []
        assert (await wire(url, raw_request("GET", "/" + "a" * 999))).status == 200


async def test_refuses_a_target_without_end() -> None:
    async with recording() as (app, url):
        assert_refused(await ask(url, b"GET /" + b"a" * 70_000), 414)
    assert app.started == []


def header_bombs() -> Any:
    yield pytest.param(b"X-A: b\r\n" * 2000, id="H-20 2,000 fields")
    yield pytest.param(b"X-A: b\r\n" * 100, id="H-20 one field too many")
    yield pytest.param(b"X-A: " + b"b" * 1_000_000, id="H-20 a value of 1 MB without end")
    yield pytest.param(b"X-A: " + b"b" * 32_768 + b"\r\n", id="H-20 a value of 32 KiB")
    yield pytest.param(b"x" * 256_000, id="H-20 a name of 256 KB without end")
    yield pytest.param(b"".join(b"x%05d: %d\r\n" % (i, i) for i in range(20_000)), id="H-20 names")
    yield pytest.param(b"X-A:" + b" " * 1_000_000, id="H-20 1 MB of blanks")


@pytest.mark.parametrize("fields", [*header_bombs()])
async def test_refuses_too_many_or_too_large_fields(fields: bytes) -> None:
    async with recording() as (app, url):
        assert_refused(await ask(url, b"GET /a HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n"), 431)
    assert app.started == []


async def test_refuses_large_fields_that_come_in_drops() -> None:
    async with recording(max_header=2000) as (app, url), connected(url) as peer:
        await peer.send(b"GET /a HTTP/1.1\r\nHost: a\r\nX-A: ")
        while not peer.closed and not peer.received:
            await peer.send(b"b" * 100)
            await asyncio.sleep(0)
        assert_refused(await peer.answer(), 431)
    assert app.started == []


async def test_takes_fields_up_to_the_limit() -> None:
    async with recording() as (_, url):
        lines = [f"X-{i}: v".encode() for i in range(98)]
        assert (
            await wire(url, raw_request("GET", "/a", [*lines, b"X-A: " + b"b" * 30_000]))
        ).status == 200


# Trailers


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


# Upgrade


H2C = [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAA")]
WEBSOCKET = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Key", "x")]


@pytest.mark.parametrize("fields", [H2C, WEBSOCKET], ids=["S-17 h2c", "websocket"])
async def test_answers_an_upgrade_as_a_plain_request(fields: Any) -> None:
    async with recording() as (app, url):
        answer = await ask(url, raw_request("GET", "/a", fields) + b"PRI * HTTP/2.0\r\n\r\nSM")
    assert (answer.status, answer.values("connection")) == (200, ["close"])
    assert [seen.path for seen in app.seen] == ["/a"]


BODIES = {
    "length": post(b"Content-Length: 5", *(f"{n}: {v}".encode() for n, v in H2C)),
    "chunks": raw_request("POST", "/a", [*H2C, b"Transfer-Encoding: chunked"])
    + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("raw", BODIES.values(), ids=BODIES.keys())
@pytest.mark.parametrize("rest", [b"", GET], ids=["alone", "with another request behind"])
async def test_reads_the_body_of_a_request_whose_upgrade_is_ignored(
    raw: bytes, rest: bytes
) -> None:
    async with recording() as (app, url):
        answer = await ask(url, raw + rest)
        assert (answer.status, answer.values("connection")) == (200, ["close"])
        async with connected(url) as peer:
            for byte in raw + rest:
                await peer.send(bytes([byte]))
                await asyncio.sleep(0)
            assert (await peer.answer()).status == 200
            await peer.until_closed()
    assert [seen.body for seen in app.seen] == [BODY, BODY]


async def test_takes_an_empty_body_with_an_upgrade() -> None:
    async with recording() as (app, url):
        answer = await ask(url, raw_request("POST", "/a", [*H2C, ("Content-Length", "0")]))
    assert (answer.status, app.seen[0].body) == (200, b"")


async def test_refuses_trailers_of_a_request_whose_upgrade_is_ignored() -> None:
    raw = raw_request("POST", "/a", [*H2C, b"Transfer-Encoding: chunked"])
    async with recording() as (app, url):
        answer = await ask(url, raw + b"5\r\nhello\r\n0\r\nX-External-User-Id: bob\r\n\r\n")
    assert_refused(answer, 400)
    assert app.started == []


# Several requests


async def test_answers_pipelined_requests_in_turn() -> None:
    async with recording() as (app, url), connected(url) as peer:
        await peer.send(
            b"".join(raw_request("GET", f"/{i}", [("X-N", str(i))]) for i in range(100))
        )
        for i in range(100):
            assert (await peer.answer()).body == f"/{i}".encode()
    for i, seen in enumerate(app.seen):
        assert seen.fields[-1] == (b"x-n", str(i).encode())
        assert len(seen.fields) == 2


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        pytest.param(b"GET //evil HTTP/1.1\r\nHost: a\r\n\r\n", 400, id="bad target"),
        pytest.param(b"JUNK JUNK\r\n\r\n", 405, id="S-09 junk after the last chunk"),
        pytest.param(chunked(b"zz\r\n"), 400, id="bad chunk"),
        pytest.param(chunked(b"0\r\nX-A: b\r\n\r\n"), 400, id="trailers"),
    ],
)
async def test_refuses_a_pipelined_request_in_its_turn(bad: bytes, status: int) -> None:
    async with recording() as (app, url), connected(url) as peer:
        await peer.send(chunked() + raw_request("GET", "/b") + bad + raw_request("GET", "/never"))
        assert (await peer.answer()).body == b"/a"
        assert (await peer.answer()).body == b"/b"
        assert_refused(await peer.answer(), status)
        await peer.until_closed()
        assert peer.received == b""
    assert app.started == ["/a", "/b"]


async def test_refuses_a_pipelined_request_after_the_answer_that_runs() -> None:
    async with recording() as (app, url), connected(url) as peer:
        await peer.send(raw_request("GET", "/stream"))
        await peer.until(b"first")
        await peer.send(b"GET //evil HTTP/1.1\r\n\r\n" + GET)
        await peer.send(GET)
        app.release.set()
        assert (await peer.answer()).body == b"firstlast"
        assert_refused(await peer.answer(), 400)
        await peer.until_closed()
    assert app.started == ["/stream"]


async def test_does_not_read_further_ahead_than_so_many_requests() -> None:
    async with recording(max_pipelined=10) as (app, url), connected(url) as peer:
        await peer.send(raw_request("GET", "/stream"))
        await peer.until(b"first")
        await peer.send(GET * 50)
        app.release.set()
        answers = 0
        while not peer.closed or peer.received:
            await peer.until(lambda raw: peer.closed or b"\r\n\r\n" in raw)
            if peer.received:
                await peer.answer()
                answers += 1
    assert answers == len(app.started) == 11


@pytest.mark.parametrize(
    "ahead",
    [
        pytest.param(raw_request("GET", "/b", [b"X-A: " + b"b" * 20_000]) * 3, id="heads"),
        pytest.param(raw_request("POST", "/b", body=b"x" * 200_000), id="a body"),
    ],
)
async def test_does_not_read_further_ahead_than_so_many_bytes(ahead: bytes) -> None:
    async with recording() as (app, url), connected(url) as peer:
        await peer.send(raw_request("GET", "/stream"))
        await peer.until(b"first")
        await peer.send(ahead)
        app.release.set()
        assert (await peer.answer()).body == b"firstlast"
        await peer.until_closed()
    assert len(app.started) <= 2
    assert all(seen.body == b"" for seen in app.seen)


async def test_judges_what_follows_a_body_as_a_request_of_its_own() -> None:
    async with recording() as (app, url), connected(url) as peer:
        await peer.send(post(b"Content-Length: 3", body=b"abc") + raw_request("GET", "/admin"))
        assert (await peer.answer()).body == b"/a"
        assert (await peer.answer()).body == b"/admin"
    assert [(seen.path, seen.body) for seen in app.seen] == [("/a", b"abc"), ("/admin", b"")]


# Early answers


@pytest.mark.parametrize("framing", ["length", "chunks"])
async def test_never_reads_the_rest_of_a_body_as_a_request(framing: str) -> None:
    """S-14: the answer came first, and the client, still sending, gets to read it."""
    line = b"Content-Length: 10000000" if framing == "length" else b"Transfer-Encoding: chunked"
    smuggled = GET * 1000
    async with recording() as (app, url), connected(url) as peer:
        await peer.send(raw_request("POST", "/early", [line]))
        answer = await peer.answer()
        assert (answer.status, answer.body, answer.complete) == (401, b"early", True)
        assert answer.values("connection") == ["close"]
        peer.transport.write(smuggled)
        await peer.until_closed()
        assert peer.received == b""
    assert app.started == ["/early"]


@pytest.mark.parametrize(
    ("start", "status"),
    [
        pytest.param(raw_request("POST", "/early", [b"Content-Length: 10000000"]), 401, id="early"),
        pytest.param(b"GET //evil HTTP/1.1\r\nHost: a\r\n\r\n", 400, id="refusal"),
    ],
)
async def test_the_last_answer_reaches_a_client_that_sends_before_it_reads(
    start: bytes, status: int
) -> None:
    async with recording(linger=2.0) as (app, url):
        raw = await asyncio.to_thread(send_all_then_read, url, start + b"x" * 10_000_000)
    answer = parse_answer(raw)
    assert answer is not None
    assert (answer.status, answer.complete, answer.rest) == (status, True, b"")
    assert app.seen == []


def send_all_then_read(url: str, content: bytes) -> bytes:
    with socket.create_connection(address(url), timeout=5) as client:
        client.sendall(content)
        received = b""
        while part := client.recv(65_536):
            received += part
        return received


def address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


# Clocks


async def test_closes_a_connection_on_which_nothing_comes() -> None:
    async with recording(QUICK) as (_, url), connected(url) as peer:
        assert await peer.until_closed(within=2) == b""


@pytest.mark.parametrize("start", [b"G", b"GET /a HTT", GET[:-2], GET[:-1]])
async def test_gives_a_head_its_time_and_no_more(start: bytes) -> None:
    async with recording(QUICK) as (app, url), connected(url) as peer:
        await peer.send(start)
        assert_refused(await peer.answer(within=2), 408)
        await peer.until_closed(within=2)
    assert app.started == []


@pytest.mark.parametrize("drip", [b"X-A: b\r\n", b"x"], ids=["lines", "bytes"])
async def test_a_dripping_head_gains_no_time(drip: bytes) -> None:
    async with recording(QUICK) as (app, url), connected(url) as peer:
        await peer.send(b"GET /a HTTP/1.1\r\nHost: a\r\n")
        async with asyncio.timeout(2):
            while not peer.closed and not peer.received:
                await peer.send(drip)
                await asyncio.sleep(0.02)
        assert_refused(await peer.answer(), 408)
    assert app.started == []


async def test_dripping_blank_lines_gain_no_time() -> None:
    async with recording(QUICK) as (app, url), connected(url) as peer:
        async with asyncio.timeout(2):
            while not peer.closed:
                peer.transport.write(b"\r\n")
                await asyncio.sleep(0.02)
        assert peer.received == b""
    assert app.started == []


async def test_closes_an_idle_connection() -> None:
    async with recording(QUICK) as (_, url), connected(url) as peer:
        await peer.send(GET)
        assert (await peer.answer()).status == 200
        assert await peer.until_closed(within=2) == b""


async def test_gives_the_next_head_on_a_connection_its_time() -> None:
    async with recording(QUICK) as (app, url), connected(url) as peer:
        await peer.send(GET)
        assert (await peer.answer()).status == 200
        await peer.send(GET[:-2])
        assert_refused(await peer.answer(within=2), 408)
    assert app.started == ["/a"]


async def test_a_client_that_keeps_asking_is_not_cut_off() -> None:
    async with recording(QUICK) as (app, url), connected(url) as peer:
        for _ in range(8):
            await peer.send(raw_request("POST", "/a", body=BODY))
            assert (await peer.answer()).status == 200
            await asyncio.sleep(0.15)
    assert len(app.seen) == 8


@pytest.mark.parametrize("line", [b"Content-Length: 100000", b"Transfer-Encoding: chunked"])
async def test_gives_a_body_that_stops_its_time_and_no_more(line: bytes) -> None:
    async with recording(QUICK) as (app, url), connected(url) as peer:
        await peer.send(raw_request("POST", "/a", [line]) + b"5\r\nhello\r\n")
        assert_refused(await peer.answer(within=2), 408)
        await peer.until_closed(within=2)
        await until(lambda: len(app.seen) == 1)
    assert app.seen[0].body is None


async def drip_body(peer: Any, line: bytes, part: bytes) -> float:
    began = asyncio.get_running_loop().time()
    await peer.send(raw_request("POST", "/a", [line]))
    async with asyncio.timeout(3):
        while not peer.closed and not peer.received:
            await peer.send(part)
            await asyncio.sleep(0.01)
    return asyncio.get_running_loop().time() - began


async def test_a_body_below_the_least_rate_is_refused_after_one_window() -> None:
    async with recording(QUICK, body_timeout=10) as (_, url), connected(url) as peer:
        took = await drip_body(peer, b"Content-Length: 100000", b"x")
        assert_refused(await peer.answer(), 408)
    assert took < 1


async def test_a_body_above_the_least_rate_keeps_to_its_deadline_all_the_same() -> None:
    async with recording(QUICK) as (_, url), connected(url) as peer:
        took = await drip_body(peer, b"Content-Length: 1000000", b"x" * 100)
        assert_refused(await peer.answer(), 408)
    assert took > 0.55


async def test_chunk_lines_are_no_progress() -> None:
    async with recording(QUICK, body_timeout=10) as (_, url), connected(url) as peer:
        took = await drip_body(peer, b"Transfer-Encoding: chunked", b"1\r\nx\r\n")
        assert_refused(await peer.answer(), 408)
    assert took < 1


async def test_a_slow_answer_has_all_the_time() -> None:
    async with recording(QUICK) as (app, url), connected(url) as peer:
        await peer.send(raw_request("POST", "/stream", body=BODY))
        await peer.until(b"first")
        await asyncio.sleep(1.0)  # beyond every limit of QUICK
        app.release.set()
        assert (await peer.answer()).body == b"firstlast"


async def test_gives_up_a_client_that_does_not_read() -> None:
    async with recording(QUICK) as (_, url), connected(url) as peer:
        peer.stop_reading()
        await peer.send(raw_request("GET", "/large"))
        await asyncio.sleep(1.0)
        peer.read_on()
        await peer.until_closed(within=5)
        assert len(peer.received) < LARGE


async def test_a_client_that_reads_on_gets_everything() -> None:
    async with recording(QUICK, write_timeout=2.0) as (_, url), connected(url) as peer:
        await peer.send(raw_request("GET", "/large"))
        for _ in range(5):
            peer.stop_reading()
            await asyncio.sleep(0.5)  # five times make more than the limit
            peer.read_on()
            had = len(peer.received)
            await peer.until(lambda raw, had=had: len(raw) > had + 2_000_000)  # type: ignore[misc]
        answer = await peer.answer()
        assert (len(answer.body), answer.complete) == (LARGE, True)


# Leaving


@pytest.mark.parametrize("leave", ["close", "reset"])
async def test_tells_the_application_that_the_client_left(leave: str) -> None:
    async with recording() as (app, url), connected(url) as peer:
        await peer.send(raw_request("GET", "/stream"))
        await peer.until(b"first")
        getattr(peer, leave)()
        await until(lambda: app.left == ["/stream"])


@pytest.mark.parametrize("later", [False, True], ids=["at once", "later"])
async def test_tells_it_also_when_another_request_was_pipelined(later: bool) -> None:
    async with recording() as (app, url), connected(url) as peer:
        await peer.send(raw_request("GET", "/stream") + (b"" if later else GET))
        await peer.until(b"first")
        if later:
            await peer.send(GET)
            await asyncio.sleep(0.05)
        peer.close()
        await until(lambda: app.left == ["/stream"])
    assert app.started == ["/stream"]


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_a_cut_answer_looks_cut(version: str, caplog: pytest.LogCaptureFixture) -> None:
    async with recording() as (_, url), connected(url) as peer:
        await peer.send(raw_request("GET", "/cut").replace(b"HTTP/1.1", f"HTTP/{version}".encode()))
        answer = await peer.answer()
        await peer.until_closed()
    assert (answer.status, answer.body, answer.complete) == (200, b"half", False)
    assert caplog.records == []


# Too many


async def test_says_no_to_connections_beyond_the_cap() -> None:
    async with recording(max_connections=2) as (app, url):
        async with connected(url) as first, connected(url) as second:
            await first.send(raw_request("GET", "/stream"))
            await first.until(b"first")
            async with connected(url) as third:
                answer = await third.answer()
                assert_refused(answer, 503)
                assert answer.values("retry-after") == ["1"]
                await third.until_closed()
            await second.send(GET)
            assert (await second.answer()).status == 200
        assert app.started == ["/stream", "/a"]
        await until(lambda: app.left == ["/stream"])
        assert (await wire(url, GET)).status == 200


async def test_a_flood_beyond_the_cap_is_just_closed() -> None:
    async with recording(max_connections=1, linger=5.0) as (_, url):
        clients = [socket.create_connection(address(url), timeout=5) for _ in range(100)]
        answers = [await asyncio.to_thread(first_bytes, client) for client in clients[1:]]
        for client in clients:
            client.close()
    assert answers[0].startswith(b"HTTP/1.1 503 ")
    assert answers[-30:] == [b""] * 30


def first_bytes(client: socket.socket) -> bytes:
    try:
        return client.recv(65_536)
    except ConnectionResetError:
        return b""


# What is said


async def test_a_refusal_says_what_is_wrong_and_echoes_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with recording() as (_, url):
        raw = b"GET /secret-path#secret HTTP/1.1\r\nHost: secret\r\nX-A: secret\r\n\r\n"
        first, second = await ask(url, raw), await ask(url, raw)
    assert first.values("content-type") == ["application/problem+json"]
    assert first.values("connection") == ["close"]
    assert first.values("x-gateway-error") == ["bad_request"]
    assert first.values("proxy-status") == [
        'gateway; error=http_request_error; details="bad_request"'
    ]
    assert first.values("date")
    assert b"secret" not in first.raw
    assert first.json()["request_id"] == first.values("x-request-id")[0]
    assert first.values("x-request-id") != second.values("x-request-id")
    assert [record for record in caplog.records if record.levelname != "DEBUG"] == []


def assert_refused(answer: Answer, status: int) -> None:
    assert (answer.status, answer.complete) == (status, True)
    assert answer.json()["status"] == status
    assert answer.values("connection") == ["close"]


async def until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)
