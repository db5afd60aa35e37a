"""What it costs to keep usage, and to read it.

    python -m benchmarks.usage write    # 60 s at 100,000 rows a minute, then as fast as it can
    python -m benchmarks.usage read     # reports of ten million rows, in a temporary folder

`write` gives records to the very sinks of `gateway serve` and watches the queue; `read` times the
reports of a day, a person and a month.
"""

import argparse
import asyncio
import random
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any, get_args

import msgspec

from gateway.ports import Record
from gateway.store.audit import AuditTrail
from gateway.store.auditor import Auditor
from gateway.store.reading import each, page, usage_report
from gateway.store.reports import By, Filter
from gateway.store.store import Store
from gateway.store.usage import UsageLog, UsageRow, row_of

DAY = 86_400
PEOPLE = 20_000
START = 1_790_000_000  # seconds since the epoch
CHANCE = random.Random(7)  # noqa: S311 - rows, no secrets


def record() -> Record:
    who = f"user-{CHANCE.randrange(PEOPLE)}"
    return Record(
        request_id="01a20239-c94b-7715-90de-3dfe27ca05b5",
        method="POST",
        started=0.0,
        org="acme",
        org_id="org_123",
        upstream=CHANCE.choice(["support", "docs"]),
        operation="chat",
        subject=who,
        user=who,
        conversation=f"{who}-{CHANCE.randrange(9)}",
        status=200,
        usage={"credits": 1, "prompt_tokens": 700, "completion_tokens": 300},
        bytes_in=285,
        bytes_out=2000,
        duration_ms=900.0,
        first_byte_ms=300.0,
    )


async def write(folder: Path, a_minute: int, seconds: float) -> None:
    store = await Store.open(f"sqlite:///{folder}/gateway.db")
    usage = UsageLog(store.database, folder / "spool")
    trail = AuditTrail(store.database, folder / "spool")
    auditor = Auditor(trail)
    records = [record() for _ in range(5000)]
    for sinks, name in (((usage,), "usage"), ((usage, auditor), "usage and audit")):
        most, told, began, cpu = 0, 0, time.monotonic(), time.process_time()
        while (passed := time.monotonic() - began) < seconds:
            for _ in range(int(passed * a_minute / 60) - told):
                for sink in sinks:
                    sink.record(records[told % len(records)])
                told += 1
            most = max(most, usage.batches.waiting)
            await asyncio.sleep(0.005)
        spent = time.process_time() - cpu
        left = usage.batches.waiting
        await usage.batches.flush()
        await trail.batches.flush()
        print(
            f"{name}: {told / seconds * 60:,.0f} rows a minute; waiting {most} at most, {left} at "
            f"the end; {spent / told * 1e6:.1f} µs of CPU a row; lost {usage.batches.lost}"
        )
    began, count = time.monotonic(), 40_000
    for number in range(count):
        usage.record(records[number % len(records)])
    await usage.batches.flush()
    print(f"as fast as it can: {count / (time.monotonic() - began) * 60:,.0f} rows a minute")
    auditor.close()
    await usage.batches.aclose()
    await trail.batches.aclose()
    await store.aclose()


def fill(path: Path, rows: int, days: int) -> None:
    """So many rows, spread over so many days, in the order of time."""
    step = days * DAY / rows
    records = [record() for _ in range(20_000)]
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-400000")
        names = columns()
        marks = ", ".join("?" * len(names))
        insert = f"INSERT INTO usage ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - our own names
        for begin in range(0, rows, 50_000):
            some = (
                msgspec.structs.astuple(
                    row_of(records[CHANCE.randrange(20_000)], START + number * step)
                )
                for number in range(begin, min(begin + 50_000, rows))
            )
            connection.executemany(insert, some)
            connection.commit()
        connection.execute(
            "INSERT INTO users SELECT DISTINCT org, 'support', subject, subject, ? FROM usage",
            (START,),
        )
        connection.commit()


def columns() -> list[str]:
    return [field.name for field in msgspec.structs.fields(UsageRow)]


async def read(folder: Path, rows: int, days: int) -> None:
    path = folder / "gateway.db"
    store = await Store.open(f"sqlite:///{path}")
    if not await store.database.rows(*_any()):
        began = time.monotonic()
        fill(path, rows, days)
        print(f"{rows:,} rows over {days} days made in {time.monotonic() - began:.0f} s")
    print(f"the file has {path.stat().st_size / 2**30:.2f} GiB")
    last = (START + (days - 1) * DAY) * 1000
    now = (START + days * DAY) * 1000
    a_day, person = Filter(since=last), Filter(org="org_123", user="user-7")
    for by in get_args(By):
        await timed(store, by, a_day, now, "a day")
    await timed(
        store, "user", Filter(since=last, org="org_123", user="user-7"), now, "a day, a person"
    )
    await timed(store, "day", person, now, "a person, ever")
    await timed(store, "exchange", person, now, "a person, ever")
    await timed(store, "month", Filter(since=(START + (days - 31) * DAY) * 1000), now, "31 days")
    report = await usage_report(store.database, "exchange", Filter(), now=now)
    began = time.monotonic()
    await page(store.database, report, None, 100)
    print(f"first page of all exchanges: {time.monotonic() - began:.3f} s")
    await store.aclose()


def _any() -> tuple[Any, dict[str, Any]]:
    from sqlalchemy import select

    from gateway.store.schema import usage

    return select(usage.c.id).limit(1), {}


async def timed(store: Store, by: By, which: Filter, now: int, of: str) -> None:
    count = 0

    def take(row: object) -> None:
        nonlocal count
        count += 1

    began = time.monotonic()
    await each(store.database, await usage_report(store.database, by, which, now=now), take)
    print(f"{of}, by {by}: {time.monotonic() - began:.2f} s, {count:,} rows")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["write", "read"])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--a-minute", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument(
        "--folder", type=Path, help="Kept, and used again; default: a temporary one."
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        if given.what == "write":
            asyncio.run(write(folder, given.a_minute, given.seconds))
        else:
            asyncio.run(read(folder, given.rows, given.days))


if __name__ == "__main__":
    main()
