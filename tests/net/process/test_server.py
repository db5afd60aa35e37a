"""How the server starts, and how it stops: as a process, by signals."""

import asyncio
import json
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from gateway.net.process.server import Drain, GatewayServer, ServerLimits, guarded_protocol
from gateway.net.process.turns import Shares
from gateway.net.process.workers import Control
from tests.net.recorder import Recorder, address
from tests.support.wire import connected, raw_request, wire

pytestmark = pytest.mark.anyio

GET = raw_request("GET", "/")
PATIENCE = 30.0  # seconds


@dataclass
class Served:
    """The process, and what it says."""

    process: asyncio.subprocess.Process
    url: str = ""

    async def hear(self) -> str:
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            return (await self.process.stdout.readline()).decode().strip()

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    async def end(self) -> tuple[int, list[str], str]:
        """Exit code, what it said until then, and what it logged."""
        async with asyncio.timeout(PATIENCE):
            said, logged = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, said.decode().split(), logged.decode()


@asynccontextmanager
async def process(
    *arguments: str, descriptors: int | None = None, **settings: float
) -> AsyncIterator[Served]:
    """The application as a process; `descriptors`: its hard limit."""
    settings = {"drain_delay": 0.0, "drain": 5.0, **settings}
    served = Served(
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.net.served_app", json.dumps(settings), *arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=None if descriptors is None else partial(limit_descriptors, descriptors),
        )
    )
    try:
        served.url = f"http://127.0.0.1:{await served.hear()}"
        yield served
    finally:
        if served.process.returncode is None:
            served.process.kill()
            await served.process.communicate()


def limit_descriptors(number: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))


@asynccontextmanager
async def running(**settings: Any) -> AsyncIterator[Served]:
    async with process(**settings) as served:
        assert await served.hear() == "started"
        yield served


async def test_starts_with_what_a_busy_process_needs() -> None:
    async with running() as served:
        answer = await wire(served.url, raw_request("GET", "/facts"))
        facts = answer.json()
    assert facts["loop"].startswith("uvloop")
    assert facts["frozen"] > 10_000
    assert facts["raised"]
    assert answer.values("server") == []
    assert len(answer.values("date")) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_an_idle_server_ends_on_a_signal(number: int) -> None:
    async with running() as served, connected(served.url) as idle:
        await idle.send(GET)
        assert (await idle.answer()).status == 200
        served.signal(number)
        await idle.until_closed()
        code, said, logged = await served.end()
    assert (code, said) == (0, ["drain", "closed"])
    assert "Traceback" not in logged


async def test_serves_on_for_the_delay_and_lets_answers_end(tmp_path: Path) -> None:
    may_end = tmp_path / "may_end"
    async with running(drain_delay=2.0) as served, connected(served.url) as stream:
        await stream.send(raw_request("GET", f"/brief?{may_end}"))
        await stream.until(b"data: 1")
        served.signal(signal.SIGTERM)
        assert await served.hear() == "drain"
        assert (await wire(served.url, GET)).status == 200  # on a new connection
        await refuses_connections(served.url)
        assert b"data: 2" not in stream.received
        may_end.touch()
        answer = await stream.answer()
        code, said, _ = await served.end()
    assert (answer.body, answer.complete) == (b"data: 1\n\ndata: 2\n\n", True)
    assert (code, said) == (0, ["closed"])


async def test_tells_answers_that_outlast_the_drain_to_end() -> None:
    async with running(drain=0.3) as served, connected(served.url) as stream:
        await stream.send(raw_request("GET", "/stream"))
        await stream.until(b"data: 1")
        served.signal(signal.SIGTERM)
        answer = await stream.answer()
        code, said, logged = await served.end()
    assert answer.body == b"data: 1\n\ndata: bye\n\n"
    assert not answer.complete
    assert (code, said) == (0, ["drain", "stop", "closed"])
    assert "Traceback" not in logged


@pytest.mark.parametrize(
    "numbers", [(signal.SIGTERM, signal.SIGTERM), (signal.SIGTERM, signal.SIGINT)]
)
@pytest.mark.parametrize("delay", [0.0, 60.0], ids=["in the drain", "in the delay"])
async def test_a_second_signal_goes_to_the_stop(numbers: Any, delay: float) -> None:
    async with running(drain_delay=delay, drain=60) as served:
        async with connected(served.url) as stream:
            await stream.send(raw_request("GET", "/stream"))
            await stream.until(b"data: 1")
            served.signal(numbers[0])
            assert await served.hear() == "drain"
            if not delay:
                await refuses_connections(served.url)
            served.signal(numbers[1])
            assert await stream.until(b"bye")
        code, said, _ = await served.end()
    assert (code, said) == (0, ["stop", "closed"])


