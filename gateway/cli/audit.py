"""`gateway audit`: the audit trail, and whether it is as it was written."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli import asking
from gateway.cli.options import FAILED, Config, fail, file_text

if TYPE_CHECKING:
    from gateway.config.model import Settings
    from gateway.store.database import Database
    from gateway.store.verify import Head, Verdict


def command(
    verify: Annotated[
        bool, typer.Option("--verify", help="Follow every chain; exit 1 when one is broken.")
    ] = False,
    heads: Annotated[
        Path | None, typer.Option(help="With --verify: heads that audit.head or the log kept.")
    ] = None,
    org: asking.Org = None,
    user: asking.User = None,
    since: asking.Since = None,
    until: asking.Until = None,
    form: asking.Form = "table",
    config: Config = None,
) -> None:
    """Show who spoke as whom, who was refused and why, and who looked; or verify that."""
    if heads is not None and not verify:
        raise fail("--heads goes with --verify.")
    if verify:
        _verify(org, heads, config)
        return
    from gateway.store.columns import EVENT, of_event
    from gateway.store.listings import events_of

    async def shown(settings: "Settings", database: "Database") -> None:
        which = asking.which(settings, org, user, since, until)
        await asking.leave_trace(database, "audit", which)
        await asking.show(settings, database, events_of(which), EVENT, form, of_event)

    asking.run(config, shown)


def _verify(org: str | None, file: Path | None, config: Path | None) -> None:
    from gateway.store.verify import verify

    kept = [] if file is None else list(_heads(file))

    async def followed(settings: "Settings", database: "Database") -> None:
        which = asking.which(settings, org, None, None, None)
        verdict = await verify(database, kept, org=which.org)
        for line in lines_of(verdict, asking.org_names(settings)):
            typer.echo(line)
        if verdict.faults:
            raise typer.Exit(FAILED)

    asking.run(config, followed)


def _heads(file: Path) -> "Iterator[Head]":
    """The heads that stand in a file of NDJSON, a log perhaps; other lines are passed over."""
    from gateway.store.chain import day_of
    from gateway.store.verify import Head

    for line in file_text(file).splitlines():
        try:
            found = json.loads(line)
            day = datetime.fromisoformat(found["day"]).replace(tzinfo=UTC)
            number, value = int(found["number"]), bytes.fromhex(found["hash"])
            yield Head(str(found["org"]), day_of(int(day.timestamp() * 1000)), number, value)
        except (ValueError, KeyError, TypeError):
            continue


def lines_of(verdict: "Verdict", names: Mapping[str, str]) -> Iterator[str]:
    """What was found, in words."""
    for fault in verdict.faults:
        org = names.get(fault.org, fault.org) or "the gateway itself"
        yield f"{org}: row {fault.number} {fault.what}"
    more = f", {verdict.erased} of people who were erased" if verdict.erased else ""
    heads = f"; {verdict.compared} heads kept elsewhere compared" if verdict.compared else ""
    state = "is NOT as it was written" if verdict.faults else "is as it was written"
    yield f"The audit trail {state}: {verdict.rows} rows of {verdict.orgs} orgs{more}{heads}."
