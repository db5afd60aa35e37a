from pathlib import Path

import pytest

from gateway.assemble import watched as module
from gateway.assemble.watched import State, Watched
from tests.support.stage import chatbase_stage

pytestmark = pytest.mark.anyio


def test_things_are_looked_at_when_somebody_asks() -> None:
    states = [State(ok=True, age=1.0), State(ok=False, age=2.0)]
    watched = Watched()
    watched.add("keys", lambda: states.pop(0))
    assert list(watched.states()) == [("keys", State(ok=True, age=1.0))]
    assert list(watched.states()) == [("keys", State(ok=False, age=2.0))]


def test_no_more_than_somebody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    watched = Watched()
    for name in "abc":
        watched.add(name, lambda: State(ok=True))
    assert [name for name, _ in watched.states()] == ["a", "b"]


async def test_keys_that_are_fetched_are_watched(tmp_path: Path) -> None:
    def by_issuer(text: str) -> str:
        lines = [
            line for line in text.splitlines() if not line.startswith(("secret", "algorithms"))
        ]
        return "\n".join(lines) + "\n"

    async with chatbase_stage(tmp_path, by_issuer) as stage:
        assembled = stage.gateway.assembled
        assert assembled is not None
        *_, (name, state) = assembled.states()
        assert name.startswith("keys of https://")
        assert state == State(ok=True, says="not needed yet")
