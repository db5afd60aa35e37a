"""`gateway vendors`: the profiles, and what of each vendor's API end users may reach.

One by its name is printed as the TOML it could be written in: to read, and to begin a profile of
one's own with.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from gateway.cli.options import HERE, Config, fail, load_or_exit

if TYPE_CHECKING:
    from gateway.config.load import Loaded
    from gateway.core.profile.vendor import Vendor


def command(
    name: Annotated[str | None, typer.Argument(help="One profile, as TOML.")] = None,
    under: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Print it under another name.")
    ] = None,
    shape: Annotated[
        Literal["text", "json"], typer.Option("--format", help="For people, or machines.")
    ] = "text",
    config: Config = None,
) -> None:
    """Show the profiles, or one of them as TOML; with a configuration, those of its own as well."""
    from gateway.config.mistake import did_you_mean
    from gateway.vendors import VENDORS

    loaded = None if name in VENDORS else _loaded(config)
    known = VENDORS if loaded is None else loaded.settings.profiles
    if name is not None and name not in known:
        raise fail(f"There is no profile {name}: {', '.join(known)}{did_you_mean(name, known)}")
    chosen = list(known.values()) if name is None else [known[name]]
    if shape == "json":
        typer.echo(json.dumps([_described(one, _table(one, loaded)) for one in chosen], indent=2))
    elif name is None:
        typer.echo(_list(chosen))
    else:
        typer.echo(_text(chosen[0], under or name, _table(chosen[0], loaded)), nl=False)


def _loaded(config: Path | None) -> "Loaded | None":
    """The configuration, where there is one."""
    return load_or_exit(config) if config is not None or HERE.exists() else None


def _table(vendor: "Vendor", loaded: "Loaded | None") -> Mapping[str, Any]:
    """A profile as TOML has it; of one of the file's own, secrets as stars."""
    if loaded is not None and vendor.name in loaded.settings.vendors:
        from gateway.config.expand import profile

        return profile(loaded, vendor.name)
    from gateway.config.profile_text import profile_table

    return profile_table(vendor)


def _list(vendors: "list[Vendor]") -> str:
    rows = [("PROFILE", "OPERATIONS", "BASE URL", "TITLE")]
    rows += [
        (vendor.name, str(len(vendor.operations)), vendor.base_url or "yours", vendor.title)
        for vendor in vendors
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _text(vendor: "Vendor", name: str, table: Mapping[str, Any]) -> str:
    from gateway.config.spelling import sections
    from gateway.vendors import VENDORS

    lines = [f"# {vendor.title}"]
    if name in VENDORS:
        lines.append(
            f"# A profile of your own has another name: gateway vendors {vendor.name} --as NAME"
        )
    return "\n".join([*lines, *sections(("vendors", name), table)])


def _described(vendor: "Vendor", table: Mapping[str, Any]) -> dict[str, Any]:
    from gateway.config.place import written

    return {
        "name": vendor.name,
        "title": vendor.title,
        "base_url": vendor.base_url,
        "fields": table.get("fields", {}),
        "user_id": vendor.user_id,
        "documents": list(vendor.documents),
        "operations": {
            name: {
                "method": list(operation.methods),
                "path": operation.path,
                "user": [written(place) for place in operation.user],
                "conversation": [written(place) for place in operation.conversation],
                "opens": [written(place) for place in operation.opens],
                "members": sorted(operation.members),
                "query": sorted(operation.query),
            }
            for name, operation in vendor.operations.items()
        },
    }
