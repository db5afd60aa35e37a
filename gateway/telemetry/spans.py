"""What an exchange was, as spans: one of its own, and one for each call of its vendor.

They are made once it has ended, of its record and its trace. Names and attributes are those of
OpenTelemetry's semantic conventions. No message text, token, cookie, key, body, query or path; and
nothing that a client chooses but ids that are in the log too.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from gateway.core.answer.usage import amounts
from gateway.core.profile.operation import HANDSHAKE
from gateway.core.trace import Trace, VendorCall
from gateway.ports import Record

# Our own literals: the conventions for GenAI are not stable, and the packaged constants deprecated.
METHOD = "http.request.method"
ROUTE = "http.route"
STATUS = "http.response.status_code"
ERROR = "error.type"
HOST = "server.address"
PORT = "server.port"
CONVERSATION = "gen_ai.conversation.id"
KIND = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
TOKENS_IN = "gen_ai.usage.input_tokens"
TOKENS_OUT = "gen_ai.usage.output_tokens"
# And what there is no convention for.
ORG = "gateway.org"
UPSTREAM = "gateway.upstream"
REQUEST_ID = "gateway.request_id"
INTERRUPTED = "gateway.interrupted"

METHODS = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}
)
OTHER = "_OTHER"  # a method that a client has made up may be anything
LONGEST = 512  # characters

Attributes: TypeAlias = dict[str, str | int]
Named: TypeAlias = Callable[[Record], Mapping[str, str]]

_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_UNSET, _FAILED = Status(StatusCode.UNSET), Status(StatusCode.ERROR)


class Spans:
    """Makes them. `named` gives the attributes that say whose an exchange was."""

    def __init__(self, resource: Resource, scope: InstrumentationScope, named: Named) -> None:
        self._resource = resource
        self._scope = scope
        self._named = named

    def of(self, record: Record, trace: Trace) -> Iterator[ReadableSpan]:
        """The spans of an exchange that has just ended."""
        epoch = time.time_ns() - time.monotonic_ns()  # of the monotonic clock
        own = _context(trace, trace.span_id)
        parent = _context(trace, trace.parent, is_remote=True) if trace.parent else None
        began = epoch + _nanoseconds(record.started)
        yield self._span(
            _name(record, method_of(record)),
            own,
            parent,
            self._served(record),
            kind=SpanKind.SERVER,
            failed=_has_failed(record),
            links=_links(trace),
            times=(began, began + _nanoseconds(record.duration_ms / 1000)),
        )
        for call in trace.calls:
            yield self._span(
                _name(record, call.method),
                _context(trace, call.span_id),
                own,
                self._asked(record, call, is_last=call is trace.calls[-1]),
                kind=SpanKind.CLIENT,
                failed=call.status >= 400 or bool(error_of(record, call)),
                links=(),
                times=(epoch + _nanoseconds(call.started), epoch + _nanoseconds(call.ended)),
            )

    def _span(
        self,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        attributes: Attributes,
        *,
        kind: SpanKind,
        failed: bool,
        links: tuple[Link, ...],
        times: tuple[int, int],
    ) -> ReadableSpan:
        return ReadableSpan(
            name,
            context,
            parent,
            self._resource,
            attributes,
            links=links,
            kind=kind,
            status=_FAILED if failed else _UNSET,
            start_time=times[0],
            end_time=max(times),
            instrumentation_scope=self._scope,
        )

    def _served(self, record: Record) -> Attributes:
        """Of the exchange itself."""
        error = record.code or (str(record.status) if record.status >= 500 else "")
        return _told(
            {
                METHOD: method_of(record),
                ROUTE: record.operation,
                STATUS: record.status,
                ERROR: error,
                ORG: record.org,
                UPSTREAM: record.upstream,
                REQUEST_ID: record.request_id,
                INTERRUPTED: record.interrupted,
                CONVERSATION: record.conversation,
                **self._named(record),
            }
        )

    def _asked(self, record: Record, call: VendorCall, *, is_last: bool) -> Attributes:
        """Of one call of the vendor. What the answer cost is the last one's."""
        callee, cost = call.callee, amounts(record.usage)
        # Another method than the exchange's own is a question of ours beside it.
        own = is_last and call.method == method_of(record)
        return _told(
            {
                METHOD: call.method,
                STATUS: call.status,
                ERROR: error_of(record, call) or (str(call.status) if call.status >= 400 else ""),
                HOST: callee.host,
                PORT: callee.port,
                ORG: record.org,
                UPSTREAM: record.upstream,
                CONVERSATION: record.conversation,
                KIND: callee.kinds.get(record.operation, "") if own else "",
                PROVIDER: callee.provider,
                TOKENS_IN: cost.tokens_in if own else 0,
                TOKENS_OUT: cost.tokens_out if own else 0,
            }
        )


def method_of(record: Record) -> str:
    """The method, where it is one; a handshake is a GET."""
    if record.method == HANDSHAKE:
        return "GET"
    return record.method if record.method in METHODS else OTHER


def error_of(record: Record, call: VendorCall) -> str:
    """Our code for what ended a call early; "" where nothing did, or the client left."""
    if not call.broken or record.interrupted == "client":
        return ""
    return call.code or record.code


def _has_failed(record: Record) -> bool:
    """By the conventions for servers: a client's mistake is no error, half an answer is one."""
    return record.status >= 500 or record.interrupted not in {"", "client"}


def _name(record: Record, method: str) -> str:
    verb = "HTTP" if method == OTHER else method
    return f"{verb} {record.operation}" if record.operation else verb


def _links(trace: Trace) -> tuple[Link, ...]:
    if trace.said is None:
        return ()
    flags = TraceFlags(int(trace.said.sampled))
    trace_id, span_id = int(trace.said.trace_id, 16), int(trace.said.span_id, 16)
    return (Link(SpanContext(trace_id, span_id, is_remote=True, trace_flags=flags)),)


def _context(trace: Trace, span_id: str, *, is_remote: bool = False) -> SpanContext:
    return SpanContext(
        int(trace.trace_id, 16), int(span_id, 16), is_remote=is_remote, trace_flags=_SAMPLED
    )


def _told(attributes: Mapping[str, str | int]) -> Attributes:
    """Those that say something, as UTF-8 can: one that it cannot would cost a whole batch."""
    return {name: _text(value) for name, value in attributes.items() if value}


def _text(value: str | int) -> str | int:
    if isinstance(value, int) or (value.isascii() and len(value) <= LONGEST):
        return value
    return value[:LONGEST].encode("utf-8", "replace").decode("utf-8")


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)
