"""What is said in a span, and in which words; tests/telemetry/test_traces.py sees them arrive."""

import time
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanKind, StatusCode

from gateway.core.trace import Callee, Trace, VendorCall, begin
from gateway.ports import Record
from gateway.telemetry.spans import LONGEST, Spans, error_of, method_of

VENDOR = Callee(host="vendor.test", port=443, provider="openai", kinds={"chat": "chat"})


def trace() -> Trace:
    return begin(None, believed=False, share=1.0, random=bytes(range(1, 25)))


def call(**more: Any) -> VendorCall:
    return VendorCall(
        **{
            "span_id": "ab" * 8,
            "callee": VENDOR,
            "method": "POST",
            "started": 100.0,
            "ended": 100.5,
            "status": 200,
            **more,
        }
    )


def record(**more: Any) -> Record:
    return Record(
        **{
            "request_id": "r-1",
            "method": "POST",
            "started": 99.5,
            "org": "acme",
            "upstream": "llm",
            "operation": "chat",
            "status": 200,
            "duration_ms": 1500.0,
            **more,
        }
    )


def spans(ended: Record, *calls: VendorCall) -> list[ReadableSpan]:
    ours = Spans(Resource({}), InstrumentationScope("gateway"), lambda record: {})
    of = trace()
    of.calls.extend(calls)
    return list(ours.of(ended, of))


def test_times_are_those_of_the_exchange_and_of_its_calls() -> None:
    now, clock = time.time_ns(), time.monotonic_ns()
    server, client = spans(record(), call())
    assert server.end_time - server.start_time == 1_500_000_000
    assert client.start_time - server.start_time == 500_000_000
    assert server.end_time - client.end_time == 500_000_000
    assert abs((server.start_time - now) - (99_500_000_000 - clock)) < 50_000_000


@pytest.mark.parametrize(
    ("method", "said"),
    [("POST", "POST"), ("CONNECT", "GET"), ("BREW", "_OTHER"), ("sk-secret", "_OTHER")],
)
def test_a_method_is_one_that_there_is(method: str, said: str) -> None:
    asked = record(method=method)
    assert method_of(asked) == said
    (server,) = spans(asked)
    assert server.attributes is not None
    assert server.attributes["http.request.method"] == said
    assert server.name == ("HTTP chat" if said == "_OTHER" else f"{said} chat")


def test_what_was_never_routed_has_its_method_for_a_name() -> None:
    (server,) = spans(record(operation="", upstream="", status=404, code="not_found"))
    assert server.name == "POST"
    assert "http.route" not in (server.attributes or {})


@pytest.mark.parametrize(
    ("more", "failed", "error"),
    [
        pytest.param({}, False, None, id="all well"),
        pytest.param({"status": 404}, False, None, id="the vendor's 404"),
        pytest.param({"status": 500}, True, "500", id="the vendor's 500"),
        pytest.param({"status": 429, "code": "user_limit"}, False, "user_limit", id="refused"),
        pytest.param(
            {"status": 502, "code": "upstream_unreachable"}, True, "upstream_unreachable", id="502"
        ),
        pytest.param({"interrupted": "client"}, False, None, id="the client left"),
        pytest.param(
            {"interrupted": "upstream", "code": "upstream_broke_off"},
            True,
            "upstream_broke_off",
            id="half an answer",
        ),
    ],
)
def test_an_exchange_has_failed_where_the_client_did_nothing_wrong(
    more: dict[str, Any], failed: bool, error: str | None
) -> None:
    (server,) = spans(record(**more))
    assert (server.status.status_code is StatusCode.ERROR) == failed
    assert (server.attributes or {}).get("error.type") == error


@pytest.mark.parametrize(
    ("ended", "asked", "error"),
    [
        pytest.param({}, {}, "", id="well"),
        pytest.param(
            {"interrupted": "client"}, {"broken": True, "code": "x"}, "", id="the client left"
        ),
        pytest.param(
            {"code": "upstream_timeout"}, {"broken": True}, "upstream_timeout", id="cancelled"
        ),
        pytest.param(
            {"code": "overloaded"},
            {"broken": True, "code": "upstream_broke_off"},
            "upstream_broke_off",
            id="its own",
        ),
        pytest.param({"code": "ledger_unavailable"}, {}, "", id="ours, after its end"),
    ],
)
def test_what_ended_a_call_is_told_of_it(
    ended: dict[str, Any], asked: dict[str, Any], error: str
) -> None:
    assert error_of(record(**ended), call(**asked)) == error


def test_a_question_beside_the_exchange_is_no_chat_and_costs_nothing() -> None:
    usage = {"prompt_tokens": 3.0, "completion_tokens": 4.0}
    _, lookup, chat = spans(record(usage=usage), call(method="GET"), call())
    assert "gen_ai.operation.name" not in (lookup.attributes or {})
    assert "gen_ai.usage.input_tokens" not in (lookup.attributes or {})
    assert chat.attributes is not None
    assert chat.attributes["gen_ai.usage.input_tokens"] == 3
    assert chat.attributes["gen_ai.usage.output_tokens"] == 4
    _, alone = spans(record(usage=usage), call(method="GET"))
    assert "gen_ai.operation.name" not in (alone.attributes or {})


def test_kinds_are_the_servers_and_the_clients() -> None:
    assert [one.kind for one in spans(record(), call())] == [SpanKind.SERVER, SpanKind.CLIENT]


def test_a_name_that_is_no_text_costs_no_batch() -> None:
    (server,) = spans(record(conversation="half \ud83d", request_id="ü" * 9999))
    assert encode_spans([server]).SerializeToString()
    assert server.attributes is not None
    assert server.attributes["gen_ai.conversation.id"] == "half ?"
    assert server.attributes["gateway.request_id"] == "ü" * LONGEST
