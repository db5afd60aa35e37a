"""The shared server goes and comes back: who is counted where, who waits, and what is said."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.core.errors import Unavailable
from gateway.core.limits.quota import Budget
from gateway.core.people.identity import Person
from gateway.limits.calendar import Calendar
from gateway.limits.counts import Away, Called, Rated, Reserved, Slot, Standing
from gateway.limits.keys import Keys
from gateway.limits.local import LocalCounts
from gateway.limits.org import OrgLimits
from gateway.limits.rules import Allowed, Rules, VendorRules
from gateway.limits.standby import AGAIN, OnFailure, Standby
from gateway.ports import Record
from gateway.vendors.chatbase import VENDOR
from tests.support.clock import WoundClock

pytestmark = pytest.mark.anyio
RATE = Rated("k", 10, 60, 10)
SLOT = Slot("k", 1)
BUDGET = Reserved("k", "2026-11-22", WoundClock().now + 3600, 10, 1)
CALLED = Called("k", "alice", 1, 60)


class Flaky(LocalCounts):
    """A shared server that a test can take away; `heard` is every question that reached it."""

    def __init__(self, clock: WoundClock) -> None:
        super().__init__(clock, clock)
        self.is_away = False
        self.loses_answers = False
        self.heard: list[str] = []

    def _hear(self, what: str) -> None:
        self.heard.append(what)
        if self.is_away:
            raise Away from ConnectionError("redis://:CANARY@host")

    async def admit(
        self, rated: Sequence[Rated], slots: Sequence[Slot], ticket: str, lasts: float
    ) -> Sequence[Standing]:
        self._hear("admit")
        answer = await super().admit(rated, slots, ticket, lasts)
        if self.loses_answers:
            raise Away from TimeoutError()
        return answer

    async def leave(self, slots: Sequence[Slot], ticket: str) -> None:
        self._hear("leave")
        await super().leave(slots, ticket)

    async def call(self, called: Called, ticket: str) -> Standing | None:
        self._hear("call")
        return await super().call(called, ticket)

    async def reserve(
        self, reserved: Sequence[Reserved], ticket: str, lasts: float
    ) -> Sequence[Standing]:
        self._hear("reserve")
        return await super().reserve(reserved, ticket, lasts)

    async def settle(
        self, reserved: Sequence[Reserved], charged: Sequence[int], ticket: str
    ) -> None:
        self._hear("settle")
        await super().settle(reserved, charged, ticket)

    async def end(
        self,
        reserved: Sequence[Reserved],
        charged: Sequence[int],
        held_as: str,
        slots: Sequence[Slot],
        ticket: str,
    ) -> None:
        self._hear("end")
        await super().end(reserved, charged, held_as, slots, ticket)


class Scene:
    def __init__(self, on_failure: OnFailure = "local") -> None:
        self.clock = WoundClock()
        self.shared = Flaky(self.clock)
        self.standby = Standby(
            self.shared, LocalCounts(self.clock, self.clock), on_failure, self.clock
        )

    async def granted(self) -> list[bool]:
        standings = await self.standby.admit([RATE], [], "t", 60.0)
        return [one.granted for one in standings]


async def settled() -> None:
    """Let what was started run to its end."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_while_it_is_there_it_alone_counts() -> None:
    scene = Scene()
    assert await scene.granted() == [True]
    assert await scene.granted() == [False]
    assert scene.shared.heard == ["admit", "admit"]
    assert scene.standby.uncounted == 0


async def test_local_counts_in_this_process() -> None:
    scene = Scene("local")
    scene.shared.is_away = True
    assert [await scene.granted() for _ in range(3)] == [[True], [False], [False]]
    assert scene.standby.uncounted == 3


async def test_open_counts_nothing() -> None:
    scene = Scene("open")
    scene.shared.is_away = True
    assert [await scene.granted() for _ in range(3)] == [[], [], []]
    assert await scene.standby.call(CALLED, "t") is None
    assert await scene.standby.reserve([BUDGET], "t", 60.0) == ()


async def test_closed_refuses() -> None:
    scene = Scene("closed")
    scene.shared.is_away = True
    for _ in range(2):
        with pytest.raises(Unavailable) as caught:
            await scene.granted()
        assert caught.value.retry_after == 1
    scene.shared.is_away = False
    scene.clock.now += AGAIN
    assert await scene.granted() == [True]


async def test_it_is_tried_once_a_second_and_nobody_else_waits() -> None:
    scene = Scene()
    scene.shared.is_away = True
    for _ in range(50):
        await scene.granted()
    assert len(scene.shared.heard) == 1
    scene.clock.now += AGAIN
    for _ in range(50):
        await scene.granted()
    assert len(scene.shared.heard) == 2


async def test_one_line_when_it_goes_and_one_when_it_comes_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scene = Scene()
    with caplog.at_level(logging.INFO):
        scene.shared.is_away = True
        for _ in range(5):
            await scene.granted()
            scene.clock.now += AGAIN
        scene.shared.is_away = False
        for _ in range(5):
            await scene.granted()
    said = [record.getMessage() for record in caplog.records]
    assert [line.split()[0] for line in said] == ["limits_shared_away", "limits_shared_back"]
    assert "CANARY" not in caplog.text


