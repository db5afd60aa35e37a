"""The examples run as they are written: the app, the gateway beside it, a person who signs in.

Each app is the real framework in a process of its own, and so is the gateway; the vendor is the
tests' own. Where an example names a port or an address, the environment says another.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.support.chatbase import Chatbase
from tests.support.host_apps import NODE_APPS, SECRET, install_node_packages, node
from tests.support.ports import free_port

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

EXAMPLES = Path(__file__).parents[1] / "examples"
CHAT = "/support/api/v2/agents/agent_1/chat"
HI = {"message": "hi", "stream": False}
PATIENCE = 60.0  # seconds an app may take to start

Start = Callable[[Path, int], tuple[list[str], Path]]  # the command, and where it runs


def flask(folder: Path, port: int) -> tuple[list[str], Path]:
    command = [sys.executable, "-m", "flask", "--app", "examples/flask_app", "run"]
    return [*command, "--port", str(port)], EXAMPLES.parent


def django(folder: Path, port: int) -> tuple[list[str], Path]:
    manage = [sys.executable, "manage.py"]
    site = EXAMPLES / "django_site"
    environment = {**os.environ, "SECRET_KEY": SECRET, "DATABASE": str(folder / "site.db")}
    subprocess.run([*manage, "migrate", "--verbosity", "0"], cwd=site, env=environment, check=True)
    return [*manage, "runserver", "--noreload", str(port)], site


def express(folder: Path, port: int) -> tuple[list[str], Path]:
    install_node_packages()
    app = folder / "express"
    shutil.copytree(EXAMPLES / "express", app)
    shutil.copy(EXAMPLES / "chat.html", folder)
    (app / "node_modules").symlink_to(NODE_APPS / "node_modules")
    return [node(), "server.js"], app


@dataclass(frozen=True)
class Example:
    name: str
    start: Start
    config: str
    cookies: tuple[str, ...]


ALL = (
    Example("flask_app.py", flask, "flask_app.toml", ("session",)),
    Example("django_site", django, "django_site/gateway.toml", ("sessionid",)),
    Example("express", express, "express/gateway.toml", ("session", "session.sig")),
)


@dataclass(frozen=True)
class Running:
    app: str
    gateway: str
    vendor: Chatbase


@contextmanager
def process(
    command: list[str], folder: Path, environment: Mapping[str, str], port: int
) -> Iterator[None]:
    """A server that is there once it listens, and gone at the end."""
    running = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _until_it_listens(running, port)
        yield
    finally:
        running.terminate()
        running.wait(timeout=PATIENCE)


def _until_it_listens(running: "subprocess.Popen[bytes]", port: int) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        assert running.poll() is None, f"{running.args} ended by itself"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"{running.args} does not listen")


@pytest.fixture(params=ALL, ids=[example.name for example in ALL])
async def running(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Running]:
    example: Example = request.param
    app_port, gateway_port = free_port(), free_port()
    app = f"http://localhost:{app_port}"
    async with Chatbase() as vendor:
        command, folder = example.start(tmp_path, app_port)
        given = {
            "SECRET_KEY": SECRET,
            "DATABASE": str(tmp_path / "site.db"),
            "PORT": str(app_port),
            "APP_URL": app,
            "CHATBASE_URL": vendor.url,
            "CHATBASE_KEY": "cb-key",
            "GATEWAY__STORE__URL": f"sqlite:///{tmp_path}/gateway.db",
        }
        serve = [
            sys.executable,
            "-m",
            "gateway",
            "serve",
            "--config",
            str(EXAMPLES / example.config),
        ]
        serve += ["--listen", f"127.0.0.1:{gateway_port}"]
        with (
            process(command, folder, given, app_port),
            process(serve, EXAMPLES.parent, given, gateway_port),
        ):
            yield Running(app, f"http://localhost:{gateway_port}", vendor)


async def sign_in(client: httpx.AsyncClient, running: Running, who: str) -> None:
    answer = await client.post(f"{running.app}/login", data={"name": who})
    assert answer.status_code == 200


async def test_whoever_signs_in_chats_and_nobody_else(running: Running) -> None:
    page = {"origin": running.app}
    async with httpx.AsyncClient(timeout=30) as client:
        assert "<h1>Chat</h1>" in (await client.get(running.app)).text
        answer = await client.post(running.gateway + CHAT, json=HI, headers=page)
        assert (answer.status_code, running.vendor.saw_nothing()) == (401, True)
        await sign_in(client, running, "alice")
        answer = await client.post(running.gateway + CHAT, json=HI, headers=page)
        assert answer.status_code == 200, answer.text
        assert answer.headers["access-control-allow-origin"] == running.app
        (request,) = running.vendor.requests
        assert request.json()["userId"] == "alice"
        assert request.values("authorization") == ["Bearer cb-key"]
        assert request.values("cookie") == []
        running.vendor.forget()
        evil = {"origin": "http://evil.example"}
        answer = await client.post(running.gateway + CHAT, json=HI, headers=evil)
        assert (answer.status_code, running.vendor.saw_nothing()) == (403, True)
    async with httpx.AsyncClient(timeout=30) as other:
        await sign_in(other, running, "bob")
        body = {**HI, "userId": "alice"}
        await other.post(running.gateway + CHAT, json=body, headers=page)
        assert running.vendor.requests[-1].json()["userId"] == "bob"


def test_every_example_is_told_of() -> None:
    told = " ".join(paper.read_text(encoding="utf-8") for paper in EXAMPLES.parent.glob("*.md"))
    for example in ALL:
        assert f"examples/{example.name}" in told
