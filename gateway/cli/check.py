"""`gateway check`: every mistake of a configuration at once, and what it means in full.

`--probe` asks the store, the issuers and the vendors as well; it sends nothing that is anybody's.
"""

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import FAILED, Config, load_or_exit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway.assemble.probing import Found
    from gateway.config.load import Loaded
    from gateway.config.model import Settings


def command(
    config: Config = None,
    expand: Annotated[
        bool, typer.Option("--expand", help="Print the long form of what was meant.")
    ] = False,
    probe: Annotated[
        bool, typer.Option("--probe", help="Ask the store, the issuers and the vendors too.")
    ] = False,
) -> None:
    """Say every mistake in a configuration and exit 78, or say "ok"."""
    loaded = load_or_exit(config)
    for warning in loaded.warnings:
        typer.echo(str(warning), err=True)
    if expand:
        from gateway.config.expand import expanded

        typer.echo(expanded(loaded), nl=False)
    if probe and not asyncio.run(_probed(loaded)):
        raise typer.Exit(FAILED)
    if not expand:
        typer.echo("ok")


async def _probed(loaded: "Loaded") -> bool:
    """Ask everybody; whether all is well."""
    from gateway.config.mistake import key_of

    well = True
    async for found in _answers(loaded.settings):
        key = key_of(loaded.meaning.as_written(found.path))
        mark = typer.style("ok  ", fg="green") if found.ok else typer.style("FAIL", fg="red")
        typer.echo(f"{mark}  {key}: {found.told} ({found.milliseconds:.0f} ms)")
        well &= found.ok
    return well


async def _answers(settings: "Settings") -> "AsyncIterator[Found]":
    """The answers, as they come."""
    from gateway.assemble.probing import AT_ONCE, probe, probes

    turns = asyncio.Semaphore(AT_ONCE)
    asked = [probe(one, turns) for one in probes(settings)]
    if sys.stderr.isatty():
        with typer.progressbar(length=len(asked), label="Asking", file=sys.stderr) as bar:
            answers = []
            for coming in asyncio.as_completed(asked):
                answers.append(await coming)
                bar.update(1)
        for answer in answers:
            yield answer
    else:
        for coming in asyncio.as_completed(asked):
            yield await coming
