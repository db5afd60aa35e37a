"""Thousands of open streams on one process: what they hold, and what they cost everybody else.

A stream takes two descriptors of the process, or one where the vendor's connections are shared: so
many are opened as the machine has descriptors for. Counted are those whose first event has come,
and which have neither ended nor failed until all the rest was measured.
"""

import asyncio
import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import uvloop

from benchmarks import kernel, load
from benchmarks.figure import Figure, p99
from benchmarks.peers import Peer, over_http2
from benchmarks.peers.gateway import ENTRIES
from benchmarks.scenes import RATE, Ground, Size, Starts, chat, conversing, ground

PACE = (0.1, 1000)  # events a second of a stream that is open, and more than it will come to say
OPENING = 500.0  # streams a second
OTHERS = 500  # connections, beside those of the streams
ROUNDS = 5
QUIET = 2.0  # seconds in which nobody asks, for what the streams cost by themselves
NEW = 50.0  # streams a second that are opened beside them
BESIDE = "CPU of a request, of that while no stream is open"
OPEN = "streams that were open all the while"
HOLDS = "memory of a stream (PSS)"
FIRST = "first event's p99 over direct"
OPENS = "the same of a new conversation"


def measure(folder: Path, size: Size) -> list[Figure]:
    """Of each entry, with each number of streams; each in processes of their own."""
    found: list[Figure] = []
    for entry, takes in _entries():
        place = folder / str(len(found))
        with ground(place, size, [entry]) as there:
            (peer,) = there.peers
            found += uvloop.run(_of(there, peer, kernel.raise_descriptors() // takes - OTHERS))
    return found


def _entries() -> list[tuple[Starts, int]]:
    """Each with the descriptors that a stream takes there."""
    entries: list[tuple[Starts, int]] = [(entry, 2) for entry in ENTRIES]
    if over_http2.program() is None:
        print("\nnghttpx is not installed: nothing is measured of HTTP/2 to the vendor", flush=True)
        return entries
    return [*entries, (over_http2.over_http2, 1)]


async def _of(there: Ground, peer: Peer, room: int) -> list[Figure]:
    size, requests = there.size, await conversing(there, peer)
    some = await conversing(there, peer, (RATE, 1))
    await load.stream_all(peer.port, some, count=20, opening=0.1)
    await _a_request(there, peer, requests, 0.0)  # warms up
    found, base = [], kernel.pss(peer.pid)
    streams = await conversing(there, peer, PACE)
    for count in (min(count, room) for count in size.crowds):
        alone = await _a_request(there, peer, requests, 0.0)
        opening = count / OPENING
        async with load.open_streams(peer.port, streams, count=count, opening=opening) as open_:
            holds = (kernel.pss(peer.pid) - base) / count / 1024
            beside = await _a_request(there, peer, requests, await _by_themselves(there, peer))
            goes_on, opens, direct = await _firsts(there, peer, some)
            still = sum(one.streams for one in open_)
        await asyncio.sleep(1)  # until they have all gone
        alone += await _a_request(there, peer, requests, 0.0)
        ratio = statistics.median(beside) / statistics.median(alone)
        found += [
            Figure(OPEN, float(still), "", peer.name, count),
            Figure(HOLDS, holds, "kB", peer.name, count),
            Figure(BESIDE, ratio, "", peer.name, count),
            Figure(FIRST, goes_on - direct, "ms", peer.name, count),
            Figure(OPENS, opens - direct, "ms", peer.name, count),
        ]
    return found


def _opening(there: Ground, who: Peer) -> list[bytes]:
    return [chat(who, token, pace=(RATE, 1)) for token in there.people]


async def _by_themselves(there: Ground, peer: Peer) -> float:
    """Seconds of CPU a second."""
    with kernel.watched(peer.pid, there.pids()) as watch:
        await asyncio.sleep(QUIET)
    return watch.cpu / watch.seconds


async def _a_request(
    there: Ground, peer: Peer, requests: Sequence[bytes], rest: float
) -> list[float]:
    """µs of CPU of each round; `rest` is what is used of a second by something else."""
    found, times = list[float](), there.size.requests // 10
    for _ in range(ROUNDS):
        with kernel.watched(peer.pid, there.pids()) as watch:
            await load.ask_all(peer.port, requests, connections=64, times=times)
        found.append((watch.cpu - rest * watch.seconds) / times * 1e6)
    return found


async def _firsts(there: Ground, peer: Peer, known: Sequence[bytes]) -> list[float]:
    """ms until the first event has come, but for one stream in a hundred.

    Of known conversations, of new ones, and of those without a gateway: in turns.
    """
    direct = replace(there.vendor, port=peer.direct or there.vendor.port)
    asking = (
        (peer, known),
        (peer, _opening(there, peer)),
        (direct, _opening(there, direct)),
    )
    took: list[list[float]] = [[], [], []]
    for _ in range(ROUNDS):
        for (who, requests), firsts in zip(asking, took, strict=True):
            times = there.size.firsts // ROUNDS
            asked = await load.ask_at_pace(who.port, requests, rate=NEW, times=times)
            firsts += asked.firsts
    return [p99(firsts) * 1e3 for firsts in took]
