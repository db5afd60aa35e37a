"""An answer on its connection, without a socket; tests/test_entries.py has it on one."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

import pytest

from gateway.net.server.own_turn import OwnTurn
from gateway.net.server.served_request import ServedRequest
from gateway.net.upstream.field_lines import NoField
from gateway.ports import Outbound
from tests.net.link import Link, head

pytestmark = pytest.mark.anyio

Answers = Callable[[Outbound], Awaitable[None]]


class Told:
    """An `Entry` that answers as it is told."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    async def carry(self, ask: ServedRequest, answer: Outbound) -> None:
        await self._answers(answer)


async def nothing(answer: Outbound) -> None:
    pass


def turn(link: Link, answers: Answers = nothing, method: str = "GET") -> OwnTurn:
    one = OwnTurn(link.connection, head(method), Told(answers))
    one.whole()
    one.keep_alive = True
    return one


async def test_head_first_chunk_and_the_rest() -> None:
    async def answers(answer: Outbound) -> None:
        await answer.start(200, [(b"a", b"b")])
        await answer.chunk(b"one")
        await answer.chunk(b"")
        await answer.chunk(b"two and more")
        await answer.end()

    link = Link()
    await turn(link, answers).run()
    assert link.written == [
        b"HTTP/1.1 200 OK\r\ndate: today\r\na: b\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n",
        b"c\r\ntwo and more\r\n",
        b"0\r\n\r\n",
    ]
    assert (link.answered, link.closed) == (1, False)


async def test_a_head_does_not_wait_for_a_chunk_that_comes_later() -> None:
    link = Link()
    one = turn(link)
    await one.start(200, [])
    assert link.written == []
    await asyncio.sleep(0)
    assert len(link.written) == 1
    await one.chunk(b"a")
    assert link.written[1:] == [b"1\r\na\r\n"]


async def test_a_head_that_says_how_long_the_content_is_goes_out_with_it() -> None:
    link = Link()
    one = turn(link)
    await one.start(200, [(b"content-length", b"3")])
    await asyncio.sleep(0)
    assert link.written == []
    await one.chunk(b"one")
    assert len(link.written) == 1


async def test_such_a_head_goes_out_where_no_content_comes() -> None:
    for length, ends in ((b"0", OwnTurn.end), (b"0", OwnTurn.cut), (b"3", OwnTurn.cut)):
        link = Link()
        one = turn(link)
        await one.start(200, [(b"content-length", length)])
        await ends(one)
        assert b"".join(link.written).endswith(b"content-length: %b\r\n\r\n" % length)


async def test_a_length_stands_for_chunks() -> None:
    link = Link()
    one = turn(link)
    await one.start(200, [(b"content-length", b"3")])
    await one.chunk(b"one")
    await one.end()
    assert b"".join(link.written).endswith(b"content-length: 3\r\n\r\none")


@pytest.mark.parametrize("content", [b"four", b"3"])
async def test_content_of_another_length_than_was_announced_is_never_whole(content: bytes) -> None:
    async def answers(answer: Outbound) -> None:
        await answer.start(200, [(b"content-length", b"3")])
        await answer.chunk(content)
        await answer.end()

    link = Link()
    one = turn(link, answers)
    await one.run()
    assert (one.complete, link.answered, link.closed) == (False, 0, True)
    assert b"four" not in b"".join(link.written)


@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304), ("HEAD", 404)]
)
async def test_what_has_no_content_gets_none(method: str, status: int) -> None:
    link = Link()
    one = turn(link, method=method)
    await one.start(status, [])
    await one.chunk(b"content")
    await one.end()
    written = b"".join(link.written)
    assert written.endswith(b"date: today\r\n\r\n")
    assert (written.count(b"\r\n"), one.complete) == (3, True)


async def test_the_last_answer_of_a_connection_says_so_and_closes_it() -> None:
    link = Link()
    one = turn(link)
    one.keep_alive = False
    await one.start(200, [])
    await one.end()
    assert b"connection: close\r\n" in link.written[0]
    assert link.closed


async def test_nothing_follows_a_cut() -> None:
    link = Link()
    one = turn(link)
    await one.start(200, [])
    await one.chunk(b"half")
    await one.cut()
    assert link.closed
    for more in (one.chunk(b"x"), one.end()):
        with pytest.raises(RuntimeError):
            await more
    assert b"".join(link.written).endswith(b"4\r\nhalf\r\n")


async def test_a_head_goes_out_before_a_cut() -> None:
    link = Link()
    one = turn(link)
    await one.start(200, [])
    await one.cut()
    assert len(link.written) == 1


