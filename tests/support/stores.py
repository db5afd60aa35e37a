"""The databases that a store may be in; see `a_store` of tests/conftest.py.

A new file of SQLite is a copy of one that was prepared once: to migrate takes 45 ms of CPU, and a
thousand tests begin with an empty store. What preparing does is for tests/store to say.
"""

import asyncio
import atexit
import re
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TypeAlias

from gateway.store.location import ensure, files
from gateway.store.prepare_sqlite import prepare

SQLITE = "sqlite"
POSTGRESQL = "postgresql"
BOTH = (SQLITE, POSTGRESQL)

AStore: TypeAlias = Callable[[], str | None]  # the URL of a new store; None: a file of SQLite

_OF_A_FILE = "sqlite:///"
_URL = re.compile(r'"(sqlite:////[^"]+)"')


@cache
def _template() -> Path:
    """A store in the newest form, in which nothing is."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-sqlite-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "gateway.db"
    ensure(path)
    with ThreadPoolExecutor(1) as aside:  # a loop may be running here
        aside.submit(asyncio.run, prepare(path)).result()
    return path


def laid(url: str) -> str:
    """The URL, where a store is now if it names a file; what was there before stays as it is."""
    if url.startswith(_OF_A_FILE):
        path = Path(url.removeprefix(_OF_A_FILE))
        if path.parent.is_dir() and not any(one.exists() for one in files(path)):
            shutil.copy(_template(), path)  # with its mode, 0600
    return url


def lay(text: str) -> None:
    """Make the files of SQLite that a configuration names."""
    for url in _URL.findall(text):
        laid(url)
