"""An audit trail with something in it, for tests that look at it or spoil it."""

from typing import Any

from gateway.store.audit import AuditEvent, happened, write
from gateway.store.database import Database

DAY = 20_000  # since the epoch
NOON = (DAY + 0.5) * 86_400  # seconds since the epoch


def event(number: int, *, org: str = "acme", day: int = DAY, **facts: Any) -> AuditEvent:
    """The event of so many seconds after noon of a day."""
    now = (day + 0.5) * 86_400 + number
    known = {"subject": "alice", "user_id": "u_alice", "conversation": f"c-{number}"}
    return happened("spoke", now=now, org=org, upstream="support", **known | facts)


async def put(database: Database, *events: AuditEvent) -> None:
    await database.start(database.commit(lambda connection: write(connection, events)))
