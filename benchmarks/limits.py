"""What limits cost: CPU of the gateway's process for each admitted request, with and without them.

    python -m benchmarks.limits [--requests 3000] [--rounds 5]

A chat that continues a conversation, so that nothing is written to the ledger; sixteen people, one
connection each. The gateways stand beside each other and are asked in turn; of the rounds the
median counts. CPU is the kernel's accounting of the process, the steadiest figure on a machine that
does other things as well. First the limits by themselves, counted in process, for ten and for a
hundred thousand people. Needs the extra `dev`.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import kernel
from gateway.core.limits import quota
from gateway.core.limits.quota import Budget, Rate, Streams
from gateway.core.people.identity import Person
from gateway.limits.calendar import Calendar
from gateway.limits.keys import Keys
from gateway.limits.local import LocalCounts
from gateway.limits.org import OrgLimits
from gateway.limits.rules import Allowed, Rules, VendorRules
from gateway.ports import Record
from gateway.vendors.chatbase import VENDOR
from tests.support import config
from tests.support.ports import free_port
from tests.support.reply import Reply
from tests.support.tokens import Issuer
from tests.support.valkey import Valkey
from tests.support.vendor import RecordingVendor, Request
from tests.support.wire import raw_request

PEOPLE = 16
PATH = "/support/api/v2/agents/agent_1/chat"
LIMITS = """
[limits]
per_user = ["1000000/minute", "100 streams"]
per_org = ["10000000/minute"]
budget_per_user = "1000000 credits/day"
budget_per_org = "10000000 credits/month"
"""


@dataclass
class Served:
    """A gateway in a process of its own, and what its rounds cost."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    conversations: dict[str, str] = field(default_factory=dict)
    rounds: list[float] = field(default_factory=list)  # µs of CPU a request

    def cpu(self) -> float:
        """Seconds of CPU until now."""
        return kernel.cpu(self.process.pid)


async def answer(request: Request, reply: Reply) -> None:
    body = request.json()
    conversation = body.get("conversationId") or f"c-{body['userId']}-{request.number}"
    metadata = {"conversationId": conversation, "usage": {"credits": 1}}
    await reply.json(200, {"data": {"id": "m", "parts": [], "metadata": metadata}})


@contextmanager
def served(name: str, text: str, folder: Path) -> Iterator[Served]:
    port, file = free_port(), folder / f"{name}.toml".replace(" ", "-")
    file.write_text(f'[server]\nlisten = "127.0.0.1:{port}"\n{text}')
    command = [sys.executable, "-m", "gateway", "serve", "--config", str(file)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield Served(name, port, process)
        finally:
            process.kill()


@asynccontextmanager
async def connected(
    one: Served,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    end = time.monotonic() + 30
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
            break
        except OSError:
            if time.monotonic() > end:
                raise
            await asyncio.sleep(0.05)
    try:
        yield reader, writer
    finally:
        writer.close()


async def ask_often(one: Served, issuer: Issuer, who: str, times: int) -> None:
    lines = [
        ("Authorization", f"Bearer {issuer.token(who, algorithm='HS256')}"),
        ("Content-Type", "application/json"),
    ]
    async with connected(one) as (reader, writer):
        for _ in range(times):
            body = {"message": "Where is my order?", "stream": False}
            if who in one.conversations:
                body["conversationId"] = one.conversations[who]
            writer.write(raw_request("POST", PATH, lines, json.dumps(body).encode()))
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r")[0])
            content = await reader.readexactly(length)
            if not head.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"{one.name}: {head.decode()}{content.decode()}")
            one.conversations[who] = json.loads(content)["data"]["metadata"]["conversationId"]


async def measured(one: Served, issuer: Issuer, requests: int) -> float:
    each, before = requests // PEOPLE, one.cpu()
    people = (f"person-{number}" for number in range(PEOPLE))
    await asyncio.gather(*(ask_often(one, issuer, who, each) for who in people))
    return (one.cpu() - before) / (each * PEOPLE) * 1e6


async def alone(people: int, requests: int = 5000) -> float:
    """µs of CPU of the limits of one request, and of nothing else."""
    allowed = Allowed((Rate(10**6, 60),), Streams(100), (Budget(10**12, "credits", "day"),))
    rules = Rules(user=allowed, org=allowed, upstreams={"support": VendorRules()})
    counts, keys = LocalCounts(time.monotonic, time.time), Keys(b"s" * 32)
    limits = OrgLimits("acme", rules, counts, keys, Calendar(time.time))
    chat, best = VENDOR.operations["chat"], float("inf")
    persons = [Person("acme", f"person-{number}") for number in range(people)]
    for start in range(0, people + 5 * requests, requests):
        before = time.process_time()
        for number in range(start, start + requests):
            record = Record("r", "POST", 0.0)
            asked = persons[number % people], "support", chat, record
            async with limits.admit(*asked) as ticket:
                await ticket.spend()
                record.upstream_status, record.usage = 200, {"credits": 1}
                quota.fields(record.quotas)
        if start >= people:  # everybody has an account by now
            best = min(best, time.process_time() - before)
    return best / requests * 1e6


async def main(requests: int, rounds: int) -> None:
    for people in (10, 100_000):
        print(f"{people} people, the limits alone: {await alone(people):.0f} µs of CPU a request")
    issuer = Issuer()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with RecordingVendor(answer) as vendor:
            shared = Valkey(folder)
            texts = {"off": "", "in process": LIMITS}
            texts["at a Valkey"] = f'[shared]\nurl = "{shared.url}"\n{LIMITS}'
            with shared.running():
                await compare(
                    {
                        name: config.chatbase(
                            vendor.url, issuer, store=folder / f"{number}.db", more=more
                        )
                        for number, (name, more) in enumerate(texts.items())
                    },
                    (folder, vendor, issuer),
                    requests,
                    rounds,
                )


async def compare(
    texts: dict[str, str],
    around: tuple[Path, RecordingVendor, Issuer],
    requests: int,
    rounds: int,
) -> None:
    folder, vendor, issuer = around
    with ExitStack() as stack:
        gateways = [stack.enter_context(served(name, text, folder)) for name, text in texts.items()]
        for one in gateways:
            await measured(one, issuer, requests // 4)
        for _ in range(rounds):
            for one in gateways:
                one.rounds.append(await measured(one, issuer, requests))
                vendor.forget()
    report(gateways)


def report(gateways: list[Served]) -> None:
    base = statistics.median(gateways[0].rounds)
    print(f"{'limits':12}  {'µs of CPU':>9}  {'more':>6}  rounds")
    for one in gateways:
        median = statistics.median(one.rounds)
        rounds = " ".join(f"{each:.0f}" for each in one.rounds)
        print(f"{one.name:12}  {median:9.0f}  {median - base:+6.0f}  {rounds}")


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--requests", type=int, default=3000)
    asked.add_argument("--rounds", type=int, default=5)
    given = asked.parse_args()
    asyncio.run(main(given.requests, given.rounds))
