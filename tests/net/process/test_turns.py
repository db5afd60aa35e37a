"""Several at one listener: who holds the fewest connections takes the next, and nobody is lost."""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import pytest

from gateway.net.process import turns
from gateway.net.process.listener import listen
from gateway.net.process.turns import Counted, Shares, Turns

pytestmark = pytest.mark.anyio

PATIENCE = 10.0  # seconds


class Holder(asyncio.Protocol):
    """Somebody's end of a connection."""

    def __init__(self, held: "set[Holder]") -> None:
        self._held = held

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._held.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._held.discard(self)


class Held:
    """Who takes turns, and what each holds."""

    def __init__(self, listener: Any, shares: Shares, takers: int) -> None:
        self.port = listener.getsockname()[1]
        self.held: list[set[Holder]] = [set() for _ in range(takers)]
        self.listeners = [listener.dup() for _ in range(takers)]
        self.turns = [
            Turns(one, self._making(held), shares.of(index), held.__len__)
            for index, (one, held) in enumerate(zip(self.listeners, self.held, strict=True))
        ]
        self._clients: list[asyncio.StreamWriter] = []

    def _making(self, held: set[Holder]) -> Callable[[], Holder]:
        return lambda: Holder(held)

    @property
    def counts(self) -> list[int]:
        return [len(one) for one in self.held]

    async def begin(self, count: int) -> None:
        """Connect, whoever accepts."""
        opening = (asyncio.open_connection("127.0.0.1", self.port) for _ in range(count))
        self._clients += [writer for _, writer in await asyncio.gather(*opening)]

    async def connect(self, count: int) -> None:
        """Connect, and be accepted."""
        before = sum(self.counts)
        await self.begin(count)
        await until(lambda: sum(self.counts) == before + count)

    async def aclose(self) -> None:
        for one in (*self.turns, *self._clients, *self.listeners):
            one.close()
        for client in self._clients:
            with suppress(OSError):
                await client.wait_closed()
        await until(lambda: not sum(self.counts))


@asynccontextmanager
async def taking(shares: Shares, takers: int, listener: Any = None) -> AsyncIterator[Held]:
    listener = listener or listen("127.0.0.1", 0)
    there = Held(listener, shares, takers)
    try:
        yield there
    finally:
        await there.aclose()
        listener.close()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - any condition
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("at_once", [True, False])
async def test_connections_are_shared_evenly(at_once: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(turns, "MOMENT", PATIENCE)
    async with taking(Shares(2), 2) as there:
        for _ in range(1 if at_once else 30):
            await there.connect(30 if at_once else 1)
        assert there.counts == [15, 15]


async def test_who_has_let_go_takes_the_next(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(turns, "MOMENT", PATIENCE)
    async with taking(Shares(2), 2) as there:
        await there.connect(20)
        for holder in list(there.held[0]):
            holder.transport.abort()
        await until(lambda: there.counts == [0, 10])
        await there.connect(10)
        assert there.counts[0] in {9, 10}  # the other hears of it with the first of these


def test_who_has_let_go_says_so_at_once():
    """Whoever is asleep would take no more than it had before, until it woke."""
    told: list[int] = []
    held = Counted(lambda: told.append(len(held)))
    for one in "abc":
        held.add(one)
    held.discard("a")
    held.discard("b")
    assert told == [2, 1]


async def test_one_that_another_took_was_not_left_in_vain(monkeypatch: pytest.MonkeyPatch):
    """Or the next would be nobody's turn."""
    monkeypatch.setattr(turns, "ALONE", PATIENCE)
    monkeypatch.setattr(turns, "MOMENT", 0.05)
    shares = Shares(2)
    async with taking(shares, 1) as there:
        await there.connect(2)
        shares.of(1).hold(1)  # somebody who has taken the next by now
        there.turns[0]._ready()
        await asyncio.sleep(0.1)
        assert there.turns[0]._in_vain < 0
        await there.connect(1)
        assert there.turns[0]._in_vain > 0


async def test_one_that_hangs_keeps_nobody_waiting():
    shares = Shares(2)
    shares.of(1).hold(0)  # and takes none
    async with taking(shares, 1) as there:
        await there.connect(20)
        assert there.counts == [20]


async def test_one_that_has_ended_is_not_waited_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(turns, "MOMENT", PATIENCE)
    shares = Shares(2)
    shares.of(1).hold(0)
    shares.leave(1)
    async with taking(shares, 1) as there:
        await there.connect(20)
        assert there.counts == [20]


async def test_closed_it_accepts_no_more(monkeypatch: pytest.MonkeyPatch):
    shares = Shares(2)
    shares.of(1).hold(0)
    monkeypatch.setattr(turns, "MOMENT", 0.05)
    async with taking(shares, 1) as there:
        await there.connect(1)
        await there.begin(1)  # for which it waits a moment, or not even that
        there.turns[0].close()
        await asyncio.sleep(0.2)
        assert there.counts == [1]


class Scarce:
    """A listener of a process that has no descriptor left, for a while."""

    def __init__(self) -> None:
        self.listener = listen("127.0.0.1", 0)
        self.refused = 0

    def accept(self) -> Any:
        if self.refused < 3:
            self.refused += 1
            raise OSError(errno.EMFILE, "Too many open files")
        return self.listener.accept()

    def dup(self) -> "Scarce":
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self.listener, name)


async def test_without_a_descriptor_it_waits_and_does_not_spin(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """RF-46."""
    monkeypatch.setattr(turns, "PAUSE", 0.1)
    listener = Scarce()
    async with taking(Shares(1), 1, listener) as there:
        began = asyncio.get_running_loop().time()
        await there.connect(2)
        assert asyncio.get_running_loop().time() - began >= 0.3
    assert caplog.text.count("cannot accept a connection: Too many open files") == 3


async def test_a_connection_that_is_gone_by_then_is_nobodys():
    async with taking(Shares(1), 1) as there:
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", there.port)) as gone:
                gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        await there.connect(1)
        assert there.counts == [1]
