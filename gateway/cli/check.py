"""`gateway check`: every mistake of a configuration at once, and what it means in full.

`--probe` asks the store, the issuers and the vendors as well; it sends nothing that is anybody's.
With `--apply` vendors are told of the attributes of contacts that they lack: nothing else changes.
"""

import asyncio
import os
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
    apply: Annotated[
        bool,
        typer.Option(
            "--apply", help="With --probe: define at vendors the attributes of contacts they lack."
        ),
    ] = False,
) -> None:
    """Say every mistake in a configuration and exit 78, or say "ok"."""
    if apply and not probe:
        raise typer.BadParameter("it goes with --probe", param_hint="--apply")
    loaded = load_or_exit(config, thorough=True)
    for warning in loaded.warnings:
        typer.echo(str(warning), err=True)
    if expand:
        from gateway.config.expand import expanded

        typer.echo(expanded(loaded), nl=False)
    if probe and not asyncio.run(_probed(loaded, apply=apply)):
        raise typer.Exit(FAILED)
    if not expand:
        typer.echo("ok")


async def _probed(loaded: "Loaded", *, apply: bool) -> bool:
    """Ask everybody; whether all is well."""
    from gateway.config.mistake import key_of

    well = True
    colored = False if os.environ.get("NO_COLOR") else None  # None: on a terminal
    async for found in _answers(loaded.settings, apply=apply):
        key = key_of(loaded.meaning.as_written(found.path))
        mark = typer.style("ok  ", fg="green") if found.ok else typer.style("FAIL", fg="red")
        typer.echo(f"{mark}  {key}: {found.says} ({found.milliseconds:.0f} ms)", color=colored)
        well &= found.ok
    return well


async def _answers(settings: "Settings", *, apply: bool) -> "AsyncIterator[Found]":
    """The answers, as they come."""
    from gateway.assemble.probing import AT_ONCE, probe, probes

    turns = asyncio.Semaphore(AT_ONCE)
    asked = [probe(one, turns) for one in probes(settings, apply=apply)]
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
