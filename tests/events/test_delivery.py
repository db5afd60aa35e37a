"""From what is kept to a receiver on a socket: once each, in order, whatever happens on the way."""

import asyncio
import itertools
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.app import Gateway
from gateway.config.load import load
from gateway.core.errors import LedgerUnavailable
from gateway.core.events.event import Event
from gateway.core.events.patience import Waits
from gateway.events.delivery import Address, Courier
from gateway.ports import DeliverySink, Due, Lane, NotDelivered, Outbox, Receiver
from tests.events.test_envelope import EVENT
from tests.store.conftest import locked
from tests.support import config, replicas
from tests.support.chatbase import Chatbase
from tests.support.events import (
    QUICK,
    SECRET,
    WHSEC,
    Hooks,
    Telling,
    chatbase_signed,
    events_stage,
    lead,
)
from tests.support.reply import Reply
from tests.support.stage import Stage, chatbase_stage, gateway_of
from tests.support.tokens import Issuer
from tests.support.vendor import Request

pytestmark = pytest.mark.anyio

HI = {"message": "hi", "stream": False}


@asynccontextmanager
async def telling(folder: Path, more: str = QUICK, **how: Any) -> AsyncIterator[Telling]:
    async with events_stage(
        folder, chatbase_stage, "support", chatbase_signed, more=more, **how
    ) as told:
        yield told


async def opened(told: Telling, *people: str) -> list[str]:
    answers = [await told.stage.ask(who, "POST", "/chat", HI) for who in people]
    return [str(one.json()["data"]["metadata"]["conversationId"]) for one in answers]


async def tell(told: Telling, events: Iterable[tuple[str, int]]) -> None:
    """Events by conversation and number, one after another."""
    for conversation, number in events:
        assert (await told.send(lead(conversation, number))).json() == {"event": "accepted"}