async def test_nothing_is_written_to_a_client_that_has_left() -> None:
    link = Link()
    one = turn(link)
    await one.start(200, [])
    one.leave()
    await one.chunk(b"a")
    await one.end()
    await asyncio.sleep(0)
    assert link.written == []
    assert (one.complete, link.answered) == (False, 0)


async def test_a_client_that_leaves_after_its_answer_is_no_news() -> None:
    one = turn(Link())
    await one.start(200, [])
    await one.end()
    one.leave()
    assert not one.request.gone


@pytest.mark.parametrize("step", ["start", "chunk", "end"])
async def test_waits_for_a_client_that_does_not_read(step: str) -> None:
    link = Link()
    one = turn(link)
    steps = {"start": lambda: one.start(200, []), "chunk": lambda: one.chunk(b"a"), "end": one.end}
    for name in list(steps)[: list(steps).index(step)]:
        await steps[name]()
    await asyncio.sleep(0)
    before = list(link.written)
    link.flow.pause_writing()
    waiting = asyncio.create_task(steps[step]())
    for _ in range(3):
        await asyncio.sleep(0)
    assert link.written == before
    link.flow.resume_writing()
    await waiting
    await asyncio.sleep(0)
    assert link.written != before


async def test_a_chunk_is_written_at_once_as_any_other() -> None:
    link = Link()
    one = turn(link)
    write = one.writer().write
    assert not write(b"before the head")
    await one.start(200, [])
    assert not write(b"before the head is out")
    await asyncio.sleep(0)
    assert write(b"one")
    assert write(b"two and more")
    assert link.written[1:] == [b"3\r\none\r\n", b"c\r\ntwo and more\r\n"]


async def test_a_connection_rests_while_a_stream_is_answered() -> None:
    link = Link()
    one = turn(link)
    await one.start(200, [])
    assert not link.rests
    one.writer()
    assert link.rests


async def test_nothing_is_written_at_once_while_a_client_does_not_read() -> None:
    link = Link()
    one = turn(link)
    await one.start(200, [])
    await asyncio.sleep(0)
    link.flow.pause_writing()
    assert not one.writer().write(b"a")
    link.flow.resume_writing()
    assert one.writer().write(b"a")


@pytest.mark.parametrize("end", ["cut", "leave", "end"])
async def test_nothing_is_written_at_once_behind_the_end(end: str) -> None:
    link = Link()
    one = turn(link)
    await one.start(200, [])
    await one.chunk(b"half")
    if end == "leave":
        one.leave()
    else:
        await getattr(one, end)()
    before = list(link.written)
    assert not one.writer().write(b"a")
    assert link.written == before


@pytest.mark.parametrize("fields", [[(b"content-length", b"3")], []])
async def test_what_has_a_length_or_no_content_is_counted_chunk_by_chunk(
    fields: list[tuple[bytes, bytes]],
) -> None:
    one = turn(Link(), method="GET" if fields else "HEAD")
    await one.start(200, fields)
    assert not one.writer().write(b"one")


async def test_an_answer_begins_once() -> None:
    one = turn(Link())
    await one.start(200, [])
    with pytest.raises(RuntimeError):
        await one.start(200, [])


async def test_one_field_never_becomes_two() -> None:
    link = Link()
    with pytest.raises(NoField):
        await turn(link).start(200, [(b"a", b"b\r\nset-cookie: c=d")])
    assert link.written == []


async def test_whoever_does_not_answer_closes_the_connection() -> None:
    link = Link()
    await turn(link).run()
    assert (link.written, link.closed) == ([], True)


async def test_a_fault_closes_the_connection_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def answers(answer: Outbound) -> None:
        raise ValueError

    link = Link()
    with caplog.at_level(logging.ERROR, "gateway.server"):
        await turn(link, answers).run()
    assert link.closed
    assert [record.getMessage() for record in caplog.records] == ["a request could not be answered"]


async def test_a_turn_that_is_cancelled_closes_the_connection() -> None:
    link = Link()

    async def answers(answer: Outbound) -> None:
        await answer.start(200, [])
        await answer.chunk(b"half")
        await asyncio.Event().wait()

    running = asyncio.create_task(turn(link, answers).run())
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert link.closed
    assert not b"".join(link.written).endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("how", [None, ValueError, asyncio.CancelledError])
async def test_says_that_its_task_has_ended_however_it_ends(
    how: type[BaseException] | None, caplog: pytest.LogCaptureFixture
) -> None:
    async def answers(_: Outbound) -> None:
        if how is not None:
            raise how

    link = Link()
    with contextlib.suppress(asyncio.CancelledError):
        await turn(link, answers).run()
    assert link.has_ended
    assert len(caplog.records) == (how is ValueError)
