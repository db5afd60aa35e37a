"""Every stage as two replicas: `pytest --stage=replicas tests/…`.

Two `gateway serve`, each a process with a spool of its own, before one PostgreSQL and one Valkey,
whatever the configuration says of them; a client's connections go to one and the other in turn (see
`balanced`). Nothing stands between client and replica, so what a test sees on the wire is theirs.
A test that looks into the gateway's process is skipped then: it is not in this one.
"""

import asyncio
import atexit
import os
import re
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import pytest

from gateway.store.cutoffs import SETTLED
from tests.support import postgres, valkey
from tests.support.ports import free_port
from tests.support.stable import Stable, is_alive
from tests.support.wire import balanced, raw_request, wire

REPLICAS = 2
WANTED = False  # set by the option `--stage`
PATIENCE = 30.0  # seconds for both to serve
_LISTENING = b'"listening on'
_ADMIN = re.compile(r'\[admin\]\nlisten = "[^"]*"\n')


async def all_know() -> None:
    """Wait until every replica knows what one was told: at once where there is one process."""
    if WANTED:
        await asyncio.sleep(SETTLED)


class Elsewhere:
    """Stands for the gateway of a stage, which is in other processes.

    `admin` is where operators reach one of them or the other, if they are told to listen for them.
    """

    def __init__(self, admin: str) -> None:
        self.admin = admin

    def __getattr__(self, name: str) -> NoReturn:
        pytest.skip("looks into the gateway's process, and there are two, elsewhere")


@cache
def _stable() -> Stable:
    stable = Stable()
    atexit.register(stable.close)
    return stable


@contextmanager
def of_replicas(text: str) -> Iterator[str]:
    """The text with a store and counters that replicas can share, new ones for this stage."""
    with ExitStack() as stack:
        if 'url = "sqlite' in text:
            store = stack.enter_context(postgres.store())
            text = re.sub(r'url = "sqlite:[^"]*"', f'url = "{store}"', text)
        if "[shared]" not in text:
            shared = stack.enter_context(valkey.database())
            # A busy machine makes it look as if it were away.
            text += f'\n[shared]\nurl = "{shared}"\ntimeout = "5s"\n'
        yield text


@asynccontextmanager
async def replicas_of(text: str, folder: Path) -> AsyncIterator[tuple[Any, str]]:
    """What stands for the gateway, and the URL at which clients reach one replica or the other."""
    pids: list[int] = []
    with ExitStack() as stack:
        shared_text = stack.enter_context(of_replicas(text))
        try:
            started = [
                await _started(shared_text, folder / f"replica-{number}", pids)
                for number in range(REPLICAS)
            ]
            urls, admins = zip(*started, strict=True)
            await asyncio.gather(*map(_until_it_serves, urls))
            url = stack.enter_context(balanced(urls))
            yield Elsewhere(stack.enter_context(balanced(admins))), url
        finally:
            await _end(pids)


async def _started(text: str, folder: Path, pids: list[int]) -> tuple[str, str]:
    """The URLs of a replica that listens, for people and for operators.

    Its process id is the last of `pids`.
    """
    folder.mkdir(exist_ok=True)
    file, log = folder / "gateway.toml", folder / "log"
    assert "[store]\n" in text
    text = text.replace("[store]\n", f'[store]\nspool = "{folder}/spool"\n')
    listeners = 1 + text.count("[admin]\n")
    address, admin = (f"127.0.0.1:{free_port()}" for _ in range(2))
    file.write_text(_ADMIN.sub(f'[admin]\nlisten = "{admin}"\n', text))
    log.write_bytes(b"")
    pids.append(_stable().start(["serve", "--config", str(file), "--listen", address], log=log))
    async with asyncio.timeout(PATIENCE):
        while is_alive(pids[-1]) and log.read_bytes().count(_LISTENING) < listeners:  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.01)
    assert is_alive(pids[-1]), log.read_text()
    return f"http://{address}", f"http://{admin}"


async def _until_it_serves(url: str) -> None:
    async with asyncio.timeout(PATIENCE):
        await wire(url, raw_request("GET", "/livez"))


async def _end(pids: list[int]) -> None:
    for pid in pids:
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(PATIENCE):
        for pid in pids:
            while is_alive(pid):  # noqa: ASYNC110 - another process's child
                await asyncio.sleep(0.005)
            _stable().forget(pid)
