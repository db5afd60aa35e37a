"""Two workers beside one, with limits that they count together at a Valkey.

The vendor and the load generator need cores of their own, and this may be a machine of two. So what
two workers serve is worked out: from what a request costs them more than it costs one, and from how
evenly they share what comes.

What it costs is measured where both fill one core. Two processes of one core take turns at it and
at its caches, and each does by its own clock what is due so often a second: on a core for each
there is none of that. So what they are beside is two processes as well, of one worker each, which
share nothing: neither listener nor store nor Valkey. What a request costs more than there is what
it costs to share. Beside one process that has the core to itself it is shown as well, and counts
for nothing.

What comes at a pace, when each may have a core, falls to whoever holds the connection: the busier
one is full first. Its part is that of the bytes that they read; of CPU it would be that of the
cores too, and the one beside the load generator is slower. There are as many connections as
clients: of a few the smallest difference is a large one.
"""

import asyncio
import os
import statistics
import sys
from collections.abc import Awaitable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import uvloop

from benchmarks import kernel, load
from benchmarks.figure import Figure
from benchmarks.peers import Peer
from benchmarks.peers.gateway import LIMITS, gateway
from benchmarks.scenes import Ground, Size, Starts, conversing, ground
from tests.support.valkey import Valkey

CONNECTIONS = 64  # for each worker
PACE = 400.0  # requests a second
CORES = os.sched_getaffinity(0)
RATIO = "two workers' requests/s, of one's"
COSTS = "a request of two workers, of the CPU of two that share nothing"
CROWDED = "the same, of one's that has the core to itself"
BUSIER = "of them the busier worker had"


def measure(folder: Path, size: Size) -> list[Figure]:
    folder.mkdir()
    with ExitStack() as stack:
        starts = [
            _serving(stack, folder, "one worker"),
            _serving(stack, folder, "another"),
            _serving(stack, folder, "two workers", "--workers", "2"),
        ]
        with ground(folder / "peers", size, starts) as there:
            return uvloop.run(_compared(there))


def _serving(stack: ExitStack, folder: Path, name: str, *options: str) -> Starts:
    """With a Valkey of its own."""
    limits = f'[shared]\nurl = "{stack.enter_context(Valkey(folder).running()).url}"\n{LIMITS}'
    serve = [sys.executable, "-m", "gateway", "serve", *options]
    return partial(gateway, name=name, how=(limits, serve))


async def _compared(there: Ground) -> list[Figure]:
    one, another, two = there.peers
    await asyncio.gather(*(_asked(there, peer) for peer in there.peers))  # and all have started
    workers = kernel.tree(two.pid)[1:]
    alone: list[float] = []
    apart: list[float] = []
    together: list[float] = []
    for _ in range(there.size.rounds):
        alone.append(await _cpu([one.pid], _asked(there, one)))
        halves = (_asked(there, peer, of=2) for peer in (one, another))
        apart.append(await _cpu([one.pid, another.pid], *halves))
        together.append(await _cpu(workers, _asked(there, two, workers=2)))
    kernel.pin(two.pid, CORES)
    busier = statistics.median([await _busier(there, two, workers) for _ in together])
    costs = _ratio(together, apart)
    return [
        Figure(RATIO, 1 / (busier * costs), ""),
        Figure(COSTS, costs, ""),
        Figure(CROWDED, _ratio(together, alone), ""),
        Figure(BUSIER, busier, ""),
    ]


def _ratio(took: Sequence[float], beside: Sequence[float]) -> float:
    """Round by round: what else the machine did was in both."""
    return statistics.median(one / other for one, other in zip(took, beside, strict=True))


async def _asked(there: Ground, peer: Peer, *, workers: int = 1, of: int = 1) -> None:
    """A part of a round's requests, as fast as they are answered."""
    connections, times = CONNECTIONS * workers, there.size.requests // of
    requests = await conversing(there, peer)
    await load.ask_all(peer.port, requests, connections=connections, times=times)


async def _cpu(pids: Sequence[int], *asking: Awaitable[None]) -> float:
    """Seconds of CPU of these processes, for all that is asked at once."""
    before = sum(map(kernel.cpu_alone, pids))
    await asyncio.gather(*asking)
    return sum(map(kernel.cpu_alone, pids)) - before


async def _busier(there: Ground, peer: Peer, pids: Sequence[int]) -> float:
    """The part of the busier process in what comes at a pace that nobody is busy with."""
    requests, times = await conversing(there, peer), there.size.requests // 4
    before = [kernel.bytes_read(pid) for pid in pids]
    connections = CONNECTIONS * len(pids)
    await load.ask_at_pace(peer.port, requests, rate=PACE, times=times, connections=connections)
    took = [kernel.bytes_read(pid) - then for pid, then in zip(pids, before, strict=True)]
    return max(took) / sum(took)
