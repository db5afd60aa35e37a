"""Where rows wait on the local disk while the database is away.

rule 1: `put` returns once its lines are on the disk (fsync), or says that it could not.
rule 2: A segment belongs to the process that writes it, by a lock that dies with the process. What
        nobody holds is left over, and whoever comes first replays it.
rule 3: All segments together have a bound in bytes; what does not fit is refused, never waited for.
rule 4: A line is whole or it is none: the half of one that a crash left is passed over.

Blocking file operations throughout: for a thread. One at a time, which is the caller's to see to.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import IO

SEGMENT_BYTES = 4 * 2**20  # a full one is closed; what is replayed is read whole
MOST_BYTES = 256 * 2**20
SUFFIX = ".ndjson"


class Spool:
    """Segments of one kind of row, in one folder, which is made when it is first needed."""

    def __init__(self, folder: Path, kind: str, *, most: int = MOST_BYTES) -> None:
        self._folder = folder
        self._kind = kind
        self._most = most
        self._open: FileIO | None = None
        self.bytes = sum(size for _, size in self._sizes())

    def put(self, lines: bytes) -> bool:
        """Keep whole lines; False when there is no room, or the disk fails."""
        if self.bytes + len(lines) > self._most:
            return False
        try:
            segment = self._open or self._new()
            before = segment.tell()
            if not _appended(segment, lines):
                segment.truncate(before)
                self.close()
                return False
        except OSError:
            self.close()  # whatever its last line is now, nothing is written behind it
            return False
        self.bytes += len(lines)
        if segment.tell() >= SEGMENT_BYTES:
            self.close()
        return True

    def close(self) -> None:
        """Let go of the segment in hand, so that it can be replayed."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def left(self) -> list[Path]:
        """The segments there are, oldest first; the one in hand is closed for that."""
        self.close()
        found = sorted(self._sizes())
        self.bytes = sum(size for _, size in found)
        return [path for path, _ in found]

    def remove(self, path: Path) -> None:
        """Delete a segment whose rows are in the database."""
        size = path.stat().st_size
        path.unlink()
        self.bytes -= size

    def _sizes(self) -> Iterator[tuple[Path, int]]:
        for path in self._folder.glob(f"{self._kind}-*{SUFFIX}"):
            try:
                yield path, path.stat().st_size
            except FileNotFoundError:
                continue  # another process has replayed it since

    def _new(self) -> FileIO:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        while True:
            path = self._folder / f"{self._kind}-{time.time_ns():020}-{os.getpid()}{SUFFIX}"
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            segment = os.fdopen(descriptor, "wb", buffering=0)
            if _lock(segment) and _is_at(segment, path):
                break
            segment.close()  # who looks for left-over segments was faster, and removed an empty one
        _sync_folder(self._folder)
        self._open = segment
        return segment


@contextmanager
def held(path: Path) -> Iterator[list[bytes] | None]:
    """The whole lines of a segment nobody else holds, and it is held; None where somebody does."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        yield None
        return
    with file:
        if not _lock(file) or not _is_at(file, path):
            yield None
            return
        *lines, _half = file.read().split(b"\n")
        yield lines


def _appended(segment: FileIO, lines: bytes) -> bool:
    """Whether all of it is on the disk: a full disk may take a part without an error."""
    try:
        if segment.write(lines) < len(lines):
            return False
        os.fsync(segment.fileno())
    except OSError:
        return False
    return True


def _lock(file: IO[bytes] | FileIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(file: IO[bytes] | FileIO, path: Path) -> bool:
    """Whether the open file is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _sync_folder(folder: Path) -> None:
    """A new name is on the disk once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
