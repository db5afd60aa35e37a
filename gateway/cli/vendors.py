"""`gateway vendors`: the profiles, and what of each vendor's API end users may reach."""

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from gateway.cli.options import fail

if TYPE_CHECKING:
    from gateway.core.vendor import Operation, Place, Vendor


def command(
    name: Annotated[str | None, typer.Argument(help="One profile, with its operations.")] = None,
    shape: Annotated[
        Literal["text", "json"], typer.Option("--format", help="For people, or machines.")
    ] = "text",
) -> None:
    """Show the profiles, or one of them with its operations."""
    from gateway.vendors import VENDORS

    if name is not None and name not in VENDORS:
        raise fail(f"There is no profile {name}: {', '.join(VENDORS)}")
    chosen = [VENDORS[name]] if name is not None else list(VENDORS.values())
    if shape == "json":
        typer.echo(json.dumps([_described(vendor) for vendor in chosen], indent=2))
    elif name is not None:
        typer.echo(_text(chosen[0]))
    else:
        typer.echo(_list(chosen))


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


def _text(vendor: "Vendor") -> str:
    lines = [f"{vendor.name}: {vendor.title}", ""]
    lines += _lines(
        {
            "base URL": vendor.base_url or "every customer's own: base_url is required",
            "user id": f"must match {vendor.user_id}",
            **{f"{name}:": template for name, template in vendor.fields.items()},
            "documents": ", ".join(vendor.documents),
        }
    )
    for name, operation in vendor.operations.items():
        lines += ["", f"{name}    {' '.join(operation.methods)} {operation.path}"]
        lines += _lines(_parts(operation))
    return "\n".join(lines)


def _lines(parts: dict[str, str]) -> list[str]:
    width = max((len(name) for name in parts), default=0)
    return [f"  {name.ljust(width)}  {value}" for name, value in parts.items() if value]


def _parts(operation: "Operation") -> dict[str, str]:
    return {
        "user id": ", ".join(map(_place, operation.user)),
        "conversation": ", ".join(map(_place, operation.conversation)) or operation.no_conversation,
        "opens": ", ".join(map(_place, operation.opens)),
        "members": ", ".join(sorted(operation.members)),
        "query": ", ".join(sorted(operation.query)),
    }


def _place(place: "Place") -> str:
    """As a profile in TOML writes it: `body:/userId`."""
    from gateway.core.vendor import Body, Header, Query

    if isinstance(place, Body):
        return f"body:{place.pointer}"
    if isinstance(place, Header):
        return f"field:{place.name}"
    return f"{'query' if isinstance(place, Query) else 'path'}:{place.name}"


def _described(vendor: "Vendor") -> dict[str, Any]:
    return {
        "name": vendor.name,
        "title": vendor.title,
        "base_url": vendor.base_url,
        "fields": dict(vendor.fields),
        "user_id": vendor.user_id,
        "documents": list(vendor.documents),
        "operations": {
            name: {
                "method": list(operation.methods),
                "path": operation.path,
                "user": [_place(place) for place in operation.user],
                "conversation": [_place(place) for place in operation.conversation],
                "opens": [_place(place) for place in operation.opens],
                "members": sorted(operation.members),
                "query": sorted(operation.query),
            }
            for name, operation in vendor.operations.items()
        },
    }
