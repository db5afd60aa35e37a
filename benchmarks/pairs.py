"""Two workers beside one, with limits that they count together at a Valkey.

The vendor and the load generator need cores of their own, and this may be a machine of two. So what
two workers serve is worked out from their CPU a request, where both fill the one core that the one
worker fills, each with as many clients as that one has; and from how evenly they share what comes
at a pace, when each may have a core: the busier one is full first. (With clients that ask as fast
as they are answered, the worker beside the load generator would only seem to get less.)
"""

import asyncio
import os
import statistics
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import uvloop

from benchmarks import kernel, load
from benchmarks.figure import Figure
from benchmarks.peers import Peer
from benchmarks.peers.gateway import LIMITS, gateway
from benchmarks.scenes import Ground, Size, conversing, ground
from tests.support.valkey import Valkey

CONNECTIONS = 64  # for each worker
PACE = 400.0  # requests a second
CORES = os.sched_getaffinity(0)
RATIO = "two workers' requests/s, of one's"
COSTS = "a request of two workers, of one's CPU"
BUSIER = "of them the busier worker had"


def measure(folder: Path, size: Size) -> list[Figure]:
    folder.mkdir()
    shared = Valkey(folder)
    limits = f'[shared]\nurl = "{shared.url}"\n{LIMITS}'
    serve = [sys.executable, "-m", "gateway", "serve"]
    starts = [
        partial(gateway, name="one worker", how=(limits, serve)),
        partial(gateway, name="two workers", how=(limits, [*serve, "--workers", "2"])),
    ]
    with shared.running(), ground(folder / "peers", size, starts) as there:
        return uvloop.run(_compared(there))


async def _compared(there: Ground) -> list[Figure]:
    one, two = there.peers
    await asyncio.gather(_round(there, one, []), _round(there, two, []))  # and all have started
    workers = kernel.tree(two.pid)[1:]
    alone: list[float] = []
    together: list[float] = []
    for _ in range(there.size.rounds):
        alone += await _round(there, one, [one.pid])
        together.append(sum(await _round(there, two, workers)))
    kernel.pin(two.pid, CORES)
    shared = [await _paced(there, two, workers) for _ in range(there.size.rounds)]
    busier = statistics.median(max(took) / sum(took) for took in shared)
    costs = statistics.median(together) / statistics.median(alone)
    return [
        Figure(RATIO, 1 / (busier * costs), ""),
        Figure(COSTS, costs, ""),
        Figure(BUSIER, busier, ""),
    ]


async def _paced(there: Ground, peer: Peer, pids: Sequence[int]) -> list[float]:
    """Seconds of CPU of each process, for what comes at a pace that nobody is busy with."""
    requests, times = await conversing(there, peer), there.size.requests // 4
    before = [kernel.cpu_alone(pid) for pid in pids]
    await load.ask_at_pace(peer.port, requests, rate=PACE, times=times)
    return [kernel.cpu_alone(pid) - then for pid, then in zip(pids, before, strict=True)]


async def _round(there: Ground, peer: Peer, pids: Sequence[int]) -> list[float]:
    """Seconds of CPU of each process, for so many requests; two are asked by twice as many."""
    requests = await conversing(there, peer)
    before = [kernel.cpu_alone(pid) for pid in pids]
    connections = CONNECTIONS * max(1, len(pids))
    await load.ask_all(peer.port, requests, connections=connections, times=there.size.requests)
    return [kernel.cpu_alone(pid) - then for pid, then in zip(pids, before, strict=True)]
