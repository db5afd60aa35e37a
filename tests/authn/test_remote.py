"""Whoever is asked who somebody is, and does not answer: K-17 of SECURITY.md, RF-33 and RF-35."""

import asyncio
import logging
import time
from functools import partial

import pytest

from gateway.authn import remote
from gateway.authn.fetch import FetchFailed, Reply, Unreachable, send
from gateway.authn.remote import AT_ONCE, FAILURES, PAUSE, WAITING, Remote
from gateway.core.errors import KeysUnavailable
from tests.support.clock import WoundClock
from tests.support.host_app import ME, HostApp
from tests.support.ports import free_port
from tests.support.provider import drip, status

pytestmark = pytest.mark.anyio

GOOD = Reply(200, "application/json", b'{"a":1}')


class Script:
    """A question whose answers are told."""

    def __init__(self, answer: Reply | Exception = GOOD) -> None:
        self.answer = answer
        self.asked = 0

    async def __call__(self) -> Reply:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def refused(one: Remote, question: Script) -> bool:
    try:
        await one.ask(question)
    except KeysUnavailable as error:
        return error.retry_after is not None
    return False


async def rested(one: Remote, clock: WoundClock) -> None:
    """Nobody is there until nobody asks, and the pause after it is over."""
    for _ in range(FAILURES):
        assert await refused(one, Script(Unreachable("no connection")))
    clock.now += PAUSE


async def test_an_answer_is_an_answer_whatever_its_status() -> None:
    one = Remote("app")
    for code in (200, 401, 500):
        assert await one.ask(Script(Reply(code, None, b""))) == Reply(code, None, b"")


async def test_after_a_few_questions_without_an_answer_nobody_asks_for_a_while() -> None:
    """Rows K-17 and RF-33: the breaker; then one question, and on its answer everybody's."""
    clock = WoundClock()
    one = Remote("app", monotonic=clock)
    question = Script(Unreachable("no connection"))
    for _ in range(FAILURES + 10):
        assert await refused(one, question)
    assert question.asked == FAILURES
    clock.now += PAUSE
    answers = await asyncio.gather(*(refused(one, question) for _ in range(20)))
    assert all(answers)
    assert question.asked == FAILURES + 1
    clock.now += PAUSE
    question.answer = GOOD
    assert not await refused(one, question)
    assert not any(await asyncio.gather(*(refused(one, question) for _ in range(20))))


async def test_while_one_tries_again_the_others_do_not() -> None:
    clock = WoundClock()
    one = Remote("app", monotonic=clock)
    await rested(one, clock)
    gate = asyncio.Event()

    async def slow() -> Reply:
        await gate.wait()
        return GOOD

    trying = asyncio.create_task(one.ask(slow))
    await asyncio.sleep(0)
    other = Script()
    assert await refused(one, other)
    gate.set()
    assert await trying == GOOD
    assert other.asked == 0
    assert not await refused(one, other)


async def test_whoever_tries_again_has_all_the_time_a_question_takes() -> None:
    clock = WoundClock()
    one = Remote("app", timeout=20 * PAUSE, monotonic=clock)
    await rested(one, clock)
    gate = asyncio.Event()

    async def slow() -> Reply:
        await gate.wait()
        return GOOD

    trying = asyncio.create_task(one.ask(slow))
    await asyncio.sleep(0)
    clock.now += 19 * PAUSE
    other = Script()
    assert await refused(one, other)
    assert other.asked == 0
    gate.set()
    assert await trying == GOOD


async def test_an_answer_begins_the_count_anew() -> None:
    one = Remote("app", monotonic=WoundClock())
    assert await one.ask(Script()) == GOOD
    away = Script(Unreachable("no connection"))
    for _ in range(FAILURES + 3):
        assert await refused(one, away)
    assert away.asked == FAILURES


@pytest.mark.parametrize(
    "answer", [Reply(500, None, b""), FetchFailed("more than it may be")], ids=["500", "huge"]
)
async def test_a_credential_the_app_chokes_on_keeps_nobody_else_out(
    answer: Reply | Exception,
) -> None:
    """A status is an answer: else a junk cookie that is a 500 would end everybody's sign-in."""
    one = Remote("app")
    for _ in range(FAILURES * 3):
        question = Script(answer)
        await refused(one, question)
        assert question.asked == 1
    assert not await refused(one, Script())


async def test_a_question_takes_its_time_and_no_more() -> None:
    """Row RF-33: an app that hangs, and one that sends a byte at a time."""
    with HostApp() as app:
        one = Remote("app", timeout=0.2)
        for held in (True, False):
            app.hold() if held else app.script(ME, drip(b" " * 1000))
            started = time.monotonic()
            with pytest.raises(KeysUnavailable):
                await one.ask(partial(send, "GET", app.me))
            assert time.monotonic() - started < 20  # all of it would take 50
            app.release()


