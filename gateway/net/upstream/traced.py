"""What leads to an upstream, with each call noted in the trace of its exchange.

Stands around a transport where exchanges are traced, or where the upstream asks for `traceparent`;
elsewhere there is none. `tracestate` and `baggage` go nowhere: they are whatever a client says.
"""

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

from gateway.core.errors import GatewayError, Overloaded
from gateway.core.formats import traceparent
from gateway.core.request.plan import VendorRequest
from gateway.core.trace import SPAN_ID, Callee, Trace, VendorCall, begin
from gateway.ports import Errand, Transport, VendorResponse
from gateway.ports.socket import Sockets, VendorSocket
from gateway.system.randomness import ten_bytes

WITHOUT_SPANS = 1.0  # the share that is sampled where nobody here says: as `traces.sample` is


class TracedTransport:
    """See `gateway.ports.Transport`. `tells`: whether the upstream is told of its trace."""

    def __init__(self, transport: Transport, callee: Callee, *, tells: bool) -> None:
        self._transport = transport
        self._callee = callee
        self._tells = tells

    @asynccontextmanager
    async def open(
        self, request: VendorRequest, errand: Errand, /
    ) -> AsyncIterator[VendorResponse]:
        trace = trace_of(errand)
        with called(trace, self._callee, request.method) as call:
            if self._tells:
                request = request.of_trace(trace.told(call))
            async with self._transport.open(request, errand) as response:
                call.status = response.status
                yield response

    async def aclose(self) -> None:
        await self._transport.aclose()


class TracedSockets:
    """See `gateway.ports.socket.Sockets`; as `TracedTransport`."""

    def __init__(self, sockets: Sockets, callee: Callee, *, tells: bool) -> None:
        self._sockets = sockets
        self._callee = callee
        self._tells = tells

    @asynccontextmanager
    async def open(
        self, request: VendorRequest, subprotocols: Sequence[str], errand: Errand, /
    ) -> AsyncIterator[VendorSocket]:
        trace = trace_of(errand)
        with called(trace, self._callee, "GET") as call:
            if self._tells:
                request = request.of_trace(trace.told(call))
            async with self._sockets.open(request, subprotocols, errand) as socket:
                call.status = 101
                yield socket


def trace_of(errand: Errand) -> Trace:
    """The trace that this is of; begun here where exchanges have no spans."""
    record, ask = errand.record, errand.ask
    if record.trace is None:
        record.trace = begin(
            traceparent.read(ask.fields),
            believed=ask.from_proxy,
            share=WITHOUT_SPANS,
            random=ten_bytes() + ten_bytes() + ten_bytes(),
        )
    return record.trace


@contextmanager
def called(trace: Trace, callee: Callee, method: str) -> Iterator[VendorCall]:
    """Note a call, from now to the end of the block."""
    call = VendorCall(
        span_id=ten_bytes()[:SPAN_ID].hex(),
        callee=callee,
        method=method,
        started=time.monotonic(),
    )
    trace.calls.append(call)
    try:
        yield call
    except BaseException as error:
        if isinstance(error, Overloaded) and not call.status:
            trace.calls.pop()  # no connection came free: nobody was called
        call.broken = True
        if isinstance(error, GatewayError):
            call.code = error.code
        raise
    finally:
        call.ended = time.monotonic()
