from contextlib import AsyncExitStack
from typing import Any

import pytest

from gateway.assemble.tracing import build_traces
from gateway.assemble.watched import Watched
from gateway.config.operators import Traces
from gateway.telemetry.collector import Collector
from gateway.telemetry.metrics import Metrics

pytestmark = pytest.mark.anyio
SECRET = b"s" * 32


async def test_without_settings_there_are_none() -> None:
    watched = Watched()
    async with AsyncExitStack() as stack:
        assert build_traces(None, SECRET, stack, watched, None) is None
    assert list(watched.states()) == []


async def test_operators_see_that_the_collector_is_away_and_what_was_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Any] = []
    begin = Collector.__init__

    def noted(self: Collector, *given: Any) -> None:
        begin(self, *given)
        made.append(self)

    monkeypatch.setattr(Collector, "__init__", noted)
    watched, metrics = Watched(), Metrics()
    async with AsyncExitStack() as stack:
        assert build_traces(Traces(), SECRET, stack, watched, metrics) is not None
        (collector,) = made
        ((name, state),) = watched.states()
        assert (name, state.ok, state.says) == ("traces", True, "")
        collector.takes, collector._refused = False, 7
        ((_, state),) = watched.states()
        assert (state.ok, state.says) == (False, "the collector takes none")
        assert b"gateway_spans_lost 7.0" in metrics.text()
