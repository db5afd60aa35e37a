"""Events as lines of JSON: each whole, and on the disk when it counts."""

import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TextIO

import pytest

from gateway.ports import NotDelivered
from gateway.telemetry.lines import STDOUT
from gateway.telemetry.ndjson import LinesOfEvents
from tests.events.test_envelope import EVENT

pytestmark = pytest.mark.anyio


async def test_each_event_is_a_line(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    lines = LinesOfEvents(str(file))
    for number in range(3):
        await lines.take(replace(EVENT, id=f"evt_{number}"))
    assert [json.loads(line)["id"] for line in file.read_text().splitlines()] == [
        "evt_0",
        "evt_1",
        "evt_2",
    ]


async def test_a_file_may_be_moved_away(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    lines = LinesOfEvents(str(file))
    await lines.take(EVENT)
    file.rename(tmp_path / "events.1")
    await lines.take(EVENT)
    assert len(file.read_text().splitlines()) == 1


async def test_where_nothing_can_be_written_the_receiver_is_away(tmp_path: Path) -> None:
    lines = LinesOfEvents(str(tmp_path / "missing" / "events.ndjson"))
    for _ in range(2):
        with pytest.raises(NotDelivered) as caught:
            await lines.take(EVENT)
        assert (caught.value.is_away, caught.value.reason) == (True, "FileNotFoundError")


async def test_on_stdout(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", out)
    await LinesOfEvents(STDOUT).take(EVENT)
    assert json.loads(out.buffer.getvalue())["id"] == EVENT.id  # type: ignore[attr-defined]


@pytest.fixture
def full_pipe() -> Iterator[tuple[int, TextIO]]:
    """A pipe that is full: the end to read it by, and the other."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 4096)
    os.set_blocking(writing, True)
    out = os.fdopen(writing, "w")
    yield reading, out
    out.close()
    os.close(reading)


async def test_a_pipe_that_nobody_reads_holds_one_thread_and_gets_each_once(
    full_pipe: tuple[int, TextIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not written in time, and is later, is not written again."""
    reading, out = full_pipe
    monkeypatch.setattr(sys, "stdout", out)
    lines = LinesOfEvents(STDOUT, clock=0.05)
    for event in (EVENT, EVENT, replace(EVENT, id="evt_2"), EVENT):
        with pytest.raises(NotDelivered) as caught:
            await lines.take(event)
        assert caught.value.reason == "nobody reads"
    os.set_blocking(reading, False)
    read = bytearray()

    def reads() -> None:
        with suppress(BlockingIOError):
            while True:
                read.extend(os.read(reading, 65536))

    reads()
    lines._clock = 10.0
    await lines.take(EVENT)
    reads()
    assert read.count(b"evt_1") == 1
    assert read.endswith(b"}\n")
