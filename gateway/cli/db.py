"""`gateway db`: the store's form, moving it to PostgreSQL, and a copy of it."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli import progress
from gateway.cli.options import FAILED, Config, fail, load_or_exit

if TYPE_CHECKING:
    from gateway.store.state import State


def status(config: Config = None) -> None:
    """Say where the store is and in which form. Exit 1 when it is not the newest."""
    found = _state(_url(config))
    typer.echo(f"store  {found.where}")
    typer.echo(f"form   {_form(found)}")
    typer.echo(f"size   {found.size / 2**20:.1f} MiB")
    if not found.is_newest:
        raise typer.Exit(FAILED)


def migrate(config: Config = None) -> None:
    """Bring the store to its newest form; make it where there is none.

    `gateway serve` does the same at its start. All replicas may at once.
    """
    from gateway.store.errors import StoreError
    from gateway.store.opening import opened
    from gateway.store.schema import HEAD

    async def migrated() -> None:
        await (await opened(url)).aclose()

    url = _url(config)
    before = _state(url)
    try:
        asyncio.run(migrated())
    except StoreError as error:
        raise fail(str(error)) from None
    if before.is_newest:
        typer.echo(f"{HEAD} is the newest form: there was nothing to do.")
    else:
        typer.echo(f"{before.form or 'nothing'} → {HEAD}")


def import_(
    file: Annotated[Path, typer.Argument(help="The SQLite store. Stop its gateways first.")],
    config: Config = None,
) -> None:
    """Move a SQLite store into the empty PostgreSQL store of the configuration.

    All of it, counted, or nothing. The file stays as it is.
    """
    from gateway.store.address import address, is_postgres
    from gateway.store.errors import StoreError
    from gateway.store.moving import move

    url = _url(config)
    if not is_postgres(url):
        raise fail("store.url names a SQLite file: name the PostgreSQL store to import into")
    try:
        target = address(url)
        with progress.counted("Rows") as report:
            counts = asyncio.run(move(file.absolute(), target, report))
    except StoreError as error:
        raise fail(str(error)) from None
    for name, count in counts.items():
        typer.echo(f"{name}  {count}")
    typer.echo(f"All of it is in {target.shown} now.")


def backup(
    file: Annotated[Path, typer.Argument(help="The copy to make; a file that is not there yet.")],
    config: Config = None,
) -> None:
    """Copy a SQLite store to a file while it is in use."""
    from gateway.store.address import is_postgres
    from gateway.store.backup import backup as copy
    from gateway.store.errors import StoreError
    from gateway.store.location import locate

    url = _url(config)
    if is_postgres(url):
        raise fail(
            "The store is in PostgreSQL, which has a tool of its own for that: "
            f"pg_dump --format=custom --file={file} (with the database of store.url)"
        )
    try:
        source = locate(url)
        if not source.exists():
            raise StoreError(f"There is no store at {source} yet: nothing to copy")
        with progress.counted("Pages") as report:
            copy(
                source,
                file.absolute(),
                lambda left, all_of_them: report(all_of_them - left, all_of_them),
            )
    except StoreError as error:
        raise fail(str(error)) from None
    typer.echo(f"{file} is a whole copy of {source}. Keep it as safe as the store: it holds the")
    typer.echo("identity secret, unless identity.secret is set; then keep that one beside it.")


def _url(config: Path | None) -> str:
    return load_or_exit(config).settings.store.url


def _state(url: str) -> "State":
    from gateway.store.errors import StoreError
    from gateway.store.state import state

    try:
        return asyncio.run(state(url))
    except StoreError as error:
        raise fail(str(error)) from None


def _form(found: "State") -> str:
    if found.form is None:
        return "none yet: `gateway db migrate` makes it, and so does `gateway serve`"
    if found.is_newest:
        return f"{found.form}, the newest"
    return f"{found.form}, not the newest: `gateway db migrate`"
