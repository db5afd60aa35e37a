"""`gateway conversations`: who owns which; and owners of those that were opened elsewhere."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli import asking, progress
from gateway.cli.options import FAILED, Config, choose_org, fail, load_or_exit

if TYPE_CHECKING:
    from gateway.config.model import Settings
    from gateway.store.database import Database
    from gateway.store.importing import Outcome, Row

SHOWN = 20  # rows of one kind; the rest are counted


def list_(
    org: asking.Org = None,
    user: asking.User = None,
    since: asking.Since = None,
    until: asking.Until = None,
    form: asking.Form = "table",
    config: Config = None,
) -> None:
    """List conversations and whose they are. `import` below this takes over those of elsewhere."""
    from gateway.store.columns import CONVERSATION, of_conversation
    from gateway.store.listings import conversations_of

    async def shown(settings: "Settings", database: "Database") -> None:
        which = asking.which(settings, org, user, since, until)
        await asking.leave_trace(database, "conversations", which)
        await asking.show(
            settings, database, conversations_of(which), CONVERSATION, form, of_conversation
        )

    asking.run(config, shown)


def import_(
    file: Annotated[Path, typer.Argument(help="CSV with the columns conversation and subject.")],
    upstream: Annotated[str, typer.Option(help="The upstream the conversations are at.")],
    org: asking.OneOrg = None,
    write: Annotated[
        bool, typer.Option("--yes", "--write", help="Record them; without it this is a dry run.")
    ] = False,
    config: Config = None,
) -> None:
    """Take over who owns which conversation. A dry run, until you say --yes."""
    from gateway.core.errors import LedgerUnavailable
    from gateway.store.errors import StoreError
    from gateway.store.importing import NotAList, read

    settings = load_or_exit(config).settings
    chosen = choose_org(settings, org)
    if upstream not in chosen.upstreams:
        raise fail(f"Org {chosen.name} has no upstream {upstream}: {', '.join(chosen.upstreams)}")
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            rows = list(read(lines))
        outcome = asyncio.run(taken(settings, rows, chosen.external_id, upstream, write=write))
    except OSError as error:
        raise fail(f"Cannot read {file}: {error.strerror}") from None
    except (NotAList, UnicodeDecodeError) as error:
        raise fail(f"{file} is no list of conversations: {error}") from None
    except (StoreError, LedgerUnavailable) as error:
        raise fail(str(error)) from None
    for line in lines_of(outcome, write=write):
        typer.echo(line)
    if outcome.conflicts or outcome.faults:
        raise typer.Exit(FAILED)


async def taken(
    settings: "Settings", rows: "list[Row]", org: str, upstream: str, *, write: bool
) -> "Outcome":
    from gateway.store.importing import take_over
    from gateway.store.store import Store

    store = await Store.open(settings.store.url)
    try:
        shown = progress.each(rows, "Conversations")
        return await take_over(store.ledger, shown, org=org, upstream=upstream, write=write)
    finally:
        await store.aclose()


def lines_of(outcome: "Outcome", *, write: bool) -> Iterator[str]:
    done = "recorded" if write else "would be recorded"
    yield f"{outcome.new} {done}, {outcome.there} are theirs already."
    for title, rows in (("of another", outcome.conflicts), ("not usable", outcome.faults)):
        if rows:
            yield f"{len(rows)} {title}, left as they are:"
        for row in rows[:SHOWN]:
            yield f"  line {row.line}: {row.fault or row.conversation}"
    if not write:
        yield "Nothing was written: say --yes when this is what you want."
