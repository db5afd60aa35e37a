"""Where spans go: a collector that takes OTLP over HTTP, by a thread of the SDK's.

Nobody waits for it. While it is away, or slower than spans come, spans are dropped and counted, and
one line says so. Neither proxies nor a password file of the environment are used, and no redirect
is followed. Nothing here is the process's own provider of traces: an application around us has one.
"""

import asyncio
import logging
import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

import requests
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

LOG = logging.getLogger("gateway")

PATH = "/v1/traces"  # OTLP 1.x, "OTLP/HTTP Request"
MOST_WAITING = 8192  # spans
AT_ONCE = 512
INTERVAL = 1.0  # seconds between two batches, where they are not full
TIMEOUT = 5.0  # seconds for a batch, with what is tried again
LAST = 2.0  # seconds for what waits at the end


class Collector:
    """One collector. It has a thread from the moment it is made: a process forks before."""

    def __init__(self, endpoint: str, headers: Mapping[str, str]) -> None:
        session = requests.Session()
        session.trust_env = False
        self._exporter: Any = OTLPSpanExporter(
            endpoint=endpoint.removesuffix("/") + PATH,
            certificate_file=os.environ.get("SSL_CERT_FILE"),  # as everywhere else here
            headers=dict(headers),
            timeout=TIMEOUT,
            compression=Compression.Gzip,
            session=session,
        )
        self.takes = True  # by the last batch
        self._has_ended = False
        self._came = self._went = self._refused = self._no_room = 0  # of each, one writer
        self._processor: Any = BatchSpanProcessor(  # parts of it have no types
            cast("Any", self),  # an exporter, as far as the processor looks
            max_queue_size=MOST_WAITING,
            schedule_delay_millis=INTERVAL * 1000,
            max_export_batch_size=AT_ONCE,
        )

    @property
    def lost(self) -> int:
        """Spans that were dropped."""
        return self._refused + self._no_room

    def add(self, span: ReadableSpan) -> None:
        """Take one; of those that wait, the oldest is dropped where there are too many."""
        self._came += 1
        if self._came - self._went - self._no_room > MOST_WAITING:
            self._no_room += 1
        self._processor.on_end(span)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch; for the processor, in its thread."""
        self._went += len(spans)
        result = SpanExportResult.FAILURE
        if not self._has_ended:
            with suppress(Exception):  # whatever it is, spans are all that it costs
                result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS:
            self._refused += len(spans)
        self._say(takes=result is SpanExportResult.SUCCESS)
        return result

    def shutdown(self) -> None:
        """Let go of the connection, and try nothing again."""
        if not self._has_ended:
            self._has_ended = True
            self._exporter.shutdown()

    async def aclose(self) -> None:
        """Send what waits; what has not gone after `LAST` seconds is dropped."""
        ended, loop = asyncio.Event(), asyncio.get_running_loop()

        def end() -> None:
            self._processor.shutdown()
            with suppress(RuntimeError):  # nobody waits any more
                loop.call_soon_threadsafe(ended.set)

        # A thread of its own, that Python does not wait for either.
        threading.Thread(target=end, name="spans", daemon=True).start()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST):
                await ended.wait()
        self.shutdown()

    def _say(self, *, takes: bool) -> None:
        if takes == self.takes:
            return
        self.takes = takes
        if takes:
            LOG.warning("the collector takes traces again; %d spans are lost", self.lost)
        else:
            LOG.warning("the collector takes no traces: spans are dropped until it does")
