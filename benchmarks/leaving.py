"""The ways in which a client leaves, each as one visit."""

import asyncio
import random
import socket
import struct
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

from benchmarks.peers import Peer
from benchmarks.scenes import chat

LINGER_NOT = struct.pack("ii", 1, 0)  # closing resets
PACES = ((50.0, 20), (200.0, 40))  # of events, and how many
FLOOD = (2000.0, 4000)  # more than the buffers on the way to somebody who does not read
SMALL = 4096  # bytes of such a client's buffer
PATIENCE = 60.0  # seconds for an answer on a busy machine


@dataclass(frozen=True, slots=True)
class Visitor:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    chance: random.Random

    async def send(self, request: bytes) -> None:
        self.writer.write(request)
        await self.writer.drain()

    async def wait(self, most: float) -> None:
        await asyncio.sleep(self.chance.random() * most)

    def leave(self) -> None:
        """Half of them hang up in order, half do not."""
        if self.chance.random() < 0.5:
            connection = self.writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
        self.writer.close()


@dataclass(frozen=True, slots=True)
class Asking:
    """What visitors ask: `known` are conversations of people, by token."""

    peer: Peer
    known: Mapping[str, str]
    chance: random.Random

    def request(self, pace: tuple[float, int] | None) -> bytes:
        """One in fifty opens a conversation."""
        token, conversation = self.chance.choice(list(self.known.items()))
        opens = self.chance.random() < 0.02
        return chat(self.peer, token, None if opens else conversation, pace)

    def some(self) -> bytes:
        return self.request(self.chance.choice((None, *PACES)))


async def whole(visitor: Visitor, asking: Asking) -> None:
    await visitor.send(asking.request(PACES[1]))
    async with asyncio.timeout(PATIENCE):
        await visitor.reader.readuntil(b"0\r\n\r\n")


async def before_the_answer(visitor: Visitor, asking: Asking) -> None:
    await visitor.send(asking.some())
    await visitor.wait(0.01)


async def in_the_stream(visitor: Visitor, asking: Asking) -> None:
    await visitor.send(asking.request(PACES[0]))
    async with asyncio.timeout(PATIENCE):
        await visitor.reader.readexactly(visitor.chance.randrange(1, 2500))


async def half_a_head(visitor: Visitor, asking: Asking) -> None:
    await visitor.send(asking.some()[: visitor.chance.randrange(0, 600)])
    await visitor.wait(0.5)


async def half_a_body(visitor: Visitor, asking: Asking) -> None:
    await visitor.send(asking.some()[: -visitor.chance.randrange(1, 150)])
    await visitor.wait(0.5)


async def of_nobody(visitor: Visitor, asking: Asking) -> None:
    """It is told 404, after a look into the ledger."""
    token = visitor.chance.choice(list(asking.known))
    await visitor.send(chat(asking.peer, token, f"nobodys-{visitor.chance.random()}"))
    async with asyncio.timeout(PATIENCE):
        await visitor.reader.readuntil(b"404 ")


async def without_reading(visitor: Visitor, asking: Asking) -> None:
    await visitor.send(asking.request(FLOOD))
    await asyncio.sleep(0.5)
    await visitor.wait(2.0)


Way: TypeAlias = Callable[[Visitor, Asking], Awaitable[None]]
WAYS: tuple[tuple[Way, int], ...] = (
    (whole, 10),
    (of_nobody, 5),
    (before_the_answer, 30),
    (in_the_stream, 30),
    (half_a_head, 10),
    (half_a_body, 15),
    (without_reading, 5),
)


def by_chance(chance: random.Random) -> Way:
    return chance.choices([way for way, _ in WAYS], [often for _, often in WAYS])[0]


async def visit(asking: Asking, way: Way, counted: Counter[str]) -> None:
    """Come, and leave in one of the ways."""
    connection = socket.socket()
    connection.setblocking(False)
    if way is without_reading:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    address = "127.0.0.1", asking.peer.port
    await asyncio.get_running_loop().sock_connect(connection, address)
    limit = SMALL if way is without_reading else 1 << 16
    visitor = Visitor(*await asyncio.open_connection(sock=connection, limit=limit), asking.chance)
    try:
        with suppress(ConnectionError, asyncio.IncompleteReadError):  # it was the gateway who left
            await way(visitor, asking)
        counted[way.__name__] += 1
    finally:
        visitor.leave()
