"""What only a server that is shared can show: its keys, its time, and its faults."""

import asyncio
import re
import time
from pathlib import Path

import pytest
import redis

from gateway.core.people.identity import Person
from gateway.limits import shared as module
from gateway.limits.counts import Away, Called, Rated, Reserved, Slot
from gateway.limits.keys import Keys
from gateway.limits.shared import SharedCounts
from tests.support.valkey import Valkey

pytestmark = pytest.mark.anyio
KEY = Keys(b"s" * 32).person(Person("acme-canary", "alice-canary"))
RATE, SLOT = Rated(KEY, 100, 60, 10), Slot(KEY, 5)
PATIENCE = 0.25  # seconds
ENDS = time.time() + 3600
BUDGET = Reserved(KEY, "2026-11-22", ENDS, 10, 1)
CALLED = Called(KEY, KEY, 10, 10)


@pytest.fixture
def server(tmp_path: Path) -> Valkey:
    return Valkey(tmp_path)


async def everything(counts: SharedCounts, ticket: str = "t") -> None:
    await counts.admit([RATE], [SLOT], ticket, 60.0)
    await counts.call(CALLED, ticket)
    await counts.reserve([BUDGET], ticket, 60.0)


async def test_every_key_is_named_hashed_and_ends(server: Valkey) -> None:
    with server.running(), server.client() as client:
        counts = SharedCounts(server.url, patience=20.0)
        await everything(counts)
        keys = [key.decode() for key in client.scan_iter()]
        assert len(keys) == 6
        for key in keys:
            assert re.fullmatch(r"gateway:limits:[a-z]+:\{?[0-9a-f]{32}\}?(:[0-9a-z:-]+)?", key)
            assert 0 < client.pttl(key) <= (3600 + 60) * 1000, key
        dump = b"".join(client.dump(key) or b"" for key in keys) + "".join(keys).encode()
        assert b"canary" not in dump
        await counts.aclose()


async def test_a_visitor_is_forgotten_an_hour_after_they_were_here(server: Valkey) -> None:
    visitor = Keys(b"s" * 32).person(Person("acme", "anon_" + "a" * 26))
    with server.running(), server.client() as client:
        counts = SharedCounts(server.url, patience=20.0)
        month = time.time() + 30 * 24 * 3600
        for key, most in ((visitor, 3660), (KEY, 30 * 24 * 3600 + 60)):
            await counts.reserve([Reserved(key, "2026-11", month, 10, 1)], "t", 60.0)
            kept = {client.pttl(name) / 1000 for name in client.scan_iter(f"*:budget:{key}:*")}
            assert all(most - 30 < seconds <= most for seconds in kept), kept
        await counts.aclose()


async def test_the_time_is_the_servers(server: Valkey) -> None:
    """Row RF-54: two replicas whose clocks differ count alike, for neither asks its own."""
    with server.running():
        counts = SharedCounts(server.url, patience=20.0)
        hour, second = (Called(f"{KEY}{length}", KEY, 1, length) for length in (3600, 1))
        for calls in (hour, second):
            granted = await counts.call(calls, "a")
            assert granted is not None
            assert granted.granted
        refused = await counts.call(hour, "b")
        assert refused is not None
        assert not refused.granted
        assert 3000 < refused.wait <= 3600
        soon = await counts.call(second, "b")
        assert soon is not None
        if not soon.granted:  # a busy machine may have let the second pass
            await asyncio.sleep(soon.wait + 0.01)
            soon = await counts.call(second, "c")
        assert soon is not None
        assert soon.granted
        await counts.aclose()


async def test_holds_and_places_of_a_dead_process_end_by_themselves(server: Valkey) -> None:
    with server.running():
        counts, slot = SharedCounts(server.url, patience=20.0), Slot(KEY, 1)
        all_of_it = Reserved(KEY, "2026-11-22", ENDS, 1, 1)
        alive, living = Slot(f"{KEY}x", 1), Reserved(f"{KEY}x", "2026-11-22", ENDS, 1, 1)
        for place, budget, lasts in ((alive, living, 60.0), (slot, all_of_it, 0.1)):
            assert (await counts.reserve([budget], "dead", lasts))[0].granted
            assert (await counts.admit([], [place], "dead", lasts))[0].granted
        assert not (await counts.reserve([living], "a", 60.0))[0].granted
        assert not (await counts.admit([], [alive], "a", 60.0))[0].granted
        async with asyncio.timeout(20):
            while not (await counts.reserve([all_of_it], "a", 60.0))[0].granted:  # noqa: ASYNC110 - the server's clock
                await asyncio.sleep(0.02)
            while not (await counts.admit([], [slot], "a", 60.0))[0].granted:  # noqa: ASYNC110 - the server's clock
                await asyncio.sleep(0.02)
        await counts.settle([all_of_it], [1], "dead")  # too late, and so not charged twice
        await counts.settle([all_of_it], [0], "a")
        assert (await counts.reserve([all_of_it], "b", 60.0))[0].granted
        await counts.aclose()