async def test_what_was_spent_is_known_when_it_goes() -> None:
    scene = Scene()
    for number in range(9):
        await scene.standby.reserve([BUDGET], f"t{number}", 60.0)
        await scene.standby.settle([BUDGET], [1], f"t{number}")
    scene.shared.is_away = True
    answers = [(await scene.standby.reserve([BUDGET], f"l{n}", 60.0))[0] for n in range(3)]
    # Eight were known to be spent when it was asked last.
    assert [one.granted for one in answers] == [True, True, False]


@pytest.mark.parametrize("together", [True, False])
async def test_what_could_not_be_given_back_is_when_it_is_there_again(together: bool) -> None:
    scene = Scene()
    await scene.standby.admit([], [SLOT], "a", 60.0)
    await scene.standby.reserve([BUDGET], "a", 60.0)
    scene.shared.is_away = True
    if together:
        await scene.standby.end([BUDGET], [7], "a", [SLOT], "a")
    else:
        await scene.standby.settle([BUDGET], [7], "a")
        await scene.standby.leave([SLOT], "a")
    scene.shared.is_away = False
    scene.clock.now += AGAIN
    await scene.granted()
    await settled()
    (left,) = await scene.shared.reserve([BUDGET], "b", 60.0)
    assert left.remaining == 10 - 7 - 1
    assert (await scene.shared.admit([], [SLOT], "b", 60.0))[0].granted


async def test_it_goes_again_while_things_are_given_back() -> None:
    scene = Scene()
    for ticket in ("a", "b"):
        await scene.standby.reserve([BUDGET], ticket, 60.0)
    scene.shared.is_away = True
    for ticket in ("a", "b"):
        await scene.standby.settle([BUDGET], [2], ticket)
    scene.shared.is_away = False
    scene.clock.now += AGAIN
    await scene.granted()
    scene.shared.is_away = True  # before the task that gives back has run
    await settled()
    assert scene.standby.away
    scene.shared.is_away = False
    scene.clock.now += AGAIN
    await scene.granted()
    await settled()
    (left,) = await scene.shared.reserve([BUDGET], "c", 60.0)
    assert left.remaining == 10 - 4 - 1


async def test_a_place_taken_by_a_question_whose_answer_was_lost_is_given_back() -> None:
    """A server that stood still hears the question when it goes on."""
    scene = Scene("closed")
    scene.shared.loses_answers = True
    with pytest.raises(Unavailable):
        await scene.standby.admit([], [SLOT], "lost", 60.0)
    scene.shared.loses_answers = False
    scene.clock.now += AGAIN
    await scene.granted()
    await settled()
    assert (await scene.standby.admit([], [SLOT], "b", 60.0))[0].granted


async def test_a_place_taken_by_who_is_cancelled_is_given_back() -> None:
    scene = Scene()
    admit = scene.shared.admit

    async def heard_and_then_silent(*asked: Any) -> Sequence[Standing]:
        await admit(*asked)
        await asyncio.Event().wait()
        return ()

    scene.shared.admit = heard_and_then_silent  # type: ignore[method-assign]
    asking = asyncio.create_task(scene.standby.admit([], [SLOT], "cancelled", 60.0))
    await settled()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert not scene.standby.away
    scene.shared.admit = admit  # type: ignore[method-assign]
    await scene.granted()
    await settled()
    assert (await scene.standby.admit([], [SLOT], "b", 60.0))[0].granted


async def test_who_is_cancelled_while_settling_is_settled_all_the_same() -> None:
    scene = Scene()
    await scene.standby.reserve([BUDGET], "a", 60.0)

    async def never(*asked: object) -> None:
        await asyncio.Event().wait()

    settle = scene.shared.settle
    scene.shared.settle = never  # type: ignore[method-assign]
    settling = asyncio.create_task(scene.standby.settle([BUDGET], [4], "a"))
    await settled()
    settling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await settling
    scene.standby._late[0] = lambda: settle([BUDGET], [4], "a")  # it can be heard now
    await scene.granted()
    await settled()
    assert (await scene.shared.reserve([BUDGET], "b", 60.0))[0].remaining == 10 - 4 - 1


async def test_what_is_held_over_an_absence_is_held_and_charged_apart() -> None:
    """What is late, or undone, of one hold of an exchange must not settle the next."""
    scene, record = Scene(), Record("r", "GET", 0.0)
    allowed = Allowed(budgets=(Budget(10_000, "credits", "day"),))
    rules = Rules(user=allowed, upstreams={"llm": VendorRules(lasts=60.0)})
    keys, calendar = Keys(b"s" * 32), Calendar(scene.clock)
    limits = OrgLimits("acme", rules, scene.standby, keys, calendar)
    chat = VENDOR.operations["chat"]
    async with limits.admit(Person("acme", "alice"), "llm", chat, record) as ticket:
        await ticket.spend()
        for cost, is_away in ((2.0, True), (3.0, False), (4.0, False)):
            scene.shared.is_away = is_away
            scene.clock.now += AGAIN
            record.usage = {"credits": cost}
            await ticket.renew()
            await settled()
        record.usage = {"credits": 5.0}
    (account,) = (one for book in scene.shared._books.values() for one in book.people.values())
    # The third was told while it was away: this process alone knows of it.
    assert (account.spent, account.held) == (4000, 0)


async def test_closing_ends_what_is_still_being_given_back() -> None:
    scene = Scene()
    await scene.standby.aclose()
    scene.standby._late.append(asyncio.Event().wait)  # type: ignore[arg-type]
    await scene.granted()
    await settled()
    await scene.standby.aclose()
    assert scene.standby._catching_up is not None
    assert scene.standby._catching_up.done()
