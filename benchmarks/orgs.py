"""Ten thousand orgs in one configuration: `python -m benchmarks.orgs [--orgs 10000]`.

Orgs of four kinds: by path and by hosts, one sign-in and two, keys of their own in files, limits, a
second vendor. First `gateway check`, of one file and of a hundred that it includes; then a gateway
of them beside one of a single org: how long until it answers, what it holds, and the CPU of a
request, asked in turns for people of many orgs and of the one. Last, one org changes and SIGHUP is
sent, while somebody asks every 5 ms. Seconds of CPU are steadier than the clock's.
"""

import argparse
import asyncio
import os
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import jwt

from benchmarks import kernel, load
from benchmarks.peers import PATH, Peer, running
from benchmarks.scenes import TINY, Ground, chat, ground, opened
from benchmarks.tables import table
from benchmarks.tokens import LASTS, Issuer
from tests.support.ports import free_port

KINDS = 4
PEOPLE = 60
ROUNDS = 5
FILES = 100  # that are included
EVERY = 0.005  # seconds between two questions of the probe
PROBE = b"GET /livez HTTP/1.1\r\nHost: chat.example.com\r\n\r\n"
RELOADED = '"reloaded: '
BEFORE = 3.0  # seconds in which nothing changes


@dataclass(frozen=True)
class Orgs:
    """Orgs before one vendor, each with secrets of its own in `folder`."""

    folder: Path
    vendor: int
    count: int

    def texts(self) -> list[str]:
        self.folder.mkdir(parents=True)
        return [self._text(number) for number in range(self.count)]

    def with_paths(self) -> list[int]:
        """Orgs that stand at a path, spread over all."""
        numbers = range(0, self.count, KINDS)
        return list(numbers[:: max(1, len(numbers) // PEOPLE)][:PEOPLE])

    def token(self, number: int, who: str) -> str:
        now = int(time.time())
        claims = {"iss": _issuer(number), "aud": "chat", "sub": who, "iat": now, "exp": now + LASTS}
        secret = (self.folder / f"{number}-signing").read_text()
        return jwt.encode(claims, secret, algorithm="HS256")

    def _text(self, number: int) -> str:
        kind, name = number % KINDS, f"orgs.org{number}"
        lines = [f"[{name}]", f'external_id = "org_{number:05}"']
        if kind == 0:
            lines.append(f'path = "/o/{number}"')
        else:
            lines.append(f'hosts = ["org{number}.example.com", "chat.org{number}.example"]')
            lines.append(f'origins = ["https://org{number}.example.com"]')
        signing = [_issuer(number), f"https://staff{number}.example.com/"][: 1 + (kind == 1)]
        for issuer in signing:
            lines += [f"[[{name}.sign_in]]", f'issuer = "{issuer}"', 'audience = "chat"']
            if kind != 1:
                lines.append(f'secret = "{self._secret(number, "signing")}"')
        lines += [f"[{name}.upstreams.support]", 'vendor = "chatbase"', 'agent = "agent_1"']
        lines.append(f'base_url = "http://127.0.0.1:{self.vendor}"')
        lines.append(f'key = "{self._secret(number, "support")}"')
        if kind == 2:
            lines += [f"[{name}.upstreams.llm]", 'vendor = "openai"']
            lines.append(f'key = "{self._secret(number, "llm")}"')
        if kind == 3:
            lines += [f"[{name}.limits]", 'per_user = ["60/minute", "5 streams"]']
        return "\n".join(lines) + "\n"

    def _secret(self, number: int, what: str) -> str:
        file = self.folder / f"{number}-{what}"
        file.write_text(secrets.token_hex(32))
        return f"${{file:{file}}}"


def _issuer(number: int) -> str:
    return f"https://login{number}.example.com/"


def _top(place: Path, port: int) -> str:
    listen = f'[server]\nlisten = "127.0.0.1:{port}"\n'
    return f'{listen}[store]\nurl = "sqlite:///{place}/gateway.db"\n'


def write(orgs: Orgs, place: Path, port: int) -> tuple[Path, Path]:
    """The same configuration twice: one file, and one that includes others."""
    texts, folder = orgs.texts(), place / "orgs.d"
    folder.mkdir()
    whole, including = place / "gateway.toml", place / "including.toml"
    whole.write_text(_top(place, port) + "\n".join(texts))
    including.write_text('include = ["orgs.d/*.toml"]\n' + _top(place, port))
    for number in range(min(FILES, orgs.count)):
        (folder / f"{number:03}.toml").write_text("\n".join(texts[number::FILES]))
    return whole, including


@contextmanager
def serving(count: int, folder: Path, vendor: int, issuer: Issuer) -> Iterator[Peer]:
    """A gateway of so many orgs."""
    del issuer  # each org has its own
    place, port = folder / f"of-{count}", free_port()
    place.mkdir()
    _, including = write(Orgs(place / "secrets", vendor, count), place, port)
    command = [sys.executable, "-m", "gateway", "serve", "--config", str(including)]
    with running(command, port, place / "log") as pid:
        yield Peer(f"{count:,} orgs", port, pid)


def check(file: Path) -> tuple[float, float, int]:
    """What `gateway check` takes: seconds, of them of CPU, and the most memory it held."""
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "gateway", "check", "--config", str(file)])
    _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit("gateway check has found a mistake")
    return time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024


def parse(file: Path) -> float:
    """Seconds of CPU that tomllib alone takes."""
    text, began = file.read_text(), time.process_time()
    tomllib.loads(text)
    return time.process_time() - began


async def asks(orgs: Orgs, peer: Peer) -> list[bytes]:
    """A request of each person, who goes on with a conversation of theirs."""
    found = []
    for number, org in zip(range(PEOPLE), orgs.with_paths() * PEOPLE, strict=False):
        there = replace(peer, path=f"/o/{org}/support{PATH}")
        token = orgs.token(org, f"person-{number}")
        (conversation,) = await opened(there, [token])
        found.append(chat(there, token, conversation))
    return found


async def routed(there: Ground, all_orgs: Sequence[Orgs]) -> list[list[float]]:
    """µs of CPU a request, of each gateway, in each round."""
    asked = [await asks(orgs, peer) for orgs, peer in zip(all_orgs, there.peers, strict=True)]
    found: list[list[float]] = [[] for _ in there.peers]
    for number in range(-1, ROUNDS):  # the first warms up
        for peer, requests, rounds in zip(there.peers, asked, found, strict=True):
            with kernel.watched(peer.pid, there.pids()) as watch:
                await load.ask_all(peer.port, requests, connections=16, times=3000)
            if number >= 0:
                rounds.append(watch.cpu / 3000 * 1e6)
    return found


async def first_answer(peer: Peer) -> float:
    """Seconds until somebody who is connected already has one."""
    began = time.monotonic()
    async with load.connected(peer.port, 1) as (one,):
        await one.ask(PROBE)
    return time.monotonic() - began


async def gaps(peer: Peer, until: asyncio.Event) -> list[float]:
    """Seconds of each answer, to one who asks every 5 ms."""
    found: list[float] = []
    async with load.connected(peer.port, 1) as (one,):
        while not until.is_set():
            began = time.monotonic()
            await one.ask(PROBE)
            found.append(time.monotonic() - began)
            await asyncio.sleep(max(0.0, began + EVERY - time.monotonic()))
    return found


async def reload(peer: Peer, place: Path) -> float:
    """Change one org; seconds until it is served."""
    file, began = place / "orgs.d" / "001.toml", time.monotonic()
    file.write_text(file.read_text().replace('agent = "agent_1"', 'agent = "agent_2"', 1))
    told = (place / "log").read_text().count(RELOADED)
    os.kill(peer.pid, signal.SIGHUP)
    while (place / "log").read_text().count(RELOADED) == told:  # noqa: ASYNC110 - its log
        await asyncio.sleep(0.2)
    return time.monotonic() - began


async def watched_reload(peer: Peer, place: Path) -> tuple[list[float], list[float], float]:
    """The gaps while nothing changes, those of a reload, and seconds it took."""
    found: list[list[float]] = []
    took = 0.0
    for changes in (False, True):
        done = asyncio.Event()
        probe = asyncio.create_task(gaps(peer, done))
        if changes:
            took = await reload(peer, place)
        else:
            await asyncio.sleep(BEFORE)
        done.set()
        found.append(await probe)
    return found[0], found[1], took


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        aside = folder / "checked"
        aside.mkdir()
        whole, including = write(Orgs(aside / "secrets", 9, count), aside, free_port())
        rows = []
        for told, file in (("one file", whole), (f"{FILES} files it includes", including)):
            seconds, cpu, most = check(file)
            rows.append((told, f"{seconds:.1f}", f"{cpu:.1f}", f"{most / 2**20:.0f} MiB"))
        alone = f"{parse(whole):.1f}"
        rows.append(("one file, tomllib alone", alone, alone, ""))
        title = f"gateway check of {count:,} orgs, {whole.stat().st_size / 2**20:.1f} MiB"
        table(title, ("", "s", "CPU s", "memory at most"), rows)
        asyncio.run(served(folder, count))


async def served(folder: Path, count: int) -> None:
    sizes = (1, count)
    with ground(folder, TINY, [partial(serving, size) for size in sizes]) as there:
        for peer in there.peers:
            await first_answer(peer)
        held = [(kernel.cpu(one.pid), kernel.pss(one.pid) / 2**20) for one in there.peers]
        places = [folder / f"of-{size}" for size in sizes]
        orgs = [
            Orgs(place / "secrets", there.vendor.port, size)
            for place, size in zip(places, sizes, strict=True)
        ]
        rounds = await routed(there, orgs)
        base = statistics.median(rounds[0])
        rows = [
            (
                peer.name,
                f"{cpu:.1f}",
                f"{memory:.0f} MiB",
                f"{statistics.median(each):.0f}",
                f"{statistics.median(each) / base:.2f}",
                " ".join(f"{one:.0f}" for one in each),
            )
            for peer, (cpu, memory), each in zip(there.peers, held, rounds, strict=True)
        ]
        columns = ("", "CPU s to the first answer", "memory then", "CPU µs a request", "", "rounds")
        table("A gateway that serves", columns, rows)
        many = there.peers[1]
        before = kernel.cpu(many.pid)
        quiet, gap, took = await watched_reload(many, places[1])
        spent, memory = kernel.cpu(many.pid) - before, kernel.pss(many.pid) / 2**20
        waits = [
            (told, f"{max(each) * 1e3:.0f}", f"{sorted(each)[len(each) * 99 // 100] * 1e3:.1f}")
            for told, each in (("nothing changes", quiet), ("one org changes", gap))
        ]
        table("Who asks every 5 ms waits at most", ("while", "ms", "99th of 100"), waits)
        print(f"\nThat took {took:.1f} s, and {spent:.1f} of CPU; memory then: {memory:.0f} MiB")


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--orgs", type=int, default=10_000)
    main(asked.parse_args().orgs)
