"""Nothing is closed under the hands of what runs."""

import asyncio

import pytest

from gateway.steps.lease import Lease

pytestmark = pytest.mark.anyio


async def test_ends_at_once_where_nothing_runs() -> None:
    lease = Lease()
    with lease:
        pass
    async with asyncio.timeout(1):
        await lease.ended()


async def test_waits_for_the_last() -> None:
    lease = Lease()
    with lease:
        waiting = asyncio.create_task(lease.ended())
        with lease:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not waiting.done()
    await waiting


async def test_what_fails_has_ended_too() -> None:
    lease = Lease()
    with pytest.raises(ZeroDivisionError), lease:
        raise ZeroDivisionError
    await lease.ended()
