"""From what is kept to the receivers: each event once, in order within a conversation.

One task hands lanes out; each lane that is held has a task of its own, which delivers a few events
one after another and lets it go. What fails is tried again after a while, ahead of all that came
later in its lane; other lanes go on. A receiver that is away is left alone, but for one attempt
now and then, and that counts for none of what waits for it.

An attempt that arrived, of which we did not hear or could not write, is made again: a receiver
knows it by the event's id.
"""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass

from gateway.core.errors import LedgerUnavailable
from gateway.core.events.patience import Patience, Waits
from gateway.ports import DeliverySink, Due, Lane, NotDelivered, Outbox, Receiver
from gateway.ports.events import LEASE

LOG = logging.getLogger("gateway.events")

MOST_HELD = 64  # lanes, by one process
POLL = 1.0  # seconds between two looks at what others have put in, or is due again
RENEW = LEASE / 4  # seconds
SURE = LEASE / 2  # seconds after which a lane that could not be renewed is left
LOOKED_AT = 64  # lanes at a time
TURNS = 16  # deliveries of a lane, before others have theirs
LAST = 5.0  # seconds for attempts that run while we close


@dataclass(frozen=True, kw_only=True)
class Address:
    """A receiver, and how often and for how long it is tried."""

    org: str  # its name in the configuration
    receiver: Receiver
    waits: Waits
    at_once: int
    tries: int  # of one event that it does not take
    give_up: float  # seconds, while it takes nothing


