"""What a row takes on the disk, and what is remembered of it: `python -m benchmarks.sizes`.

The store of `gateway serve` in SQLite, told of people by a subject of 30 characters who open
conversations by UUIDs.
"""

import asyncio
import gc
import secrets
import sqlite3
import tempfile
import tracemalloc
import uuid
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

from benchmarks.figure import Figure
from benchmarks.tables import show_figures
from gateway.core.people.identity import Person
from gateway.ports import Record
from gateway.store.audit import AuditTrail
from gateway.store.auditor import Auditor
from gateway.store.store import Store
from gateway.store.usage import UsageLog

COUNT = 5000
TOGETHER = 20
ORG = "org_0123456789"

Writes: TypeAlias = Callable[[Store, Path, list[Person]], Awaitable[object]]


async def conversations(store: Store, spool: Path, who: list[Person]) -> object:
    for start in range(0, len(who), TOGETHER):
        some = who[start : start + TOGETHER]
        claims = (store.ledger.claim("support", str(uuid.uuid4()), person) for person in some)
        await asyncio.gather(*claims)
    return store.ledger


async def users(store: Store, spool: Path, who: list[Person]) -> object:
    for start in range(0, len(who), TOGETHER):
        some = who[start : start + TOGETHER]
        names = (store.ledger.user_id("support", person, person.subject) for person in some)
        await asyncio.gather(*names)
    return store.ledger


async def usage(store: Store, spool: Path, who: list[Person]) -> object:
    log = UsageLog(store.database, spool)
    for person in who:
        log.record(exchange(person))
    await log.batches.aclose()
    return log


async def audit(store: Store, spool: Path, who: list[Person]) -> object:
    trail = AuditTrail(store.database, spool)
    auditor = Auditor(trail)
    for person in who:
        auditor.record(exchange(person))
    auditor.close()
    await trail.batches.aclose()
    return auditor


ROWS: dict[str, Writes] = {
    "a conversation": conversations,
    "a person at an upstream": users,
    "an exchange": usage,
    "a line of the audit trail": audit,
}


def exchange(person: Person) -> Record:
    return Record(
        request_id=str(uuid.uuid4()),
        method="POST",
        started=0.0,
        org="acme",
        org_id=ORG,
        upstream="support",
        operation="chat",
        subject=person.subject,
        user=person.subject,
        conversation=str(uuid.uuid4()),
        status=200,
        upstream_status=200,
        usage={"credits": 1, "prompt_tokens": 700, "completion_tokens": 300},
        bytes_in=285,
        bytes_out=2000,
        duration_ms=9000.0,
        first_byte_ms=300.0,
    )


def on_disk(file: Path, table: str) -> tuple[int, int]:
    """Bytes of the whole, and rows of the table."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (rows,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - our own
    return file.stat().st_size, rows


async def measure(folder: Path, count: int) -> list[Figure]:
    found, file = [], folder / "gateway.db"
    await (await Store.open(f"sqlite:///{file}")).aclose()
    for what, write in ROWS.items():
        who = [Person(ORG, f"auth0|{secrets.token_hex(12)}") for _ in range(count)]
        size, rows = on_disk(file, write.__name__)
        store = await Store.open(f"sqlite:///{file}")
        gc.collect()
        tracemalloc.start()
        remembers = await write(store, folder / what.replace(" ", "-"), who)
        gc.collect()
        remembered, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        del remembers
        await store.aclose()
        grown, more = on_disk(file, write.__name__)
        found += [
            Figure(what, (grown - size) / (more - rows), "bytes", "on the disk"),
            Figure(what, remembered / count, "bytes", "remembered"),
        ]
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="gateway-benchmarks-") as name:
        show_figures("What a row takes", asyncio.run(measure(Path(name), COUNT)))
