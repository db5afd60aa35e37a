"""Scripts run at a Redis or Valkey: those that are asked for in one turn of the loop go together.

rule 1: Nothing is sent twice: a script that may have run must not run again. One that the server
        does not know has not run, and goes again with its text.
rule 2: A server that does not answer within `patience` is away, for all who were asked together;
        an error of one script is that one's alone.
rule 3: Who no longer waits takes nobody's answer: each has its own, in the order they were sent.

A round trip of redis-py's own costs 0.2 ms of CPU, whatever is in it.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gateway.limits.counts import Away

if TYPE_CHECKING:
    from redis.asyncio import BlockingConnectionPool
    from redis.asyncio.connection import AbstractConnection

CONNECTIONS = 4  # while all are busy, what is asked waits for the next to come back, together


class Script:
    """A script, and the name the server knows it by."""

    __slots__ = ("sha", "text")

    def __init__(self, text: str) -> None:
        self.text = text.encode()
        self.sha = hashlib.sha1(self.text, usedforsecurity=False).hexdigest()


class _Asked:
    """One script to be run, and who waits for what it gives."""

    __slots__ = ("answer", "keys", "script", "words")

    def __init__(self, script: Script, keys: Sequence[str], words: Sequence[str | int]) -> None:
        self.script = script
        self.keys = keys
        self.words = words
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def by_name(self) -> tuple[Any, ...]:
        return "EVALSHA", self.script.sha, len(self.keys), *self.keys, *self.words

    def by_text(self) -> tuple[Any, ...]:
        return "EVAL", self.script.text, len(self.keys), *self.keys, *self.words

    def fail(self, error: BaseException) -> None:
        if not self.answer.done():
            away = Away()
            away.__cause__ = error
            self.answer.set_exception(away)


class Pipeline:
    """Nothing is connected before the first question, which takes twice `patience` at most, in
    seconds: for a connection, and for what is asked on it.
    """

    def __init__(self, url: str, *, patience: float) -> None:
        self._pool = _pool(url, patience)
        self._patience = patience
        self._waiting: list[_Asked] = []
        self._carrying: set[asyncio.Task[None]] = set()

    async def aclose(self) -> None:
        """End what is under way, and close the connections."""
        for carrying in self._carrying:
            carrying.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)
        await self._pool.disconnect()

    async def run(self, script: Script, keys: Sequence[str], words: Sequence[str | int]) -> Any:
        """What a script gives. Raises `Away`."""
        asked = _Asked(script, keys, words)
        self._waiting.append(asked)
        if len(self._waiting) == 1:
            carrying = asyncio.create_task(self._carry())
            self._carrying.add(carrying)
            carrying.add_done_callback(self._carrying.discard)
        return await asked.answer

    async def _carry(self) -> None:
        """Ask what waits by the time there is a connection."""
        from redis.exceptions import RedisError

        together: list[_Asked] = []
        try:
            async with asyncio.timeout(self._patience):
                connection = await self._pool.get_connection()  # type: ignore[no-untyped-call]
            together = self._taken()
            try:
                async with asyncio.timeout(self._patience):
                    await _ask(connection, together)
            except BaseException:
                await connection.disconnect(nowait=True)  # with the answers that are still to come
                raise
            finally:
                await self._pool.release(connection)
        except (RedisError, OSError, TimeoutError) as error:
            for one in together or self._taken():
                one.fail(error)
        except asyncio.CancelledError as error:
            for one in (*together, *self._taken()):
                one.fail(error)
            raise

    def _taken(self) -> list[_Asked]:
        """What waits, but for whom nobody waits any more."""
        waiting, self._waiting = self._waiting, []
        return [one for one in waiting if not one.answer.done()]


async def _ask(connection: "AbstractConnection", together: Sequence[_Asked]) -> None:
    """Send scripts, and hand out what they give."""
    unknown = await _sent(connection, together, [one.by_name() for one in together])
    if unknown:
        await _sent(connection, unknown, [one.by_text() for one in unknown])


async def _sent(
    connection: "AbstractConnection",
    together: Sequence[_Asked],
    commands: Sequence[tuple[Any, ...]],
) -> Sequence[_Asked]:
    """As `_ask`, in one round trip; returns the scripts that the server does not know."""
    from redis.exceptions import NoScriptError, ResponseError

    unknown = []
    await connection.send_packed_command(connection.pack_commands(commands))
    for one in together:
        try:
            answer = await connection.read_response()
        except NoScriptError:
            unknown.append(one)
        except ResponseError as error:
            one.fail(error)
        else:
            if not one.answer.done():
                one.answer.set_result(answer)
    return unknown


def _pool(url: str, patience: float) -> "BlockingConnectionPool":
    from redis.asyncio import BlockingConnectionPool
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    # Without `socket_timeout`, which would be a timer for each answer: ours is for all together.
    return BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS,
        timeout=None,
        socket_timeout=None,
        socket_connect_timeout=patience,
        retry=Retry(NoBackoff(), 0),
    )
