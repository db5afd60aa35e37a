"""The addresses of a host, and the quickest of them (RFC 8305).

Those who ask for one name at a time share one lookup, which has a thread of its own. The loop's own
threads are few (libuv lends two to lookups): a name whose servers are silent took both of them, for
as long as anybody was waiting for it, and no other upstream's name was found meanwhile.
"""

import asyncio
import errno
import socket
import threading
from collections.abc import Sequence
from typing import Any, Final, TypeAlias, cast
from weakref import WeakKeyDictionary

from aiohappyeyeballs import AddrInfoType, start_connection

Addresses: TypeAlias = Sequence[tuple[Any, ...]]

HEAD_START: Final = 0.25  # seconds one address has before the next is tried (RFC 8305 section 5)
AT_ONCE: Final = 64  # names

_lookups: WeakKeyDictionary[asyncio.AbstractEventLoop, "Lookups"] = WeakKeyDictionary()


async def addresses(host: str, port: int) -> Addresses:
    """The addresses of a host, the best first (RFC 6724).

    Raises:
        OSError, UnicodeError: there is no such name, or nobody to ask.
    """
    try:
        return socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        )
    except socket.gaierror:  # a name, then
        loop = asyncio.get_running_loop()
        lookups = _lookups.get(loop)
        if lookups is None:
            lookups = _lookups[loop] = Lookups()
        return await lookups.ask(host, port)


async def quickest(found: Addresses) -> socket.socket:
    """A socket that is connected to one of these addresses.

    Raises:
        OSError: none of them can be reached.
    """
    places = cast("Sequence[AddrInfoType]", found)
    return await start_connection(places, happy_eyeballs_delay=HEAD_START)


class Lookups:
    """Those under way in one loop. Who asks for what is asked already waits for the same answer."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._asked: dict[tuple[str, int], asyncio.Task[Addresses]] = {}

    async def ask(self, host: str, port: int) -> Addresses:
        """As `addresses`; whoever leaves takes nobody else's answer along."""
        name = host, port
        asked = self._asked.get(name)
        if asked is None:
            asked = self._asked[name] = asyncio.ensure_future(self._look_up(host, port))
            asked.add_done_callback(lambda done: self._answered(name, done))
        return await asyncio.shield(asked)

    async def _look_up(self, host: str, port: int) -> Addresses:
        async with self._turns:
            loop = asyncio.get_running_loop()
            answer: asyncio.Future[Addresses] = loop.create_future()
            # No executor's: the process would wait at its end for a name that is not found.
            thread = threading.Thread(
                target=_in_thread, args=(host, port, loop, answer), name="lookup", daemon=True
            )
            try:
                thread.start()
            except RuntimeError as error:  # the machine has no room for one
                raise OSError(errno.EAGAIN, "no thread can be started") from error
            return await answer

    def _answered(self, name: tuple[str, int], done: "asyncio.Task[Addresses]") -> None:
        del self._asked[name]
        if not done.cancelled():
            done.exception()  # seen, though everybody may have left


def _in_thread(
    host: str, port: int, loop: asyncio.AbstractEventLoop, answer: "asyncio.Future[Addresses]"
) -> None:
    found: Addresses | Exception
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except Exception as error:  # noqa: BLE001 - whatever it is, somebody waits for it
        found = error
    try:
        loop.call_soon_threadsafe(_tell, answer, found)
    except RuntimeError:  # the loop has ended
        return


def _tell(answer: "asyncio.Future[Addresses]", found: Addresses | Exception) -> None:
    if answer.done():
        return
    if isinstance(found, Exception):
        answer.set_exception(found)
    else:
        answer.set_result(found)
