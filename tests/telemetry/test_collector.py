"""Sending spans costs nobody anything: whoever takes them may be away, slow, or stuck for good."""

import asyncio
import threading
import time
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags

from gateway.telemetry import collector as sending
from gateway.telemetry.collector import Collector
from tests.support import collector as taking
from tests.support.reply import Reply
from tests.support.vendor import RecordingVendor, Request

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "INTERVAL", 0.02)
    monkeypatch.setattr(sending, "TIMEOUT", 0.2)


def span(number: int = 1) -> ReadableSpan:
    flags = TraceFlags(TraceFlags.SAMPLED)
    context = SpanContext(1, number, is_remote=False, trace_flags=flags)
    return ReadableSpan(f"span {number}", context, kind=SpanKind.SERVER, start_time=1, end_time=2)


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - a thread counts, which wakes no loop
            await asyncio.sleep(0.01)


def senders() -> list[threading.Thread]:
    """The threads that send spans."""
    return [one for one in threading.enumerate() if one.name.startswith(("OtelBatch", "spans"))]


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.name == "gateway"]


async def test_one_line_says_that_it_is_away_and_one_that_it_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def refuses(request: Request, reply: Reply) -> None:
        await reply.json(400, {})

    async with taking.Collector() as there:
        takes, there.handler = there.handler, refuses
        ours = Collector(there.url, {})
        for number in range(1, 4):
            ours.add(span(number))
            await until(lambda number=number: ours.lost == number)
        assert not ours.takes
        there.handler = takes
        ours.add(span(4))
        await until(lambda: ours.takes)
        await ours.aclose()
    assert said(caplog) == [
        "the collector takes no traces: spans are dropped until it does",
        "the collector takes traces again; 3 spans are lost",
    ]
    assert ours.lost == 3


async def test_where_nobody_listens_spans_are_lost_and_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ours = Collector("http://127.0.0.1:9", {})
    before = time.monotonic()
    ours.add(span())
    assert time.monotonic() - before < 0.1
    await until(lambda: ours.lost == 1)
    await ours.aclose()
    assert len(said(caplog)) == 1


async def test_of_too_many_the_oldest_are_dropped_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sending, "MOST_WAITING", 5)
    monkeypatch.setattr(sending, "AT_ONCE", 5)
    monkeypatch.setattr(sending, "TIMEOUT", 30.0)
    go_on = asyncio.Event()

    async with taking.Collector() as there:
        takes = there.handler

        async def slow(request: Request, reply: Reply) -> None:
            await go_on.wait()
            await takes(request, reply)

        there.handler = slow
        ours = Collector(there.url, {})
        ours.add(span(1))
        await there.request_arrived(1)  # which is under way
        for number in range(2, 10):
            ours.add(span(number))
        assert ours.lost == 3
        go_on.set()
        names = [one.name for one in await there.spans(6)]
        await ours.aclose()
    assert sorted(names) == ["span 1", *(f"span {number}" for number in range(5, 10))]
    assert ours.lost == 3


async def test_one_that_never_answers_keeps_no_gateway_from_ending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sending, "TIMEOUT", 30.0)
    monkeypatch.setattr(sending, "LAST", 0.3)

    async def hangs(request: Request, reply: Reply) -> None:
        await reply.hang()

    async with RecordingVendor(hangs) as there:
        ours = Collector(there.url, {})
        ours.add(span())
        await there.request_arrived(1)
        before = time.monotonic()
        await ours.aclose()
        assert 0.2 < time.monotonic() - before < 5
    await until(lambda: not senders())  # and once the connection is gone, nothing is tried again


async def test_neither_proxies_nor_passwords_of_the_environment_are_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login canary password canary\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with taking.Collector() as there:
        ours = Collector(there.url, {"x-key": "k"})
        ours.add(span())
        await there.spans(1)
        await ours.aclose()
    (request,) = there.requests
    assert request.values("authorization") == []
    assert request.values("x-key") == ["k"]


async def test_no_redirect_is_followed(caplog: pytest.LogCaptureFixture) -> None:
    async def elsewhere(request: Request, reply: Reply) -> None:
        await reply.raw(b"HTTP/1.1 307 T\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n")

    async with RecordingVendor(elsewhere) as there:
        ours = Collector(there.url, {"x-key": "k"})
        ours.add(span())
        await there.request_arrived(1)
        await ours.aclose()
    assert [one.target for one in there.requests] == ["/v1/traces"]
