"""A server that says who somebody is: a host app, an authorization server; asked within bounds.

A request waits for the answer. So few questions run at one time (a bulkhead), and a server that
does not answer is left alone for a while (a circuit breaker).

Rules:

1. A question takes `timeout` at most, waiting for its turn included; `AT_ONCE` run at one time, and
   no more than `WAITING` wait.
2. What is no answer is a 503, never a verdict: the credential may be good.
3. After `FAILURES` questions in a row to which there was no answer at all nobody asks for `PAUSE`;
   then one does, and the others once it has been answered. A status counts as an answer, else
   whoever finds a cookie that the app chokes on could keep everybody out.
4. The log says what is wrong, once a second at most.
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable

from gateway.authn.fetch import FetchFailed, Reply, Unreachable
from gateway.core.errors import AmbiguousJson, KeysUnavailable
from gateway.core.formats import fields as http
from gateway.core.formats import strictjson
from gateway.core.formats.strictjson import JsonObject

TIMEOUT = 3.0  # seconds
AT_ONCE = 64
WAITING = 1024
FAILURES = 5
PAUSE = 1.0  # seconds

_DETAIL = "Whose this credential is cannot be asked now; it may be good"

_log = logging.getLogger("gateway.authn")


class Remote:
    """The server at one URL. `name` is for the log, `monotonic` a clock without steps."""

    def __init__(
        self,
        name: str,
        *,
        timeout: float = TIMEOUT,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._timeout = timeout
        self._now = monotonic
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._failures = 0
        self._resting_until = self._told_at = -math.inf

    async def ask(self, question: Callable[[], Awaitable[Reply]]) -> Reply:
        """The answer.

        Raises:
            KeysUnavailable: there is none.
        """
        now = self._now()
        if self._waiting >= WAITING or now < self._resting_until:
            raise KeysUnavailable(_DETAIL)
        if self._failures >= FAILURES:
            self._resting_until = now + max(PAUSE, self._timeout)  # for all but this one
        self._waiting += 1
        try:
            reply = await self._answer(question)
        except FetchFailed as error:
            self._note(answered=not isinstance(error, Unreachable))
            raise self.unusable(str(error)) from error
        finally:
            self._waiting -= 1
        self._note(answered=True)
        return reply

    async def _answer(self, question: Callable[[], Awaitable[Reply]]) -> Reply:
        try:
            async with asyncio.timeout(self._timeout), self._turns:
                return await question()
        except TimeoutError:
            raise Unreachable(f"no answer within {self._timeout:g} s") from None

    def _note(self, *, answered: bool) -> None:
        self._failures = 0 if answered else self._failures + 1
        rests = self._failures >= FAILURES
        self._resting_until = self._now() + PAUSE if rests else -math.inf

    def unusable(self, why: str) -> KeysUnavailable:
        """The refusal for what is no answer; `why` is for the log, and quotes none of it."""
        now = self._now()
        if now - self._told_at >= 1:
            self._told_at = now
            _log.warning("no answer from %s: %s", self._name, why)
        return KeysUnavailable(_DETAIL)

    def read(self, reply: Reply) -> JsonObject:
        """The JSON object of a 200.

        Raises:
            KeysUnavailable: it is something else.
        """
        if reply.status != 200:
            raise self.unusable(f"status {reply.status}")
        kind = http.media_type((reply.media_type or "").encode("latin-1", "replace"))
        if kind is None or not kind.is_json:
            raise self.unusable("its content-type is not application/json")
        try:
            answer = strictjson.loads(reply.content)
        except AmbiguousJson as error:
            raise self.unusable("not JSON, or JSON that parsers read differently") from error
        if not isinstance(answer, dict):
            raise self.unusable("JSON that is no object")
        return answer
