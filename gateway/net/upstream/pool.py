"""The connections to one place: those at rest, a bound on all of them, and a bounded line.

Every step takes constant time, however many streams are open. A slot is a connection that is being
made or is open; it is given back when the attempt fails or the connection is lost, so a cancelled
caller cannot keep one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from gateway.core.errors import Overloaded
from gateway.net.server.arrived import Arrived
from gateway.net.upstream.connection import Connection
from gateway.net.upstream.line import Line
from gateway.net.upstream.resting import Resting

Dial: TypeAlias = Callable[[Callable[[Connection], None]], Awaitable[Connection]]


class Pool:
    """`dial` makes a connection that tells the function it is given when it is lost.

    `everywhere` are the connections at rest of this pool and of others.
    """

    def __init__(
        self, dial: Dial, *, size: int, max_waiters: int, patience: float, everywhere: Resting
    ) -> None:
        self._dial = dial
        self._everywhere = everywhere
        self._size = size
        self._connecting = 0
        self._open: dict[Connection, None] = {}  # a set takes twice as much, of thousands
        self._resting: dict[Connection, None] = {}  # in the order they came to rest
        self._line: Line[Connection | None] = Line(  # a connection, or the slot for one
            most=max_waiters, patience=patience, back=self._hand_back
        )
        self._arrived = Arrived()
        self._on_lost = self._lost  # bound once: each connection keeps it
        self._closed = False
        self._empty = asyncio.Event()

    @property
    def slots(self) -> int:
        """Connections that are open or being made."""
        return len(self._open) + self._connecting

    @property
    def resting(self) -> int:
        return len(self._resting)

    @property
    def waiting(self) -> int:
        return len(self._line)

    def rested(self) -> Connection | None:
        """The connection that came to rest last."""
        while self._resting:
            connection, _ = self._resting.popitem()
            self._everywhere.discard(connection)
            if self._is_quiet(connection):
                return connection
            connection.abort()
        return None

    async def take_new(self) -> Connection:
        """A connection that has not been at rest.

        Raises:
            Overloaded: none came free in time, or too many wait already.
            UpstreamUnreachable, UpstreamTimeout: a new one cannot be made.
        """
        if self.slots >= self._size and (rested := self.rested()):
            rested.abort()  # its slot comes to the head of the line
        while self.slots >= self._size or self._closed:
            connection = await self._line.stand()
            if connection is None:
                return await self._make()
            if self._is_quiet(connection):
                return connection
            connection.abort()
        self._connecting += 1
        return await self._make()

    def put_back(self, connection: Connection) -> None:
        """Take one that is fit for another exchange."""
        if not self._line.pass_on(connection):
            connection.rest()
            self._resting[connection] = None
            self._everywhere.add(connection)

    async def aclose(self) -> None:
        """Close all connections, also those in use, and send everybody away."""
        self._closed = True
        self._resting.clear()
        self._line.close()
        if self._open:
            for connection in list(self._open):
                connection.abort()
            await self._empty.wait()

    async def _make(self) -> Connection:
        """Make a connection in a slot that is counted in `_connecting` already."""
        try:
            connection = await self._dial(self._on_lost)
        except BaseException:
            self._connecting -= 1
            self._free_slot()
            raise
        self._connecting -= 1
        if self._closed:
            connection.abort()
            raise Overloaded
        self._open[connection] = None
        return connection

    def _lost(self, connection: Connection) -> None:
        self._resting.pop(connection, None)
        self._everywhere.discard(connection)
        if connection in self._open:  # not so while it is being made
            del self._open[connection]
            self._free_slot()
            if self._closed and not self._open:
                self._empty.set()

    def _free_slot(self) -> None:
        if not self._closed and self._line.pass_on(None):
            self._connecting += 1

    def _hand_back(self, connection: Connection | None) -> None:
        """Take what was given to somebody who was cancelled."""
        if connection is None:
            self._connecting -= 1
            self._free_slot()
        else:
            self.put_back(connection)

    def _is_quiet(self, connection: Connection) -> bool:
        """Whether it is open, and nothing has come since its exchange that nobody asked for.

        What the kernel has, and the loop not yet, would be read as the answer to the next request.
        Of TLS it may be a ticket for another session: that costs a handshake, and nobody an answer.
        """
        return not connection.closed and not self._arrived.at(connection.descriptor)
