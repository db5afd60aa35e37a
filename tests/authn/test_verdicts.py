"""Verdicts that somebody else gave: rows A of SECURITY.md."""

import asyncio
import gc
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.authn.verdicts import MAX_REMEMBERED, Verdict, Verdicts, digest
from gateway.core.errors import CredentialsInvalid, KeysUnavailable
from tests.support.clock import WoundClock

pytestmark = pytest.mark.anyio


class Source:
    """Answers with what it was asked, when it may."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: Exception | None = None
        self.keep = True
        self.expires_at: float | None = None

    def about(self, name: str):
        async def ask() -> Verdict[str]:
            self.asked.append(name)
            failure = self.failure
            await self.gate.wait()
            if failure is not None:
                raise failure
            return Verdict(f"verdict on {name}", keep=self.keep, expires_at=self.expires_at)

        return ask


class Stage:
    def __init__(self, seconds: float = 10.0) -> None:
        self.source = Source()
        self.wall, self.steady = WoundClock(), WoundClock(0.0)
        self.remembered = Verdicts[str](seconds, clock=self.wall, monotonic=self.steady)

    async def get(self, name: str) -> str:
        return await self.remembered.get(digest(name), self.source.about(name))

    def pass_time(self, seconds: float) -> None:
        self.wall.now += seconds
        self.steady.now += seconds


async def test_an_answer_is_good_for_its_seconds() -> None:
    stage = Stage()
    for _ in range(5):
        assert await stage.get("a") == "verdict on a"
    stage.pass_time(9.9)
    await stage.get("a")
    assert stage.source.asked == ["a"]
    stage.pass_time(0.1)
    await stage.get("a")
    assert stage.source.asked == ["a", "a"]


async def test_its_age_counts_from_the_question() -> None:
    """Row K-16: a slow answer is as old as what it tells of."""
    stage = Stage()
    stage.source.gate.clear()
    asking = asyncio.create_task(stage.get("a"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    stage.pass_time(3)
    stage.source.gate.set()
    await asking
    stage.pass_time(6.9)
    await stage.get("a")
    assert stage.source.asked == ["a"]
    stage.pass_time(0.1)
    await stage.get("a")
    assert stage.source.asked == ["a", "a"]


async def test_it_never_outlives_the_credential() -> None:
    """Row A-08."""
    stage = Stage()
    stage.source.expires_at = stage.wall.now + 1
    await stage.get("a")
    stage.pass_time(0.9)
    await stage.get("a")
    assert len(stage.source.asked) == 1
    stage.pass_time(0.1)
    await stage.get("a")
    assert len(stage.source.asked) == 2


async def test_a_clock_that_is_set_back_stretches_nothing() -> None:
    stage = Stage()
    await stage.get("a")
    stage.pass_time(10)
    stage.wall.now -= 3600
    await stage.get("a")
    assert len(stage.source.asked) == 2


@pytest.mark.parametrize("failure", [CredentialsInvalid("no"), KeysUnavailable("away")])
async def test_only_what_lets_somebody_in_is_kept(failure: Exception) -> None:
    """Rows A-12 and A-15: neither a refusal nor an error is."""
    stage = Stage()
    stage.source.failure = failure
    for _ in range(2):
        with pytest.raises(type(failure)):
            await stage.get("a")
    stage.source.failure = None
    assert await stage.get("a") == "verdict on a"
    stage.source.keep = False
    assert await stage.get("b") == await stage.get("b")
    assert stage.source.asked == ["a", "a", "a", "b", "b"]


async def test_an_error_does_not_take_the_place_of_a_verdict_nor_stretch_it() -> None:
    """Row RF-33, no cached error; and a good verdict is not extended in an outage."""
    stage = Stage()
    await stage.get("a")
    stage.source.failure = KeysUnavailable("away")
    stage.pass_time(9)
    assert await stage.get("a") == "verdict on a"
    stage.pass_time(1)
    with pytest.raises(KeysUnavailable):
        await stage.get("a")


async def test_a_thousand_at_once_are_one_question() -> None:
    stage = Stage()
    answers = await asyncio.gather(*(stage.get("a") for _ in range(1000)))
    assert set(answers) == {"verdict on a"}
    assert stage.source.asked == ["a"]


async def test_a_thousand_at_once_share_a_failure_and_the_next_asks_again() -> None:
    stage = Stage()
    stage.source.failure = KeysUnavailable("away")
    answers = await asyncio.gather(*(stage.get("a") for _ in range(1000)), return_exceptions=True)
    assert {type(one) for one in answers} == {KeysUnavailable}
    assert stage.source.asked == ["a"]
    stage.source.failure = None
    assert await stage.get("a") == "verdict on a"


async def test_without_a_memory_everybody_asks() -> None:
    """`cache = "0s"`: what is said now counts, not what somebody else is being told."""
    stage = Stage(0)
    await asyncio.gather(*(stage.get("a") for _ in range(20)))
    assert stage.source.asked == ["a"] * 20


async def test_a_caller_who_leaves_takes_nobody_elses_question_along() -> None:
    """Rows A-06 and RF-34: whoever asked first, and any other."""
    stage = Stage()
    stage.source.gate.clear()
    tasks = [asyncio.create_task(stage.get("a")) for _ in range(10)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.gather(*tasks[::2], return_exceptions=True)
    stage.source.gate.set()
    assert await asyncio.gather(*tasks[1::2]) == ["verdict on a"] * 5
    assert stage.source.asked == ["a"]


@pytest.mark.parametrize("failure", [None, KeysUnavailable("away")])
async def test_when_all_leave_nothing_is_left_behind(failure: Exception | None) -> None:
    """Row RF-34."""
    before = asyncio.all_tasks()
    stage = Stage()
    stage.source.failure = failure
    stage.source.gate.clear()
    tasks = [asyncio.create_task(stage.get("a")) for _ in range(5)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    running = asyncio.all_tasks() - before
    stage.source.gate.set()
    await asyncio.gather(*running, return_exceptions=True)
    assert asyncio.all_tasks() == before
    stage.source.failure = None
    assert await stage.get("a") == "verdict on a"


async def test_closing_ends_what_still_runs() -> None:
    before = asyncio.all_tasks()
    stage = Stage()
    stage.source.gate.clear()
    waiting = asyncio.create_task(stage.get("a"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await stage.remembered.aclose()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await stage.remembered.aclose()
    assert asyncio.all_tasks() == before


async def test_nobody_gets_anothers_answer_whoever_leaves_or_fails() -> None:
    """Row A-06: 500 rounds at random, but replayable."""
    chance = random.Random(6)  # noqa: S311 - a schedule, no secret
    stage = Stage(0.001)

    def about(name: str):
        async def ask() -> Verdict[str]:
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
            if chance.random() < 0.2:
                raise KeysUnavailable("away")
            return Verdict(name)

        return ask

    for _ in range(500):
        stage.pass_time(0.0005)
        names = [chance.choice(["alice", "bob"]) for _ in range(8)]
        tasks = [
            asyncio.create_task(stage.remembered.get(digest(name), about(name))) for name in names
        ]
        await asyncio.sleep(0)
        tasks[0].cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        for name, answer in zip(names, answers, strict=True):
            assert isinstance(answer, BaseException) or answer == name


async def test_a_flood_leaves_memory_bounded() -> None:
    """Row A-07."""
    stage = Stage()
    for number in range(MAX_REMEMBERED + 500):
        await stage.get(str(number))
    assert len(stage.remembered._kept) == MAX_REMEMBERED
    assert not stage.remembered._asking


async def test_names_that_are_nearly_alike_are_two() -> None:
    """Rows A-01 and A-02."""
    stage = Stage()
    names = ["tok", "tok.", "tok=", "to", "Tok", "tok\0", "x" * 5000 + "1", "x" * 5000 + "2"]
    for name in names:
        assert await stage.get(name) == f"verdict on {name}"
    assert stage.source.asked == names


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_no_two_credentials_have_one_name(one: list[str], other: list[str]) -> None:
    assert (digest(*one) == digest(*other)) == (one == other)


def test_a_credential_that_has_no_utf_8_has_a_name() -> None:
    assert digest("\ud800") != digest("\ud801")


async def test_a_failure_that_nobody_waits_for_any_more_is_not_told_of() -> None:
    """Row RF-34: an event loop that finds one logs it as a mistake of ours."""
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, about: told.append(about))
    for failure in (KeysUnavailable("away"), None):
        stage = Stage()
        stage.source.failure = failure
        stage.source.gate.clear()
        leaving = asyncio.create_task(stage.get("a"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        leaving.cancel()
        (asking,) = stage.remembered._asking.values()
        if failure is None:
            await stage.remembered.aclose()
        stage.source.gate.set()
        await asyncio.wait([asking, leaving])
        del asking, leaving, stage
        gc.collect()
    assert told == []


async def test_closing_waits_until_the_questions_have_ended() -> None:
    ended = []

    async def ask() -> Verdict[str]:
        try:
            return await asyncio.Future()
        finally:
            ended.append(True)

    remembered = Verdicts[str](10.0)
    waiting = asyncio.create_task(remembered.get(digest("a"), ask))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await remembered.aclose()
    assert ended == [True]
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_what_was_asked_before_all_was_forgotten_counts_for_nobody_after() -> None:
    """Row C-13: nor a question that is still open then."""
    stage = Stage()
    await stage.get("a")
    stage.remembered.forget()
    await stage.get("a")
    assert stage.source.asked == ["a", "a"]
    stage.source.gate.clear()
    before = asyncio.create_task(stage.get("b"))
    await asyncio.sleep(0)
    stage.remembered.forget()
    after = asyncio.create_task(stage.get("b"))
    await asyncio.sleep(0)
    stage.source.gate.set()
    assert await before == await after == "verdict on b"
    await stage.get("b")
    assert stage.source.asked == ["a", "a", "b", "b"]


def test_the_limits_are_these() -> None:
    assert MAX_REMEMBERED == 10_000
