import html
import json
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.console.overview import DAYS
from tests.console.stage import Looking, looking

pytestmark = pytest.mark.anyio
HI = {"message": "hi", "stream": False}


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Looking]:
    async with looking(tmp_path) as browser:
        yield browser


def chart(body: bytes) -> Any:
    found = re.search('data-days="([^"]*)"', body.decode())
    assert found is not None
    return json.loads(html.unescape(found[1]))


async def test_says_how_the_gateway_is_and_what_it_depends_on(browser: Looking) -> None:
    for path in ("/console", "/console/health"):
        body = (await browser.get(path)).body
        assert b'<span class="pill good">ready</span>' in body
        assert b"<td>store</td>" in body


@pytest.mark.one_process("usage is in the store once its process has written it")
async def test_adds_up_the_days_of_the_last_month(browser: Looking) -> None:
    stage = browser.operators.stage
    await stage.ask("alice", "POST", "/chat", HI)
    await stage.ask("bob", "POST", "/chat", HI)
    await stage.ask("bob", "POST", "/chat", HI | {"conversationId": "c-0"})
    assembled = stage.gateway.assembled
    assert assembled is not None
    await assembled.process.kept.usage.batches.flush()
    days, requests, refused, failed = chart((await browser.get("/console/days")).body)
    assert len(days) == len(requests) == len(refused) == len(failed) == DAYS
    assert days[-1] == int(time.time()) // 86400 * 86400
    assert (requests[-1], refused[-1], failed[-1]) == (3, 1, 0)
    assert {*requests[:-1]} == {0}


async def test_a_look_at_sums_names_nobody_and_so_leaves_no_trace(browser: Looking) -> None:
    before = await browser.operators.rows("/audit")
    await browser.get("/console/days")
    after = await browser.operators.rows("/audit")
    assert [row["detail"] for row in after[len(before) :]] == [after[-1]["detail"]]  # this look
