"""Where the store's file is, and its making: readable by its owner alone from the first moment."""

import os
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from gateway.store.errors import StoreError


def locate(url: str) -> Path:
    """The file that a `store.url` names: sqlite:///relative.db or sqlite:////absolute.db.

    Raises:
        StoreError: it names no file of SQLite.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError("store.url is not a URL: write sqlite:///gateway.db") from error
    if parsed.drivername != "sqlite":
        raise StoreError(
            f"store.url begins with {parsed.drivername}: this version keeps its store in SQLite, "
            "write sqlite:///gateway.db"
        )
    name = parsed.database or ":memory:"
    if parsed.host or parsed.query or "\0" in name or name.startswith((":memory:", "file:")):
        raise StoreError(
            "store.url names no file: who owns a conversation must outlive the process, "
            "write sqlite:///gateway.db or sqlite:////var/lib/gateway/gateway.db"
        )
    return Path(name).absolute()


def files(path: Path) -> tuple[Path, ...]:
    """The file, and those that SQLite has beside it while it is open."""
    return (path, *(path.with_name(path.name + suffix) for suffix in ("-wal", "-shm")))


def check(path: Path) -> None:
    """Look whether a store can stand there.

    Raises:
        StoreError: something else does, or its folder is not there.
    """
    if path.is_dir():
        raise StoreError(f"{path} is a directory: name a file in it in store.url")
    if not path.parent.is_dir():
        raise StoreError(f"{path.parent} is not a directory: make it, or change store.url")


def ensure(path: Path) -> None:
    """Make the file, empty and with mode 0600, unless it is there.

    A file that is there is only looked at from outside: closing any descriptor of it would drop
    the locks this process holds on it (https://www.sqlite.org/howtocorrupt.html section 2.2).

    Raises:
        StoreError: it can neither be made nor be used.
    """
    try:
        check(path)
        if not path.exists():
            _make(path)
        for name, right in ((path.parent, os.W_OK | os.X_OK), (path, os.R_OK | os.W_OK)):
            if not os.access(name, right, effective_ids=True):
                raise StoreError(
                    f"{name} is not writable for the user the gateway runs as: change its owner or "
                    "its mode (SQLite writes files beside its own, too)"
                )
    except OSError as error:
        raise StoreError(f"{path} can be neither found nor made: {error.strerror}") from error


def _make(path: Path) -> None:
    leftover = path.with_name(path.name + "-wal")
    if leftover.exists():
        raise StoreError(
            f"{path} is gone but {leftover.name} is still there: bring the file back, from a "
            "backup perhaps, for a new one knows no conversation's owner. To begin afresh all the "
            f"same, remove {leftover.name}"
        )
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return  # another process of ours was first
    try:
        os.fchmod(descriptor, 0o600)  # the umask can have taken away the owner's own bits
    finally:
        os.close(descriptor)
