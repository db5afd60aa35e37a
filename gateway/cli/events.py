"""`gateway events`: what vendors told of and somebody has not heard; trying it again."""

from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gateway.cli import asking
from gateway.cli.options import Config, fail

if TYPE_CHECKING:
    from gateway.config.model import Settings
    from gateway.store.database import Database
    from gateway.store.reports import Filter

Ids = Annotated[list[str] | None, typer.Argument(help="Of events, as `gateway events list` says.")]
Everything = Annotated[bool, typer.Option("--all", help="All that the other options mean.")]


def list_(
    state: Annotated[Literal["waiting", "dead"] | None, typer.Option(help="Default: both.")] = None,
    org: asking.Org = None,
    user: asking.User = None,
    since: asking.Since = None,
    until: asking.Until = None,
    form: asking.Form = "table",
    config: Config = None,
) -> None:
    """List what is to be delivered, and what was given up; never what an event says."""
    from gateway.store.columns import DELIVERY, of_delivery
    from gateway.store.undelivered import undelivered

    async def shown(settings: "Settings", database: "Database") -> None:
        which = asking.which(settings, org, user, since, until)
        await asking.leave_trace(database, "events", which)
        report = undelivered(which, state)
        await asking.show(settings, database, report, DELIVERY, form, of_delivery)

    asking.run(config, shown)


def replay(
    ids: Ids = None,
    everything: Everything = False,
    org: asking.Org = None,
    user: asking.User = None,
    since: asking.Since = None,
    until: asking.Until = None,
    config: Config = None,
) -> None:
    """Deliver again what was given up: these events, or with --all everything that is meant.

    A running gateway does it within a second; each receiver sees the id that it saw before.
    """
    from gateway.store.undelivered import replay as again

    def meant(settings: "Settings") -> "Filter":
        return asking.which(settings, org, user, since, until)

    _with_dead("waits to be delivered again", again, ids, everything, meant, config)


def drop(
    ids: Ids = None,
    everything: Everything = False,
    org: asking.Org = None,
    user: asking.User = None,
    since: asking.Since = None,
    until: asking.Until = None,
    config: Config = None,
) -> None:
    """Forget what was given up, and what it said: nobody will hear of it."""
    from gateway.store.undelivered import drop as forget

    def meant(settings: "Settings") -> "Filter":
        return asking.which(settings, org, user, since, until)

    _with_dead("is forgotten", forget, ids, everything, meant, config)


def _with_dead(
    outcome: str,
    work: "Callable[[Database, Filter, Collection[str]], Awaitable[int]]",
    ids: Collection[str] | None,
    everything: bool,
    meant: "Callable[[Settings], Filter]",
    config: Path | None,
) -> None:
    if bool(ids) == everything:
        raise fail("Say which events: their ids, or --all.")

    async def done(settings: "Settings", database: "Database") -> None:
        which = meant(settings)
        await asking.leave_trace(database, f"events: what was given up {outcome}", which)
        count = await work(database, which, ids or ())
        if ids and not count:
            raise fail("No such event was given up: see `gateway events list --state dead`.")
        typer.echo(
            f"{count} {'delivery' if count == 1 else 'deliveries'}: what was given up {outcome}."
        )

    asking.run(config, done)
