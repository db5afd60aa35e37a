"""Keys fetched from an issuer: rows K of SECURITY.md, RF-29 to RF-32 of RELIABILITY.md.

The provider is a real server on a socket; the clock is wound by hand.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from gateway.authn import jwks
from gateway.authn.claims import JwtRules
from gateway.authn.fetch import get
from gateway.authn.jwks import COOLDOWN, MAX_AGE, PAUSE, STALE, RemoteKeys
from gateway.authn.jwt import JwtSignIn
from gateway.authn.oidc import Discovery
from gateway.core.errors import CredentialsInvalid, GatewayError, KeysUnavailable
from tests.support.ask import bearing
from tests.support.clock import OwnTime, WoundClock
from tests.support.provider import (
    DISCOVERY,
    JWKS,
    Answer,
    Provider,
    Request,
    body,
    drip,
    endless,
    redirect,
    status,
)

pytestmark = pytest.mark.anyio


class Stage:
    """A provider, its keys as the gateway keeps them, and a clock."""

    def __init__(self, provider: Provider, **options: Any) -> None:
        self.provider = provider
        self.clock = WoundClock(1000.0)
        self.keys = RemoteKeys(
            partial(get, provider.jwks_url), name="test", monotonic=self.clock, **options
        )

    @property
    def fetches(self) -> int:
        return self.provider.count(JWKS)

    async def find(self, kid: str | None = None) -> str:
        """The kid that was found, or the code of the refusal."""
        try:
            found = await self.keys.find(kid or self.provider.issuer.kid(), "RS256")
        except GatewayError as error:
            return error.code
        assert found[0].kid is not None
        return found[0].kid

    async def settle(self) -> None:
        """Wait for what runs in the background."""
        task = self.keys._fetching
        if task is not None:
            await asyncio.wait([task])


@asynccontextmanager
async def stage(**options: Any) -> AsyncIterator[Stage]:
    with Provider() as provider:
        made = Stage(provider, **options)
        try:
            yield made
        finally:
            await made.keys.aclose()


def anybody(index: int) -> str:
    return f"kid-{index}"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the provider is on a thread of its own
            await asyncio.sleep(0.001)


async def test_keys_are_fetched_at_first_use_and_kept() -> None:
    async with stage() as one:
        assert one.fetches == 0
        assert one.keys.age is None
        for _ in range(3):
            assert await one.find() == "rs256-1"
        assert one.fetches == 1
        one.clock.now += 10
        assert one.keys.age == 10


@pytest.mark.parametrize("count", [1000])
async def test_a_cold_start_with_many_callers_is_one_fetch(count: int) -> None:
    """Row K-06."""
    async with stage() as one:
        answers = await asyncio.gather(*(one.find() for _ in range(count)))
        assert set(answers) == {"rs256-1"}
        assert one.fetches == 1


async def test_random_key_ids_are_one_fetch_a_cooldown() -> None:
    """Row K-05: 1,000 of them, 16 at a time, on a warm set; known keys stay as fast."""
    async with stage() as one:
        await one.find()
        gate = asyncio.Semaphore(16)

        async def guess(index: int) -> str:
            async with gate:
                return await one.find(anybody(index))

        assert set(await asyncio.gather(*map(guess, range(1000)))) == {"credentials_invalid"}
        assert one.fetches == 2
        assert await one.find() == "rs256-1"
        one.clock.now += COOLDOWN - 0.1
        assert await one.find(anybody(1000)) == "credentials_invalid"
        assert one.fetches == 2
        one.clock.now += 0.2
        for index in range(10):
            assert await one.find(anybody(index)) == "credentials_invalid"
        assert one.fetches == 3


async def test_random_key_ids_at_a_cold_start_are_one_fetch() -> None:
    async with stage() as one:
        answers = await asyncio.gather(*(one.find(anybody(index)) for index in range(500)))
        assert set(answers) == {"credentials_invalid"}
        assert one.fetches == 1


async def test_a_rotation_is_noticed_by_the_first_new_token() -> None:
    """Row RF-31: 500 tokens with the new key id at once, right after the last fetch."""
    async with stage() as one:
        await one.find()
        one.provider.rotate()
        answers = await asyncio.gather(*(one.find() for _ in range(500)))
        assert set(answers) == {"rs256-2"}
        assert one.fetches == 2


async def test_keys_are_fetched_again_before_they_are_old_and_nobody_waits() -> None:
    async with stage() as one:
        await one.find()
        one.clock.now += MAX_AGE * 0.49
        await one.find()
        await one.settle()
        assert one.fetches == 1
        one.clock.now += MAX_AGE * 0.32
        one.provider.hold()
        assert await one.find() == "rs256-1", "answered while the fetch is held"
        await until(lambda: one.fetches == 2)
        one.provider.release()
        await one.settle()
        assert one.keys.age == 0


async def test_a_key_the_issuer_took_back_is_gone_within_the_age() -> None:
    """Row K-10, also after a quiet night; and at once when somebody asks for it."""
    async with stage() as one:
        await one.find()
        one.provider.rotate()
        one.clock.now += MAX_AGE + 1
        assert await one.find("rs256-1") == "credentials_invalid"
        assert await one.find("rs256-2") == "rs256-2"
        one.provider.rotate()
        one.clock.now += COOLDOWN
        assert await one.find("rs256-3") == "rs256-3"
        assert await one.find("rs256-2") == "credentials_invalid"


UNUSABLE: dict[str, Answer] = {
    "RF-30 500": status(500),
    "K-03 302": redirect("/elsewhere"),
    "K-03 302 to itself": redirect(JWKS),
    "K-09 HTML": body(b"<!doctype html><title>Wi-Fi</title>", "text/html"),
    "RF-30 empty set": body(b'{"keys":[]}'),
    "RF-30 empty": body(b""),
    "RF-30 50 MB": body(b" " * 50_000_000),
    "N-13 endless": endless(),
    "J-38 oct": body(b'{"keys":[{"kty":"oct","k":"a2V5","kid":"rs256-1"}]}'),
}


@pytest.mark.parametrize("name", UNUSABLE)
async def test_an_answer_that_cannot_be_used_changes_nothing(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "gateway.authn")
    async with stage() as one:
        await one.find()
        one.provider.script(JWKS, UNUSABLE[name])
        assert await one.find("another") == "keys_unavailable"
        assert await one.find() == "rs256-1"
        assert one.fetches == 2
        (record,) = caplog.records
        assert record.name == "gateway.authn"
        assert record.getMessage().startswith("no keys from test: ")
        assert "a2V5" not in caplog.text
        cold = Stage(one.provider)
        assert await cold.find() == "keys_unavailable"


@pytest.mark.parametrize("name", ["held", "dripped"])
async def test_an_issuer_that_takes_its_time_is_given_up(name: str) -> None:
    """Row RF-30, one byte a second."""
    async with stage(timeout=0.2) as one:
        if name == "held":
            one.provider.hold()
        else:
            one.provider.script(JWKS, drip(b" " * 1000, pause=0.05))
        started = time.monotonic()
        assert await one.find() == "keys_unavailable"
        assert time.monotonic() - started < 20  # all of it would take 50
        one.provider.release()


async def test_an_issuer_away_is_noticed_only_when_the_keys_are_too_old() -> None:
    """Rows K-08 and RF-29: keys serve until `stale`, then 503; the recovery is immediate."""
    async with stage() as one:
        await one.find()
        one.provider.script(JWKS, status(503))
        one.clock.now += MAX_AGE + 1
        assert await one.find() == "rs256-1"
        assert one.fetches == 2, "a request beyond the age waits for one fetch"
        for _ in range(10):
            assert await one.find() == "rs256-1"
        await one.settle()
        assert one.fetches == 2, "and the next do not"
        one.clock.now += COOLDOWN
        one.provider.hold()
        assert await one.find() == "rs256-1", "nobody waits for an issuer known to be away"
        await until(lambda: one.fetches == 3)
        one.provider.release()
        await one.settle()

        one.clock.now = 1000.0 + STALE
        assert await one.find() == "rs256-1"
        await one.settle()
        one.clock.now += 1
        assert await one.find() == "keys_unavailable"
        one.provider.script(JWKS, None)
        one.clock.now += PAUSE
        assert await one.find() == "rs256-1"


async def test_no_keys_ever_is_not_the_callers_fault_and_no_storm() -> None:
    async with stage() as one:
        one.provider.script(JWKS, status(500))
        with pytest.raises(KeysUnavailable) as caught:
            await one.keys.find("rs256-1", "RS256")
        assert caught.value.status == 503
        assert caught.value.retry_after
        for _ in range(100):
            assert await one.find() == "keys_unavailable"
        assert one.fetches == 1
        one.clock.now += PAUSE
        assert await one.find() == "keys_unavailable"
        assert one.fetches == 2


async def test_whoever_comes_while_somebody_tries_again_waits_for_it_too() -> None:
    async with stage(max_age=10.0, stale=10.0, cooldown=0.0) as one:
        await one.find()
        one.clock.now += 10 - PAUSE / 4
        one.provider.script(JWKS, status(500))
        assert await one.find("another") == "keys_unavailable"
        one.provider.script(JWKS, None)
        one.provider.hold()
        trying = asyncio.create_task(one.find("another"))
        await until(lambda: one.fetches == 3)
        one.clock.now += PAUSE / 2
        coming = asyncio.create_task(one.find())
        await asyncio.sleep(0)
        one.provider.release()
        assert await coming == "rs256-1", "though the keys are too old, and the failure is new"
        assert await trying == "credentials_invalid"
        assert one.fetches == 3


async def test_an_unknown_key_may_be_good_while_the_issuer_is_away() -> None:
    """Row RF-32: a flood of key ids in an outage; known ones are fine."""
    async with stage() as one:
        await one.find()
        one.provider.script(JWKS, status(503))
        answers = await asyncio.gather(*(one.find(anybody(index)) for index in range(300)))
        assert set(answers) == {"keys_unavailable"}
        assert one.fetches == 2
        assert await one.find() == "rs256-1"
        for index in range(29):
            one.clock.now += 1
            assert await one.find(anybody(index)) == "keys_unavailable"
        assert one.fetches == 2
        one.clock.now += 1
        one.provider.script(JWKS, None)
        assert await one.find(anybody(0)) == "credentials_invalid"
        assert one.fetches == 3


async def test_an_unknown_key_costs_no_fetch_just_after_one_that_failed() -> None:
    async with stage() as one:
        await one.find()
        one.provider.script(JWKS, status(503))
        one.clock.now += MAX_AGE * 0.9
        assert await one.find() == "rs256-1"
        await one.settle()
        assert one.fetches == 2
        one.clock.now += COOLDOWN - 1
        assert await one.find(anybody(0)) == "keys_unavailable"
        assert one.fetches == 2
        one.clock.now += 1
        assert await one.find(anybody(0)) == "keys_unavailable"
        assert one.fetches == 3


async def test_a_caller_who_leaves_takes_nobody_elses_fetch_along() -> None:
    """Row A-06: the first, who began the fetch, and others."""
    async with stage() as one:
        one.provider.hold()
        tasks = [asyncio.create_task(one.find()) for _ in range(20)]
        await until(lambda: one.fetches == 1)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks[::2], return_exceptions=True)
        one.provider.release()
        assert set(await asyncio.gather(*tasks[1::2])) == {"rs256-1"}
        assert one.fetches == 1


async def test_when_all_callers_leave_the_next_finds_the_keys() -> None:
    async with stage() as one:
        one.provider.hold()
        tasks = [asyncio.create_task(one.find()) for _ in range(5)]
        await until(lambda: one.fetches == 1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        one.provider.release()
        assert await one.find() == "rs256-1"
        assert one.fetches == 1


async def test_closing_ends_a_fetch_and_leaves_nothing_behind() -> None:
    before = asyncio.all_tasks()
    async with stage() as one:
        one.provider.hold()
        waiting = asyncio.create_task(one.find())
        await until(lambda: one.fetches == 1)
        await one.keys.aclose()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
        one.provider.release()
        await one.keys.aclose()
    assert asyncio.all_tasks() == before


async def test_a_flapping_issuer_is_no_storm() -> None:
    """Row RF-35, at random but replayable: never more fetches than cool-downs."""
    chance = random.Random(35)  # noqa: S311 - a schedule, no secret
    async with stage() as one:
        await one.find()
        began = one.clock.now
        for _ in range(400):
            one.clock.now += chance.uniform(0, 5)
            one.provider.script(JWKS, chance.choice([None, status(500)]))
            kid = chance.choice([None, anybody(chance.randrange(5))])
            assert await one.find(kid) in {"rs256-1", "credentials_invalid", "keys_unavailable"}
            await one.settle()
        assert one.fetches <= 2 + (one.clock.now - began) / COOLDOWN


async def test_a_token_without_a_key_id_costs_no_fetch() -> None:
    async with stage() as one:
        found = await one.keys.find(None, "RS256")
        assert found[0].kid == "rs256-1"
        for _ in range(10):
            with pytest.raises(CredentialsInvalid):
                await one.keys.find(None, "ES256")
        assert one.fetches == 1


async def test_two_issuers_keys_of_one_id_are_two_keys() -> None:
    """Row K-12, over sockets, from discovery to verdict."""
    with Provider() as a, Provider() as b:
        assert a.issuer.kid() == b.issuer.kid()
        sources = [RemoteKeys(Discovery(one.url).jwk_set, name=one.url) for one in (a, b)]
        sign_ins = [
            JwtSignIn(
                JwtRules(issuer=one.url, audience=("chat",), algorithms=("RS256",)),
                source,
                clock=time.time,
            )
            for one, source in zip((a, b), sources, strict=True)
        ]
        for sign_in, own, other in zip(sign_ins, (a, b), (b, a), strict=True):
            assert await sign_in.verify(bearing(own.issuer.token("alice"))) is not None
            assert await sign_in.verify(bearing(other.issuer.token("alice"))) is None
            with pytest.raises(CredentialsInvalid):
                await sign_in.verify(bearing(other.issuer.token("alice", iss=own.url)))
        assert [one.count(DISCOVERY) for one in (a, b)] == [1, 1]
        assert [one.count(JWKS) for one in (a, b)] == [1, 1]


async def test_no_address_a_token_names_is_asked() -> None:
    """Row J-06, with somebody listening."""
    with Provider() as provider, Provider() as trap:
        keys = RemoteKeys(partial(get, provider.jwks_url), name="test")
        rules = JwtRules(issuer=provider.url, audience=("chat",), algorithms=("RS256",))
        sign_in = JwtSignIn(rules, keys, clock=time.time)
        for name in ("jku", "x5u"):
            token = trap.issuer.token(header={name: trap.jwks_url}, iss=provider.url)
            with pytest.raises(CredentialsInvalid):
                await sign_in.verify(bearing(token))
        assert trap.requests == []
        assert provider.requests == [], "refused before any key was wanted"


async def test_the_event_loop_stays_free_while_an_issuer_is_slow() -> None:
    """Row N-22: PyJWT's own client blocks here."""

    def slow(request: Request) -> None:
        time.sleep(0.8)
        request.reply(request.server.provider.issuer.jwks_text().encode())

    async with stage() as one:
        one.provider.script(JWKS, slow)
        waiting = asyncio.create_task(one.find())
        gaps = []
        while not waiting.done():
            since = OwnTime()
            await asyncio.sleep(0.005)
            gaps.append(since())
        assert await waiting == "rs256-1"
        assert max(gaps) < 0.6


