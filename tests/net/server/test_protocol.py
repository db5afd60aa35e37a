"""One connection: requests in turn, clocks, clients that leave, too many of them."""

import asyncio
import fcntl
import socket
import sys
import termios
from typing import Any

import pytest
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT

from tests.net.recorder import (
    BODY,
    GET,
    QUICK,
    address,
    assert_refused,
    chunked,
    post,
    recording,
    until,
)
from tests.support.wire import Peer, connected, raw_request, wire

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("either_entry")]
SOON = 5.0  # seconds: beyond every limit of QUICK on a busy machine, below the limits of others


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """What is relied upon of transports holds in both loops."""
    return "asyncio", {"use_uvloop": request.param}


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


async def nothing_moves(peer: Peer) -> None:
    """Let the server read whatever it takes of what was sent: it is in this loop."""
    held, turns = -1, 0
    while turns < 20:
        unsent = bytearray(4)
        fcntl.ioctl(peer.transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, unsent)
        now = peer.transport.get_write_buffer_size() + int.from_bytes(unsent, sys.byteorder)
        held, turns = now, turns + 1 if now == held else 0
        await asyncio.sleep(0)


async def test_does_not_read_further_ahead_than_so_many_requests() -> None:
    async with recording(max_pipelined=10) as (app, url), connected(url) as peer:
        await peer.send(raw_request("GET", "/stream"))
        await peer.until(b"first")
        await peer.send(GET * 50)
        await nothing_moves(peer)
        app.release.set()
        answers = 0
        while not peer.closed or peer.received:
            await peer.until(lambda raw: peer.closed or b"\r\n\r\n" in raw)
            if peer.received:
                await peer.answer()
                answers += 1
    assert answers == len(app.started) == 11


@pytest.mark.parametrize(
    ("ahead", "most"),
    [
        pytest.param(raw_request("GET", "/b", [b"X-A: " + b"b" * 20_000]) * 3, 2, id="heads"),
        pytest.param(raw_request("POST", "/b", body=b"x" * 200_000), 1, id="a body"),
        pytest.param(raw_request("POST", "/b", body=b"x" * 30_000) * 9, 3, id="S-11 bodies"),
        pytest.param(
            chunked((b"64\r\n" + b"x" * 100 + b"\r\n") * 300 + b"0\r\n\r\n") * 9,
            3,
            id="S-11 bodies in crumbs",
        ),
    ],
)
async def test_does_not_read_further_ahead_than_so_many_bytes(ahead: bytes, most: int) -> None:
    async with recording() as (app, url), connected(url) as peer:
        await peer.send(raw_request("GET", "/stream"))
        await peer.until(b"first")
        await peer.send(ahead)
        await nothing_moves(peer)
        app.release.set()
        assert (await peer.answer()).body == b"firstlast"
        await peer.until_closed()
    assert len(app.started) <= most
    assert sum(len(seen.body or b"") for seen in app.seen) <= HIGH_WATER_LIMIT


async def test_judges_what_follows_a_body_as_a_request_of_its_own() -> None:
    async with recording() as (app, url), connected(url) as peer:
        await peer.send(post(b"Content-Length: 3", body=b"abc") + raw_request("GET", "/admin"))
        assert (await peer.answer()).body == b"/a"
        assert (await peer.answer()).body == b"/admin"
    assert [(seen.path, seen.body) for seen in app.seen] == [("/a", b"abc"), ("/admin", b"")]


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


# Clocks


async def test_closes_a_connection_on_which_nothing_comes() -> None:
    async with recording(QUICK) as (_, url), connected(url) as peer:
        assert await peer.until_closed(within=SOON) == b""


@pytest.mark.parametrize("start", [b"G", b"GET /a HTT", GET[:-2], GET[:-1]])
async def test_gives_a_head_its_time_and_no_more(start: bytes) -> None:
    async with recording(QUICK) as (app, url), connected(url) as peer:
        await peer.send(start)
        assert_refused(await peer.answer(within=SOON), 408)
        await peer.until_closed(within=SOON)
    assert app.started == []


@pytest.mark.parametrize("drip", [b"X-A: b\r\n", b"x"], ids=["lines", "bytes"])
async def test_a_dripping_head_gains_no_time(drip: bytes) -> None:
    async with recording(QUICK) as (app, url), connected(url) as peer:
        await peer.send(b"GET /a HTTP/1.1\r\nHost: a\r\n")
        async with asyncio.timeout(SOON):
            while not peer.closed and not peer.received:
                await peer.send(drip)
                await asyncio.sleep(0.02)
        assert_refused(await peer.answer(), 408)
    assert app.started == []


