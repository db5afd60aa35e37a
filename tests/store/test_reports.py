"""Reports against sums made by hand in Python, of exchanges made up at random."""

import random
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, get_args

import pytest

from gateway.core.people.identity import Person
from gateway.store import columns
from gateway.store.database import Database
from gateway.store.reading import each, page, usage_report
from gateway.store.reports import By, Filter, months_between
from gateway.store.store import Store
from gateway.store.usage import UsageRow, row_of, write
from tests.store.test_usage import finished

pytestmark = pytest.mark.anyio

START = int(datetime(2026, 8, 20, tzinfo=UTC).timestamp())
DAYS = 80
NOW = (START + (DAYS + 5) * 86_400) * 1000
GROUPS = [by for by in get_args(By) if by != "exchange"]


def made_up() -> list[UsageRow]:
    chance, rows = random.Random(7), []  # noqa: S311
    for _ in range(400):
        code = chance.choice(["", "", "", "conversation_not_found", "upstream_unreachable"])
        conversation = chance.choice(["", "c-1", "c-2", "c-3"])
        who = chance.choice(["alice", "bob", "visitor", "zoë"])
        done = finished(START + chance.random() * DAYS * 86_400)
        done.record.subject = who
        done.record.org_id = chance.choice(["acme", "globex"])
        done.record.upstream = chance.choice(["support", "docs"])
        done.record.conversation = conversation and f"{who}-{conversation}"
        done.record.code = code
        done.record.status = {"": 200, "conversation_not_found": 404}.get(code, 502)
        done.record.interrupted = chance.choice(["", "", "client"])
        done.record.usage = {
            "credits": chance.randrange(4) / 4,
            "prompt_tokens": chance.randrange(9),
        }
        done.record.tool_calls = chance.randrange(2)
        rows.append(row_of(*done))
    return rows


ROWS = made_up()
FIRST = {  # seconds since the epoch
    **{(row.org, row.subject): row.time / 1000 for row in sorted(ROWS, key=lambda row: -row.time)},
    ("acme", "alice"): START - 86_400 * 100,  # long known
}


def person(row: UsageRow) -> str:
    return "alice" if row.subject == "visitor" and row.org == "acme" else row.subject


def key(by: str, row: UsageRow) -> tuple[str, ...]:
    day = datetime.fromtimestamp(row.time / 1000, UTC)
    own = {
        "user": (person(row),),
        "day": (f"{day:%Y-%m-%d}",),
        "month": (f"{day:%Y-%m}",),
        "upstream": (row.upstream,),
        "conversation": (row.upstream, row.conversation),
    }[by]
    return (row.org, *own)


def only(values: Iterable[str]) -> str | None:
    found = set(values)
    return found.pop() if len(found) == 1 else None


def summed(by: str, rows: Iterable[UsageRow]) -> list[dict[str, Any]]:
    """What a report must say."""
    wanted = [row for row in rows if by != "conversation" or row.conversation]
    found = []
    for group, some in groupby(
        sorted(wanted, key=lambda row: key(by, row)), lambda row: key(by, row)
    ):
        part = list(some)
        facts: dict[str, Any] = {
            "org": group[0],
            "user": only(map(person, part)),
            "upstream": only(row.upstream for row in part),
            "requests": len(part),
            "conversations": len(
                {(person(row), row.conversation) for row in part if row.conversation}
            ),
            "tool_calls": sum(row.tool_calls for row in part),
            "tokens_in": sum(row.tokens_in for row in part),
            "tokens_out": sum(row.tokens_out for row in part),
            "credits": sum(row.credits for row in part),
            "refused": sum(bool(row.code) and row.status < 500 for row in part),
            "interrupted": sum(bool(row.interrupted) for row in part),
            "first_seen": columns.moment(min(row.time for row in part)),
            "last_seen": columns.moment(max(row.time for row in part)),
        }
        people = {person(row) for row in part}
        if by != "user":
            facts["users"] = len(people)
        if by in {"day", "month"}:
            facts[by] = group[1]
        if by == "conversation":
            facts["conversation"] = group[2]
        if by == "month":
            month = datetime.strptime(group[1], "%Y-%m").replace(tzinfo=UTC).timestamp()
            facts["new_users"] = sum(FIRST[group[0], one] >= month for one in people)
            facts["returning_users"] = len(people) - facts["new_users"]
        found.append(facts)
    return found


