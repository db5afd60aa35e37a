"""A collector of traces on a real socket: it takes OTLP over HTTP, and reads the protobuf it gets.

async with Collector() as collector:
    ...                                     # endpoint = collector.url
    server, client = await collector.spans(2)
"""

import asyncio
import gzip
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Written
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tests.support.reply import Reply
from tests.support.vendor import PATIENCE, RecordingVendor, Request


@dataclass(frozen=True)
class Span:
    """One span, as it came; ids in hexadecimal, times in seconds since the epoch."""

    name: str
    kind: str  # "server" or "client"
    trace_id: str
    span_id: str
    parent: str  # "": none
    began: float
    ended: float
    failed: bool
    attributes: dict[str, Any]
    links: list[tuple[str, str]]
    resource: dict[str, Any] = field(repr=False)


class Collector(RecordingVendor):
    def __init__(self) -> None:
        super().__init__(_takes)

    @property
    def raw(self) -> list[bytes]:
        """What was sent, unpacked."""
        return [gzip.decompress(one.body) for one in self.requests]

    def seen(self) -> list[Span]:
        """All spans so far, servers' before clients', each in the order they began."""
        found = [span for raw in self.raw for span in _spans(raw)]
        return sorted(found, key=lambda span: (span.kind != "server", span.began))

    async def spans(self, count: int, *, within: float = PATIENCE) -> list[Span]:
        """All spans, once there are this many."""
        async with asyncio.timeout(within):
            while len(found := self.seen()) < count:
                await self.request_arrived(len(self.requests) + 1)
        assert len(found) == count, found
        return found


async def _takes(request: Request, reply: Reply) -> None:
    assert request.start_line == "POST /v1/traces HTTP/1.1"
    assert request.values("content-type") == ["application/x-protobuf"]
    await reply.body(
        200, ExportTraceServiceResponse().SerializeToString(), "application/x-protobuf"
    )


def _spans(raw: bytes) -> list[Span]:
    return [
        _span(one, _values(of.resource.attributes))
        for of in ExportTraceServiceRequest.FromString(raw).resource_spans
        for scope in of.scope_spans
        for one in scope.spans
    ]


def _span(one: Written, resource: dict[str, Any]) -> Span:
    return Span(
        name=one.name,
        kind={Written.SPAN_KIND_SERVER: "server", Written.SPAN_KIND_CLIENT: "client"}[one.kind],
        trace_id=one.trace_id.hex(),
        span_id=one.span_id.hex(),
        parent=one.parent_span_id.hex(),
        began=one.start_time_unix_nano / 1e9,
        ended=one.end_time_unix_nano / 1e9,
        failed=one.status.code == Status.STATUS_CODE_ERROR,
        attributes=_values(one.attributes),
        links=[(link.trace_id.hex(), link.span_id.hex()) for link in one.links],
        resource=resource,
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}
