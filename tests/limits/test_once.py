"""Messages that count once among replicas, and what happens without the server they share."""

import asyncio
from pathlib import Path

import pytest

from gateway.authn.once import Once
from gateway.core.errors import Unavailable
from gateway.limits.keys import Keys
from gateway.limits.once import OnceTogether
from gateway.limits.shared import SharedCounts
from gateway.limits.standby import OnFailure
from tests.support.valkey import Valkey

pytestmark = pytest.mark.anyio
KEYS = Keys(b"s" * 32)
NAME = ("acme", "support", "orders", "m-1")


def replica(counts: SharedCounts, on_failure: OnFailure = "local") -> OnceTogether:
    return OnceTogether(Once(), counts, KEYS, on_failure)


async def test_a_name_is_first_once_among_replicas(shared: SharedCounts) -> None:
    """Row W-02: the same message, sent to another replica."""
    for number in range(5):
        replicas = [replica(shared) for _ in range(20)]
        name = (*NAME, str(number))
        said = await asyncio.gather(*(one.is_first(*name) for one in replicas))
        assert said.count(True) == 1
        assert not await replica(shared).is_first(*name)


async def test_no_two_names_are_one(shared: SharedCounts) -> None:
    here = replica(shared)
    names = [("x", "y", "m"), ("xy", "m"), ("x", "ym"), ("x", "y", "n")]
    assert all([await here.is_first(*name) for name in names])


@pytest.mark.parametrize("on_failure", ["local", "open"])
async def test_without_the_server_a_name_is_first_once_in_a_process(
    tmp_path: Path, on_failure: OnFailure
) -> None:
    counts = SharedCounts(Valkey(tmp_path).url, patience=0.25)
    here = replica(counts, on_failure)
    assert await here.is_first(*NAME)
    assert not await here.is_first(*NAME)
    await counts.aclose()


async def test_without_the_server_nobody_is_heard_where_that_is_asked_for(tmp_path: Path) -> None:
    counts = SharedCounts(Valkey(tmp_path).url, patience=0.25)
    with pytest.raises(Unavailable):
        await replica(counts, "closed").is_first(*NAME)
    await counts.aclose()
