"""Clients that leave at any moment, for minutes: `python -m benchmarks.cancels [--minutes 10]`.

Before the answer, in the middle of streams, with half of a head or a body sent, without reading. At
the start, in the middle and at the end everybody goes, and what the gateway then holds is counted:
descriptors, connections, tasks, what runs, rows that wait, memory. It ends with exit code
1 where that is more than at the start.
"""

import argparse
import asyncio
import json
import os
import random
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx

from benchmarks import kernel
from benchmarks.leaving import (
    Asking,
    by_chance,
    in_the_stream,
    of_nobody,
    visit,
    without_reading,
)
from benchmarks.peers import Peer
from benchmarks.peers.gateway import ADMIN_TOKEN, LIMITS, gateway
from benchmarks.peers.observed import HOLDS
from benchmarks.scenes import TINY, Ground, ground, opened
from benchmarks.tables import table

RATE = 100.0  # visits a second
AT_ONCE = 200
WARMING = 1000  # visits, or a fifth of all: what is made once has been made by then
LOOKS = 5  # something that is done now and then may just be done
SETTLED = 60.0  # seconds in which all must have ended
SEED = 20_261_122
# Not counted: what Python's allocator keeps, since a MiB of it with one object left in it stays.
# Nor is SQLite's: its five connections keep 2 MB of pages each, of a file that grows.
MORE_MEMORY = 4 << 20
MORE_BLOCKS = 3000  # one of twenty clients of ten minutes
# The loop's pool gets one when a queue writes its rows while the other's thread is busy.
MORE_THREADS = 2
EXACT = ("clients", "to the vendor", "running", "rows waiting", "descriptors", "tasks")


@dataclass(frozen=True, slots=True)
class Held:
    """What a gateway holds while nobody asks."""

    visits: int
    exact: tuple[int, ...]  # of EXACT
    threads: int
    blocks: int  # of Python's own memory
    memory: int  # bytes
    sqlite: int  # of these
    room: int  # of these: free, and kept by Python's allocator

    @property
    def in_use(self) -> int:
        return self.memory - self.sqlite - self.room

    def cells(self) -> tuple[str, ...]:
        sizes = (f"{size / 2**20:.1f} MiB" for size in (self.memory, self.sqlite, self.room))
        counts = map(str, (*self.exact, self.threads))
        return (f"{self.visits:,}", *counts, f"{self.blocks:,}", *sizes)

    def is_more_than(self, before: "Held") -> bool:
        return (
            any(now > then for now, then in zip(self.exact, before.exact, strict=True))
            or self.threads > before.threads + MORE_THREADS
            or self.blocks > before.blocks + MORE_BLOCKS
            or self.in_use > before.in_use + MORE_MEMORY
        )


@dataclass(slots=True)
class Crowd:
    """Who comes, how they have left so far, and what is left of them."""

    there: Ground
    peer: Peer
    asking: Asking
    holds: Path  # where the gateway says what it holds
    left: Counter[str] = field(default_factory=Counter)

    async def come(self, seconds: float) -> None:
        """So many a second, whether those before have left or not."""
        loop, there_now = asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE)
        due = loop.time()
        end = due + seconds

        async def one() -> None:
            async with there_now:
                await visit(self.asking, by_chance(self.asking.chance), self.left)

        async with asyncio.TaskGroup() as group:
            while loop.time() < end:
                group.create_task(one())
                due += 1 / RATE
                await asyncio.sleep(max(0.0, due - loop.time()))

    async def come_at_once(self) -> None:
        """As many as there will ever be, in the ways that take most.

        The ledger's readers open their connections when they must, and the allocator keeps the
        room that streams took which nobody read.
        """
        for way in (of_nobody, in_the_stream, without_reading):
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(visit(self.asking, way, self.left))

    async def held(self) -> Held:
        """Once nothing runs, and connections to the vendor that rested long enough are closed."""
        end = time.monotonic() + SETTLED
        counts = await self._counts()
        while any(counts.values()) and time.monotonic() < end:
            await asyncio.sleep(0.5)
            counts = await self._counts()
        looks = [json.loads(await self._told()) for _ in range(LOOKS)]
        told = {name: min(look[name] for look in looks) for name in looks[0]}
        return Held(
            self.left.total(),
            (*counts.values(), kernel.descriptors(self.peer.pid), told["tasks"]),
            told["threads"],
            told["blocks"],
            kernel.pss(self.peer.pid),
            told["sqlite"],
            told["room"],
        )

    async def _counts(self) -> dict[str, int]:
        headers = {"authorization": f"Bearer {ADMIN_TOKEN}"}
        async with httpx.AsyncClient(headers=headers, timeout=SETTLED) as client:
            metrics = (await client.get(f"http://127.0.0.1:{self.peer.admin}/metrics")).text
        return {
            "clients": kernel.connections(self.peer.port),
            "to the vendor": kernel.connections(self.there.vendor.port),
            "running": _sum(metrics, "gateway_streams_in_progress"),
            "rows waiting": _sum(metrics, "gateway_ledger_queue_rows"),
        }

    async def _told(self) -> str:
        """What the process says of itself."""
        self.holds.unlink(missing_ok=True)
        os.kill(self.peer.pid, signal.SIGUSR1)
        async with asyncio.timeout(SETTLED):
            while not self.holds.exists():  # noqa: ASYNC110 - another process makes it
                await asyncio.sleep(0.05)
        return self.holds.read_text()


def _sum(metrics: str, name: str) -> int:
    found = re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", metrics, re.MULTILINE)
    return int(sum(map(float, found)))


async def play(there: Ground, holds: Path, seconds: float) -> tuple[list[Held], Counter[str]]:
    """What is held at the start, in the middle and at the end; and how everybody left."""
    (peer,) = there.peers
    chance = random.Random(SEED)  # noqa: S311 - moments, no secrets
    known = dict(zip(there.people, await opened(peer, there.people), strict=True))
    crowd = Crowd(there, peer, Asking(peer, known, chance), holds)
    await crowd.come_at_once()
    await crowd.come(max(WARMING / RATE, seconds / 5))
    crowd.left.clear()
    found = [await crowd.held()]
    for _ in range(2):
        await crowd.come(seconds / 2)
        found.append(await crowd.held())
    return found, crowd.left


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cancels", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    seconds = parser.parse_args().minutes * 60
    kernel.raise_descriptors()
    with tempfile.TemporaryDirectory(prefix="gateway-benchmarks-") as name:
        holds = Path(name) / "holds.json"
        os.environ[HOLDS] = str(holds)
        command = [sys.executable, "-m", "benchmarks.peers.observed"]
        starts = [partial(gateway, how=(LIMITS, command))]
        with ground(Path(name) / "peers", TINY, starts) as there:
            found, left = asyncio.run(play(there, holds, seconds))
    print(f"{left.total():,} clients, of whom stayed to the end: {left['whole']:,}")
    table(
        "What the gateway holds while nobody asks",
        ("", "clients gone", *EXACT, "threads", "blocks", "memory (PSS)", "SQLite's", "free in it"),
        [
            (when, *held.cells())
            for when, held in zip(("start", "middle", "end"), found, strict=True)
        ],
    )
    if found[-1].is_more_than(found[0]):
        sys.exit("More is held than at the start.")
    print("\nNothing is held that was not at the start.")


if __name__ == "__main__":
    main()
