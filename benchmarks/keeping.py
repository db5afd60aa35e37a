"""What it costs to remember: ledger, usage, audit and limits on, beside all of them off."""

import statistics
import time
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from benchmarks.peers.gateway import OFF, ON, gateway
from benchmarks.scenes import Ground, Measured, Size, ground, unary
from gateway.core.identity import Person
from gateway.store.store import Store

MAY_COST = 60.0  # µs of CPU a request that opens no conversation
MAY_HOLD = 5.0  # ms by which one that opens a conversation is held back, at the median


def both(folder: Path, size: Size) -> AbstractContextManager[Ground]:
    """The two of them, side by side."""
    starts = [
        partial(gateway, name="all on", how=ON),
        partial(gateway, name="all off", how=OFF),
    ]
    return ground(folder, size, starts)


async def measure(there: Ground) -> list[Measured]:
    """CPU of a request that opens nothing, of both; and how long a new conversation is held."""
    on, off = await unary(there)
    on.delay = await held(there.folder, there.size.paced)
    return [on, off]


async def held(folder: Path, times: int) -> list[float]:
    """ms until a new conversation is on the disk, one after the other, in a file of SQLite."""
    store = await Store.open(f"sqlite:///{folder}/held.db")
    alice, took = Person("acme", "alice"), []
    for number in range(times):
        began = time.perf_counter()
        await store.ledger.claim("support", f"c-{number}", alice)
        took.append((time.perf_counter() - began) * 1e3)
    await store.aclose()
    return took


def told(found: list[Measured]) -> list[str]:
    """The two figures, each with what it may be."""
    on, off = found
    costs = on.median_cpu - off.median_cpu
    holds = statistics.median(on.delay)
    return [
        f"ledger, usage, audit and limits: {costs:+.0f} µs of CPU a request that opens no "
        f"conversation, {off.median_cpu:.0f} without (may be {MAY_COST:.0f})",
        f"one that opens a conversation is held back {holds:.2f} ms at the median "
        f"(may be {MAY_HOLD:.0f})",
    ]
