"""A request on its connection, without a socket; tests/test_entries.py has it on one."""

import asyncio
import ipaddress

import pytest

from gateway.core.errors import BadRequest, ContentTooLarge, RequestTimeout
from gateway.net.server.served_request import ServedRequest
from gateway.ports import ClientLeft
from tests.net.link import Link, head

pytestmark = pytest.mark.anyio

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
EXPECTS = ((b"expect", b"100-continue"), (b"content-length", b"2"))


def request(*fields: tuple[bytes, bytes], link: Link | None = None) -> ServedRequest:
    return ServedRequest((link or Link()).connection, head("POST", b"/a%2Fb?c=d?e", *fields))


async def test_says_what_was_sent() -> None:
    ask = request((b"x-a", b"b"))
    assert (ask.method, ask.raw_path, ask.raw_query, ask.mount) == ("POST", "/a%2Fb", b"c=d?e", "")
    assert [*ask.fields] == [(b"host", b"Gateway.test"), (b"x-a", b"b")]


FORWARDED = ((b"x-forwarded-proto", b"https"), (b"x-forwarded-for", b"198.51.100.7"))


async def test_believes_nobody_about_where_it_comes_from() -> None:
    ask = request(*FORWARDED)
    assert (ask.scheme, ask.host, ask.peer) == ("http", "gateway.test", "192.0.2.1")


async def test_believes_the_proxies_it_is_told_to() -> None:
    ask = request(*FORWARDED)
    ask.trusted_proxies = (ipaddress.ip_network("192.0.2.0/24"),)
    assert (ask.scheme, ask.host, ask.peer) == ("https", "gateway.test", "198.51.100.7")


async def test_has_no_peer_on_a_unix_socket() -> None:
    link = Link()
    link.client = None  # type: ignore[assignment]
    assert request(link=link).peer == ""


async def test_can_be_made_of_a_request_whose_host_is_none() -> None:
    ask = ServedRequest(Link().connection, head("GET", b"/a"))
    ask.fields = [(b"host", b"a b")]
    for read in ("scheme", "host", "peer"):
        with pytest.raises(BadRequest):
            getattr(ask, read)


# Its body


async def test_reads_a_body_that_came_with_the_head() -> None:
    ask = request()
    ask.take(b"ab")
    ask.take(b"c")
    ask.whole()
    assert ask.held == 3
    assert await ask.body(3) == b"abc"
    assert ask.held == 0


async def test_reads_a_body_that_comes_later() -> None:
    ask = request()
    reading = asyncio.create_task(ask.body(3))
    for part in (b"ab", b"c"):
        await asyncio.sleep(0)
        ask.take(part)
        await asyncio.sleep(0)
        assert not reading.done()
    assert ask.held == 0
    ask.whole()
    assert await reading == b"abc"


async def test_refuses_an_announced_body_without_reading() -> None:
    ask = request((b"content-length", b"4"))
    with pytest.raises(ContentTooLarge):
        await ask.body(3)


@pytest.mark.parametrize("whole", [False, True])
async def test_stops_reading_at_the_limit(whole: bool) -> None:
    ask = request()
    ask.take(b"abcd")
    if whole:
        ask.whole()
    with pytest.raises(ContentTooLarge):
        await ask.body(3)


async def test_gives_a_body_its_time_and_no_more() -> None:
    ask = request()
    ask.body_timeout = 0.02
    ask.take(b"a")
    with pytest.raises(RequestTimeout):
        await ask.body(3)


@pytest.mark.parametrize("whole", [False, True])
async def test_says_when_the_client_has_left(whole: bool) -> None:
    ask = request()
    ask.take(b"a")
    if whole:
        ask.whole()
    ask.leave()
    with pytest.raises(ClientLeft):
        await ask.body(3)


async def test_says_when_the_client_leaves_while_it_waits() -> None:
    ask = request()
    reading = asyncio.create_task(ask.body(3))
    await asyncio.sleep(0)
    ask.leave()
    with pytest.raises(ClientLeft):
        await reading


async def test_gives_a_body_as_it_comes() -> None:
    ask = request()
    chunks = ask.chunks(4)
    ask.take(b"ab")
    assert await anext(chunks) == b"ab"
    ask.take(b"cd")
    ask.whole()
    assert [chunk async for chunk in chunks] == [b"cd"]


async def test_of_one_beyond_the_limit_it_gives_what_is_within() -> None:
    ask = request()
    chunks = ask.chunks(3)
    ask.take(b"ab")
    assert await anext(chunks) == b"ab"
    ask.take(b"cd")
    with pytest.raises(ContentTooLarge):
        await anext(chunks)
    with pytest.raises(ContentTooLarge):
        await anext(request((b"content-length", b"4")).chunks(3))


async def test_each_piece_has_its_time() -> None:
    ask = request()
    ask.body_timeout = 0.02
    with pytest.raises(RequestTimeout):
        await anext(ask.chunks(3))


async def test_tells_the_client_to_go_on_once_the_body_is_wanted() -> None:
    link = Link()
    ask = request(*EXPECTS, link=link)
    assert link.written == []
    reading = asyncio.create_task(ask.body(2))
    await asyncio.sleep(0)
    assert link.written == [CONTINUE]
    ask.take(b"ab")
    ask.whole()
    assert await reading == b"ab"
    assert link.written == [CONTINUE]


async def test_tells_nobody_to_go_on_after_the_answer() -> None:
    link = Link()
    ask = request(*EXPECTS, link=link)
    ask.answered()
    ask.take(b"ab")
    ask.whole()
    await ask.body(2)
    assert link.written == []


# Leaving


class Told:
    """A `Watcher` that counts."""

    def __init__(self) -> None:
        self.times = 0

    def left(self) -> None:
        self.times += 1


async def test_tells_whoever_asked_that_the_client_has_left() -> None:
    ask, told = request(), Told()
    ask.whole()
    await ask.body(0)
    ask.on_leave(told)
    ask.leave()
    ask.leave()
    assert told.times == 1


async def test_tells_nobody_who_wants_to_know_no_more() -> None:
    ask, told = request(), Told()
    ask.on_leave(told)
    ask.on_leave(None)
    ask.leave()
    assert told.times == 0


async def test_has_nobody_wait_for_a_client_that_has_left() -> None:
    ask = request()
    ask.leave()
    with pytest.raises(ClientLeft):
        ask.on_leave(Told())


async def test_lets_by_a_body_that_nobody_reads() -> None:
    ask = request()
    ask.take(b"ab")
    ask.on_leave(Told())
    ask.take(b"c" * 100_000)
    assert ask.held == 0


async def test_who_reads_the_body_hears_first_that_the_client_has_left() -> None:
    ask, told = request(), Told()
    chunks = ask.chunks(3)
    ask.take(b"a")
    assert await anext(chunks) == b"a"
    ask.on_leave(told)
    ask.leave()
    assert told.times == 0
    with pytest.raises(ClientLeft):
        await anext(chunks)
    assert told.times == 0
    await asyncio.sleep(0)
    assert told.times == 1


async def test_where_nobody_reads_on_whoever_asked_hears_at_once() -> None:
    ask, told = request(), Told()
    chunks = ask.chunks(3)
    ask.take(b"a")
    assert await anext(chunks) == b"a"
    ask.on_leave(told)
    ask.take(b"b")
    await chunks.aclose()
    assert ask.held == 0
    ask.leave()
    assert told.times == 1
