import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.telemetry.at_once import AtOnce


def missing(count: int) -> bytes:
    return b"missing %d" % count


@pytest.fixture(params=["pipe", "socket"])
def ends(request: pytest.FixtureRequest) -> Iterator[tuple[int, int]]:
    """A descriptor to read what is written to the other; both of them wait."""
    if request.param == "pipe":
        reader, writer = os.pipe()
    else:
        reader, writer = (one.detach() for one in socket.socketpair())
    yield reader, writer
    os.close(reader)
    os.close(writer)


def test_what_nobody_takes_at_once_is_lost_and_said_later_rf_45(ends: tuple[int, int]) -> None:
    reader, writer = ends
    with closing(AtOnce(writer, missing=missing)) as lines:
        told = 0
        while not lines.dropped:
            lines.add(b"x" * 1000)
            told += 1
        lines.add(b"x" * 1000)
        assert lines.dropped == 2
        assert os.get_blocking(writer)  # others have it too, and may wait
        read = b""
        while read.count(b"\n") < told - 1:  # but for the one that was lost
            read += os.read(reader, 65_536)
        lines.add(b"z")
        lines.add(b"!")
    assert os.read(reader, 65_536) == b"z\nmissing 2\n!\n"


def test_a_reader_who_has_left_costs_lines_alone() -> None:
    reader, writer = os.pipe()
    with closing(AtOnce(writer, missing=missing)) as lines:
        os.close(reader)
        lines.add(b"x")
        assert lines.dropped == 1
    os.close(writer)


def test_a_file_is_written_behind_what_others_wrote(tmp_path: Path) -> None:
    with (tmp_path / "log").open("ab", buffering=0) as file:
        with closing(AtOnce(file.fileno(), missing=missing)) as lines:
            lines.add(b"1")
            file.write(b"2\n")
            lines.add(b"3")
        assert (tmp_path / "log").read_bytes() == b"1\n2\n3\n"