async def test_a_fetch_that_takes_too_long_changes_nothing() -> None:
    with Provider() as provider:
        sets = [await get(provider.jwks_url)]

        async def fetch() -> bytes:
            return sets.pop() if sets else await asyncio.Future()

        clock = WoundClock(1000.0)
        keys = RemoteKeys(fetch, name="test", timeout=0.05, monotonic=clock)
        assert await keys.find(provider.issuer.kid(), "RS256")
        clock.now += COOLDOWN
        with pytest.raises(KeysUnavailable):
            await keys.find("another", "RS256")
        assert await keys.find(provider.issuer.kid(), "RS256")


async def test_closing_ends_the_fetch_that_runs() -> None:
    ended = []

    async def fetch() -> bytes:
        try:
            return await asyncio.Future()
        finally:
            ended.append(True)

    keys = RemoteKeys(fetch, name="test", timeout=60)
    waiting = asyncio.create_task(keys.find(None, "RS256"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await keys.aclose()
    assert ended == [True]
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_an_unknown_key_while_the_issuer_is_away_may_be_asked_for_after_the_cooldown() -> (
    None
):
    async with stage(cooldown=12.5) as one:
        await one.find()
        one.provider.script(JWKS, status(500))
        with pytest.raises(KeysUnavailable) as caught:
            await one.keys.find("another", "RS256")
        assert caught.value.retry_after == 13


def test_the_limits_are_these() -> None:
    assert jwks.MAX_AGE == 3600
    assert jwks.COOLDOWN == 30
    assert jwks.STALE == 86400
    assert jwks.TIMEOUT == 3
    assert jwks.PAUSE == 1
