"""`gateway usage`: what people used, summed as asked."""

import time
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gateway.cli import asking
from gateway.cli.options import Config

if TYPE_CHECKING:
    from gateway.config.model import Settings
    from gateway.store.database import Database


def command(
    by: Annotated[
        Literal["user", "day", "month", "upstream", "conversation", "exchange"],
        typer.Option(help="A row for each; month says new and returning people too."),
    ] = "user",
    org: asking.Org = None,
    user: asking.User = None,
    since: asking.Since = None,
    until: asking.Until = None,
    form: asking.Form = "table",
    config: Config = None,
) -> None:
    """Show requests, conversations, tokens and credits, by person or as you ask."""
    from gateway.store.columns import columns_of, of_usage
    from gateway.store.reading import usage_report

    async def shown(settings: "Settings", database: "Database") -> None:
        which = asking.which(settings, org, user, since, until)
        await asking.leave_trace(database, "usage", which, by=by)
        report = await usage_report(database, by, which, now=int(time.time() * 1000))
        await asking.show(settings, database, report, columns_of(by), form, partial(of_usage, by))

    asking.run(config, shown)
