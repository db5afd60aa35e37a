"""A store in a real file or a real PostgreSQL, and what other processes do to it.

A test of `url` or what is made of it runs on both; with `path` it is about SQLite's file alone.
"""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.store.address import is_postgres
from gateway.store.database import Database
from gateway.store.ledger import Ledger
from gateway.store.opening import opened
from gateway.store.store import Store
from tests.store.clocks import CLOCKS, LONG
from tests.support import postgres
from tests.support.stores import laid

LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of what is decided, not of when."""
    for module, name in CLOCKS:
        monkeypatch.setattr(module, name, LONG)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gateway.db"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "kind" in metafunc.fixturenames:
        both = "path" not in metafunc.fixturenames
        metafunc.parametrize("kind", ["sqlite", "postgresql"] if both else ["sqlite"])


@pytest.fixture
def kind() -> str:
    """Which database, as `pytest_generate_tests` says."""
    raise NotImplementedError


@pytest.fixture
def url(kind: str, tmp_path: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'gateway.db'}"
    else:
        with postgres.store() as url:
            yield url


@dataclass(frozen=True)
class Direct:
    """The database itself, beside the store."""

    url: str

    def __call__(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement with ? for its values; what it returns, if it returns any."""
        if is_postgres(self.url):
            with postgres.connected(self.url) as connection:
                cursor = connection.execute(statement.replace("?", "%s"), values)
                return cursor.fetchall() if cursor.description else []
        path = self.url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path, isolation_level=None)) as file:
            return file.execute(statement, values).fetchall()


@pytest.fixture
def direct(url: str) -> Direct:
    return Direct(url)


@pytest.fixture
def made(url: str) -> str:
    """The same URL; what it names has been made, and nothing is in it."""
    return laid(url)


@pytest.fixture
async def database(made: str) -> AsyncIterator[Database]:
    database = await opened(made)
    yield database
    while database._running:  # what goes on though nobody waits for it any more
        await asyncio.wait(database._running)
    await database.aclose()


@pytest.fixture
async def store(made: str) -> AsyncIterator[Store]:
    store = await Store.open(made)
    yield store
    await store.aclose()


@pytest.fixture
def ledger(store: Store) -> Ledger:
    return store.ledger


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Another Python; killed at the end, if it is still there."""
    with subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def said(running: subprocess.Popen[str]) -> str:
    """The next line it prints."""
    assert running.stdout is not None
    return running.stdout.readline().strip()


def tell(running: subprocess.Popen[str], line: str) -> None:
    assert running.stdin is not None
    running.stdin.write(line + "\n")
    running.stdin.flush()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another process holds the write lock."""
    with process("-c", LOCK, str(path)) as holder:
        assert said(holder) == "locked"
        yield
