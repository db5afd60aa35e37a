"""What README "Going to production" says, done: from a file to two replicas behind each proxy."""

import os
import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import pytest

from tests.support import config, postgres, valkey
from tests.support.chatbase import Chatbase
from tests.support.ports import free_port
from tests.support.proxies import HOST, PROXIES, Front, in_front
from tests.support.tokens import Issuer
from tests.support.wire import Answer, raw_request, wire

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
PAPER = (ROOT / "README.md").read_text().partition("### Going to production")[2].split("\n### ")[0]
(SETTINGS,) = re.findall(r"```toml\n(.*?)```", PAPER, re.DOTALL)
MOVE, SERVE = re.findall(r"```sh\n(.*?)```", PAPER, re.DOTALL)
BASE = "/support/api/v2/agents/agent_1"
# The second replica stands in each configuration as a comment: its line, without the mark.
SECOND = {
    "haproxy": ("# server other 127.0.0.1:8081", "server other 127.0.0.1:SECOND"),
    "nginx": ("# server 127.0.0.1:8081", "server 127.0.0.1:SECOND"),
    "envoy": ("# - endpoint: { address: {", "- endpoint: { address: {"),
}
PATIENCE = 60.0  # seconds


@dataclass(frozen=True)
class Production:
    """Two replicas, as the README has them started; what alice opened while there was a file."""

    vendor: Chatbase
    issuer: Issuer
    ports: tuple[int, int]
    processes: "tuple[subprocess.Popen[bytes], ...]"
    machines: "tuple[Machine, ...]"
    opened_before: str

    def request(self, who: str, method: str, path: str, body: bytes | None = None) -> bytes:
        fields = [("Authorization", f"Bearer {self.issuer.token(who, algorithm='HS256')}")]
        if body is not None:
            fields.append(("Content-Type", "application/json"))
        return raw_request(method, BASE + path, fields, body, host=HOST)

    async def ask(self, front: Front, who: str, conversation: str | None = None) -> Answer:
        """Say something, in a new conversation or one that there is."""
        continued = f',"conversationId":"{conversation}"' if conversation else ""
        body = f'{{"message":"hi","stream":false{continued}}}'.encode()
        return await wire(front.url, self.request(who, "POST", "/chat", body), ssl=front.ssl)


class Machine:
    """A folder in which the commands of a paper are typed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "bin").mkdir(parents=True)
        command = folder / "bin" / "gateway"
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -m gateway "$@"\n')
        command.chmod(0o755)
        path = f"{command.parent}:{os.environ['PATH']}"
        self._environment = {**os.environ, "PATH": path, "DB_PASSWORD": "unused"}

    def type(self, line: str) -> None:
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"

    def start(self, line: str) -> "subprocess.Popen[bytes]":
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                ["sh", "-c", f"exec {line}"], cwd=self.folder, env=self._environment, stderr=log
            )

    def exchanges(self) -> int:
        """How many have been logged."""
        return (self.folder / "log").read_bytes().count(b'"event": "exchange"')


async def until_it_serves(port: int, process: "subprocess.Popen[bytes]") -> None:
    with anyio.fail_after(PATIENCE):
        while True:
            try:
                request = raw_request("GET", "/readyz")
                assert (await wire(f"http://127.0.0.1:{port}", request)).status == 200
            except OSError:
                assert process.poll() is None
                await anyio.sleep(0.05)
            else:
                return


def ended(process: "subprocess.Popen[bytes]", how: signal.Signals) -> int:
    process.send_signal(how)
    return process.wait(PATIENCE)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One loop for the module: its replicas start once."""
    return "asyncio"


