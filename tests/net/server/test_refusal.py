"""What a refusal says."""

import pytest

from tests.net.recorder import ask, recording

pytestmark = pytest.mark.anyio


async def test_a_refusal_says_what_is_wrong_and_echoes_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with recording() as (_, url):
        raw = b"GET /secret-path#secret HTTP/1.1\r\nHost: secret\r\nX-A: secret\r\n\r\n"
        first, second = await ask(url, raw), await ask(url, raw)
    assert first.values("content-type") == ["application/problem+json"]
    assert first.values("connection") == ["close"]
    assert first.values("x-gateway-error") == ["bad_request"]
    assert first.values("proxy-status") == [
        'gateway; error=http_request_error; details="bad_request"'
    ]
    assert first.values("date")
    assert b"secret" not in first.raw
    assert first.json()["request_id"] == first.values("x-request-id")[0]
    assert first.values("x-request-id") != second.values("x-request-id")
    assert [record for record in caplog.records if record.levelname != "DEBUG"] == []
