"""`gateway explain`: what would happen to a request; no vendor is asked, the store is only read.

Keys that verify a token may be fetched from its issuer, and a sign-in that asks somebody asks.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gateway.cli.looking import Typed, look, looking
from gateway.cli.options import Config, fail, load_or_exit

if TYPE_CHECKING:
    from gateway.config.model import Settings
    from gateway.explain.decisions import Explanation


def command(
    method: Annotated[str, typer.Argument(help="GET, POST, …")],
    path: Annotated[str, typer.Argument(help="Path and query, or a whole URL.")],
    header: Annotated[
        list[str] | None, typer.Option("--header", "-H", help="'Name: value'; as often as needed.")
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", "-d", help="The body; @FILE reads it.")
    ] = None,
    token: Annotated[str | None, typer.Option(help="Sent as Authorization: Bearer.")] = None,
    cookie: Annotated[
        list[str] | None,
        typer.Option(help="'NAME=VALUE', as a page of the same origin sends it; as often."),
    ] = None,
    config: Config = None,
    shape: Annotated[
        Literal["text", "json"], typer.Option("--format", help="For people, or machines.")
    ] = "text",
) -> None:
    """Show each decision about a request, and the exact request its vendor would get."""
    settings = load_or_exit(config).settings
    asked = typed(method, path, header or [], data, token, cookie or [])
    explanation = asyncio.run(explained(settings, asked))
    print_json(explanation) if shape == "json" else print_text(explanation)


def typed(
    method: str,
    path: str,
    headers: list[str],
    data: str | None,
    token: str | None,
    cookies: Sequence[str] = (),
) -> Typed:
    """The request that was typed, as curl would send it."""
    host = "localhost"
    if "://" in path:
        host, _, rest = path.partition("://")[2].partition("/")
        path = "/" + rest
    raw_path, _, query = path.partition("?")
    fields = [_field(header) for header in headers]
    names = {name.lower() for name, _ in fields}
    if "host" not in names:
        fields.insert(0, ("host", host))
    if token is not None:
        fields.append(("authorization", f"Bearer {token}"))
    if cookies:
        fields.append(("cookie", "; ".join(cookies)))
        if "origin" not in names and "sec-fetch-site" not in names:
            fields.append(("sec-fetch-site", "same-origin"))
    content = b""
    if data is not None:
        content = _content(data)
        if "content-type" not in names:
            fields.append(("content-type", "application/json"))
    return Typed(
        method=method.upper(),
        raw_path=raw_path,
        raw_query=query.encode(),
        fields=[(name.lower().encode(), value.encode()) for name, value in fields],
        content=content,
    )


def _field(written: str) -> tuple[str, str]:
    name, colon, value = written.partition(":")
    if not colon or not name.strip():
        raise typer.BadParameter("a field is written 'Name: value'", param_hint="--header")
    return name.strip(), value.strip()


def _content(data: str) -> bytes:
    if not data.startswith("@"):
        return data.encode()
    try:
        return Path(data[1:]).read_bytes()
    except OSError as error:
        raise fail(f"Cannot read {data[1:]}: {error.strerror}") from None


async def explained(settings: "Settings", asked: Typed) -> "Explanation":
    async with looking(settings) as house:
        return await look(house, asked)


def print_text(explanation: "Explanation") -> None:
    from gateway.admin.rows import printable

    for name, found in explanation.steps:
        typer.echo(f"{name:>13}  {printable(found)}")
    typer.echo("")
    if explanation.request is None:
        typer.echo("The vendor receives nothing. The client gets:\n")
        typer.echo(answered(explanation))
    else:
        typer.echo("The vendor receives:\n")
        typer.echo(sent(explanation))


def answered(explanation: "Explanation") -> str:
    answer = explanation.answer
    if answer is None:
        return ""
    lines = [str(answer.status)]
    lines += [f"{name.decode()}: {value.decode('latin-1')}" for name, value in answer.fields]
    return "\n".join([*lines, "", answer.content.decode()])


def sent(explanation: "Explanation") -> str:
    """Every byte that would leave, secrets masked."""
    from msgspec.structs import replace

    from gateway.config.rules.secrets import is_secret_field
    from gateway.core.formats.strictjson import dumps
    from gateway.net.upstream.http1 import render

    request, upstream = explanation.request, explanation.upstream
    if request is None or upstream is None:
        return ""
    written = {**upstream.destination.vendor.fields, **upstream.destination.fields}
    secret = {
        name.encode() for name, template in written.items() if is_secret_field(name, template)
    }
    fields = tuple((name, b"****" if name in secret else value) for name, value in request.fields)
    raw = render(replace(request, fields=fields), upstream.authority).decode()
    for text in upstream.secrets:  # in the body; each a whole text there
        raw = raw.replace(dumps(text).decode(), '"****"')
    return raw.replace("\r\n", "\n")


def print_json(explanation: "Explanation") -> None:
    json.dump(
        {
            "steps": [{"step": name, "found": found} for name, found in explanation.steps],
            "code": explanation.code or None,
            "vendor_receives": sent(explanation) or None,
            "client_gets": answered(explanation) or None,
        },
        sys.stdout,
        indent=2,
    )
    typer.echo("")
