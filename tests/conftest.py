"""Fixtures every test may use."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """The product runs on asyncio; so do its tests."""
    return "asyncio"
