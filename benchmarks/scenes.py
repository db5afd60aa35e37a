"""What is measured, one scene after the other; peers side by side, interleaved in rounds.

The peer is kept on one core, the vendor and the load generator on the other. CPU of the peer's
process, by the kernel's accounting, is the steadiest figure on a machine that does other things.
"""

import asyncio
import json
import os
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import kernel, load
from benchmarks.peers import Peer, running
from benchmarks.tokens import Issuer, issuer
from tests.support.ports import free_port

MESSAGE = (
    "Where is my order? I bought two lamps last week, and the page says only that they are on "
    "their way. The number is 4711, if that is of any help to you, and my street has changed."
)
Starts = Callable[[Path, int, Issuer], AbstractContextManager[Peer]]


@dataclass(frozen=True, slots=True)
class Size:
    """How much of each scene."""

    people: int
    rounds: int
    requests: int  # a round and peer
    paced: int  # requests at 200 a second, a round
    streams: int
    stream_rounds: int
    hot: float  # seconds for which they are watched, once all have begun
    resting: int  # streams that are open, for memory
    rest: tuple[float, int]  # of these, events a second, and how many
    crowds: tuple[int, ...]  # streams that are open while somebody asks
    firsts: int  # streams whose first event is waited for
    starts: int


TINY = Size(8, 1, 100, 10, 10, 1, 0.2, 20, (2.0, 2), (20,), 20, 1)
QUICK = Size(60, 3, 1500, 60, 500, 1, 2.0, 500, (0.5, 2), (1000,), 100, 3)
FULL = Size(300, 5, 10_000, 400, 1000, 3, 4.0, 4000, (0.2, 4), (5000, 10_000), 500, 5)
RATE = 25.0  # events a second of a stream
BEGINNING = 250  # streams a second
SLOW_PEER = 10  # so many times fewer requests go to a peer that is marked slow


@dataclass
class Measured:
    """One peer's figures of one scene."""

    peer: str
    lacks: str = ""
    cpu: list[float] = field(default_factory=list)  # µs a request or an event, in each round
    around: list[float] = field(default_factory=list)  # µs of a stream, beside its events
    rate: list[float] = field(default_factory=list)  # requests a second
    delay: list[float] = field(default_factory=list)  # ms of an event, from the vendor to here
    added: float = 0.0  # ms at the median, over direct
    first: float = 0.0  # ms to the first event over direct
    memory: float = 0.0  # kB a stream
    others: float = 0.0  # of the machine, used by others; the worst round

    def note(self, watch: kernel.Watch, cpu: float) -> None:
        self.cpu.append(cpu)
        self.others = max(self.others, watch.others)

    @property
    def median_cpu(self) -> float:
        return statistics.median(self.cpu) if self.cpu else 0.0

    def told(self) -> dict[str, Any]:
        return asdict(self) | {"median_cpu": self.median_cpu}


@dataclass
class Ground:
    """A folder, a vendor, an issuer with people, and peers that run before the vendor."""

    folder: Path
    vendor: Peer
    issuer: Issuer
    people: list[str]
    size: Size
    peers: list[Peer]
    conversations: dict[str, list[str]] = field(default_factory=dict)

    @property
    def streaming(self) -> list[Peer]:
        return [peer for peer in self.peers if peer.streams]

    def pids(self) -> list[int]:
        return [self.vendor.pid, *(peer.pid for peer in self.peers)]


