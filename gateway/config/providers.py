"""What is known of identity providers: by its issuer, how the tokens of one are best taken.

For whoever writes a configuration; what runs knows nothing of it. A page of
`docs/identity-providers` says the same of each, with an example of its tokens.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from gateway.config.spelling import Value
from gateway.core.formats.strictjson import JsonObject, JsonValue

SECRET = "${env:JWT_SECRET}"  # noqa: S105 -- where it stands, not what it is
Settings: TypeAlias = dict[str, Value]  # keys of [sign_in], beside the issuer


@dataclass(frozen=True, slots=True)
class Provider:
    """An identity provider; `settings` says, of the claims of a token of its, how to take such."""

    title: str
    page: str  # of docs/identity-providers; empty: none
    issuer: re.Pattern[str]
    settings: Callable[[JsonObject], Settings]


def recognise(claims: JsonObject) -> Provider:
    """Whose token this is, by its unverified issuer."""
    issuer = claims.get("iss")
    found = (one for one in KNOWN if isinstance(issuer, str) and one.issuer.fullmatch(issuer))
    return next(found, OTHER)


def sign_in(claims: JsonObject, algorithm: str) -> Settings:
    """The whole [sign_in] for tokens like this one.

    Raises:
        ValueError: it has nothing that says whom it is for.
    """
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or not issuer:
        raise ValueError("it has no issuer (`iss`), so nothing tells whose keys to verify it by")
    lines = {"issuer": issuer, **recognise(claims).settings(claims)}
    if not lines.keys() & {"audience", "client"}:
        raise ValueError(
            "it names neither an audience (`aud`) nor a client (`azp`, `client_id`): a token "
            "for any other application would do as well"
        )
    if algorithm.startswith("HS"):
        lines.pop("jwks_url", None)
        lines["secret"] = SECRET
        if algorithm != "HS256":
            lines["algorithms"] = [algorithm]
    return lines


def _texts(value: JsonValue) -> list[str]:
    many = value if isinstance(value, list) else [value]
    return [one for one in many if isinstance(one, str) and one]


def _one_or_all(values: list[str]) -> Value:
    return values[0] if len(values) == 1 else values


def _addressed(claims: JsonObject) -> Settings:
    """Whom the token is for: an audience of ours, else the client it was issued to."""
    # Auth0 adds its own userinfo endpoint, Keycloak its account console.
    ours = [
        one
        for one in _texts(claims.get("aud"))
        if not one.endswith("/userinfo") and one != "account"
    ]
    if ours:
        return {"audience": _one_or_all(ours)}
    clients = _texts(claims.get("azp")) or _texts(claims.get("client_id"))
    return {"client": _one_or_all(clients)} if clients else {}


def _auth0(claims: JsonObject) -> Settings:
    roles: Settings = {"roles_claim": "permissions"} if "permissions" in claims else {}
    return _addressed(claims) | roles


def _clerk(claims: JsonObject) -> Settings:
    roles: Settings = {"roles_claim": "/o/rol"} if "o" in claims else {}
    return _addressed(claims) | {"from": ["authorization", "cookie:__session"]} | roles


def _cognito(claims: JsonObject) -> Settings:
    use = "id" if claims.get("token_use") == "id" else "access"
    roles: Settings = {"roles_claim": "cognito:groups"} if "cognito:groups" in claims else {}
    return _addressed(claims) | {"require": {"token_use": use}} | roles


def _supabase(claims: JsonObject) -> Settings:
    # Anonymous visitors have the audience of everybody else.
    return {
        "audience": "authenticated",
        "require": {"is_anonymous": False},
        "jwks_url": f"{claims['iss']}/.well-known/jwks.json",
    }


def _firebase(claims: JsonObject) -> Settings:
    keys = (
        "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com"
    )
    return _addressed(claims) | {"jwks_url": keys}


def _keycloak(claims: JsonObject) -> Settings:
    # An ID token has the same `azp`, and `typ` "ID".
    return _addressed(claims) | {
        "require": {"typ": "Bearer"},
        "roles_claim": "/realm_access/roles",
    }


def _entra(claims: JsonObject) -> Settings:
    # `sub` is another one for each application; `oid` is the person's in the whole tenant.
    roles: Settings = {"roles_claim": "roles"} if "roles" in claims else {}
    return _addressed(claims) | {"user_claim": "oid"} | roles


def _provider(
    title: str, page: str, issuer: str, settings: Callable[[JsonObject], Settings]
) -> Provider:
    return Provider(title, page, re.compile(issuer), settings)


_HOST = r"https://[a-z0-9.-]+"

KNOWN: tuple[Provider, ...] = (
    _provider("Auth0", "auth0", r"https://[a-z0-9-]+(\.[a-z]{2}(-[0-9])?)?\.auth0\.com/", _auth0),
    _provider(
        "Clerk", "clerk", r"https://([a-z0-9-]+\.clerk\.accounts\.dev|clerk\.[a-z0-9.-]+)", _clerk
    ),
    _provider(
        "Amazon Cognito",
        "cognito",
        r"https://cognito-idp\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/[A-Za-z0-9_-]+",
        _cognito,
    ),
    _provider("Supabase", "supabase", _HOST + r"/auth/v1", _supabase),
    _provider("Firebase", "firebase", r"https://securetoken\.google\.com/[a-z0-9-]+", _firebase),
    _provider("Keycloak", "keycloak", _HOST + r"(:[0-9]+)?(/auth)?/realms/[^/]+", _keycloak),
    _provider(
        "Microsoft Entra ID",
        "entra",
        r"https://(login\.microsoftonline\.com/[0-9a-f-]{36}/v2\.0|sts\.windows\.net/[0-9a-f-]{36}/)",
        _entra,
    ),
)
OTHER = Provider("an OpenID provider", "", re.compile(""), _addressed)
