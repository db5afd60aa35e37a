import asyncio
from typing import Any, cast

import pytest

from gateway.net.flow import Flow

pytestmark = pytest.mark.anyio


class Wire:
    def __init__(self) -> None:
        self.said: list[str] = []

    def pause_reading(self) -> None:
        self.said.append("pause")

    def resume_reading(self) -> None:
        self.said.append("resume")


async def test_says_each_thing_once() -> None:
    wire = Wire()
    flow = Flow(cast("Any", wire))
    for step in (flow.resume_reading, flow.pause_reading, flow.pause_reading):
        step()
    assert (flow.read_paused, wire.said) == (True, ["pause"])
    flow.resume_reading()
    flow.resume_reading()
    assert (flow.read_paused, wire.said) == (False, ["pause", "resume"])


async def test_waits_until_there_is_room() -> None:
    flow = Flow(cast("Any", Wire()))
    await flow.drain()
    for _ in range(2):
        flow.pause_writing()
        flow.pause_writing()
        waiting = [asyncio.create_task(flow.drain()) for _ in range(2)]
        await asyncio.sleep(0)
        assert flow.write_paused
        assert not any(one.done() for one in waiting)
        flow.resume_writing()
        flow.resume_writing()
        assert not flow.write_paused
        await asyncio.gather(*waiting)
    await flow.drain()
