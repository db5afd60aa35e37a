import os
import time
from pathlib import Path

import pytest

from gateway.telemetry import lines as module
from gateway.telemetry.lines import STDOUT, Lines


def test_writes_lines_to_a_file_that_may_be_moved_away(tmp_path: Path) -> None:
    path = tmp_path / "audit.ndjson"
    lines = Lines(str(path))
    lines.add(b"1")
    until(lambda: path.exists() and path.read_bytes() == b"1\n")
    path.rename(tmp_path / "old")
    lines.add(b"2")
    lines.close()
    assert path.read_bytes() == b"2\n"
    assert lines.dropped == 0


def test_writes_lines_to_standard_output(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    lines = Lines(STDOUT)
    lines.add(b"1")
    lines.close()
    assert capfdbinary.readouterr().out == b"1\n"


def test_a_pipe_that_nobody_reads_costs_lines_and_no_time_rf_45(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 100)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    lines = Lines(str(pipe))
    began = time.monotonic()
    for _ in range(1000):
        lines.add(b"x" * 1000)
    assert lines.dropped > 800
    lines.close(within=0.1)
    assert time.monotonic() - began < 5
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # lets the thread end
    os.close(reader)


def test_says_how_many_lines_are_missing_once_somebody_reads_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 100)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    lines = Lines(str(pipe), missing=lambda count: b"missing %d" % count)
    told = 5000
    for _ in range(told):
        lines.add(b"x" * 1000)
    os.set_blocking(reader, True)
    read = b""
    while read.count(b"x\n") + lines.dropped < told or b"missing" not in read:
        read += os.read(reader, 65536)
    lines.close()
    os.set_blocking(reader, False)
    while more := os.read(reader, 65536):
        read += more
    os.close(reader)
    said = [int(line.split()[1]) for line in read.splitlines() if line.startswith(b"missing")]
    assert sum(said) == lines.dropped > 1000
    assert read.count(b"x" * 1000 + b"\n") == told - lines.dropped


def test_a_pipe_that_does_not_block_gets_whole_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    monkeypatch.setitem(module._DESCRIPTORS, STDOUT, writer)
    lines, read = Lines(STDOUT), b""
    for number in range(1000):  # more than the pipe holds
        lines.add(b"%0999d" % number)
    while read.count(b"\n") < 1000:
        read += os.read(reader, 65536)
    lines.close()
    os.close(reader)
    os.close(writer)
    assert read == b"".join(b"%0999d\n" % number for number in range(1000))
    assert lines.dropped == 0


def test_lines_that_cannot_be_written_are_counted(tmp_path: Path) -> None:
    lines = Lines(str(tmp_path / "nowhere" / "audit.ndjson"))
    lines.add(b"1")
    lines.close()
    assert lines.dropped == 1


def until(condition: object) -> None:
    end = time.monotonic() + 10
    assert callable(condition)
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
