import csv
import io
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.console.lists import BY, COLUMNS
from gateway.store.columns import CONVERSATION, EVENT, columns_of
from gateway.store.reports import By
from tests.console.stage import Looking, looking

pytestmark = pytest.mark.anyio


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Looking]:
    async with looking(tmp_path) as browser:
        yield browser


def cells(body: bytes, column: str) -> list[str]:
    return re.findall(rf'<td class="{column}">([^<]*)</td>', body.decode())


@pytest.mark.parametrize("by", BY)
def test_columns_of_usage_are_those_of_the_report(by: By) -> None:
    assert set(COLUMNS[by]) <= set(columns_of(by))
    assert set(COLUMNS["conversations"]) <= set(CONVERSATION)
    assert set(COLUMNS["audit"]) <= set(EVENT)


@pytest.mark.parametrize("by", BY)
async def test_shows_usage_by_each(browser: Looking, by: str) -> None:
    body = (await browser.get(f"/console/usage?by={by}&since=2000-01-01")).body
    assert b"<tbody>" in body
    assert b"support" in body or by in {"day", "month"}


async def test_a_name_leads_to_the_person(browser: Looking) -> None:
    body = (await browser.get("/console/usage")).body
    assert b'<a href="/console/person?org=default&amp;user=%3Dbob">=bob</a>' in body


async def test_an_empty_field_of_the_form_asks_for_all(browser: Looking) -> None:
    answer = await browser.get("/console/usage?by=user&org=&user=&since=&until=")
    assert (answer.status, b"alice" in answer.body) == (200, True)


@pytest.mark.parametrize(
    "query", ["by=week", "since=yesterday", "org=nobodys", "x=1", "user=a&user=b", "cursor=x"]
)
async def test_what_there_is_not_is_refused_by_a_page(browser: Looking, query: str) -> None:
    answer = await browser.get(f"/console/usage?{query}")
    assert (answer.status, answer.values("x-gateway-error")) == (400, ["bad_request"])
    assert answer.values("content-type") == ["text/html; charset=utf-8"]


async def test_the_newest_of_the_audit_stands_first_and_each_row_once(browser: Looking) -> None:
    for _ in range(3):
        await browser.get("/console/usage?user=somebody")
    target, seen = "/console/audit?since=&limit=2", list[str]()
    while target:
        body = (await browser.get(target)).body
        seen += cells(body, "time")
        more = re.search('href="([^"]*)" rel="next"', body.decode())
        target = more[1].replace("&amp;", "&") if more else ""
        assert len(seen) < 100
    # Each look leaves a row, which is newer than those that were shown.
    assert seen[:-1] == sorted(seen[:-1], reverse=True)
    assert len(seen) >= 5


async def test_looking_is_in_the_audit_trail(browser: Looking) -> None:
    await browser.get("/console/conversations?user=alice")
    row = (await browser.operators.rows("/audit"))[-2]  # the last one is this look
    assert (row["event"], row["user"]) == ("looked_up", "alice")
    assert row["actor"].startswith("operator:")
    assert '"what": "conversations"' in row["detail"]


async def test_a_file_has_all_of_it(browser: Looking) -> None:
    answer = await browser.get("/console/conversations?format=csv&org=default")
    assert answer.values("content-type") == ["text/csv; charset=utf-8"]
    rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
    assert {row["conversation"] for row in rows} == {"c-0", "c-1"}


async def test_verifies_the_audit_trail(browser: Looking) -> None:
    assert b"are as they were written" in (await browser.get("/console/verified")).body
