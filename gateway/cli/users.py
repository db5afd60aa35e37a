"""`gateway users`: what is held of one person, and what is done about it."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gateway.admin.rows import Array, Lines
from gateway.cli import asking
from gateway.cli.options import FAILED, Config, choose_org, fail

if TYPE_CHECKING:
    from gateway.config.model import OrgSettings, Settings, UpstreamSettings
    from gateway.store.database import Database
    from gateway.store.people.holdings import Holdings
    from gateway.store.people.renaming import Becoming, Kind

Whom = Annotated[
    str, typer.Option("--subject", help="The person, as the sign-in names them, now or before.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do it; without it this is a dry run.")]
DRY = "Nothing was changed: say --yes when this is what you want."


def rename(
    subject: Whom,
    to: Annotated[str, typer.Option("--to", help="What the sign-in calls them from now on.")],
    org: asking.OneOrg = None,
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
    org: asking.OneOrg = None,
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
            asking.hint_at_stranger(found.one, chosen)
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


def erase(
    subject: Whom, org: asking.OneOrg = None, yes: Yes = False, config: Config = None
) -> None:
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
        lines = (*told_holdings(held), *told_contacts(held, chosen), *told_remains(held, chosen))
        for line in lines:
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
        await _remove_contacts(held, chosen)

    asking.run(config, done)


def export(
    subject: Whom,
    org: asking.OneOrg = None,
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
        asking.hint_at_stranger(held, chosen)
        who = asking.person(chosen.external_id, held.names.person.subject)
        await asking.leave_trace(database, "person", who, event="exported")
        rows = Lines() if form == "ndjson" else Array()
        await read_all(database, held, rows.add)
        rows.end()
        sys.stdout.flush()

    asking.run(config, done)


async def _held(database: "Database", org: "OrgSettings", subject: str) -> "Holdings":
    from gateway.core.people.identity import ERASED, Person
    from gateway.store.people.holdings import held_by

    if ERASED.fullmatch(subject):
        raise fail(f"{subject} is a tombstone: nobody knows any more whose.")
    return await held_by(database, Person(org.external_id, subject))


def _contacts(held: "Holdings", org: "OrgSettings") -> "Iterator[tuple[UpstreamSettings, str]]":
    """Where the gateway keeps a contact that it can remove, and of which user id."""
    from gateway.assemble.contacts import may_remove

    for one in held.user_ids:
        upstream = org.upstreams.get(one.upstream)
        if upstream is not None and may_remove(upstream):
            yield upstream, one.user_id


def told_contacts(held: "Holdings", org: "OrgSettings") -> Iterator[str]:
    """Which contacts go, in words."""
    for upstream, user in _contacts(held, org):
        yield f"At {upstream.name} the contact {user} is removed."


async def _remove_contacts(held: "Holdings", org: "OrgSettings") -> None:
    """Remove what can be; exit 1 when something may be there still."""
    from gateway.assemble.contacts import remove
    from gateway.core.errors import GatewayError

    remaining = 0
    for upstream, user in _contacts(held, org):
        try:
            await remove(org, upstream, user)
            typer.echo(f"At {upstream.name} the contact {user} is removed.")
        except GatewayError as error:
            remaining += 1
            typer.echo(
                f"At {upstream.name} the contact {user} may still be there: {error.detail}",
                err=True,
            )
    if remaining:
        raise typer.Exit(FAILED)


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
