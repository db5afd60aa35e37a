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

What comes falls to whoever holds the connection, and the busier one is full first: its part is that
of the connections, when each may have a core. By the CPU that they use it would be that of the
cores too: the one beside the load generator is slower. There are as many connections as clients:
of a few the smallest difference is a large one.
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
TIMES = 20  # that all connect
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
    busier = statistics.median([await _busier(two, workers) for _ in range(TIMES)])
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


async def _busier(two: Peer, pids: Sequence[int]) -> float:
    """The part of whoever got the most connections, which come when nobody is busy."""
    async with load.connected(two.port, CONNECTIONS * len(pids)) as open_:
        took = [0]
        while sum(took) < len(open_):
            await asyncio.sleep(0.01)
            took = [kernel.accepted(pid, two.port) for pid in pids]
    return max(took) / sum(took)
