import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest

from gateway.core.errors import (
    Blocked,
    CredentialsExpired,
    GatewayError,
    LedgerUnavailable,
    Overloaded,
    UpstreamTimeout,
)
from gateway.core.people.identity import Identity
from gateway.net.asgi.wire import AsgiInbound
from gateway.ports import ClientLeft, Inbound, Watcher
from gateway.steps.interrupt import Interrupt, Running, within
from tests.support.garbage import none_of_ours

pytestmark = pytest.mark.anyio

ALICE, BOB = Identity("acme", "alice"), Identity("acme", "bob")


class Refusing:
    """An `Admission` that refuses whom it is told to, with what it is told to."""

    def __init__(self) -> None:
        self.refusals: dict[str, GatewayError] = {}

    def check(self, identity: Identity, *, since: float | None = None) -> None:
        if identity.subject in self.refusals:
            raise self.refusals[identity.subject]


NOBODY = Refusing()


class Client:
    """What of an `Inbound` is asked here."""

    def __init__(self) -> None:
        self._watcher: Watcher | None = None

    def on_leave(self, watcher: Watcher | None) -> None:
        self._watcher = watcher

    @property
    def is_watched(self) -> bool:
        return self._watcher is not None

    def leave(self) -> None:
        if self._watcher is not None:
            self._watcher.left()


@contextmanager
def connected(
    running: Running, identity: Identity = ALICE, client: Client | None = None
) -> Iterator[Interrupt]:
    """A block that ends when the client leaves."""
    with Interrupt(running, identity) as interrupt:
        interrupt.when_left(cast("Inbound", client or Client()))
        yield interrupt


async def run(
    set_up: Callable[[Interrupt], None], work: Callable[[], Awaitable[None]] | None = None
) -> None:
    """A block that goes on for ever, if nothing else is said."""
    with Interrupt(Running(NOBODY), ALICE) as interrupt:
        set_up(interrupt)
        await (work or forever)()


async def out_of_time() -> None:
    raise TimeoutError


async def forever() -> None:
    await asyncio.Event().wait()


async def test_ends_what_runs_when_the_client_leaves() -> None:
    client, running = Client(), Running(NOBODY)
    asyncio.get_running_loop().call_soon(client.leave)
    with pytest.raises(ClientLeft), connected(running, ALICE, client):
        await forever()
    assert len(running) == 0
    await asyncio.sleep(0)  # the task goes on: it is not cancelled any more


async def test_a_client_that_leaves_leaves_no_circle_of_what_ran() -> None:
    async def left() -> None:
        client = Client()
        asyncio.get_running_loop().call_soon(client.leave)
        # Not `connected`: since 3.12 a generator's frames, and contextlib's, are a circle by then.
        with pytest.raises(ClientLeft):
            await run(lambda interrupt: interrupt.when_left(cast("Inbound", client)))

    with none_of_ours():
        await asyncio.create_task(left())


async def test_what_waits_for_a_client_to_leave_is_let_go_of_with_what_ran() -> None:
    """Over ASGI a task waits, and what was cancelled holds all that it waited in."""

    async def receive() -> Any:
        await forever()

    async def ended() -> None:
        with Interrupt(Running(NOBODY), ALICE) as interrupt:
            interrupt.when_left(AsgiInbound({"type": "http", "headers": []}, receive))
            await asyncio.sleep(0)

    with none_of_ours():
        await asyncio.create_task(ended())
        await asyncio.sleep(0)


async def test_ends_what_runs_when_the_gateway_stops() -> None:
    running = Running(NOBODY)
    asyncio.get_running_loop().call_soon(running.stop)
    with pytest.raises(Overloaded), connected(running, ALICE):
        await forever()


async def test_ends_what_runs_for_somebody_who_is_blocked_and_for_nobody_else() -> None:
    refusing = Refusing()
    running, ended = Running(refusing), asyncio.Event()

    async def work(identity: Identity) -> None:
        with connected(running, identity):
            await ended.wait()

    alices, bobs = asyncio.create_task(work(ALICE)), asyncio.create_task(work(BOB))
    await asyncio.sleep(0)
    assert len(running) == 2
    refusing.refusals = {"alice": Blocked(), "bob": LedgerUnavailable()}
    running.recheck()
    with pytest.raises(Blocked):
        await alices
    assert len(running) == 1, "what has begun goes on while nobody knows"
    ended.set()
    await bobs


@pytest.mark.parametrize("error", [Blocked(), LedgerUnavailable()])
async def test_begins_nothing_for_somebody_who_was_blocked_meanwhile(error: GatewayError) -> None:
    refusing, tasks = Refusing(), asyncio.all_tasks()
    refusing.refusals = {"alice": error}
    running = Running(refusing)
    with pytest.raises(type(error)), connected(running, ALICE):
        raise AssertionError("it has begun")
    assert len(running) == 0
    assert asyncio.all_tasks() == tasks


async def test_the_first_reason_counts() -> None:
    client, running = Client(), Running(NOBODY)

    def both() -> None:
        running.stop()
        client.leave()

    asyncio.get_running_loop().call_soon(both)
    with pytest.raises(Overloaded), connected(running, ALICE, client):
        await forever()


async def test_a_cancel_from_elsewhere_stays_one() -> None:
    entered = asyncio.Event()

    async def work() -> None:
        with connected(Running(NOBODY), ALICE):
            entered.set()
            await forever()

    task = asyncio.create_task(work())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_watches_the_client_no_longer_than_it_runs() -> None:
    client = Client()
    with connected(Running(NOBODY), ALICE, client):
        assert client.is_watched
    assert not client.is_watched
    client.leave()
    await asyncio.sleep(0)  # the task goes on: it is not cancelled


async def test_bounds_a_block_in_time() -> None:
    with pytest.raises(UpstreamTimeout):
        async with within(0.01):
            await forever()


async def test_a_time_out_inside_a_bounded_block_stays_its_own() -> None:
    with pytest.raises(TimeoutError):
        async with within(60):
            raise TimeoutError


@pytest.mark.parametrize("span", [0.01, 0.0101])
async def test_a_client_that_leaves_as_the_time_is_up_is_one_or_the_other(span: float) -> None:
    client = Client()
    asyncio.get_running_loop().call_later(0.01, client.leave)

    def both(interrupt: Interrupt) -> None:
        interrupt.when_left(cast("Inbound", client))
        interrupt.after(span)

    with pytest.raises((ClientLeft, UpstreamTimeout)):
        await run(both)


async def test_ends_what_runs_when_its_time_is_up() -> None:
    with pytest.raises(UpstreamTimeout):
        await run(lambda interrupt: interrupt.after(0.01))


async def test_ends_what_runs_when_its_credential_expires() -> None:
    with pytest.raises(CredentialsExpired):
        await run(lambda interrupt: interrupt.after(60, time.time() + 0.02))


@pytest.mark.parametrize("ago", [0, 1])
async def test_begins_nothing_on_a_credential_that_has_expired(ago: float) -> None:
    expires_at = time.time() - ago
    with pytest.raises(CredentialsExpired):
        await run(lambda interrupt: interrupt.after(60, expires_at), out_of_time)


async def test_what_ended_by_itself_is_ended_by_no_clock() -> None:
    with Interrupt(Running(NOBODY), ALICE) as interrupt:
        interrupt.after(0.01, time.time() + 0.01)
    await asyncio.sleep(0.03)  # past both: the task goes on
    assert interrupt.reason is None


async def test_a_time_out_of_the_blocks_own_stays_its_own() -> None:
    with pytest.raises(TimeoutError):
        await run(lambda interrupt: interrupt.after(60, time.time() + 60), out_of_time)