@pytest.fixture
async def full(store: Store) -> Database:
    """A database with the rows, in which acme's visitor has become alice."""
    database = store.database
    await database.start(database.commit(lambda connection: write(connection, ROWS)))
    await store.ledger.become(Person("acme", "visitor"), Person("acme", "alice"))
    await database.start(database.commit(lambda connection: _know(connection)))
    return database


async def _know(connection: Any) -> None:
    from gateway.store.schema import users

    for (org, subject), first_seen in FIRST.items():
        values = {"org": org, "upstream": "support", "subject": subject, "user_id": subject}
        await connection.execute(users.insert(), values | {"first_seen": int(first_seen)})


async def told(database: Database, by: By, asked: Filter) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    report = await usage_report(database, by, asked, now=NOW)
    await each(database, report, lambda row: found.append(columns.of_usage(by, row)))
    return found


async def paged(database: Database, by: By, asked: Filter, limit: int) -> list[dict[str, Any]]:
    report = await usage_report(database, by, asked, now=NOW)
    found: list[dict[str, Any]] = []
    after = None
    while True:
        rows = await page(database, report, after, limit)
        found += [columns.of_usage(by, row) for row in rows[:limit]]
        if len(rows) <= limit:
            return found
        after = [rows[limit - 1][name] for name in report.keys]


@pytest.mark.parametrize("by", GROUPS)
async def test_a_report_is_the_sum_of_its_exchanges(full: Database, by: By) -> None:
    found = await told(full, by, Filter())
    assert found == summed(by, ROWS)
    assert all(list(row) == columns.columns_of(by) for row in found)


@pytest.mark.parametrize("by", GROUPS)
async def test_pages_put_together_are_the_whole(full: Database, by: By) -> None:
    assert await paged(full, by, Filter(), 3) == await told(full, by, Filter())


@pytest.mark.parametrize("by", GROUPS)
async def test_only_what_is_asked_for_is_summed(full: Database, by: By) -> None:
    since, until = (START + 10 * 86_400) * 1000, (START + 33 * 86_400) * 1000
    asked = Filter(org="acme", user="alice", since=since, until=until)
    wanted = [
        row
        for row in ROWS
        if row.org == "acme" and person(row) == "alice" and since <= row.time < until
    ]
    assert await told(full, by, asked) == summed(by, wanted)
    assert await told(full, by, Filter(org="nobody")) == []


async def test_every_exchange_can_be_seen_by_itself(full: Database) -> None:
    found = await told(full, "exchange", Filter())
    assert [row["id"].replace("-", "") for row in found] == sorted(row.id.hex() for row in ROWS)
    assert all(list(row) == columns.columns_of("exchange") for row in found)
    assert sum(row["requests"] for row in found) == 400
    assert sum(row["refused"] for row in found) == sum(
        row["refused"] for row in summed("user", ROWS)
    )
    assert await paged(full, "exchange", Filter(), 37) == found


@pytest.mark.parametrize("by", get_args(By))
async def test_a_store_without_usage_has_empty_reports(database: Database, by: By) -> None:
    assert await told(database, by, Filter()) == []
    assert await paged(database, by, Filter(), 10) == []


@pytest.mark.parametrize("name", ["' OR 1=1 --", "%", "_lice", "a\\'", ");DROP TABLE usage;--"])
async def test_a_name_is_a_value_and_no_sql(full: Database, name: str) -> None:
    assert await told(full, "user", Filter(org=name)) == []
    assert await told(full, "user", Filter(user=name)) == []
    assert len(await told(full, "exchange", Filter())) == 400


def test_months_are_those_of_utc() -> None:
    since = int(datetime(2026, 11, 22, tzinfo=UTC).timestamp() * 1000)
    until = int(datetime(2027, 2, 1, tzinfo=UTC).timestamp() * 1000)
    found = [columns.moment(month)[:10] for month in months_between(since, until)]
    assert found == ["2026-11-01", "2026-12-01", "2027-01-01"]
