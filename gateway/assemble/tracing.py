"""Settings of traces → what makes spans, and sends them. Off, none of it is imported."""

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from gateway.assemble.watched import State, Watched
from gateway.config.operators import Traces as TracesSettings

if TYPE_CHECKING:
    from gateway.telemetry.metrics import Metrics
    from gateway.telemetry.traces import Traces


def build_traces(
    settings: TracesSettings | None,
    secret: bytes,
    stack: AsyncExitStack,
    watched: Watched,
    metrics: "Metrics | None",
) -> "Traces | None":
    """What makes spans; what waits is sent when `stack` closes. None: nobody wants any."""
    if settings is None:
        return None
    from gateway.telemetry.collector import Collector
    from gateway.telemetry.metrics import version_of_ours
    from gateway.telemetry.traces import Traces

    headers = {name: text.get_secret_value() for name, text in settings.headers.items()}
    collector = Collector(settings.endpoint, headers)
    stack.push_async_callback(collector.aclose)
    watched.add("traces", lambda: _state(takes=collector.takes))
    if metrics is not None:
        metrics.watch("gateway_spans_lost", "Spans no collector took.", lambda: collector.lost)
    return Traces(
        collector.add,
        share=settings.sample,
        user=settings.user,
        secret=secret,
        version=version_of_ours(),
    )


def _state(*, takes: bool) -> State:
    return State(ok=takes, age=0.0, says="" if takes else "the collector takes none")
