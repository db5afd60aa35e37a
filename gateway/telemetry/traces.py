"""Traces: each exchange as spans, for a collector. Off unless [traces] is there.

While an exchange goes, all it has is ids. Its spans are made when it has ended, from what has been
noted of it anyway: the pipelines know nothing of them.
"""

import hmac
import uuid
from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from gateway.core.formats import traceparent
from gateway.core.formats.digests import base32, joined
from gateway.core.trace import Trace, begin
from gateway.ports import Inbound, Record, UsageSink
from gateway.system.randomness import ten_bytes
from gateway.telemetry.spans import Named, Spans

Naming: TypeAlias = Literal["hash", "id", "none"]  # how people are named in spans
USER_HASH = "user.hash"
USER_ID = "user.id"


class Traces(UsageSink):
    """Keeps the `Tracer` and the `UsageSink` port; `add` takes the spans.

    `share` is how much of what nobody else has decided is sampled, 0 to 1. `secret` is what people
    are hashed with: without it nobody can try names until one fits.
    """

    def __init__(
        self,
        add: Callable[[ReadableSpan], None],
        *,
        share: float,
        user: Naming,
        secret: bytes,
        version: str,
    ) -> None:
        self._add = add
        self._share = share
        self._spans = Spans(
            resource(version), InstrumentationScope("gateway", version), naming(user, secret)
        )

    def begin(self, ask: Inbound) -> Trace:
        return begin(
            traceparent.read(ask.fields),
            believed=ask.from_proxy,
            share=self._share,
            random=ten_bytes() + ten_bytes() + ten_bytes(),
        )

    def record(self, record: Record) -> None:
        if record.trace is not None and record.trace.sampled:
            for span in self._spans.of(record, record.trace):
                self._add(span)


def resource(version: str) -> Resource:
    """This process, as its spans have it; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES count."""
    ours = Resource.create(
        {
            "service.name": "gateway",
            "service.version": version,
            "service.instance.id": str(uuid.uuid4()),
        }
    )
    return ours.merge(OTELResourceDetector().detect())


def naming(user: Naming, secret: bytes) -> Named:
    """What is said of a person."""

    def hashed(record: Record) -> Mapping[str, str]:
        if not record.subject:
            return {}
        names = joined("user.hash", record.org_id, record.subject)
        return {USER_HASH: base32(hmac.digest(secret, names, "sha256")[:16])}

    def plain(record: Record) -> Mapping[str, str]:
        return {USER_ID: record.subject}

    def unnamed(record: Record) -> Mapping[str, str]:
        return {}

    return {"hash": hashed, "id": plain, "none": unnamed}[user]
