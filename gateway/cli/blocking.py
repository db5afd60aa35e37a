"""`gateway users block`: who is let in no longer, a person or all of an org."""

import json
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.admin.rows import writer
from gateway.cli import asking
from gateway.cli.options import Config, choose_org, fail, file_text

if TYPE_CHECKING:
    from gateway.config.model import OrgSettings, Settings
    from gateway.store.database import Database

Subject = Annotated[
    str | None, typer.Option(help="The person, as the sign-in names them, now or before.")
]
Everybody = Annotated[bool, typer.Option("--everybody", help="All of the org.")]
BLOCKED = ("org", "user", "since")


def block(
    org: asking.OneOrg = None,
    subject: Subject = None,
    everybody: Everybody = False,
    file: Annotated[
        Path | None, typer.Option("--from", help="All who stand in a list of `users blocked`.")
    ] = None,
    config: Config = None,
) -> None:
    """Let a person, or all of an org, in no longer; what runs for them ends. Within seconds."""
    if file is not None:
        if org is not None or subject is not None or everybody:
            raise fail("--from says by itself whom.")
        _block_again(file, config)
        return
    from gateway.core.errors import LedgerUnavailable
    from gateway.core.people.identity import Person
    from gateway.store.people.blocking import block as write_block
    from gateway.store.people.holdings import held_by

    async def work(chosen: "OrgSettings", who: str | None, database: "Database") -> None:
        names = await write_block(database, chosen.external_id, who, by=asking.operator())
        name = "Everybody" if who is None else ", ".join(name or "" for name in names)
        typer.echo(f"{name} of {chosen.name}: blocked, in every gateway within five seconds.")
        if who is not None:
            with suppress(LedgerUnavailable):  # too many rows to count: then they have been here
                held = await held_by(database, Person(chosen.external_id, who))
                asking.hint_at_stranger(held, chosen)

    _about(org, subject, everybody, config, work)


def unblock(
    org: asking.OneOrg = None,
    subject: Subject = None,
    everybody: Everybody = False,
    config: Config = None,
) -> None:
    """Let them in again. Exit 1 when they were not blocked."""
    from gateway.store.people.blocking import unblock as lift_block

    async def work(chosen: "OrgSettings", who: str | None, database: "Database") -> None:
        name = "Everybody" if who is None else who
        if not await lift_block(database, chosen.external_id, who, by=asking.operator()):
            raise fail(f"{name} of {chosen.name} was not blocked.")
        typer.echo(f"{name} of {chosen.name}: let in again.")

    _about(org, subject, everybody, config, work)


def blocked(form: asking.Form = "table", config: Config = None) -> None:
    """List who is blocked; a row without a user is all of an org."""
    from gateway.events.envelope import moment
    from gateway.store.people.blocking import blocked as who_is_blocked

    async def shown(settings: "Settings", database: "Database") -> None:
        names = asking.org_names(settings)
        rows = writer(form, BLOCKED)
        for one in await who_is_blocked(database):
            org = names.get(one.org, one.org)
            rows.add({"org": org, "user": one.subject, "since": moment(one.since)})
        rows.end()

    asking.run(config, shown)


def _block_again(file: Path, config: Path | None) -> None:
    from gateway.store.people.blocking import block as write_block

    rows = list(_listed(file))

    async def done(settings: "Settings", database: "Database") -> None:
        orgs = [choose_org(settings, org).external_id for org, _ in rows]
        for org, (_, subject) in zip(orgs, rows, strict=True):
            await write_block(database, org, subject, by=asking.operator())
        typer.echo(f"{len(rows)} are blocked, in every gateway within five seconds.")

    asking.run(config, done)


def _listed(file: Path) -> Iterator[tuple[str, str | None]]:
    """Org and subject of each line of NDJSON; None: all of the org."""
    for number, line in enumerate(file_text(file).splitlines(), 1):
        try:
            row = json.loads(line)
            org, user = row["org"], row["user"]
        except (ValueError, KeyError, TypeError):
            org, user = None, None
        if not isinstance(org, str) or not isinstance(user, str | None):
            raise fail(f"{file}: line {number} is no row of `users blocked --format ndjson`")
        yield org, user


def _about(
    org: str | None,
    subject: str | None,
    everybody: bool,
    config: Path | None,
    work: "Callable[[OrgSettings, str | None, Database], Coroutine[Any, Any, None]]",
) -> None:
    if (subject is None) is not everybody:
        raise fail("Say whom: --subject SUBJECT, or --everybody.")

    async def done(settings: "Settings", database: "Database") -> None:
        await work(choose_org(settings, org), subject, database)

    asking.run(config, done)
