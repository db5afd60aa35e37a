"""A copy of a SQLite store, taken while a gateway works with it.

The copy is one moment of the store: all of it is read in one transaction, which in WAL mode holds
up nobody. It has its name only once it is whole, checked and on the disk, and is a single file.
"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from gateway.store.errors import StoreError
from gateway.store.schema import VERSION_TABLE

PAGES = 1024  # that are copied between two words of progress: 4 MiB


def backup(source: Path, target: Path, told: Callable[[int, int], None]) -> None:
    """Copy the store at `source` to the new file `target`, which only its owner can read.

    `told` is called with the pages that remain and all there are.

    Raises:
        StoreError: the copy cannot be made, or is not whole; then there is none.
    """
    if target.exists():
        raise StoreError(f"{target} is there already: name a file that is not")
    part = target.with_name(f".{target.name}.part")
    try:
        _make(part)
        _copy(source, part, told)
        os.replace(part, target)
        _sync(target.parent)
    except (OSError, sqlite3.Error) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise StoreError(f"{source} cannot be copied to {target}: {why}") from error
    finally:
        with suppress(OSError):
            part.unlink()


def _make(part: Path) -> None:
    part.unlink(missing_ok=True)  # of one that was killed
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(descriptor, 0o600)  # whatever the umask
    finally:
        os.close(descriptor)


def _copy(source: Path, part: Path, told: Callable[[int, int], None]) -> None:
    with (
        closing(
            sqlite3.connect(f"{source.as_uri()}?mode=rw", uri=True, isolation_level=None)
        ) as old,
        closing(sqlite3.connect(part, isolation_level=None)) as new,
    ):
        old.execute("PRAGMA query_only=ON")
        old.execute("BEGIN")  # else a write of another process would begin the copy anew
        old.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()  # noqa: S608 -- a constant
        old.backup(new, pages=PAGES, progress=lambda _, remaining, total: told(remaining, total))
        new.execute("PRAGMA journal_mode=DELETE")  # one file; the gateway turns WAL on again
        (verdict,) = new.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise StoreError(f"{source} is corrupt: {verdict}")
    _sync(part)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