@pytest.fixture(scope="module")
async def production(
    tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> AsyncIterator[Production]:
    folder, issuer = tmp_path_factory.mktemp("production"), Issuer()
    machines = [Machine(folder / name) for name in ("one", "two")]
    async with AsyncExitStack() as stack:
        vendor = await stack.enter_async_context(Chatbase())
        store = stack.enter_context(postgres.database())
        shared = stack.enter_context(valkey.database())
        text = config.chatbase(vendor.url, issuer, store="sqlite:///gateway.db")
        server = '[server]\ndrain_delay = "0s"\n'
        (machines[0].folder / "gateway.toml").write_text(text + server)
        opened = await opened_on_a_file(machines[0], vendor, issuer)
        settings = SETTINGS
        written = tomllib.loads(SETTINGS)
        for theirs, ours in (
            (written["store"]["url"], store),
            (written["shared"]["url"], shared),
            (written["server"]["trusted_proxies"][0], "127.0.0.1/32"),
        ):
            assert settings.count(theirs) == 1
            settings = settings.replace(theirs, ours)
        there = text.replace('[store]\nurl = "sqlite:///gateway.db"\n', "")
        for machine in machines:
            (machine.folder / "production.toml").write_text(there + settings)
        pip, *commands = MOVE.splitlines()
        assert pip.startswith("pip install 'chat-identity-gateway[postgres,redis]'")
        for line in commands:
            machines[0].type(line)
        ports, processes = (free_port(), free_port()), []
        for machine, port in zip(machines, ports, strict=True):
            (line,) = SERVE.splitlines()
            process = machine.start(line.replace("0.0.0.0:8080", f"127.0.0.1:{port}"))
            stack.callback(process.wait)
            stack.callback(process.kill)
            processes.append(process)
        for port, process in zip(ports, processes, strict=True):
            await until_it_serves(port, process)
        yield Production(vendor, issuer, ports, tuple(processes), tuple(machines), opened)


async def opened_on_a_file(machine: Machine, vendor: Chatbase, issuer: Issuer) -> str:
    port = free_port()
    process = machine.start(f"gateway serve --config gateway.toml --listen 127.0.0.1:{port}")
    try:
        await until_it_serves(port, process)
        before = Production(vendor, issuer, (port, port), (process,), (machine,), "")
        answer = await before.ask(Front("", f"http://127.0.0.1:{port}"), "alice")
        assert answer.status == 200
    finally:
        assert ended(process, signal.SIGTERM) == 0
    return str(answer.json()["data"]["metadata"]["conversationId"])


def of_both(name: str, port: int) -> tuple[tuple[str, str], ...]:
    """The edits that a second line of a proxy's configuration takes."""
    mark, line = SECOND[name]
    edits = ((mark, line.format(port=port)),)
    return (*edits, ("port_value: 8081", f"port_value: {port}")) if name == "envoy" else edits


def before_both(
    name: str, production: Production, folder: Path
) -> AbstractAsyncContextManager[Front]:
    """The proxy, with the second line of its configuration."""
    (mark, line), (first, second) = SECOND[name], production.ports
    edits = [(mark, line.replace("SECOND", str(second)))]
    if name == "envoy":
        edits.append(("port_value: 8081", f"port_value: {second}"))
    both = replace(PROXIES[name], edits=(*PROXIES[name].edits, *edits))
    return in_front(name, f"http://127.0.0.1:{first}", folder, both)


@pytest.mark.parametrize("name", PROXIES)
async def test_two_replicas_are_one_gateway_behind(
    name: str, production: Production, tmp_path: Path
) -> None:
    before = [machine.exchanges() for machine in production.machines]
    async with before_both(name, production, tmp_path) as front:
        for _ in range(4):
            answer = await production.ask(front, "alice", production.opened_before)
            assert answer.status == 200, answer.raw
            opened = await production.ask(front, "alice")
            conversation = opened.json()["data"]["metadata"]["conversationId"]
            for _ in range(4):
                assert (await production.ask(front, "alice", conversation)).status == 200
            production.vendor.forget()
            for theirs in (conversation, production.opened_before):
                assert (await production.ask(front, "bob", theirs)).status == 404
            assert production.vendor.saw_nothing()
    with anyio.fail_after(PATIENCE):
        for machine, count in zip(production.machines, before, strict=True):
            while machine.exchanges() <= count:  # noqa: ASYNC110 - a file of another process
                await anyio.sleep(0.02)


@pytest.mark.parametrize("name", PROXIES)
async def test_one_that_is_killed_takes_no_conversation_along_behind(
    name: str, production: Production, tmp_path: Path
) -> None:
    """The last ones of the module: there is only one replica afterwards."""
    async with before_both(name, production, tmp_path) as front:
        opened = await production.ask(front, "alice")
        conversation = opened.json()["data"]["metadata"]["conversationId"]
        ended(production.processes[0], signal.SIGKILL)
        served = 0
        with anyio.fail_after(PATIENCE):
            while served < 10:  # Envoy needs a look at /readyz to notice
                for theirs in (conversation, production.opened_before):
                    answer = await production.ask(front, "alice", theirs)
                    assert answer.status in {200, 502, 503}, answer.raw
                    served = served + 1 if answer.status == 200 else 0
