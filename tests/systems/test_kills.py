"""SIGKILL, fifty times, under load: what is lost, what is not, and what is counted twice."""

import asyncio
import itertools
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.store.batches import PATIENCE
from tests.support import config
from tests.support.chatbase import Chatbase
from tests.support.tokens import Issuer
from tests.support.wire import raw_request, wire

pytestmark = pytest.mark.anyio

ROUNDS = 50
INTERVAL = 0.05  # seconds
BUSY = 0.5  # seconds a machine may be slow by
CLIENTS = 6
BASE = "/support/api/v2/agents/agent_1"


@dataclass
class Told:
    """What the clients of all rounds were told."""

    answered: dict[str, tuple[int, float]] = field(default_factory=dict)  # request: round, when
    opened: dict[str, str] = field(default_factory=dict)  # conversation: whose
    killed: list[float] = field(default_factory=list)  # when
    numbers: Iterator[int] = field(default_factory=itertools.count)


@contextmanager
def stable() -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.stable"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def start(running: "subprocess.Popen[str]", *words: str) -> int:
    assert running.stdin is not None
    assert running.stdout is not None
    running.stdin.write("\t".join(words) + "\n")
    running.stdin.flush()
    return int(running.stdout.readline())


async def until_it_serves(url: str) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            assert (await wire(url, raw_request("GET", "/readyz"))).status == 200
        except OSError:
            assert time.monotonic() < end
            await asyncio.sleep(0.01)
        else:
            return


async def until_it_is_gone(pid: int) -> None:
    with suppress(ProcessLookupError):
        while True:
            os.kill(pid, 0)
            await asyncio.sleep(0.005)


async def ask_for_ever(
    url: str, issuer: Issuer, told: Told, this_round: int, *, opens: bool
) -> None:
    """Open conversations, or only list them, one after another, until nobody answers."""
    while True:
        number = next(told.numbers)
        who = f"user-{number % 7}"
        fields = [
            ("Authorization", f"Bearer {issuer.token(who, algorithm='HS256')}"),
            ("X-Request-Id", f"r-{number}"),
        ]
        request = raw_request("GET", f"{BASE}/users/me/conversations", fields)
        if opens:
            fields.append(("Content-Type", "application/json"))
            body = b'{"message":"hi","stream":false}'
            request = raw_request("POST", f"{BASE}/chat", fields, body)
        try:
            answer = await wire(url, request)
        except (OSError, asyncio.IncompleteReadError, EOFError):
            return
        if not answer.complete:
            return
        told.answered[f"r-{number}"] = this_round, time.monotonic()
        if opens and answer.status == 200:
            told.opened[answer.json()["data"]["metadata"]["conversationId"]] = who


@contextmanager
def locked(path: Path, wanted: bool) -> Iterator[None]:
    """The store away, for those who write."""
    if not wanted:
        yield
        return
    with closing(sqlite3.connect(path, isolation_level=None, timeout=20)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.slow
async def test_kill_9_loses_one_interval_of_usage_no_ownership_and_counts_nothing_twice_rf_23(
    tmp_path: Path,
) -> None:
    told, issuer, store, port = Told(), Issuer(), tmp_path / "gateway.db", free_port()
    url, file = f"http://127.0.0.1:{port}", tmp_path / "gateway.toml"
    chance = random.Random(7)  # noqa: S311
    async with Chatbase() as vendor:
        text = config.chatbase(vendor.url, issuer, store=store)
        text = text.replace("[store]\n", f'[store]\nbatch_interval = "{INTERVAL * 1000:g}ms"\n')
        file.write_text(f'{text}\n[server]\nlisten = "127.0.0.1:{port}"\ndrain_delay = "0s"\n')
        with stable() as processes:
            for number in range(ROUNDS):
                gateway = start(processes, "serve", "--config", str(file))
                is_away = number % 10 == 9
                try:
                    await until_it_serves(url)
                    with locked(store, wanted=is_away):
                        asking = [
                            asyncio.create_task(
                                ask_for_ever(url, issuer, told, number, opens=not is_away)
                            )
                            for _ in range(CLIENTS)
                        ]
                        await asyncio.sleep(chance.uniform(0.05, 0.4) + is_away)
                finally:
                    os.kill(gateway, signal.SIGKILL)
                    told.killed.append(time.monotonic())
                await asyncio.gather(*asking)
                await until_it_is_gone(gateway)
            gateway = start(processes, "serve", "--config", str(file))
            try:
                await until_it_serves(url)
                await until_replayed(tmp_path / "gateway.db.spool")
            finally:
                os.kill(gateway, signal.SIGTERM)
            await until_it_is_gone(gateway)
    judge(store, told)


async def until_replayed(spool: Path) -> None:
    end = time.monotonic() + 30
    while list(spool.iterdir()):
        assert time.monotonic() < end
        await asyncio.sleep(0.05)


def judge(store: Path, told: Told) -> None:
    with closing(sqlite3.connect(store)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        counted = dict(connection.execute("SELECT request_id, count(*) FROM usage GROUP BY 1"))
        owners = dict(connection.execute("SELECT conversation, subject FROM conversations"))
    assert len(told.answered) > 5 * ROUNDS
    assert told.opened.items() <= owners.items()
    assert set(counted.values()) == {1}
    lost = {
        request: told.killed[one] - at
        for request, (one, at) in told.answered.items()
        if request not in counted
    }
    assert max(lost.values(), default=0) <= INTERVAL + PATIENCE + BUSY
    assert len(lost) < len(told.answered) / 2
