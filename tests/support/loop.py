"""Whether the event loop was ever held up."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.clock import OwnTime


@asynccontextmanager
async def the_loop_runs_on(longest: float = 0.1) -> AsyncIterator[None]:
    """The event loop never waits `longest` seconds for anything but a processor."""

    async def tick() -> None:
        while True:
            since, worked = OwnTime(), time.thread_time()
            await asyncio.sleep(0.005)
            gaps.append(since() - (time.thread_time() - worked))

    gaps: list[float] = []
    ticking = asyncio.create_task(tick())
    yield
    ticking.cancel()
    assert max(gaps) < longest
