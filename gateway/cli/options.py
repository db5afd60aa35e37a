"""What the commands share: which configuration they read, and how they end when they cannot."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gateway.config.load import Loaded
    from gateway.config.mistake import ConfigError
    from gateway.config.model import OrgSettings, Settings
    from gateway.config.surroundings import Surroundings

FAILED = 1
CONFIGURATION = 78  # EX_CONFIG of sysexits.h
HERE = Path("gateway.toml")

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="GATEWAY_CONFIG",
        help="The configuration.",
        show_default="./gateway.toml",
        readable=False,  # whoever reads it says so, as of any other mistake in it
    ),
]


def load_or_exit(
    config: Path | None,
    *,
    overrides: Mapping[str, str | None] | None = None,
    around: "Surroundings | None" = None,
    thorough: bool = False,
) -> "Loaded":
    """The configuration a command is for; what is wrong with it is printed.

    `overrides` are options by the key they go before; None is an option that was not given.
    `around` is as for `gateway.config.load.load`; `thorough` as for `misconfigured`.

    Raises:
        typer.Exit: 78, there is none, or it has mistakes.
    """
    from gateway.config.load import load
    from gateway.config.mistake import ConfigError

    given = {key: value for key, value in (overrides or {}).items() if value is not None}
    try:
        return load(_found(config), overrides=given, around=around)
    except ConfigError as error:
        raise misconfigured(error, thorough=thorough) from None


def _found(config: Path | None) -> Path:
    if config is None and not HERE.exists():
        typer.echo(
            f"There is no {HERE} here. Say which configuration to use with --config FILE or "
            "$GATEWAY_CONFIG, or begin one: `gateway init`.",
            err=True,
        )
        raise typer.Exit(CONFIGURATION)
    return config or HERE


def misconfigured(error: "ConfigError", *, thorough: bool = False) -> typer.Exit:
    """Say every mistake, and end so; where it is `thorough`, also what would be none by itself."""
    for mistake in error.mistakes:
        if thorough or mistake.severity == "error":
            typer.echo(str(mistake), err=True)
    return typer.Exit(CONFIGURATION)


def fail(message: str) -> typer.Exit:
    """Say why a command could not do what it was asked, and end so."""
    typer.echo(message, err=True)
    return typer.Exit(FAILED)


def file_text(file: Path) -> str:
    """What stands in a file somebody has named.

    Raises:
        typer.Exit: it cannot be read, or is not text.
    """
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise fail(f"Cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise fail(f"Cannot read {file}: it is not UTF-8 text") from None


def choose_org(settings: "Settings", name: str | None) -> "OrgSettings":
    """The org a command is for: the one named, or the only one.

    Where orgs need not be listed, any other name is the external_id of one.
    """
    from gateway.config.kinds import EVERY_ORG

    listed = {one: org for one, org in settings.orgs.items() if one != EVERY_ORG}
    every = settings.orgs.get(EVERY_ORG)
    if name is None and every is None and len(listed) == 1:
        return next(iter(listed.values()))
    if name in listed:
        return listed[name]
    if name is None or every is None or name in {org.external_id for org in settings.orgs.values()}:
        others = ["EXTERNAL_ID"] if every is not None else []
        reason = "" if name is None else f"There is no org of the name {name}. "
        raise fail(f"{reason}Say which org: --org {'|'.join([*listed, *others])}")
    return every.model_copy(update={"name": name, "external_id": name})
