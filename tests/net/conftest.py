"""Fixtures of what is on the wire."""

from collections.abc import Iterator

import pytest

from tests.net import recorder


@pytest.fixture(scope="module", params=[False, True], ids=["ASGI", "own entry"])
def either_entry(request: pytest.FixtureRequest) -> Iterator[None]:
    """What is recorded comes over ASGI, and then straight from the connection."""
    recorder.OWN = request.param
    yield
    recorder.OWN = False
