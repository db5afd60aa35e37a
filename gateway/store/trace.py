"""Whoever looks at what people did is in the audit trail, before a row is shown."""

import json

from gateway.store.audit import happened, write
from gateway.store.database import Database
from gateway.store.reports import Filter


async def leave_trace(
    database: Database, event: str, what: str, which: Filter, *, who: str, **more: object
) -> None:
    """Say in the audit trail that `who` looks at `what`, as far as it is asked for.

    Raises:
        LedgerUnavailable: it cannot be said, so nothing may be looked at.
    """
    facts = {"what": what, "since": which.since, "until": which.until, **more}
    happening = happened(
        event,
        org=which.org or "",
        subject=which.user,
        actor=who,
        detail=json.dumps({name: fact for name, fact in facts.items() if fact is not None}),
    )
    await database.start(database.commit(lambda connection: write(connection, [happening])))
