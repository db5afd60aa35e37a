"""The limit of descriptors, in this process, put back afterwards."""

import resource
from collections.abc import Iterator

import pytest

from gateway.net.descriptors import raise_limit


@pytest.fixture
def hard() -> Iterator[int]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_raises_the_soft_limit_to_the_hard_one(hard: int) -> None:
    clients = raise_limit()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    assert clients * 2 < (1 << 20 if hard == resource.RLIM_INFINITY else hard)


@pytest.mark.usefixtures("hard")
def test_lives_with_a_limit_that_cannot_be_raised(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("not allowed")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert 1 <= raise_limit() < soft
    assert "stays" in caplog.text
