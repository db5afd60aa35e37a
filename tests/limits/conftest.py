"""Counters of both kinds, and a real Valkey."""

from collections.abc import AsyncIterator, Iterator

import pytest

from gateway.limits.counts import Counts
from gateway.limits.local import LocalCounts
from gateway.limits.shared import SharedCounts
from tests.support.clock import WoundClock
from tests.support.valkey import any_valkey


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with any_valkey(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture
async def shared(valkey_url: str) -> AsyncIterator[SharedCounts]:
    counts = SharedCounts(valkey_url, patience=20.0, wall=WoundClock())
    yield counts
    await counts.aclose()


@pytest.fixture(params=["in process", "at a Valkey"])
def counts(request: pytest.FixtureRequest) -> Counts:
    if request.param == "at a Valkey":
        found: SharedCounts = request.getfixturevalue("shared")
        return found
    clock = WoundClock()
    return LocalCounts(clock, clock)
