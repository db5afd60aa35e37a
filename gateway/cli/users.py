"""`gateway users`: what is done about one person, or about all of an org."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli import asking
from gateway.cli.options import Config, choose_org, fail
from gateway.rows import writer

if TYPE_CHECKING:
    from gateway.config.model import OrgSettings, Settings
    from gateway.store.database import Database

Org = Annotated[str | None, typer.Option(help="Not needed where there is one org.")]
Subject = Annotated[
    str | None, typer.Option(help="The person, as the sign-in names them, now or before.")
]
Everybody = Annotated[bool, typer.Option("--everybody", help="All of the org.")]
BLOCKED = ("org", "user", "since")


def block(
    org: Org = None, subject: Subject = None, everybody: Everybody = False, config: Config = None
) -> None:
    """Let a person, or all of an org, in no longer; what runs for them ends. Within seconds."""
    from gateway.store.people.blocking import block as write_block

    async def work(chosen: "OrgSettings", who: str | None, database: "Database") -> None:
        names = await write_block(database, chosen.external_id, who, by=asking.operator())
        told = "Everybody" if who is None else ", ".join(name or "" for name in names)
        typer.echo(f"{told} of {chosen.name}: blocked, in every gateway within five seconds.")

    _about(org, subject, everybody, config, work)


def unblock(
    org: Org = None, subject: Subject = None, everybody: Everybody = False, config: Config = None
) -> None:
    """Let them in again. Exit 1 when they were not blocked."""
    from gateway.store.people.blocking import unblock as lift_block

    async def work(chosen: "OrgSettings", who: str | None, database: "Database") -> None:
        told = "Everybody" if who is None else who
        if not await lift_block(database, chosen.external_id, who, by=asking.operator()):
            raise fail(f"{told} of {chosen.name} was not blocked.")
        typer.echo(f"{told} of {chosen.name}: let in again.")

    _about(org, subject, everybody, config, work)


def blocked(form: asking.Form = "table", config: Config = None) -> None:
    """List who is blocked; a row without a user is all of an org."""
    from gateway.store.columns import moment
    from gateway.store.people.blocking import blocked as who_is_blocked

    async def shown(settings: "Settings", database: "Database") -> None:
        names = asking.org_names(settings)
        rows = writer(form, BLOCKED)
        for one in await who_is_blocked(database):
            org = names.get(one.org, one.org)
            rows.add({"org": org, "user": one.subject, "since": moment(one.since)})
        rows.end()

    asking.run(config, shown)


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
