"""`gateway token mint`: a development token, where the configuration holds a key to sign one with.

It refuses everywhere else: the gateway verifies other people's tokens and has no keys to make them.
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.asking import OneOrg
from gateway.cli.options import Config, choose_org, fail, file_text, load_or_exit

if TYPE_CHECKING:
    from gateway.config.model import OrgSettings
    from gateway.config.sign_ins.jwt import JwtSignInSettings


def mint(
    subject: Annotated[str, typer.Argument(help="Who the token speaks of.")],
    org: OneOrg = None,
    role: Annotated[list[str] | None, typer.Option(help="As often as needed.")] = None,
    minutes: Annotated[float, typer.Option(min=0.1, max=1440, help="How long it is good.")] = 60,
    key: Annotated[
        Path | None, typer.Option(help="The private key (PEM) of the sign-in's public key.")
    ] = None,
    config: Config = None,
) -> None:
    """Print a token for SUBJECT that this configuration's gateway accepts."""
    settings = load_or_exit(config).settings
    chosen = choose_org(settings, org)
    sign_in, signing_key, algorithm = choose_key(chosen, key)
    typer.echo(sign(claims(chosen, sign_in, subject, role or [], minutes), signing_key, algorithm))


def choose_key(org: "OrgSettings", key: Path | None) -> tuple["JwtSignInSettings", str, str]:
    """A sign-in of the org, and what signs its tokens."""
    from gateway.config.sign_ins.jwt import JwtSignInSettings

    for sign_in in (one for one in org.sign_in if isinstance(one, JwtSignInSettings)):
        if sign_in.secret:
            return sign_in, sign_in.secret[0].get_secret_value(), sign_in.algorithms[0]
        if sign_in.public_key is not None and key is not None:
            return sign_in, file_text(key), sign_in.algorithms[0]
    raise fail(
        f"Org {org.name} has no sign-in with a `secret`, and none with a `public_key` whose "
        "private half was given by --key. An identity provider makes its own tokens: sign in "
        "there, and copy one."
    )


def claims(
    org: "OrgSettings", sign_in: "JwtSignInSettings", subject: str, roles: list[str], minutes: float
) -> dict[str, Any]:
    """What such a token must say for this sign-in to accept it."""
    from gateway.core.formats import pointer

    now = int(time.time())
    payload: dict[str, Any] = {"iss": sign_in.issuer, "iat": now, "exp": now + int(minutes * 60)}
    wanted: dict[str, Any] = {sign_in.user_claim: subject, **sign_in.require}
    if sign_in.audience:
        payload["aud"] = sign_in.audience[0]
    if sign_in.client:
        payload["azp"] = sign_in.client[0]
    if sign_in.org_claim:
        wanted[sign_in.org_claim] = org.external_id
    if sign_in.roles_claim and roles:
        wanted[sign_in.roles_claim] = roles
    for name, value in wanted.items():
        pointer.put(payload, pointer.parse(name) if name.startswith("/") else (name,), value)
    return payload


def sign(payload: dict[str, Any], key: str, algorithm: str) -> str:
    import jwt

    try:
        return jwt.encode(payload, key, algorithm=algorithm)
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise fail(f"The key cannot sign {algorithm}: {error}") from error
