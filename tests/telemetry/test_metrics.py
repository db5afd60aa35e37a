import re
from typing import Any

import pytest

from gateway.ports import Record
from gateway.telemetry.metrics import Metrics
from tests.store.test_usage import record

NAMES = {  # of CONVENTIONS, for dashboards
    "gateway_requests_total", "gateway_request_duration_seconds",
    "gateway_upstream_first_byte_seconds", "gateway_auth_failures_total",
    "gateway_identity_overridden_total", "gateway_ownership_denied_total",
    "gateway_ledger_queue_rows", "gateway_config_last_reload_successful", "gateway_build_info",
}  # fmt: skip


def lines(metrics: Metrics) -> list[str]:
    return metrics.text().decode().splitlines()


def counted(**facts: Any) -> list[str]:
    metrics = Metrics()
    metrics.record(record(**facts))
    return lines(metrics)


def test_the_names_are_those_that_dashboards_know() -> None:
    metrics = Metrics()
    metrics.watch_rows("usage", lambda: 7, lambda: 8, lambda: 9)
    there = {line.split()[2] for line in lines(metrics) if line.startswith("# TYPE")}
    assert {name.removesuffix("_total") for name in NAMES} <= {
        name.removesuffix("_total") for name in there
    }


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        (
            {},
            'gateway_requests_total{code="200",operation="chat",org="acme",upstream="support"} 1.0',
        ),
        (
            {"status": 404, "code": "conversation_not_found"},
            'gateway_requests_total{code="conversation_not_found",operation="chat",org="acme",'
            'upstream="support"} 1.0',
        ),
        ({"interrupted": "client"}, 'gateway_interrupted_total{by="client"} 1.0'),
        (
            {"status": 401, "code": "credentials_expired"},
            'gateway_auth_failures_total{reason="credentials_expired"} 1.0',
        ),
        (
            {"status": 403, "code": "origin_refused"},
            'gateway_auth_failures_total{reason="origin_refused"} 1.0',
        ),
        (
            {"duration_ms": 40.0},
            'gateway_request_duration_seconds_bucket{le="0.1",operation="chat",'
            'upstream="support"} 1.0',
        ),
        (
            {"upstream_status": 200, "first_byte_ms": 40.0},
            'gateway_upstream_first_byte_seconds_count{operation="chat",upstream="support"} 1.0',
        ),
    ],
)
def test_an_exchange_is_counted(facts: dict[str, Any], line: str) -> None:
    assert line in counted(**facts)


def test_each_org_is_counted_by_itself_and_each_look_adds_what_is_new() -> None:
    metrics = Metrics()
    for number in range(5):
        metrics.record(record(org=f"org-{number}"))
    for times in ("1.0", "2.0"):
        found = [line for line in lines(metrics) if line.startswith("gateway_requests_total")]
        assert [line.rpartition(" ")[2] for line in found] == [times] * 5
        for number in range(5):
            metrics.record(record(org=f"org-{number}"))


def test_what_never_reached_the_vendor_has_no_first_byte() -> None:
    assert not [
        line for line in counted() if line.startswith("gateway_upstream_first_byte_seconds_count")
    ]


def test_queues_are_looked_at_when_somebody_asks() -> None:
    metrics, waiting = Metrics(), [7]
    metrics.watch_rows("usage", lambda: waiting[0], lambda: 8, lambda: 9)
    metrics.watch("gateway_streams_in_progress", "Now.", lambda: 3)
    assert 'gateway_ledger_queue_rows{kind="usage"} 7.0' in lines(metrics)
    waiting[0] = 1
    found = lines(metrics)
    assert 'gateway_ledger_queue_rows{kind="usage"} 1.0' in found
    assert 'gateway_spool_bytes{kind="usage"} 8.0' in found
    assert 'gateway_rows_lost{kind="usage"} 9.0' in found
    assert "gateway_streams_in_progress 3.0" in found


def test_no_label_names_a_person_or_a_conversation() -> None:
    metrics = Metrics()
    canary = Record(request_id="CANARY", method="CANARY", started=0.0)
    for name in ("subject", "actor", "user", "conversation"):
        setattr(canary, name, "CANARY")
    canary.dropped, canary.spoofed, canary.usage = ["CANARY"], ["CANARY"], {"CANARY": 1.0}
    metrics.record(canary)
    for event in ("identity_overridden", "conversation_denied", "key_refused"):
        metrics.note(event, canary)
    text = metrics.text().decode()
    assert "CANARY" not in text
    labels = set(re.findall(r'([a-z_]+)="', text))
    assert labels <= {
        "org",
        "upstream",
        "operation",
        "code",
        "reason",
        "by",
        "kind",
        "version",
        "le",
    }


def test_attempts_to_tell_of_an_event_are_counted_by_what_became_of_them() -> None:
    metrics = Metrics()
    for outcome in ("failed", "failed", "died"):
        metrics.delivered("acme", "support", outcome)
    told = [line for line in lines(metrics) if line.startswith("gateway_event_deliveries_total")]
    place = 'org="acme",outcome="{}",upstream="support"'
    assert told == [
        f"gateway_event_deliveries_total{{{place.format('failed')}}} 2.0",
        f"gateway_event_deliveries_total{{{place.format('died')}}} 1.0",
    ]
