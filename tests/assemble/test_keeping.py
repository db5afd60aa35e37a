import asyncio
import sqlite3
import time
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from gateway.assemble.keeping import Sinks, look_on, spool_folder
from gateway.config.model import Store
from gateway.ports import Record
from gateway.telemetry.metrics import Metrics
from tests.support.stage import Stage, adding, chatbase_stage

pytestmark = pytest.mark.anyio


class Heard:
    def __init__(self) -> None:
        self.said: list[str] = []

    def record(self, record: Record) -> None:
        self.said.append(record.request_id)

    def note(self, event: str, record: Record) -> None:
        self.said.append(event)

    def fault(self, error: Exception, record: Record) -> None:
        self.said.append(f"{type(error).__name__} of {record.request_id}")


def ended(*names: str) -> list[Record]:
    return [Record(request_id=name, method="GET", started=0.0) for name in names]


async def test_every_sink_is_told() -> None:
    one, two, three, four = Heard(), Heard(), Heard(), Heard()
    sinks = Sinks([one, two], [three], three, at_once=[four])
    for record in ended("r-1", "r-2"):
        sinks.record(record)
        sinks.note("key_refused", record)
    assert four.said == ["r-1", "r-2"]
    assert three.said == ["key_refused", "key_refused"]
    assert one.said == two.said == []
    await asyncio.sleep(0)
    assert one.said == two.said == ["r-1", "r-2"]
    (third,) = ended("r-3")
    sinks.record(third)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert one.said == two.said == four.said == ["r-1", "r-2", "r-3"], "each once"


async def test_an_exchange_that_cannot_be_told_of_costs_no_other_its_row() -> None:
    class Breaks(Heard):
        def record(self, record: Record) -> None:
            if record.request_id == "r-1":
                raise ValueError
            super().record(record)

    one, two, faults = Breaks(), Heard(), Heard()
    sinks = Sinks([one, two], [], faults)
    for record in ended("r-1", "r-2"):
        sinks.record(record)
    await asyncio.sleep(0)
    assert (one.said, two.said) == (["r-2"], ["r-1", "r-2"])
    assert faults.said == ["ValueError of r-1"]


async def test_what_ended_last_is_told_before_all_ends() -> None:
    one = Heard()
    async with AsyncExitStack() as stack:
        sinks = Sinks([one], [], one)
        stack.callback(sinks.flush)
        sinks.record(*ended("r-1"))
    assert one.said == ["r-1"]
    await asyncio.sleep(0)
    assert one.said == ["r-1"]


async def test_what_was_counted_since_the_last_look_is_seen_when_a_worker_ends() -> None:
    class Looked(Metrics):
        looks = 0

        def look(self) -> None:
            self.looks += 1

    metrics = Looked()
    async with AsyncExitStack() as stack:
        look_on(metrics, stack)
        await asyncio.sleep(0)
        assert metrics.looks == 1
    assert metrics.looks == 2


def test_rows_wait_beside_the_file_unless_told_where(tmp_path: Path) -> None:
    beside = Store(url=f"sqlite:///{tmp_path}/gateway.db")
    assert spool_folder(beside) == tmp_path / "gateway.db.spool"
    replica = Store(url="postgresql://db.example/gateway")
    assert spool_folder(replica) == Path("gateway.spool").absolute()
    elsewhere = Store(url=f"sqlite:///{tmp_path}/gateway.db", spool=str(tmp_path / "spool"))
    assert spool_folder(elsewhere) == tmp_path / "spool"


def usage(folder: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(folder / "gateway.db")) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("SELECT * FROM usage ORDER BY id")]


async def counted(folder: Path, rows: int) -> list[dict[str, Any]]:
    end = time.monotonic() + 20
    while len(found := usage(folder)) < rows:
        assert time.monotonic() < end, found
        await asyncio.sleep(0.02)
    return found


async def ask(stage: Stage[Any], body: object) -> None:
    await stage.ask("alice", "POST", "/chat", body)


@pytest.mark.one_process("its store is a file")
async def test_exchanges_refusals_and_streams_are_counted(tmp_path: Path) -> None:
    fast = adding("store", 'batch_interval = "10ms"')
    async with chatbase_stage(tmp_path, fast) as stage:
        await ask(stage, {"message": "hi", "stream": False})
        await ask(stage, {"message": "hi", "stream": True})
        await ask(stage, {"message": "hi", "conversationId": "nobodys"})
        await stage.ask(None, "POST", "/chat", {"message": "hi"})
        unary, stream, refused = await counted(tmp_path, 3)
    assert unary["credits"] > 0
    assert stream["credits"] > 0
    assert unary["conversation"] != stream["conversation"]
    assert {row["org"] for row in (unary, stream)} == {"default"}
    assert (refused["status"], refused["code"]) == (404, "conversation_not_found")
    assert (refused["conversation"], refused["credits"]) == ("", 0)