def numbers(events: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    """The names of the leads of each conversation, in the order in which they were heard of."""
    found: dict[str, list[str]] = defaultdict(list)
    for event in events:
        found[event["conversation"]].append(event["data"]["payload"]["customerName"])
    return dict(found)


def in_order(count: int) -> list[str]:
    return [f"A{number}" for number in range(count)]


async def test_what_fails_holds_up_its_conversation_and_no_other(tmp_path: Path) -> None:
    async with telling(tmp_path) as told:
        one, other = await opened(told, "alice", "bob")
        gate = asyncio.Event()
        first = (one, "A0")
        told.hooks.status = lambda event: (
            500
            if (event["conversation"], event["data"]["payload"]["customerName"]) == first
            and not gate.is_set()
            else 204
        )
        await tell(told, [(who, number) for number in range(5) for who in (one, other)])
        await told.hooks.until(lambda: len(told.hooks.events) == 5)
        assert numbers(told.hooks.events) == {other: in_order(5)}
        gate.set()
        await told.quiet()
        assert numbers(told.hooks.events) == {one: in_order(5), other: in_order(5)}
        assert len(set(told.hooks.ids)) == len(told.hooks.ids) == 10


async def test_an_event_is_known_by_one_id_at_every_attempt(tmp_path: Path) -> None:
    async with telling(tmp_path) as told:
        (conversation,) = await opened(told, "alice")
        statuses = itertools.chain([500, 503, 302, 404], itertools.repeat(204))
        told.hooks.status = lambda event: next(statuses)
        await tell(told, [(conversation, 0)])
        await told.quiet()
        seen = [request.values("webhook-id")[0] for request in told.hooks.requests]
        assert len(seen) == 5
        assert set(seen) == {told.hooks.ids[0]}


async def test_who_is_away_is_left_alone_and_then_hears_all(tmp_path: Path) -> None:
    async with telling(tmp_path, 'first_wait = "200ms"\nlongest_wait = "400ms"\n') as told:
        conversations = await opened(told, "alice", "bob", "carol")
        told.hooks.status = 503
        began = time.monotonic()
        await tell(told, [(one, number) for number in range(4) for one in conversations])
        await told.hooks.until(lambda: len(told.hooks.requests) >= 6)
        # One attempt now and then, not one for each of twelve: 0.1 s at least between two.
        assert len(told.hooks.requests) <= 3 + (time.monotonic() - began) / 0.1
        told.hooks.status = 204
        await told.quiet()
        assert numbers(told.hooks.events) == dict.fromkeys(conversations, in_order(4))
        assert len(told.hooks.ids) == 12


async def test_what_a_receiver_does_not_take_is_dead_and_makes_way(tmp_path: Path) -> None:
    async with telling(tmp_path, QUICK + "tries = 3\n") as told:
        (conversation,) = await opened(told, "alice")
        told.hooks.status = lambda event: (
            422 if event["data"]["payload"]["customerName"] == "A0" else 204
        )
        await tell(told, [(conversation, 0), (conversation, 1)])
        await told.quiet()
        assert numbers(told.hooks.events) == {conversation: ["A1"]}
        assert len(told.hooks.requests) == 4


async def test_who_is_away_for_too_long_is_given_up_and_all_that_waits_with_it(
    tmp_path: Path,
) -> None:
    async with telling(tmp_path, QUICK + 'give_up = "1s"\n') as told:
        conversations = await opened(told, "alice", "bob")
        told.hooks.status = 503
        await tell(told, [(one, number) for number in range(3) for one in conversations])
        await told.quiet()
        assert told.hooks.events == []
        told.hooks.status = 204
        await tell(told, [(conversations[0], 3)])
        await told.quiet()
        assert numbers(told.hooks.events) == {conversations[0]: ["A3"]}


async def test_a_receiver_that_hangs_holds_up_no_other(tmp_path: Path) -> None:
    async with Hooks() as slow:
        gate, usual = asyncio.Event(), slow.handler

        async def hangs(request: Request, reply: Reply) -> None:
            await gate.wait()
            await usual(request, reply)

        slow.handler = hangs

        def also(text: str) -> str:
            return text.replace("deliver = [", f'deliver = ["{slow.url}/slow", ')

        async with telling(tmp_path, QUICK + 'timeout = "30s"\n', edit=also) as told:
            conversations = await opened(told, *(f"user-{number}" for number in range(20)))
            await tell(told, [(one, 0) for one in conversations])
            await told.hooks.got(20)
            assert numbers(told.hooks.events) == dict.fromkeys(conversations, in_order(1))
            assert slow.open_connections() <= 16 * (replicas.REPLICAS if replicas.WANTED else 1)
            gate.set()


@pytest.mark.one_process("its store is a file")
async def test_while_the_store_is_away_the_vendor_is_told_to_come_again(tmp_path: Path) -> None:
    async with telling(tmp_path) as told:
        (conversation,) = await opened(told, "alice")
        with locked(tmp_path / "gateway.db"):
            answer = await told.send(lead(conversation))
            assert (answer.status, answer.values("x-gateway-error")) == (
                503,
                ["ledger_unavailable"],
            )
            assert answer.values("retry-after")
            assert told.hooks.saw_nothing()
        assert (await told.send(lead(conversation))).status == 200
        await told.quiet()
        assert len(told.hooks.ids) == 1


@pytest.mark.one_process("its store is a file")
async def test_what_arrived_and_could_not_be_written_is_not_sent_again(tmp_path: Path) -> None:
    async with telling(tmp_path) as told:
        (conversation,) = await opened(told, "alice")
        gate = asyncio.Event()
        usual = told.hooks.handler

        async def waits(request: Request, reply: Reply) -> None:
            await gate.wait()
            await usual(request, reply)

        told.hooks.handler = waits
        await tell(told, [(conversation, 0)])
        await told.hooks.request_arrived(1)
        with locked(tmp_path / "gateway.db"):
            gate.set()
            await told.hooks.got(1)
            await asyncio.sleep(2.5)  # longer than a write is waited for
        await told.quiet()
        assert len(told.hooks.requests) == 1


async def test_a_stop_lets_attempts_end_and_the_next_start_goes_on(tmp_path: Path) -> None:
    issuer = Issuer()
    async with Chatbase() as vendor, Hooks() as hooks:
        text = config.chatbase(vendor.url, issuer, store=tmp_path / "gateway.db")
        text += f'[upstreams.support.events]\ndeliver = "{hooks.url}"\nsign = "{WHSEC}"\n'
        text += f'secret = "{SECRET}"\n{QUICK}'
        hooks.status = 503
        async with gateway_of(text, tmp_path) as (gateway, url):
            told = Telling(_stage(vendor, gateway, issuer, url), hooks, "support", chatbase_signed)
            (conversation,) = await opened(told, "alice")
            await tell(told, [(conversation, number) for number in range(5)])
        hooks.status = 204
        async with gateway_of(text, tmp_path) as (gateway, url):
            told = Telling(_stage(vendor, gateway, issuer, url), hooks, "support", chatbase_signed)
            await told.quiet()
        assert numbers(hooks.events) == {conversation: in_order(5)}
        assert len(hooks.ids) == 5


@pytest.mark.one_process("it is reloaded from within")
async def test_after_a_reload_others_are_told(tmp_path: Path) -> None:
    """What waits for one who is told no more is not lost, and is told once they are back."""
    async with telling(tmp_path) as told, Hooks() as new:
        (conversation,) = await opened(told, "alice")
        told.hooks.status = 503
        await tell(told, [(conversation, 0)])
        await told.hooks.request_arrived(1)
        gateway = told.stage.gateway
        assert gateway is not None
        file = tmp_path / "gateway.toml"
        before = file.read_text()
        file.write_text(before.replace(told.hooks.url, new.url))
        await gateway.reload(load(file).settings)
        await tell(told, [(conversation, 1)])
        (event,) = await new.got(1)
        assert numbers([event]) == {conversation: ["A1"]}
        seen = len(told.hooks.requests)
        told.hooks.status = 204
        file.write_text(before)
        await gateway.reload(load(file).settings)
        await told.quiet()
        assert numbers(told.hooks.events) == {conversation: ["A0"]}
        assert len(told.hooks.requests) == seen + 1


class Memory(Outbox):
    """One lane of some events, in memory; what is asked of it may fail at first."""

    def __init__(self, count: int, *, faults: int = 0, unwritten: int = 0) -> None:
        self.lane = Lane("lane", "webhook a")
        self.left = [
            Due(self.lane, number, 0, 0, replace(EVENT, id=f"evt_{number}"))
            for number in range(count)
        ]
        self.dead: list[Due] = []
        self.faults = faults
        self.unwritten = unwritten
        self.held = False
        self.quiet = asyncio.Event()

    async def due(self, blocked: Collection[str], most: int) -> Sequence[Lane]:
        if self.faults:
            self.faults -= 1
            raise (RuntimeError("a fault") if self.faults % 2 else LedgerUnavailable())
        is_free = self.left and not self.held and self.lane.target not in blocked
        return [self.lane] if is_free else []

    async def hold(self, lanes: Sequence[Lane]) -> Sequence[Lane]:
        self.held = True
        return lanes

    async def renew(self, lanes: Sequence[Lane]) -> None: ...

    async def next(self, lane: Lane, most: int) -> Sequence[Due]:
        return self.left[:most]

    async def done(self, due: Due) -> None:
        if self.unwritten:
            self.unwritten -= 1
            self.held = False  # the lease ends
            raise LedgerUnavailable
        self.left.remove(due)
        if not self.left:
            self.quiet.set()

    async def failed(self, due: Due, error: NotDelivered, *, dies: bool) -> None:
        index = self.left.index(due)
        self.left[index] = replace(due, tries=due.tries + (0 if error.is_away else 1))
        if dies:
            self.dead.append(self.left.pop(index))
            if not self.left:
                self.quiet.set()

    async def bury(self, target: str, before: int, error: NotDelivered) -> None: ...

    async def let_go(self, lane: Lane, wait: float) -> None:
        self.held = False


class Taking(Receiver):
    """Takes all; unless what it is told to do fails."""

    def __init__(self, fails: Callable[[Event], None] = lambda event: None) -> None:
        self.ids: list[str] = []
        self._fails = fails

    async def take(self, event: Event) -> None:
        self._fails(event)
        self.ids.append(event.id)


class Told(DeliverySink):
    def __init__(self) -> None:
        self.outcomes: list[str] = []

    def delivered(self, org: str, upstream: str, outcome: str) -> None:
        self.outcomes.append(outcome)


async def delivered(memory: Memory, receiver: Receiver, **how: Any) -> Told:
    told = Told()
    courier = Courier(memory, [told])
    address = Address(
        **{
            "org": "acme",
            "receiver": receiver,
            "waits": Waits(0.01, 0.02),
            "at_once": 4,
            "tries": 2,
            "give_up": 60.0,
            **how,
        }
    )
    courier.begin()
    courier.serve({"webhook a": address}, nullcontext())
    async with asyncio.timeout(20):
        await memory.quiet.wait()
    await courier.aclose()
    return told


async def test_deliveries_go_on_whatever_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store, or a fault of our own; and what a receiver has got it does not get again."""
    monkeypatch.setattr("gateway.events.delivery.POLL", 0.01)
    receiver = Taking()
    told = await delivered(Memory(7, faults=6, unwritten=3), receiver)
    assert receiver.ids == [f"evt_{number}" for number in range(7)]
    assert told.outcomes == ["delivered"] * 7


async def test_what_is_erased_while_another_is_told_is_told_to_nobody() -> None:
    memory = Memory(3)

    def erases(event: Event) -> None:
        memory.left = [due for due in memory.left if due.event.id != "evt_1"]

    receiver = Taking(erases)
    await delivered(memory, receiver)
    assert receiver.ids == ["evt_0", "evt_2"]


async def test_an_event_that_cannot_be_told_dies_and_holds_up_no_other() -> None:
    def fails(event: Event) -> None:
        if event.id == "evt_1":
            raise ValueError("no line can hold it")

    receiver, memory = Taking(fails), Memory(3)
    told = await delivered(memory, receiver)
    assert receiver.ids == ["evt_0", "evt_2"]
    assert [due.event.id for due in memory.dead] == ["evt_1"]
    assert Counter(told.outcomes) == {"delivered": 2, "failed": 1, "died": 1}


async def test_while_nobody_is_to_be_told_the_store_is_not_asked() -> None:
    memory = Memory(1)
    courier = Courier(memory, [])
    memory.faults = 1  # of whoever asks
    courier.begin()
    courier.wake()
    await asyncio.sleep(0.05)
    assert memory.faults == 1
    await courier.aclose()


def _stage(vendor: Chatbase, gateway: Gateway, issuer: Issuer, url: str) -> Stage[Chatbase]:
    return Stage(vendor, gateway, issuer, url, "/support/api/v2/agents/agent_1")
