"""A conversation that opens: for how long its name is held back until it is on the disk."""

import statistics
from pathlib import Path

import uvloop

from benchmarks import load
from benchmarks.figure import Figure, p99
from benchmarks.peers.gateway import ENTRIES
from benchmarks.scenes import RATE, Ground, Size, chat, conversing, ground

NEW = 50.0  # streams a second
TURNS = 5
HELD = "the event that names a new conversation is held"
HELD_P99 = "the same, but for one in a hundred"


def measure(folder: Path, size: Size) -> list[Figure]:
    """Of each entry: ms from the vendor to the client, over those of an event of a known one."""
    with ground(folder, size, ENTRIES) as there:
        return uvloop.run(_of_each(there))


async def _of_each(there: Ground) -> list[Figure]:
    found = []
    for peer in there.peers:
        known = await conversing(there, peer, (RATE, 1))
        new = [chat(peer, token, pace=(RATE, 1)) for token in there.people]
        passes, held = list[float](), list[float]()
        for _ in range(TURNS):  # in turns: what others do meanwhile is in both
            for requests, took in ((known, passes), (new, held)):
                times = there.size.firsts // TURNS
                asked = await load.ask_at_pace(peer.port, requests, rate=NEW, times=times)
                took += asked.held
        for what, of in ((HELD, statistics.median), (HELD_P99, p99)):
            found.append(Figure(what, (of(held) - of(passes)) * 1e3, "ms", peer.name))
    return found
