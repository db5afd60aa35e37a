from pathlib import Path

import pytest

from gateway.telemetry.outside import tell_outside
from tests.support.reply import Reply
from tests.support.vendor import RecordingVendor, Request

pytestmark = pytest.mark.anyio


async def test_appends_to_a_file(tmp_path: Path) -> None:
    path = tmp_path / "heads"
    await tell_outside(str(path), b"1\n")
    await tell_outside(str(path), b"2\n")
    assert path.read_bytes() == b"1\n2\n"
    assert path.stat().st_mode & 0o777 == 0o600


async def test_posts_to_a_url() -> None:
    async def takes(request: Request, reply: Reply) -> None:
        await reply.json(200, {})

    async with RecordingVendor(takes) as there:
        await tell_outside(f"{there.url}/heads", b"1\n2\n")
    (request,) = there.requests
    assert (request.method, request.target, request.body) == ("POST", "/heads", b"1\n2\n")
    assert request.values("content-type") == ["application/x-ndjson"]


@pytest.mark.parametrize("status", [302, 401, 500])
async def test_an_answer_that_is_no_success_is_said(status: int) -> None:
    async def refuses(request: Request, reply: Reply) -> None:
        await reply.json(status, {}, [("location", "/elsewhere")])

    async with RecordingVendor(refuses) as there:
        with pytest.raises(OSError, match=str(status)):
            await tell_outside(f"{there.url}/heads", b"1\n")
    assert len(there.requests) == 1


async def test_nobody_there_is_said_without_the_query() -> None:
    with pytest.raises(OSError, match=r"127\.0\.0\.1:9/heads took") as caught:
        await tell_outside("http://127.0.0.1:9/heads?token=CANARY", b"1\n")
    assert "CANARY" not in str(caught.value)
