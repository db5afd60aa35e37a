"""The limit of descriptors, in this process, put back afterwards."""

import math
import resource
from collections.abc import Iterator

import pytest

from gateway.net.process.descriptors import Room


@pytest.fixture
def hard() -> Iterator[int]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def any_number() -> float:
    return math.inf


def test_raises_the_soft_limit_to_the_hard_one(hard: int) -> None:
    clients = Room(any_number)()
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
    assert 1 <= Room(any_number)() < soft
    assert "stays" in caplog.text


def test_clients_have_what_vendors_leave_and_half_at_least(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (20_000, 20_000))
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    outward = [math.inf]
    room = Room(lambda: outward[-1])
    half = room()
    assert 9000 < half <= 10_000
    for vendors in (0.0, 400.0, 9000.0):
        outward.append(vendors)
        assert half < room() < 20_000 - vendors
    outward.append(15_000.0)
    assert room() == half
