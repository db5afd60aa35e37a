"""What the commands that look into the store share: whom and when they are about, and a trace.

Whoever looks at what people did is in the audit trail, before a row is shown.
"""

import asyncio
import getpass
import json
import os
import re
import sys
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.options import choose_org, fail, load_or_exit
from gateway.cli.rows import Format, writer

if TYPE_CHECKING:
    from gateway.config.model import Settings
    from gateway.store.database import Database
    from gateway.store.reports import Asked, Report

Org = Annotated[str | None, typer.Option(help="Default: all of them.")]
User = Annotated[str | None, typer.Option(help="The subject, as the sign-in names the person.")]
Since = Annotated[
    str | None, typer.Option(help='A day, a time, or how long ago: 2026-11-22, "90m", "7d".')
]
Until = Annotated[str | None, typer.Option(help="As --since; not included.")]
Form = Annotated[Format, typer.Option("--format", help="For people, or machines.")]

_AGO = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def asked(
    settings: "Settings", org: str | None, user: str | None, since: str | None, until: str | None
) -> "Asked":
    """What the options mean."""
    from gateway.store.reports import Asked

    now = datetime.now(UTC)
    return Asked(
        org=None if org is None else choose_org(settings, org).external_id,
        user=user,
        since=None if since is None else moment(since, now, "--since"),
        until=None if until is None else moment(until, now, "--until"),
    )


def moment(written: str, now: datetime, option: str) -> int:
    """A time as it was typed, in milliseconds since the epoch."""
    if ago := _AGO.fullmatch(written):
        found = now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    else:
        try:
            found = datetime.fromisoformat(written)
        except ValueError:
            raise fail(
                f"{option} {written}: say a day (2026-11-22), a time (2026-11-22T10:00:00Z), "
                "or how long ago (90m, 24h, 7d)"
            ) from None
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return max(0, int(found.timestamp() * 1000))


def run(
    config: Path | None, work: "Callable[[Settings, Database], Coroutine[Any, Any, None]]"
) -> None:
    """Do `work` with the store of the configuration, which must be there."""
    from gateway.core.errors import LedgerUnavailable
    from gateway.store.errors import StoreError
    from gateway.store.opening import is_there, opened

    settings = load_or_exit(config).settings
    url = settings.store.url

    async def opened_and_closed() -> None:
        if not await is_there(url):
            raise StoreError("There is no store yet: the gateway makes it at its first start.")
        database = await opened(url)
        try:
            await work(settings, database)
        finally:
            await database.aclose()

    try:
        asyncio.run(opened_and_closed())
    except (StoreError, LedgerUnavailable) as error:
        raise fail(str(error)) from None
    except BrokenPipeError:  # whoever reads has read enough; nothing more is to be written
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


async def show(
    database: "Database",
    report: "Report",
    columns: Sequence[str],
    form: Format,
    told: "Callable[[Mapping[str, Any]], Mapping[str, Any]]",
) -> None:
    """Write every row of a report."""
    from gateway.store.reading import each

    rows = writer(form, columns)
    await each(database, report, lambda row: rows.add(told(row)))
    rows.end()
    sys.stdout.flush()


async def leave_trace(database: "Database", what: str, asked: "Asked", **more: object) -> None:
    """Say in the audit trail that this machine's operator looks.

    Raises:
        LedgerUnavailable: it cannot be said, so nothing may be looked at.
    """
    from gateway.store.audit import happened, write

    facts = {"what": what, "since": asked.since, "until": asked.until, **more}
    event = happened(
        "looked_up",
        now=time.time(),
        org=asked.org or "",
        subject=asked.user,
        actor=f"operator:{getpass.getuser()}",
        detail=json.dumps({name: fact for name, fact in facts.items() if fact is not None}),
    )
    await database.start(database.commit(lambda connection: write(connection, [event])))


def org_names(settings: "Settings") -> Mapping[str, str]:
    """What the configuration calls an org, by its external_id."""
    return {org.external_id: name for name, org in settings.orgs.items()}
