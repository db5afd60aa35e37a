"""Of which trace an exchange is, and which calls of vendors it has made.

Spans are made of this once an exchange has ended; until then nothing of it leaves but the
`traceparent` that an upstream is told. Whose word is believed, and why: docs/decisions/031.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.core.formats.traceparent import TraceParent

IDS = 24  # random bytes that a trace takes
SPAN_ID = 8  # and each call
_RANGE = 1 << 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Callee:
    """Who is called, as spans have it."""

    host: str
    port: int
    provider: str = ""  # the vendor's profile; "": a service of the company's own
    kinds: Mapping[str, str] = field(default_factory=dict)  # operation → `gen_ai.operation.name`


@dataclass(slots=True, kw_only=True)
class VendorCall:
    """One request to a vendor. Times are monotonic, in seconds."""

    span_id: str
    callee: Callee
    method: str
    started: float
    ended: float = 0.0
    status: int = 0
    code: str = ""  # our error code, where an error of ours ended it
    broken: bool = False  # it has ended before its answer did


@dataclass(slots=True, kw_only=True)
class Trace:
    """Where an exchange stands among the spans of its trace."""

    trace_id: str
    span_id: str  # of the exchange itself
    sampled: bool
    parent: str = ""  # the span it is within; "": none
    said: TraceParent | None = None  # by a client that is not believed
    calls: list[VendorCall] = field(default_factory=list)

    def told(self, call: VendorCall) -> bytes:
        """The `traceparent` of a call."""
        return TraceParent(self.trace_id, call.span_id, self.sampled).field


def begin(offered: TraceParent | None, *, believed: bool, share: float, random: bytes) -> Trace:
    """The trace of an exchange that begins: the offered one, if that is believed, or its own.

    `share` is how many of its own are sampled, 0 to 1: by the trace id, as OpenTelemetry's
    TraceIdRatioBased does. `random` has `IDS` bytes.
    """
    own_id, span_id = random[:16], random[16:IDS].hex()
    if offered is not None and believed:
        return Trace(
            trace_id=offered.trace_id,
            span_id=span_id,
            sampled=offered.sampled,
            parent=offered.span_id,
        )
    sampled = int.from_bytes(own_id[8:], "big") < round(share * _RANGE)
    return Trace(trace_id=own_id.hex(), span_id=span_id, sampled=sampled, said=offered)
