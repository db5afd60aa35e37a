"""Work that goes on beside the requests."""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from typing import Any


def in_background(work: Coroutine[Any, Any, None], stack: AsyncExitStack) -> None:
    """Run `work` until `stack` closes, which cancels it and waits until it has ended."""
    task = asyncio.create_task(work)

    async def end() -> None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    stack.push_async_callback(end)