async def test_a_place_that_is_taken_again_lasts_from_then_on(server: Valkey) -> None:
    with server.running():
        counts, slot = SharedCounts(server.url, patience=20.0), Slot(KEY, 1)
        assert (await counts.admit([], [slot], "alive", 0.2))[0].granted
        assert (await counts.admit([], [slot], "alive", 60.0))[0].granted
        await asyncio.sleep(0.25)
        assert not (await counts.admit([], [slot], "a", 60.0))[0].granted
        await counts.aclose()


async def test_a_server_that_is_not_there_is_away_at_once(server: Valkey) -> None:
    counts = SharedCounts(server.url, patience=PATIENCE)
    started = time.monotonic()
    with pytest.raises(Away):
        await everything(counts)
    assert time.monotonic() - started < 5
    await counts.aclose()


async def test_a_server_that_stands_still_is_away_in_bounded_time(server: Valkey) -> None:
    """Row RF-42."""
    with server.running():
        counts = SharedCounts(server.url, patience=PATIENCE)
        await until_there(counts)
        with server.standing_still():
            started = time.monotonic()
            with pytest.raises(Away):
                await counts.admit([RATE], [], "t", 60.0)
            assert time.monotonic() - started < 2 * PATIENCE + 5
        await until_there(counts)
        await counts.aclose()


async def until_there(counts: SharedCounts) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            await everything(counts)
        except Away:
            await asyncio.sleep(0.02)
        else:
            return
    raise AssertionError("it stayed away")


async def test_a_server_that_was_restarted_is_asked_again(server: Valkey) -> None:
    """Row RF-42: its scripts are gone with it."""
    with server.running():
        counts = SharedCounts(server.url, patience=PATIENCE)
        await until_there(counts)
        server.kill()
        with pytest.raises(Away):
            await counts.admit([RATE], [], "t", 60.0)
        server.start()
        await until_there(counts)
        await counts.aclose()


async def test_a_server_that_takes_nothing_is_away(server: Valkey) -> None:
    """Row RF-42: out of memory."""
    with server.running(), server.client() as client:
        counts = SharedCounts(server.url, patience=20.0)
        client.config_set("maxmemory", "1")
        with pytest.raises(Away):
            await counts.admit([RATE], [], "t", 60.0)
        client.config_set("maxmemory", "0")
        await everything(counts)
        await counts.aclose()


async def test_a_key_of_another_kind_is_no_fault_of_ours(server: Valkey) -> None:
    with server.running(), server.client() as client:
        counts = SharedCounts(server.url, patience=20.0)
        client.set(f"gateway:limits:rate:{KEY}:60", "not a hash")
        with pytest.raises(Away) as caught:
            await counts.admit([RATE], [], "t", 60.0)
        assert isinstance(caught.value.__cause__, redis.ResponseError)
        await counts.aclose()


async def test_an_answer_of_another_form_is_none() -> None:
    for answer in (None, [1, 2, 3], b"1 2", b"1 2 3 4", b"x y z", b""):
        with pytest.raises(Away):
            module._threes(answer, 1)


async def test_cancelled_questions_leave_no_answer_for_others(server: Valkey) -> None:
    """What one exchange did not wait for is never another's answer."""
    with server.running():
        counts = SharedCounts(server.url, patience=20.0)
        for number in range(200):
            asking = asyncio.create_task(counts.admit([], [Slot(f"{KEY}x", 500)], "t", 60.0))
            for _ in range(number % 7):
                await asyncio.sleep(0)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            (standing,) = await counts.reserve([BUDGET], f"t{number}", 60.0)
            assert standing.remaining <= 9
            await counts.settle([BUDGET], [0], f"t{number}")
        await counts.aclose()