async def test_cuts_what_does_not_end_when_told_to() -> None:
    async with running(drain=0.2) as served, connected(served.url) as stream:
        await stream.send(raw_request("GET", "/deaf"))
        await stream.until(b"data: 1")
        served.signal(signal.SIGTERM)
        answer = await stream.answer()
        code, said, _ = await served.end()
    assert not answer.complete
    assert (code, said) == (0, ["drain", "stop", "closed"])


async def test_answers_the_request_that_is_arriving_when_the_drain_begins() -> None:
    async with running() as served, connected(served.url) as peer:
        await peer.send(GET)
        await peer.answer()
        await peer.send(GET[:20])
        async with connected(served.url) as second:  # its answer shows that those bytes are there
            await second.send(GET)
            await second.answer()
        served.signal(signal.SIGTERM)
        await refuses_connections(served.url)
        await peer.send(GET[20:])
        answer = await peer.answer()
        await peer.until_closed()
        code, _, _ = await served.end()
    assert (answer.status, answer.values("connection"), code) == (200, ["close"], 0)


async def test_a_hangup_kills_nobody() -> None:
    async with running() as served:
        served.signal(signal.SIGHUP)
        assert await served.hear() == "hangup"
        assert (await wire(served.url, GET)).status == 200
        served.signal(signal.SIGTERM)
        code, _, _ = await served.end()
    assert code == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_to_one_that_has_ended_all_but_itself_changes_no_exit_code(
    number: int,
) -> None:
    """RF-22: whoever presses keys until something happens."""
    async with running() as served:
        served.signal(signal.SIGTERM)
        assert await served.hear() == "drain"
        assert await served.hear() == "closed"
        while served.process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(served.process.pid, number)  # the process's own way would reap it
            await asyncio.sleep(0)
        code, _, logged = await served.end()
    assert code == 0
    assert "Traceback" not in logged


async def test_a_flood_up_to_the_descriptor_limit_leaves_the_server_calm() -> None:
    """N-10: whoever is too many is told so, accepting goes on, and the loop does not spin."""
    async with running(descriptors=200) as served:
        flood = [socket.create_connection(address(served.url)) for _ in range(400)]
        await asyncio.to_thread(flood[-1].recv, 1)  # it has been dealt with
        before = cpu_seconds(served.process.pid)
        await asyncio.sleep(1)
        assert cpu_seconds(served.process.pid) - before < 0.3
        for client in flood:
            client.close()
        async with asyncio.timeout(PATIENCE):
            while (await wire(served.url, GET)).status != 200:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.02)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def test_an_application_that_cannot_start_is_an_error() -> None:
    async with process("fail") as served:
        code, said, logged = await served.end()
    assert (code, said) == (1, [])
    assert "StartupFailed" in logged
    assert "no store" in logged


async def test_runs_in_a_loop_that_runs_already() -> None:
    before = signal.getsignal(signal.SIGTERM)
    config = uvicorn.Config(
        Recorder(), http=guarded_protocol(ServerLimits()), lifespan="off", log_config=None
    )
    server = GatewayServer(config, Drain(delay=0), owns_process=False)
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    task = asyncio.create_task(server.serve([listener]))
    assert (await wire(url, GET)).status == 200
    assert signal.getsignal(signal.SIGTERM) is before
    server.begin_stop()
    async with asyncio.timeout(PATIENCE):
        await task


async def test_another_worker_hears_when_a_connection_ends() -> None:
    """Not with the next one that comes: that may be taken by somebody who takes it for busy."""
    config = uvicorn.Config(
        Recorder(), http=guarded_protocol(ServerLimits()), lifespan="off", log_config=None
    )
    shares, (parent, pipe) = Shares(2), socket.socketpair()
    other, control = shares.of(1), Control(pipe, shares.of(0))
    server = GatewayServer(config, Drain(delay=0), owns_process=False, control=control)
    with parent, pipe, socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        task = asyncio.create_task(server.serve([listener]))
        async with asyncio.timeout(PATIENCE):
            async with connected(url) as first, connected(url) as second:
                for one in (first, second):
                    await one.send(GET)
                    await one.answer()
                other.hold(2)
                assert other.is_least
            while other.is_least:  # noqa: ASYNC110 - a number in memory
                await asyncio.sleep(0.01)
            server.begin_stop()
            await task


async def refuses_connections(url: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                async with connected(url):
                    await asyncio.sleep(0.02)
            except ConnectionError:
                return
