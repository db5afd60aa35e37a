import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.admin import lists
from gateway.admin.lists import Lists, Whole
from gateway.core.errors import Overloaded
from tests.admin.stage import Operators, operators

pytestmark = pytest.mark.anyio


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[Operators]:
    async with operators(tmp_path) as there:
        yield there


async def test_a_page_says_whether_there_is_more(there: Operators) -> None:
    first = (await there.ask("/usage?by=exchange&limit=2")).json()
    assert (len(first["data"]), first["pagination"]["hasMore"]) == (2, True)
    cursor = first["pagination"]["cursor"]
    second = (await there.ask(f"/usage?by=exchange&limit=2&cursor={cursor}")).json()
    assert (len(second["data"]), second["pagination"]) == (1, {"cursor": None, "hasMore": False})
    ids = [row["id"] for row in first["data"] + second["data"]]
    assert ids == sorted(set(ids))


async def test_says_what_people_used(there: Operators) -> None:
    bob, alice = await there.rows("/usage?org=default")
    assert (alice["org"], alice["user"], alice["requests"]) == ("default", "alice", 2)
    assert bob["user"] == "=bob"
    (month,) = await there.rows("/usage?by=month")
    assert (month["month"], month["users"], month["requests"]) == ("2027-01", 2, 3)
    for since in ("9999-12-31", "9999-12-31T23:59:59-23:59"):
        assert await there.rows(f"/usage?by=month&since={since}") == []


async def test_all_of_it_comes_as_csv_and_is_no_formula(there: Operators) -> None:
    answer = await there.ask("/usage?format=csv")
    head, bob, alice = csv.reader(io.StringIO(answer.body.decode(), newline=""))
    assert head[:3] == ["org", "user", "upstream"]
    assert (bob[1], alice[1]) == ("'=bob", "alice")
    assert answer.values("content-type") == ["text/csv; charset=utf-8"]


async def test_a_long_list_comes_in_pieces(
    there: Operators, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "CHUNK", 1)
    assert len(await there.rows("/usage?by=exchange")) == 3


async def test_lists_conversations_and_events(there: Operators) -> None:
    found = await there.rows("/conversations?user=alice")
    assert [(row["org"], row["conversation"]) for row in found] == [("default", "c-0")]
    events = await there.rows("/audit?until=2025-01-01")
    assert [(row["event"], row["user"]) for row in events] == [
        ("spoke", "alice"),
        ("spoke", "=bob"),
    ]


async def test_whoever_looks_is_in_the_audit_trail(there: Operators) -> None:
    await there.ask("/usage?user=alice&by=day")
    await there.rows("/conversations")
    looked = [row for row in await there.rows("/audit?since=1h") if row["actor"]]
    details = [json.loads(row["detail"]) for row in looked]
    assert [(row["event"], one["what"]) for row, one in zip(looked, details, strict=True)] == [
        ("looked_up", "usage"),
        ("exported", "conversations"),
        ("exported", "audit"),
    ]
    assert [one.get("by") for one in details] == ["day", None, None]
    assert {row["actor"] for row in looked} == {"operator:127.0.0.1"}
    assert looked[0]["user"] == "alice"


@pytest.mark.one_process("the bound is lowered from within")
async def test_reports_leave_turns_for_people(
    there: Operators, monkeypatch: pytest.MonkeyPatch
) -> None:
    app_lists = lists.Lists
    assert lists.REPORTS < 4
    monkeypatch.setattr(lists, "REPORTS", 0)
    assert app_lists is lists.Lists
    answer = await there.ask("/usage?format=csv")
    assert (answer.status, answer.values("x-gateway-error")) == (503, ["overloaded"])


@pytest.mark.one_process("its store is a file")
async def test_a_store_that_is_away_is_said(there: Operators, tmp_path: Path) -> None:
    (tmp_path / "gateway.db").rename(tmp_path / "elsewhere.db")
    answer = await there.ask("/usage")
    assert (answer.status, answer.values("x-gateway-error")) == (503, ["ledger_unavailable"])


@pytest.mark.one_process("its turns are those of one process")
async def test_no_page_waits_for_ever_for_reports_that_somebody_reads_slowly(
    there: Operators, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PATIENCE": 0.01, "REPORTS": 1, "CHUNK": 1}.items():
        monkeypatch.setattr(lists, name, value)
    of_it = lists_of(there)
    begun, is_read = asyncio.Event(), asyncio.Event()

    async def slowly(content: bytes) -> None:
        begun.set()
        await is_read.wait()

    whole = await of_it.answer("usage", [("format", "csv")], "")
    assert isinstance(whole, Whole)
    writing = asyncio.ensure_future(whole.write(slowly))
    await begun.wait()
    async with asyncio.timeout(10):
        for asked in (of_it.page("usage", of_it.wanted("usage", ()), ""), of_it.days(since=0)):
            with pytest.raises(Overloaded):
                await asked
    is_read.set()
    await writing
    assert await of_it.days(since=0) != []


@pytest.mark.one_process("each remembers for itself")
async def test_days_are_added_up_once_a_minute_however_many_look(
    there: Operators, monkeypatch: pytest.MonkeyPatch
) -> None:
    sums = list[int]()

    async def add_up(_: Any, *, since: int) -> list[int]:
        sums.append(since)
        await asyncio.sleep(0)
        return sums

    monkeypatch.setattr(lists, "usage_by_day", add_up)
    of_it = lists_of(there)
    await asyncio.gather(*(of_it.days(since=1) for _ in range(20)))
    assert sums == [1]
    await of_it.days(since=2)
    assert sums == [1, 2]
    monkeypatch.setattr(lists, "REMEMBERED", 0.0)
    await of_it.days(since=2)
    assert sums == [1, 2, 2]


@pytest.mark.one_process("its turns are those of one process")
async def test_the_trail_is_verified_by_one_at_a_time(
    there: Operators, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = list[int]()
    running = 0

    async def follow(*_: Any, org: str | None) -> None:
        nonlocal running
        running += 1
        at_once.append(running)
        await asyncio.sleep(0)
        running -= 1

    monkeypatch.setattr(lists, "verify", follow)
    of_it = lists_of(there)
    await asyncio.gather(*(of_it.verified(org=None) for _ in range(5)))
    assert at_once == [1] * 5


def lists_of(there: Operators) -> Lists:
    assembled = there.stage.gateway.assembled
    assert assembled is not None
    return Lists(assembled.process.store.database, {"default": "default"})