async def test_no_more_run_at_once_than_an_app_can_bear() -> None:
    """And whoever waits too long, or comes when too many wait, is told so."""
    one = Remote("app", timeout=60)
    running = most = 0
    gate = asyncio.Event()

    async def slow() -> Reply:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            await gate.wait()
        finally:
            running -= 1
        return GOOD

    for _ in range(3):  # who has been answered makes room for one other
        await one.ask(Script())
    waiting = [asyncio.create_task(one.ask(slow)) for _ in range(WAITING)]
    await asyncio.sleep(0)
    assert await refused(one, Script())
    gate.set()
    assert await asyncio.gather(*waiting) == [GOOD] * WAITING
    assert most == AT_ONCE


async def test_a_flapping_app_is_no_storm() -> None:
    """Row RF-35: up and down every two seconds, with a question every tenth of one."""
    clock = WoundClock()
    one = Remote("app", monotonic=clock)
    asked_while_down = 0
    for tick in range(1200):
        clock.now += 0.1
        up = tick // 20 % 2 == 0
        question = Script(GOOD if up else Unreachable("no connection"))
        await refused(one, question)
        asked_while_down += question.asked if not up else 0
    outages = 1200 // 40
    assert asked_while_down <= outages * (FAILURES + 2 / PAUSE)


async def test_nobody_there_is_told_in_the_log_once_a_second(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "gateway.authn")
    clock = WoundClock()
    one = Remote("ask http://app", monotonic=clock)
    url = f"http://127.0.0.1:{free_port()}/me?key=CANARY"
    for _ in range(3):
        with pytest.raises(KeysUnavailable):
            await one.ask(partial(send, "GET", url, fields={"cookie": "s=CANARY"}))
    assert [record.getMessage() for record in caplog.records] == [
        "no answer from ask http://app: the connection failed (ConnectionRefusedError)"
    ]
    clock.now += 1
    with pytest.raises(KeysUnavailable):
        await one.ask(partial(send, "GET", url))
    assert len(caplog.records) == 2


def reply(content: bytes, media_type: str | None = "application/json", code: int = 200) -> Reply:
    return Reply(code, media_type, content)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(reply(b"{}", code=500), id="K-14 500"),
        pytest.param(reply(b"", code=204), id="K-14 204"),
        pytest.param(reply(b"", code=302), id="K-14 a redirect"),
        pytest.param(reply(b"<html>Sign in", "text/html"), id="K-14 HTML"),
        pytest.param(reply(b"{}", "text/html; charset=utf-8"), id="JSON that says HTML"),
        pytest.param(reply(b"{}", "text/plain"), id="JSON that says text"),
        pytest.param(reply(b"{}", None), id="JSON that says nothing"),
        pytest.param(reply(b"{}", "application/json\u20ac"), id="a type beyond Latin-1"),
        pytest.param(reply(b"{}", "application/json, text/html"), id="two types"),
        pytest.param(reply(b""), id="nothing"),
        pytest.param(reply(b'{"user_id":"ali'), id="half JSON"),
        pytest.param(reply(b'{"user_id":"alice"}{}'), id="more than JSON"),
        pytest.param(reply(b'{"user_id":"alice","user_id":"bob"}'), id="a name twice"),
        pytest.param(reply('{"user_id":"alice"}'.encode("utf-16")), id="UTF-16"),
        pytest.param(reply(b'{"user_id":NaN}'), id="NaN"),
        pytest.param(reply(b"[" * 100_000), id="nesting"),
        pytest.param(reply(b'["alice"]'), id="a list"),
        pytest.param(reply(b'"alice"'), id="a string"),
        pytest.param(reply(b"null"), id="null"),
    ],
)
def test_what_is_no_json_object_is_no_answer(answer: Reply) -> None:
    with pytest.raises(KeysUnavailable):
        Remote("app").read(answer)


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=utf-8", "a/b+json"]
)
def test_a_json_object_is_one(kind: str) -> None:
    assert Remote("app").read(reply(b' {"a":{"b":1}}\n', kind)) == {"a": {"b": 1}}


async def test_a_status_is_told_and_nothing_of_the_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "gateway.authn")
    with HostApp() as app:
        app.script(ME, status(500, b"CANARY"))
        one = Remote("app")
        answer = await one.ask(partial(send, "GET", app.me))
        with pytest.raises(KeysUnavailable) as caught:
            one.read(answer)
    assert "500" in caplog.text
    assert "CANARY" not in caplog.text + caught.value.detail
    assert remote.TIMEOUT <= 3


async def test_whoever_has_been_answered_waits_no_longer() -> None:
    one = Remote("app")
    for _ in range(WAITING + 10):
        await one.ask(Script())
    nothing = Remote("app", monotonic=WoundClock())
    for _ in range(WAITING + 10):
        assert await refused(nothing, Script(FetchFailed("no answer of any use")))
    assert await nothing.ask(Script()) == GOOD


def test_the_limits_are_these() -> None:
    assert (remote.TIMEOUT, PAUSE) == (3, 1)
    assert (AT_ONCE, WAITING, FAILURES) == (64, 1024, 5)