class Courier:
    """Delivers what is in the outbox to its addresses, until it is closed."""

    def __init__(self, outbox: Outbox, sinks: Sequence[DeliverySink]) -> None:
        self._outbox = outbox
        self._sinks = tuple(sinks)
        self._addresses: Mapping[str, Address] = {}
        self._lease: AbstractContextManager[None] = nullcontext()
        self._patience: dict[str, Patience] = {}  # of those that were tried
        self._strangers: set[str] = set()  # receivers of another configuration
        self._sure: dict[Lane, float] = {}  # what we hold, and since when that is sure; monotonic
        self._arrived: set[tuple[str, int]] = set()  # and could not be written yet
        self._working: set[asyncio.Task[None]] = set()
        self._always: list[asyncio.Task[None]] = []
        self._wake = asyncio.Event()
        self._closing = False

    def serve(self, addresses: Mapping[str, Address], lease: AbstractContextManager[None]) -> None:
        """Deliver to these from now on; each attempt holds the lease while it runs."""
        known = self._addresses
        same = {name for name, one in addresses.items() if known.get(name) is one}
        self._patience = {name: one for name, one in self._patience.items() if name in same}
        self._strangers.clear()
        self._addresses, self._lease = addresses, lease
        self._wake.set()

    def begin(self) -> None:
        """Deliver from now on."""
        for work in (self._hand_out_for_ever(), self._renew_for_ever()):
            self._always.append(asyncio.create_task(work))

    def wake(self) -> None:
        """Say that there is something new."""
        self._wake.set()

    async def aclose(self) -> None:
        """Let attempts that run end, for `LAST` seconds; what is held is free with its lease."""
        self._closing = True
        await _ended(self._always)
        if self._working:
            await asyncio.wait(self._working, timeout=LAST)
        await _ended(self._working)

    async def _hand_out_for_ever(self) -> None:
        while True:
            self._wake.clear()
            async with going_on("handing out"):
                await self._hand_out()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause()):
                    await self._wake.wait()

    def _pause(self) -> float | None:
        """Seconds until it is worth looking again, if nobody wakes us; None: it never is."""
        if not self._addresses:
            return None
        now = time.monotonic()
        ends = (one.until - now for one in self._patience.values())
        return min([POLL, *(end for end in ends if end > 0)])

    async def _hand_out(self) -> None:
        """Take what may be tried now, as far as there is room, and begin with it."""
        while self._addresses and len(self._sure) < MOST_HELD:
            began = time.monotonic()
            running = Counter(lane.target for lane in self._sure)
            full = [
                name
                for name in self._patience
                if name in self._addresses and not self._room(name, running, began)
            ]
            known = len(self._strangers)
            found = await self._outbox.due([*full, *self._strangers], LOOKED_AT)
            picked = self._picked(found, running, began)
            held = await self._outbox.hold(picked) if picked else ()
            for lane in held:
                self._sure[lane] = began
                task = asyncio.create_task(self._work(lane))
                self._working.add(task)
                task.add_done_callback(self._working.discard)
            if not held and len(self._strangers) == known:
                return

    def _picked(self, found: Sequence[Lane], running: Counter[str], now: float) -> list[Lane]:
        """As many of them as there is room for, with each receiver and with us."""
        picked: list[Lane] = []
        for lane in found:
            if lane.target not in self._addresses:
                self._strangers.add(lane.target)
            elif self._room(lane.target, running, now) and sum(running.values()) < MOST_HELD:
                running[lane.target] += 1
                picked.append(lane)
        return picked

    def _room(self, target: str, running: Counter[str], now: float) -> int:
        address = self._addresses[target]
        return self._patience_with(target, address).room(running[target], now)

    def _patience_with(self, target: str, address: Address) -> Patience:
        if target not in self._patience:
            self._patience[target] = Patience(address.waits, address.at_once)
        return self._patience[target]

    async def _renew_for_ever(self) -> None:
        while True:
            await asyncio.sleep(RENEW)
            began, held = time.monotonic(), list(self._sure)
            async with going_on("renewing"):
                await self._outbox.renew(held)
                self._sure.update((lane, began) for lane in held if lane in self._sure)

    async def _work(self, lane: Lane) -> None:
        """Deliver what is next in a lane that we hold, and let it go."""
        try:
            async with going_on("delivering"):
                await self._outbox.let_go(lane, await self._delivered(lane))
        finally:
            del self._sure[lane]
            self._wake.set()

    async def _delivered(self, lane: Lane) -> float:
        """Deliver a few; seconds until the next may be tried.

        Each is read when it is its turn: what was erased or given up meanwhile is told to nobody.
        """
        for _ in range(TURNS):
            if self._closing or time.monotonic() - self._sure[lane] > SURE:
                break
            first = await self._outbox.next(lane, 1)
            if not first:
                break
            wait = await self._attempt(first[0])
            if wait is not None:
                return wait
        return 0.0

    async def _attempt(self, due: Due) -> float | None:
        """Try once. None: it has left the lane; else seconds until it may be tried again."""
        address = self._addresses.get(due.lane.target)
        if address is None:  # of the configuration before; it is looked for again
            return 0.0
        this = (due.lane.key, due.number)
        if this not in self._arrived:
            began = time.monotonic()
            try:
                with self._lease:
                    await address.receiver.take(due.event)
            except NotDelivered as error:
                return await self._missed(due, address, error, began)
            except Exception as error:
                LOG.error("an event could not be told", exc_info=error)
                fault = NotDelivered("a fault of the gateway", is_away=False)
                return await self._missed(due, address, fault, began)
            self._patience_with(due.lane.target, address).found()
            self._arrived.add(this)
            self._tell(due, address, "delivered")
        await self._outbox.done(due)
        self._arrived.discard(this)
        return None

    async def _missed(
        self, due: Due, address: Address, error: NotDelivered, began: float
    ) -> float | None:
        target = due.lane.target
        patience = self._patience_with(target, address)
        chance = random.random()  # noqa: S311 -- no secret
        if error.is_away:
            patience.missed(began, time.monotonic(), chance, asked=error.asked)
            before = time.time() - address.give_up
            dies = due.since < before * 1000
        else:
            patience.found()
            dies = due.tries + 1 >= address.tries
        await self._outbox.failed(due, error, dies=dies)
        self._tell(due, address, "died" if dies else "failed")
        if error.is_away:
            if dies:  # and so does all that is as old: of those none needs to be tried
                await self._outbox.bury(target, int(before * 1000), error)
            return 0.0
        return None if dies else max(address.waits.after(due.tries + 1, chance), error.asked or 0.0)

    def _tell(self, due: Due, address: Address, outcome: str) -> None:
        for sink in self._sinks:
            sink.delivered(address.org, due.event.upstream, outcome)


@asynccontextmanager
async def going_on(what: str) -> AsyncIterator[None]:
    """Whatever happens in the block, deliveries go on: later, when the store is back."""
    try:
        yield
    except LedgerUnavailable:
        LOG.warning("the store is away: %s events waits", what)
    except Exception as error:
        LOG.error("%s events failed", what, exc_info=error)


async def _ended(tasks: Iterable["asyncio.Task[None]"]) -> None:
    some = list(tasks)
    for task in some:
        task.cancel()
    await asyncio.gather(*some, return_exceptions=True)
