"""Scripts run at a Redis or Valkey over one connection, together: what is asked for in one turn of
the loop, or while those before are answered, goes in one round trip.

rule 1: Nothing is sent twice: a script that may have run must not run again. One that the server
        does not know has not run, and goes again with its text.
rule 2: A server that does not answer within `patience` is away, for all who were asked together;
        an error of one script is that one's alone.
rule 3: Each has the answer to what it asked, in the order they were sent; one that nobody waits for
        any more is let go.

A round trip of redis-py's own costs 0.15 ms of CPU, whatever is in it; more connections would only
carry less at once.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gateway.limits.counts import Away
from gateway.system.trust import FORMALITIES

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection


class Script:
    """A script, and the name the server knows it by."""

    __slots__ = ("sha", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = hashlib.sha1(text.encode("ascii"), usedforsecurity=False).hexdigest()


class _Asked:
    """One script to be run, and who waits for what it gives."""

    __slots__ = ("_given", "_script", "answer", "by_name")

    def __init__(self, script: Script, keys: Sequence[str], words: Sequence[str | int]) -> None:
        self._script = script
        self._given = (len(keys), *keys, *words)
        self.by_name = command("EVALSHA", script.sha, *self._given)
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    @property
    def by_text(self) -> bytes:
        return command("EVAL", self._script.text, *self._given)

    def fail(self, error: BaseException) -> None:
        if not self.answer.done():
            away = Away()
            away.__cause__ = error
            self.answer.set_exception(away)


def command(*words: str | int) -> bytes:
    """A command as it is sent (RESP, arrays of bulk strings): redis-py's own takes 1.3 µs a word.

    Raises:
        UnicodeEncodeError: a word is not ASCII, whose characters are as many as its bytes.
    """
    spelled = [f"${len(word)}\r\n{word}\r\n" for word in map(str, words)]
    return f"*{len(words)}\r\n{''.join(spelled)}".encode("ascii")


class Pipeline:
    """`patience` is in seconds, for one round trip and the connection it may need first; a question
    takes twice that at most. Nothing is connected before the first one.
    """

    def __init__(self, url: str, *, patience: float) -> None:
        self._connection = _connection(url, patience)
        self._patience = patience
        self._waiting: list[_Asked] = []
        self._carrying: asyncio.Task[None] | None = None

    async def aclose(self) -> None:
        """End what is under way, and close the connection."""
        if self._carrying is not None:
            self._carrying.cancel()
            await asyncio.gather(self._carrying, return_exceptions=True)
        for one in self._taken():
            one.fail(ConnectionError("The connection was closed"))
        await self._connection.disconnect()

    async def run(self, script: Script, keys: Sequence[str], words: Sequence[str | int]) -> Any:
        """What a script gives. Raises `Away`."""
        asked = _Asked(script, keys, words)
        self._waiting.append(asked)
        if self._carrying is None:
            self._carrying = asyncio.create_task(self._carry())
        return await asked.answer

    async def _carry(self) -> None:
        """Send what waits, again and again until nothing waits."""
        try:
            while together := self._taken():
                await self._ask(together)
        finally:
            self._carrying = None

    def _taken(self) -> list[_Asked]:
        """Take the scripts that wait, without those whose caller has left."""
        waiting, self._waiting = self._waiting, []
        return [one for one in waiting if not one.answer.done()]

    async def _ask(self, together: Sequence[_Asked]) -> None:
        """Send these scripts together; give each its answer, or the reason why there is none."""
        try:
            async with asyncio.timeout(self._patience):
                await _connect(self._connection)
                unknown = await _sent(self._connection, together, [one.by_name for one in together])
                if unknown:
                    await _sent(self._connection, unknown, [one.by_text for one in unknown])
        except BaseException as error:
            for one in together:
                one.fail(error)
            await self._connection.disconnect(nowait=True)  # with the answers that may still come
            if not isinstance(error, Exception):  # one that answers nonsense is away as well
                raise


async def _connect(connection: "AbstractConnection") -> None:
    """See to it that it is open, and that nothing is left to be read from it."""
    if connection.is_connected and await connection.can_read():  # its end, for instance
        await connection.disconnect(nowait=True)
    if not connection.is_connected:
        await connection.connect()  # type: ignore[no-untyped-call]


async def _sent(
    connection: "AbstractConnection",
    together: Sequence[_Asked],
    commands: Sequence[bytes],
) -> Sequence[_Asked]:
    """Send scripts and hand out what they give; returns those that the server does not know."""
    from redis.exceptions import NoScriptError, ResponseError

    unknown = []
    await connection.send_packed_command(b"".join(commands))
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


def _connection(url: str, patience: float) -> "AbstractConnection":
    from redis.asyncio import ConnectionPool
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    tls = {"ssl_exclude_verify_flags": [FORMALITIES]} if url.startswith("rediss:") else {}
    # Without `socket_timeout`, which would be a timer for each answer: ours is for all together.
    pool = ConnectionPool.from_url(
        url,
        socket_timeout=None,
        socket_connect_timeout=patience,
        retry=Retry(NoBackoff(), 0),
        **tls,
    )
    connection: AbstractConnection = pool.make_connection()  # type: ignore[no-untyped-call]
    return connection