async def test_dripping_blank_lines_gain_no_time() -> None:
    async with recording(QUICK) as (app, url), connected(url) as peer:
        async with asyncio.timeout(SOON):
            while not peer.closed:
                peer.transport.write(b"\r\n")
                await asyncio.sleep(0.02)
        assert peer.received == b""
    assert app.started == []


async def test_closes_an_idle_connection() -> None:
    async with recording(QUICK) as (_, url), connected(url) as peer:
        await peer.send(GET)
        assert (await peer.answer()).status == 200
        assert await peer.until_closed(within=SOON) == b""


async def test_gives_the_next_head_on_a_connection_its_time() -> None:
    async with recording(QUICK) as (app, url), connected(url) as peer:
        await peer.send(GET)
        assert (await peer.answer()).status == 200
        await peer.send(GET[:-2])
        assert_refused(await peer.answer(within=SOON), 408)
    assert app.started == ["/a"]


async def test_a_client_that_keeps_asking_is_not_cut_off() -> None:
    clocks = {"header_timeout": 1.5, "body_timeout": 1.5, "keep_alive": 1.5}
    async with recording(QUICK, **clocks) as (app, url), connected(url) as peer:
        for _ in range(20):  # together longer than any clock, and each much shorter
            await peer.send(raw_request("POST", "/a", body=BODY))
            assert (await peer.answer()).status == 200
            await asyncio.sleep(0.1)
    assert len(app.seen) == 20


@pytest.mark.parametrize("line", [b"Content-Length: 100000", b"Transfer-Encoding: chunked"])
async def test_gives_a_body_that_stops_its_time_and_no_more(line: bytes) -> None:
    async with recording(QUICK) as (app, url), connected(url) as peer:
        await peer.send(raw_request("POST", "/a", [line]) + b"5\r\nhello\r\n")
        assert_refused(await peer.answer(within=SOON), 408)
        await peer.until_closed(within=SOON)
        await until(lambda: len(app.seen) == 1)
    assert app.seen[0].body is None


async def drip_body(peer: Any, line: bytes, part: bytes) -> float:
    began = asyncio.get_running_loop().time()
    await peer.send(raw_request("POST", "/a", [line]))
    async with asyncio.timeout(SOON):
        while not peer.closed and not peer.received:
            await peer.send(part)
            await asyncio.sleep(0.01)
    return asyncio.get_running_loop().time() - began


async def test_a_body_below_the_least_rate_is_refused_after_one_window() -> None:
    async with recording(QUICK, body_timeout=10) as (_, url), connected(url) as peer:
        took = await drip_body(peer, b"Content-Length: 100000", b"x")
        assert_refused(await peer.answer(), 408)
    assert took < SOON


async def test_a_body_above_the_least_rate_keeps_to_its_deadline_all_the_same() -> None:
    async with recording(QUICK) as (_, url), connected(url) as peer:
        took = await drip_body(peer, b"Content-Length: 1000000", b"x" * 100)
        assert_refused(await peer.answer(), 408)
    assert took > 0.55


async def test_a_body_that_stops_after_its_answer_is_no_news(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with recording(QUICK, linger=1.0) as (app, url), connected(url) as peer:
        await peer.send(raw_request("POST", "/early", [b"Content-Length: 10"]) + b"x")
        assert (await peer.answer()).body == b"early"
        await peer.until_closed()
        assert peer.received == b""
    assert app.started == ["/early"]
    assert caplog.records == []


async def test_chunk_lines_are_no_progress() -> None:
    async with recording(QUICK, body_timeout=10) as (_, url), connected(url) as peer:
        took = await drip_body(peer, b"Transfer-Encoding: chunked", b"1\r\nx\r\n")
        assert_refused(await peer.answer(), 408)
    assert took < SOON


async def test_a_slow_answer_has_all_the_time() -> None:
    async with recording(QUICK) as (app, url), connected(url) as peer:
        await peer.send(raw_request("POST", "/stream", body=BODY))
        await peer.until(b"first")
        await asyncio.sleep(1.0)  # beyond every limit of QUICK
        app.release.set()
        assert (await peer.answer()).body == b"firstlast"


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


async def test_the_cap_is_what_fits_at_the_moment() -> None:
    room = [2]
    async with (
        recording(fits=lambda: room[-1]) as (_, url),
        connected(url) as first,
        connected(url) as second,
    ):
        for one in (first, second):
            await one.send(GET)
            assert (await one.answer()).status == 200
        assert (await wire(url, GET)).status == 503
        room.append(3)
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
