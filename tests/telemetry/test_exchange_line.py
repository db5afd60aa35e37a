import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import structlog
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.ports import Record
from gateway.telemetry import log
from gateway.telemetry.exchange_line import line_of
from tests.telemetry.test_log import record

START = len('{"timestamp": "2026-11-22T13:35:06.123456Z", ')

TEXT = st.text()
AMOUNTS = st.dictionaries(TEXT, st.integers(-(2**63), 2**64 - 1) | st.floats(0.001, 1e12))
COUNTS = st.integers(0, 2**62)
RECORDS = st.builds(
    record,
    org=TEXT,
    upstream=TEXT,
    operation=TEXT,
    user=TEXT,
    conversation=TEXT,
    actor=TEXT,
    status=COUNTS,
    upstream_status=COUNTS,
    code=TEXT,
    reason=TEXT,
    interrupted=st.sampled_from(["", "client"]),
    dropped=st.lists(st.sampled_from(["body:a", "body:b", "query:c", "TOKEN"])),
    spoofed=st.lists(st.sampled_from(["body:userId", "field:x-user"])),
    usage=AMOUNTS,
    bytes_in=COUNTS,
    bytes_out=COUNTS,
    first_byte_ms=st.none() | st.floats(0, 1e9),
    duration_ms=st.floats(0, 1e9),
)


@pytest.fixture(scope="module")
def written() -> Iterator[io.StringIO]:
    """What structlog writes."""
    stream = io.StringIO()
    handlers, level = logging.root.handlers[:], logging.root.level
    log.configure(stream)
    yield stream
    structlog.reset_defaults()
    logging.basicConfig(handlers=handlers, level=level, force=True)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(made=RECORDS)
@example(made=record(org="acme", usage={"credits": 1.0, "tokens": 7}, status=200, duration_ms=3.21))
@example(made=record(conversation='\x1b[31m\r\n\0"\\/'))
@example(made=record(first_byte_ms=0.01, duration_ms=0.04))
def test_it_is_what_structlog_would_write(written: io.StringIO, made: Record) -> None:
    written.seek(0)
    written.truncate()
    log.ExchangeLog().record(made)
    line = line_of(made)
    if line is not None:
        assert line.decode("ascii")[START:] + "\n" == written.getvalue()[START:]


@pytest.mark.parametrize("name", ["acme", "a.b-c_d~e", 'quoted "name"', "a\\b", "tab\t"])
def test_plain_names_are_written_at_once(name: str) -> None:
    assert json.loads(line_of(record(org=name, user=name)) or "")["user"] == name


@pytest.mark.parametrize("name", ["Zoë", "\u2028", "\x7f", "\x85", "half \ud83d of a pair"])
def test_what_json_here_spells_otherwise_is_left_to_structlog(name: str) -> None:
    assert line_of(record(org=name)) is None
    assert line_of(record(usage={name: 1.0})) is None


def test_an_amount_that_is_no_number_of_json_makes_no_broken_line() -> None:
    line = json.loads(line_of(record(usage={"credits": float("inf"), "tokens": 10**30})) or "")
    assert line["usage"] == {"credits": None, "tokens": 10**30}


def test_it_says_when() -> None:
    before = datetime.now(UTC)
    line = json.loads(line_of(record()) or "")
    assert line["timestamp"].endswith("Z")
    assert before <= datetime.fromisoformat(line["timestamp"]) <= datetime.now(UTC)
