"""`gateway check`: every mistake of a configuration at once, and what it means in full."""

from typing import Annotated

import typer

from gateway.cli.options import Config, load_or_exit


def command(
    config: Config = None,
    expand: Annotated[
        bool, typer.Option("--expand", help="Print the long form of what was meant.")
    ] = False,
) -> None:
    """Say every mistake in a configuration and exit 78, or say "ok"."""
    loaded = load_or_exit(config)
    for warning in loaded.warnings:
        typer.echo(str(warning), err=True)
    if expand:
        from gateway.config.expand import expanded

        typer.echo(expanded(loaded), nl=False)
    else:
        typer.echo("ok")
