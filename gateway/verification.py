"""`gateway.verify_assertion`: for a service of the company's own, that a gateway stands before.

    who = verify_assertion(
        request.headers["x-gateway-assertion"],
        jwks="http://127.0.0.1:8080/.well-known/jwks.json",
        audience="http://127.0.0.1:9000/orders",
    )
    orders_of(who.org, who.subject)

The set of keys is fetched once and kept for an hour; a key that is not in it is looked for once
more, twice a minute at most. It blocks while it fetches: in an async service, call it in a thread.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jwt

from gateway.core.people import assertion

KEPT = 3600  # seconds
FETCH = 5  # seconds
COOLDOWN = 30.0  # seconds between fetches for a key nobody knows


class AssertionInvalid(Exception):
    """The statement is none, or not for this service, or too old."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """Who asks, as a gateway says. `subject` is unique within `org` only."""

    org: str
    subject: str
    user: str
    roles: tuple[str, ...]
    actor: str | None
    conversation: str | None
    tool: str | None
    id: str  # never twice: keep it for a minute where a request must not be repeated


def verify_assertion(
    token: str, *, jwks: str | Mapping[str, Any], audience: str, leeway: float = 10.0
) -> Assertion:
    """Whom a statement speaks of.

    `jwks` is the URL of the gateway's keys, or the set itself; `audience` the address the gateway
    was told to send to: the `url` of a tool, the `base_url` of an upstream.

    Raises:
        AssertionInvalid: it must not be believed.
        ConnectionError: the keys cannot be fetched now.
    """
    try:
        header = jwt.get_unverified_header(token)
        if header.get("typ") != assertion.TYPE:
            raise AssertionInvalid("it is a token of another kind")
        claims = jwt.decode(
            token,
            _key(jwks, str(header.get("kid"))),
            algorithms=["EdDSA"],
            audience=audience,
            issuer=assertion.ISSUER,
            leeway=leeway,
            options={"require": ["iss", "aud", "sub", "org", "iat", "exp", "jti"]},
        )
    except jwt.PyJWKClientConnectionError as error:
        raise ConnectionError(f"the gateway's keys cannot be fetched: {error}") from error
    except (jwt.PyJWTError, UnicodeEncodeError) as error:  # half a surrogate pair, by aiohttp
        raise AssertionInvalid(str(error)) from error
    return _assertion(claims)


def _assertion(claims: Mapping[str, Any]) -> Assertion:
    return Assertion(
        org=claims["org"],
        subject=claims["sub"],
        user=claims["user"],
        roles=tuple(claims["roles"]),
        actor=claims.get("act", {}).get("sub"),
        conversation=claims.get("conversation"),
        tool=claims.get("tool"),
        id=claims["jti"],
    )


def _key(jwks: str | Mapping[str, Any], kid: str) -> jwt.PyJWK:
    if isinstance(jwks, str):
        return _client(jwks).get_signing_key(kid)
    keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(dict(jwks)).keys}
    if kid not in keys:
        raise AssertionInvalid("its key is none of the gateway's")
    return keys[kid]


@lru_cache(16)
def _client(url: str) -> jwt.PyJWKClient:
    return jwt.PyJWKClient(url, lifespan=KEPT, timeout=FETCH, cooldown_duration=COOLDOWN)
