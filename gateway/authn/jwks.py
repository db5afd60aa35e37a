"""An issuer's JWK Set, fetched and kept by us: PyJWT's own client blocks the event loop, and
refuses everybody once its set is old and the issuer is away (measured with 2.15.1).

Rules:

1. One fetch at a time, whoever waits for it; a waiter that leaves takes nobody else's fetch along.
2. Keys are fetched again before `max_age`, in the background. Beyond it a request waits, so that a
   key the issuer took back is gone by then.
3. A fetch that fails changes nothing: the old keys serve until `stale`, then nobody can be
   verified, which is not the caller's fault (503, not 401).
4. A `kid` nobody has seen is worth one fetch in a `cooldown`, whoever asks and for whichever; in
   between the last answer holds. While the issuer is away such a token may be good: 503.
5. Ages are measured by a clock that never steps.
"""

import asyncio
import logging
import math
import random
import time
from collections.abc import Awaitable, Callable, Sequence

from gateway.authn.algorithms import ASYMMETRIC
from gateway.authn.fetch import FetchFailed
from gateway.authn.jwk import KeySet, parse_set
from gateway.authn.keys import Key
from gateway.core.errors import KeysUnavailable

MAX_AGE = 3600.0  # seconds
COOLDOWN = 30.0
STALE = 86400.0
TIMEOUT = 3.0  # for a whole fetch, discovery included; a request may be waiting for it
PAUSE = 1.0  # after a failed fetch, while there are no keys to serve: back soon, but no storm

_log = logging.getLogger("gateway.authn")


class RemoteKeys:
    """The keys behind `fetch`, which returns a JWK Set or raises `FetchFailed`.

    `name` is for the log. All times are in seconds, `monotonic` a clock that never goes back.
    """

    algorithms = frozenset(ASYMMETRIC)

    def __init__(
        self,
        fetch: Callable[[], Awaitable[bytes]],
        *,
        name: str,
        max_age: float = MAX_AGE,
        cooldown: float = COOLDOWN,
        stale: float = STALE,
        timeout: float = TIMEOUT,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._name = name
        self._max_age = max_age
        self._cooldown = cooldown
        self._stale = max(stale, max_age)
        self._timeout = timeout
        self._now = monotonic
        self._keys: KeySet | None = None
        self._fetched_at = self._refresh_at = -math.inf
        self._attempted_at = self._kid_asked_at = -math.inf
        self._attempts = 0
        self._away = False  # whether the last attempt failed
        self._fetching: asyncio.Task[None] | None = None

    @property
    def age(self) -> float | None:
        """How old the keys are, in seconds; None: there never were any."""
        return None if self._keys is None else self._now() - self._fetched_at

    async def find(self, kid: str | None, algorithm: str) -> Sequence[Key]:
        """As `KeySource.find`."""
        before = self._attempts
        keys = await self._current()
        if not keys.has(kid):
            keys = await self._look_again(keys, waited=self._attempts != before)
        return [keys.choose(kid, algorithm)]

    async def aclose(self) -> None:
        """End a fetch that still runs."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait([self._fetching])

    async def _current(self) -> KeySet:
        """The keys as they may be used now.

        Raises:
            KeysUnavailable: there are none, or they are too old.
        """
        now = self._now()
        age = now - self._fetched_at
        if age > self._stale:
            if self._may_try(now, PAUSE):
                await self._finish()
        elif age > self._max_age and not self._away:
            await self._finish()
        elif now >= self._refresh_at and self._may_try(now, self._cooldown):
            self._start()
        if self._keys is None or self._now() - self._fetched_at > self._stale:
            raise KeysUnavailable
        return self._keys

    async def _look_again(self, keys: KeySet, *, waited: bool) -> KeySet:
        """The keys after the fetch an unknown `kid` is worth, where it is due."""
        now = self._now()
        if waited:  # this very request has seen a fetch end
            self._kid_asked_at = now
        elif self._fetching is not None or self._kid_is_due(now):
            self._kid_asked_at = now
            await self._finish()
        if self._away:  # the keys are the old ones, without this `kid`
            raise KeysUnavailable(retry_after=math.ceil(self._cooldown))
        return self._keys or keys

    def _kid_is_due(self, now: float) -> bool:
        return now - self._kid_asked_at >= self._cooldown and self._may_try(now, self._cooldown)

    def _may_try(self, now: float, pause: float) -> bool:
        """Whether the last failure is long enough ago, or somebody is trying already."""
        return not self._away or self._fetching is not None or now - self._attempted_at >= pause

    async def _finish(self) -> None:
        """Wait for the fetch that runs, or for a new one."""
        await asyncio.shield(self._start())

    def _start(self) -> asyncio.Task[None]:
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._run())
        return self._fetching

    async def _run(self) -> None:
        try:
            keys = await self._fetch_set()
        except FetchFailed as error:
            self._away = True
            _log.warning("no keys from %s: %s", self._name, error)
        else:
            self._away = False
            self._keys = keys
            self._fetched_at = self._now()
            # Spread out, so that replicas and orgs do not all come to an issuer at once.
            early = random.uniform(0.5, 0.8)  # noqa: S311 - decides nothing but when
            self._refresh_at = self._fetched_at + early * self._max_age
        finally:
            self._attempts += 1
            self._attempted_at = self._now()
            self._fetching = None

    async def _fetch_set(self) -> KeySet:
        try:
            async with asyncio.timeout(self._timeout):
                return parse_set(await self._fetch())
        except TimeoutError:
            raise FetchFailed(f"no answer within {self._timeout:g} s") from None
        except ValueError as error:
            raise FetchFailed(str(error)) from error
