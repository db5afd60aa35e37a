"""SIGKILL, fifty times, under load: what is lost, what is not, and what is counted twice."""

import asyncio
import itertools
import os
import random
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gateway.store.batches import PATIENCE
from tests.support import config, postgres
from tests.support.chatbase import Chatbase
from tests.support.ports import free_port
from tests.support.stable import Stable, is_alive
from tests.support.stores import BOTH, SQLITE
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
    while is_alive(pid):  # noqa: ASYNC110 - another process's child
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


class OfSqlite:
    """A store in a file, as somebody sees it who has not written it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "gateway.db"
        self.url = f"sqlite:///{self._path}"

    @contextmanager
    def away(self) -> Iterator[None]:
        """For those who write."""
        with closing(sqlite3.connect(self._path, isolation_level=None, timeout=20)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")

    def rows(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self._path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            return connection.execute(query).fetchall()


class OfPostgres:
    """The same in a PostgreSQL."""

    def __init__(self, url: str) -> None:
        self.url = url

    @contextmanager
    def away(self) -> Iterator[None]:
        with postgres.connected(self.url) as connection, connection.transaction():
            connection.execute("LOCK TABLE usage, audit IN EXCLUSIVE MODE")
            yield

    def rows(self, query: str) -> list[Any]:
        with postgres.connected(self.url) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture(params=BOTH)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OfSqlite | OfPostgres]:
    if request.param == SQLITE:
        yield OfSqlite(tmp_path)
        return
    with postgres.database() as url:
        yield OfPostgres(url)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_kill_9_loses_one_interval_of_usage_no_ownership_and_counts_nothing_twice_rf_23(
    tmp_path: Path, store: OfSqlite | OfPostgres
) -> None:
    told, issuer, port, spool = Told(), Issuer(), free_port(), tmp_path / "spool"
    url, file = f"http://127.0.0.1:{port}", tmp_path / "gateway.toml"
    chance = random.Random(7)  # noqa: S311
    async with Chatbase() as vendor:
        text = config.chatbase(vendor.url, issuer, store=store.url)
        more = f'batch_interval = "{INTERVAL * 1000:g}ms"\nspool = "{spool}"\n'
        text = text.replace("[store]\n", f"[store]\n{more}")
        file.write_text(f'{text}\n[server]\nlisten = "127.0.0.1:{port}"\ndrain_delay = "0s"\n')
        with closing(Stable()) as processes:
            for number in range(ROUNDS):
                gateway = processes.start(["serve", "--config", str(file)])
                is_away = number % 10 == 9
                try:
                    await until_it_serves(url)
                    with store.away() if is_away else nullcontext():
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
            gateway = processes.start(["serve", "--config", str(file)])
            try:
                await until_it_serves(url)
                await until_replayed(spool)
            finally:
                os.kill(gateway, signal.SIGTERM)
            await until_it_is_gone(gateway)
    judge(store, told)


async def until_replayed(spool: Path) -> None:
    end = time.monotonic() + 30
    while list(spool.iterdir()):
        assert time.monotonic() < end
        await asyncio.sleep(0.05)


def judge(store: OfSqlite | OfPostgres, told: Told) -> None:
    counted = dict(store.rows("SELECT request_id, count(*) FROM usage GROUP BY 1"))
    owners = dict(store.rows("SELECT conversation, subject FROM conversations"))
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