def chat(
    peer: Peer,
    token: str,
    conversation: str | None = None,
    pace: tuple[float, int] | None = None,
) -> bytes:
    """A request; `pace` of a stream is that of its events, and how many."""
    asked = "" if pace is None else f"#{pace[0]:g}x{pace[1]} "
    said: dict[str, object] = {"message": asked + MESSAGE, "stream": pace is not None}
    if conversation is not None:
        said["conversationId"] = conversation
    body = json.dumps(said, separators=(",", ":")).encode()
    head = (
        f"POST {peer.path} HTTP/1.1\r\nHost: chat.example.com\r\n"
        f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@contextmanager
def ground(folder: Path, size: Size, starts: Sequence[Starts]) -> Iterator[Ground]:
    """Everything that a scene needs, on its cores."""
    cores = sorted(os.sched_getaffinity(0))
    theirs, ours = {cores[0]}, {cores[-1]}
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.upstream", "--port", str(port)]
    with ExitStack() as stack:
        pid = stack.enter_context(running(command, port, folder / "vendor.log"))
        made = issuer(folder)
        peers = [stack.enter_context(start(folder, port, made)) for start in starts]
        kernel.pin(pid, ours)
        kernel.pin(os.getpid(), ours)
        for peer in peers:
            kernel.pin(peer.pid, theirs)
        people = [made.token(f"person-{number:04d}") for number in range(size.people)]
        try:
            yield Ground(folder, Peer("direct", port, pid), made, people, size, peers)
        finally:
            kernel.pin(os.getpid(), set(cores))


async def opened(peer: Peer, people: Sequence[str]) -> list[str]:
    """A conversation for each person, as the vendor calls it."""
    found = []
    async with load.connected(peer.port, 1) as (one,):
        for token in people:
            await one.ask(chat(peer, token))
            if one.status != 200:
                raise SystemExit(f"{peer.name} answered {one.status}: {one.body[:300]!r}")
            found.append(json.loads(one.body)["data"]["metadata"]["conversationId"])
    return found


async def conversing(
    ground: Ground, peer: Peer, pace: tuple[float, int] | None = None
) -> list[bytes]:
    """A request of each person, who goes on with a conversation of theirs."""
    if peer.name not in ground.conversations:
        ground.conversations[peer.name] = await opened(peer, ground.people)
    return [
        chat(peer, token, conversation, pace)
        for token, conversation in zip(ground.people, ground.conversations[peer.name], strict=True)
    ]


async def unary(ground: Ground) -> list[Measured]:
    """Verify a token, strip, inject, rewrite the body, forward; 64 connections."""
    size = ground.size
    found = {peer.name: Measured(peer.name, peer.lacks) for peer in ground.peers}
    added: dict[str, list[float]] = {}
    for number in range(-1, size.rounds):  # the first warms up
        for peer in ground.peers:
            requests = await conversing(ground, peer)
            times = size.requests // (SLOW_PEER if peer.slow else 1)
            with kernel.watched(peer.pid, ground.pids()) as watch:
                asked = await load.ask_all(peer.port, requests, connections=64, times=times)
            if number >= 0:
                found[peer.name].note(watch, watch.cpu / times * 1e6)
                found[peer.name].rate.append(times / asked.seconds)
        direct = await paced(ground, ground.vendor)
        for peer in ground.peers:
            added.setdefault(peer.name, []).append((await paced(ground, peer) - direct) * 1e3)
    for name, of_rounds in added.items():
        found[name].added = statistics.median(of_rounds[1:])
    return list(found.values())


async def paced(ground: Ground, peer: Peer) -> float:
    """Seconds at the median, at a pace that nobody is busy with."""
    rate, times = (40.0, ground.size.paced // 5) if peer.slow else (200.0, ground.size.paced)
    requests = await conversing(ground, peer)
    asked = await load.ask_at_pace(peer.port, requests, rate=rate, times=times)
    return asked.median


async def streams(ground: Ground) -> list[Measured]:
    """Many streams at once: what an event costs while they are open, and what each stream costs
    beside its events; how late the first one comes, and the others.
    """
    found = {peer.name: Measured(peer.name, peer.lacks) for peer in ground.streaming}
    first: dict[str, list[float]] = {}
    for _ in range(ground.size.stream_rounds):
        for peer in (ground.vendor, *ground.streaming):
            streamed = await _play(ground, peer, found.get(peer.name, Measured(peer.name)))
            first.setdefault(peer.name, []).append(statistics.median(streamed.first) * 1e3)
    direct = statistics.median(first.pop(ground.vendor.name))
    for name, medians in first.items():
        found[name].first = statistics.median(medians) - direct
    return list(found.values())


async def _play(ground: Ground, peer: Peer, found: Measured) -> load.Streamed:
    """All streams of one peer, and what it took for them."""
    hot = ground.size.hot
    count = ground.size.streams // (SLOW_PEER if peer.slow else 1)
    opening = count / BEGINNING
    events = int(RATE * (opening + hot + 1)) + 1
    requests = await conversing(ground, peer, (RATE, events))

    async def watch_events(open_: Sequence[load.Connection]) -> None:
        before = sum(len(one.delays) for one in open_)
        with kernel.watched(peer.pid, ground.pids()) as watch:
            await asyncio.sleep(hot)
        came = sum(len(one.delays) for one in open_) - before
        found.note(watch, watch.cpu / came * 1e6)

    with kernel.watched(peer.pid, ground.pids()) as watch:
        streamed = await load.stream_all(
            peer.port, requests, count=count, opening=opening, while_open=watch_events
        )
    found.around.append((watch.cpu * 1e6 - streamed.events * found.cpu[-1]) / count)
    found.delay.append(statistics.median(streamed.delays) / 1e6)
    return streamed


async def resting(ground: Ground) -> list[Measured]:
    """Streams that are open at one time: the memory of each."""
    found = []
    for peer in (one for one in ground.streaming if not one.slow):
        one = Measured(peer.name, peer.lacks)
        requests = await conversing(ground, peer, ground.size.rest)
        count = ground.size.resting
        some = await conversing(ground, peer, (RATE, 1))
        await load.stream_all(peer.port, some, count=min(count, 100), opening=0.1)
        before = kernel.pss(peer.pid)
        async with load.open_streams(peer.port, requests, count=count, opening=count / 500):
            one.memory = (kernel.pss(peer.pid) - before) / count / 1024
        found.append(one)
    return found
