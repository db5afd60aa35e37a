"""Whether the event loop was ever held up."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def the_loop_runs_on(longest: float = 0.1) -> AsyncIterator[None]:
    """The event loop is never held up for `longest` seconds."""

    async def tick() -> None:
        last = time.monotonic()
        while True:
            await asyncio.sleep(0.005)
            gaps.append(time.monotonic() - last)
            last = time.monotonic()

    gaps: list[float] = []
    ticking = asyncio.create_task(tick())
    yield
    ticking.cancel()
    assert max(gaps) < longest
