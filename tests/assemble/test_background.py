import asyncio
from contextlib import AsyncExitStack

import pytest

from gateway.assemble.background import in_background

pytestmark = pytest.mark.anyio


async def test_it_is_over_when_the_stack_has_closed() -> None:
    said: list[str] = []

    async def work() -> None:
        try:
            said.append("begun")
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            said.append("let go")

    async with AsyncExitStack() as stack:
        in_background(work(), stack)
        await asyncio.sleep(0)
        assert said == ["begun"]
    assert said == ["begun", "let go"]


async def test_what_has_ended_by_itself_is_no_error() -> None:
    async def work() -> None:
        pass

    async with AsyncExitStack() as stack:
        in_background(work(), stack)
        await asyncio.sleep(0)
