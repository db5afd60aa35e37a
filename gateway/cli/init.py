"""`gateway init`: a first configuration, from a token of yours and the name of your vendor.

The token is only read: whose it is, whom it is for. It is neither verified, nor sent, nor kept.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import HERE, fail

if TYPE_CHECKING:
    from gateway.config.spelling import Value
    from gateway.core.profile.vendor import Vendor

DEVELOPMENT = "https://development.invalid/"


def command(
    token: Annotated[
        str | None,
        typer.Option(
            help="A token of somebody signed in to your app, from the browser's developer tools; "
            "- reads it from standard input. Without one: a shared secret, to develop with."
        ),
    ] = None,
    vendor: Annotated[str, typer.Option(help="One of `gateway vendors`.")] = "chatbase",
    output: Annotated[Path, typer.Option(help="Where to write; - prints.")] = HERE,
) -> None:
    """Write a first gateway.toml: recognise the issuer of a token, name the vendor."""
    written, notes = begin(token.strip() if token else None, vendor)
    if str(output) == "-":
        typer.echo(written, nl=False)
    else:
        _write(output, written)
    for note in notes:
        typer.echo(note, err=True)


def begin(token: str | None, vendor: str) -> tuple[str, list[str]]:
    """The text of a configuration, and what there is to do then."""
    from gateway.config.spelling import section
    from gateway.vendors import VENDORS

    if vendor not in VENDORS:
        raise fail(f"There is no vendor {vendor}: {', '.join(VENDORS)}.")
    sign_in, notes = _from_token(_read(token)) if token else _development()
    upstream, more = _upstream(VENDORS[vendor])
    texts = [section("[sign_in]", sign_in), section("[upstreams.support]", upstream)]
    return "\n".join(texts), [*notes, *more, "Then: gateway check, gateway serve."]


def _read(given: str) -> str:
    return typer.get_text_stream("stdin").read().strip() if given == "-" else given


def _from_token(token: str) -> tuple[dict[str, "Value"], list[str]]:
    from gateway.authn.token import parse
    from gateway.config.providers import recognise, sign_in
    from gateway.core.errors import CredentialsInvalid

    try:
        read = parse(token.removeprefix("Bearer "))
        lines = sign_in(read.claims, read.algorithm)
    except CredentialsInvalid as error:
        raise fail(
            f"This is no token to begin with: {error.detail}. An opaque token is verified by your "
            "issuer or your app instead: docs/sign-in.md."
        ) from None
    except ValueError as error:
        raise fail(f"This token will not do: {error}.") from None
    provider = recognise(read.claims)
    notes = [f"The token is of {provider.title}: {lines['issuer']}"]
    if provider.page:
        notes.append(f"More about its tokens: docs/identity-providers/{provider.page}.md")
    if "secret" in lines:
        notes.append("Set JWT_SECRET to the secret it signs with.")
    return lines, notes


def _development() -> tuple[dict[str, "Value"], list[str]]:
    from gateway.config.providers import SECRET

    lines: dict[str, Value] = {
        "issuer": DEVELOPMENT,
        "audience": "chat",
        "secret": SECRET,
    }
    return lines, [
        "No token was given: people sign in by a secret that you share with your app.",
        "Set JWT_SECRET, to what `openssl rand -hex 32` prints, say; "
        "`gateway token mint alice` then makes a token.",
    ]


def _upstream(vendor: "Vendor") -> tuple[dict[str, "Value"], list[str]]:
    key = f"{vendor.name.upper().replace('-', '_')}_KEY"
    lines: dict[str, Value] = {"vendor": vendor.name, "key": f"${{env:{key}}}"}
    notes = [f"Set {key} to your key at {vendor.title}."]
    if vendor.base_url is None:
        lines["base_url"] = "https://api.example.com"
        notes.append("Write where your vendor is reached in place of base_url.")
    if vendor.has_agents:
        lines["agent"] = "agent_1"
        notes.append("Write your agent's id in place of agent_1.")
    if vendor.told_roles:
        lines["default_roles"] = ["employee"]
        notes.append("Write the role of people whose sign-in says none in place of employee.")
    return lines, notes


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError:
        raise fail(
            f"{file} is there already: nothing was written. --output says where else."
        ) from None
    except OSError as error:
        raise fail(f"{file} cannot be written: {error.strerror}.") from None
    typer.echo(f"Wrote {file}", err=True)
