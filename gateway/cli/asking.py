"""What the commands that look into the store share: whom and when they are about, and a trace.

Whoever looks at what people did is in the audit trail, before a row is shown.
"""

import asyncio
import getpass
import os
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.admin.rows import Format, writer
from gateway.cli.options import choose_org, fail, load_or_exit

if TYPE_CHECKING:
    from gateway.config.model import OrgSettings, Settings
    from gateway.store.database import Database
    from gateway.store.people.holdings import Holdings
    from gateway.store.reports import Filter, Report

Org = Annotated[str | None, typer.Option(help="Default: all of them.")]
OneOrg = Annotated[str | None, typer.Option("--org", help="Not needed where there is one org.")]
User = Annotated[str | None, typer.Option(help="The subject, as the sign-in names the person.")]
Since = Annotated[
    str | None, typer.Option(help='A day, a time, or how long ago: 2026-11-22, "90m", "7d".')
]
Until = Annotated[str | None, typer.Option(help="As --since; not included.")]
Form = Annotated[Format, typer.Option("--format", help="For people, or machines.")]


def which(
    settings: "Settings", org: str | None, user: str | None, since: str | None, until: str | None
) -> "Filter":
    """What the options mean."""
    from gateway.store.reports import Filter

    now = datetime.now(UTC)
    return Filter(
        org=_org(settings, org, user),
        user=user,
        since=None if since is None else moment(since, now, "--since"),
        until=None if until is None else moment(until, now, "--until"),
    )


def _org(settings: "Settings", org: str | None, user: str | None) -> str | None:
    """The org's external_id. A person is of one: where there is only one, of that."""
    from gateway.config.kinds import EVERY_ORG

    only = len(settings.orgs) == 1 and EVERY_ORG not in settings.orgs
    if org is None and (user is None or not only):
        return None
    return choose_org(settings, org).external_id


def moment(written: str, now: datetime, option: str) -> int:
    """A time as it was typed, in milliseconds since the epoch."""
    from gateway.store.when import HINT, when

    try:
        return when(written, now)
    except ValueError:
        raise fail(f"{option} {written}: say {HINT}") from None


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
    except StoreError as error:
        raise fail(str(error)) from None
    except LedgerUnavailable as error:
        raise fail(f"The store cannot be used now: {error.reason or 'it is busy'}") from None
    except BrokenPipeError:  # whoever reads has read enough; nothing more is to be written
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


async def show(
    settings: "Settings",
    database: "Database",
    report: "Report",
    columns: Sequence[str],
    form: Format,
    facts_of: "Callable[[Mapping[str, Any]], Mapping[str, Any]]",
) -> None:
    """Write every row of a report, each org by its name here."""
    from gateway.store.reading import each

    names = org_names(settings)
    rows = writer(form, columns)

    def add(row: Mapping[str, Any]) -> None:
        facts = facts_of(row)
        rows.add({**facts, "org": names.get(facts["org"], facts["org"])})

    await each(database, report, add)
    rows.end()
    sys.stdout.flush()


def operator() -> str:
    """Who runs this command, as the audit trail names them."""
    return f"operator:{getpass.getuser()}"


def hint_at_stranger(held: "Holdings", org: "OrgSettings") -> None:
    """Say so when a person has never been here: a misspelt name is nobody's."""
    if not held.has_come:
        typer.echo(
            f"Nobody has come to {org.name} as {held.names.person.subject} yet. Names are compared "
            "byte by byte: `gateway usage` shows those who have come.",
            err=True,
        )


def person(org: str, subject: str) -> "Filter":
    """All there is of one person."""
    from gateway.store.reports import Filter

    return Filter(org=org, user=subject)


async def leave_trace(
    database: "Database", what: str, which: "Filter", *, event: str = "looked_up", **more: object
) -> None:
    """Say in the audit trail that this machine's operator looks.

    Raises:
        LedgerUnavailable: it cannot be said, so nothing may be looked at.
    """
    from gateway.store.trace import leave_trace as note

    await note(database, event, what, which, who=operator(), **more)


def org_names(settings: "Settings") -> Mapping[str, str]:
    """What the configuration calls an org, by its external_id."""
    return {org.external_id: name for name, org in settings.orgs.items()}
