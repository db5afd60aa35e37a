"""`gateway users`: what is done about one person, or about all of an org."""

import json
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from gateway.cli import asking
from gateway.cli.options import Config, choose_org, fail
from gateway.rows import Array, Lines, writer

if TYPE_CHECKING:
    from gateway.config.model import OrgSettings, Settings
    from gateway.store.database import Database
    from gateway.store.people.holdings import Holdings
    from gateway.store.people.renaming import Becoming, Kind

Org = Annotated[str | None, typer.Option(help="Not needed where there is one org.")]
Subject = Annotated[
    str | None, typer.Option(help="The person, as the sign-in names them, now or before.")
]
Whom = Annotated[
    str, typer.Option("--subject", help="The person, as the sign-in names them, now or before.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do it; without it this is a dry run.")]
Everybody = Annotated[bool, typer.Option("--everybody", help="All of the org.")]
BLOCKED = ("org", "user", "since")
DRY = "Nothing was changed: say --yes when this is what you want."


def block(
    org: Org = None,
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
    from gateway.store.people.blocking import block as write_block

    async def work(chosen: "OrgSettings", who: str | None, database: "Database") -> None:
        names = await write_block(database, chosen.external_id, who, by=asking.operator())
        told = "Everybody" if who is None else ", ".join(name or "" for name in names)
        typer.echo(f"{told} of {chosen.name}: blocked, in every gateway within five seconds.")

    _about(org, subject, everybody, config, work)


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
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise fail(f"Cannot read {file}: {error}") from None
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            org, user = row["org"], row["user"]
        except (ValueError, KeyError, TypeError):
            org, user = None, None
        if not isinstance(org, str) or not isinstance(user, str | None):
            raise fail(f"{file}: line {number} is no row of `users blocked --format ndjson`")
        yield org, user


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
    from gateway.envelope import moment
    from gateway.store.people.blocking import blocked as who_is_blocked

    async def shown(settings: "Settings", database: "Database") -> None:
        names = asking.org_names(settings)
        rows = writer(form, BLOCKED)
        for one in await who_is_blocked(database):
            org = names.get(one.org, one.org)
            rows.add({"org": org, "user": one.subject, "since": moment(one.since)})
        rows.end()

    asking.run(config, shown)


def rename(
    subject: Whom,
    to: Annotated[str, typer.Option("--to", help="What the sign-in calls them from now on.")],
    org: Org = None,
    yes: Yes = False,
    config: Config = None,
) -> None:
    """Carry a person's history to the subject that an identity provider gives them now.

    Every vendor goes on knowing them by the id it knows. A dry run, until you say --yes.
    """
    _become("renamed", org, subject, to, yes, config)


def merge(
    subject: Whom,
    into: Annotated[str, typer.Option("--into", help="Whom they become.")],
    org: Org = None,
    yes: Yes = False,
    config: Config = None,
) -> None:
    """Make two people one, for good. A dry run, until you say --yes."""
    _become("merged", org, subject, into, yes, config)


def _become(
    kind: "Kind", org: str | None, subject: str, to: str, yes: bool, config: Path | None
) -> None:
    from gateway.store.people.renaming import CannotBecome, become, looked_at

    async def done(settings: "Settings", database: "Database") -> None:
        chosen = choose_org(settings, org)
        try:
            found = await looked_at(database, chosen.external_id, subject, to)
            for line in told_becoming(found, kind, to):
                typer.echo(line)
            if not yes:
                typer.echo(DRY)
                return
            by = asking.operator()
            if await become(database, kind, chosen.external_id, subject, to, by=by):
                typer.echo(f"{subject} is {to} now, in every gateway within ten seconds.")
        except CannotBecome as error:
            raise fail(str(error)) from None

    asking.run(config, done)


def erase(subject: Whom, org: Org = None, yes: Yes = False, config: Config = None) -> None:
    """Erase a person: what was theirs stays closed for good, and names nobody any more.

    A dry run, until you say --yes.
    """
    from gateway.store.people.erasing import erase as write_erasure

    async def done(settings: "Settings", database: "Database") -> None:
        chosen = choose_org(settings, org)
        held = await _held(database, chosen, subject)
        if held.is_stranger:
            typer.echo(f"Nothing is held of {subject}.")
            return
        for line in (*told_holdings(held), *told_remains(held, chosen)):
            typer.echo(line)
        if not yes:
            typer.echo(DRY)
            return
        typer.echo("What runs for them ends; ten seconds, until every gateway has let go of them …")
        found = await write_erasure(
            database, chosen.external_id, held.names.person.subject, by=asking.operator()
        )
        typer.echo(
            f"Erased: {found.conversations} conversations are closed for good, {found.usage} "
            f"exchanges are {found.tomb}'s, {found.audit} events of audit name nobody."
        )

    asking.run(config, done)


def export(
    subject: Whom,
    org: Org = None,
    form: Annotated[
        Literal["ndjson", "json"], typer.Option("--format", help="A row a line, or one array.")
    ] = "ndjson",
    config: Config = None,
) -> None:
    """Write everything that is held of a person to standard output."""
    from gateway.store.people.exporting import export as read_all

    async def done(settings: "Settings", database: "Database") -> None:
        chosen = choose_org(settings, org)
        held = await _held(database, chosen, subject)
        who = asking.person(chosen.external_id, held.names.person.subject)
        await asking.leave_trace(database, "person", who, event="exported")
        rows = Lines() if form == "ndjson" else Array()
        await read_all(database, held, rows.add)
        rows.end()
        sys.stdout.flush()

    asking.run(config, done)


async def _held(database: "Database", org: "OrgSettings", subject: str) -> "Holdings":
    from gateway.core.identity import ERASED, Person
    from gateway.store.people.holdings import held_by

    if ERASED.fullmatch(subject):
        raise fail(f"{subject} is a tombstone: nobody knows any more whose.")
    return await held_by(database, Person(org.external_id, subject))


def told_remains(held: "Holdings", org: "OrgSettings") -> Iterator[str]:
    """What the gateway cannot erase, in words."""
    for one in held.user_ids:
        upstream = org.upstreams.get(one.upstream)
        vendor = (
            "a vendor that is configured no more" if upstream is None else upstream.profile.title
        )
        yield f"At {one.upstream} ({vendor}) remains what it has of {one.user_id}: erase it there."
    yield "What left the store remains, too: backups, logs, audit.file, exports."


def told_becoming(found: "Becoming", kind: "Kind", to: str) -> Iterator[str]:
    """What would become one person, in words."""
    yield from told_holdings(found.one)
    if found.one.names.person.subject == to:
        yield f"That is {to} already: there is nothing to do."
    elif found.other is not None and not found.other.is_stranger:
        yield from told_holdings(found.other)
        whose = "the first" if kind == "renamed" else "the second"
        yield f"These become one person, {to}, for good; vendors know them by the ids of {whose}."
    else:
        yield f"All of it becomes {to}'s; vendors go on knowing them by the same ids."


def told_holdings(held: "Holdings") -> Iterator[str]:
    """What is held of a person, in words."""
    also = f" (also {', '.join(held.names.others)})" if held.names.others else ""
    yield f"{held.names.person.subject}{also}{': blocked' if held.is_blocked else ''}"
    for one in held.user_ids:
        theirs = "" if one.subject == held.names.person.subject else f", as {one.subject}"
        yield f"  known at {one.upstream} as {one.user_id}{theirs}"
    for upstream, count in held.conversations.items():
        yield f"  {count} conversations at {upstream}"
    yield f"  {held.usage} exchanges and {held.audit} events of audit"


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
