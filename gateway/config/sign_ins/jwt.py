"""`type = "jwt"`: a token that an issuer has signed.

`places` is `from` in the file, a word that Python has already.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from gateway.config.kinds import (
    Algorithm,
    Claim,
    CredentialPlaces,
    OneOrMore,
    Scalar,
    Secrets,
    SomeTexts,
    Text,
)
from gateway.config.sign_ins.table import SharedTable, SignInTable
from gateway.config.units import Seconds

DAY = 86400.0  # seconds


class JwtSignInSettings(SignInTable):
    """People show a signed token, as a bearer credential or in a cookie."""

    ORG_KEY = "org_claim"
    ROLES_KEY = "roles_claim"

    type: Literal["jwt"] = "jwt"
    issuer: Text = Field(description="What `iss` must say; where keys are discovered by default.")
    audience: SomeTexts = Field(
        default=(), description="`aud` must name one. Required, unless client is."
    )
    client: SomeTexts = Field(default=(), description="`azp` or `client_id` must be one.")
    require: Mapping[Claim, Scalar] = Field(
        default={}, description="Claims that must have this value."
    )
    algorithms: Annotated[tuple[Algorithm, ...], OneOrMore()] = Field(
        default=(), description="Default: the asymmetric ones of the keys; with secret, HS256."
    )
    places: CredentialPlaces = Field(
        default=(),
        alias="from",
        description="Default: authorization, and where the vendor's SDK puts its key.",
    )
    user_claim: Claim = Field(default="sub", description="A claim's name, or a JSON Pointer.")
    org_claim: Claim | None = Field(
        default=None,
        description="Must hold the org's external_id. Absent: the issuer is this org's alone.",
    )
    roles_claim: Claim | None = Field(default=None, description="A string or a list.")
    secret: Secrets = Field(default=(), description="Shared secrets for HS256, HS384, HS512.")
    public_key: Text | None = Field(
        default=None, repr=False, description='PEM, as "${file:/path}".'
    )
    jwks: Text | None = Field(
        default=None, repr=False, description='A JWK Set, as "${file:/path}".'
    )
    jwks_url: Text | None = Field(default=None, description="Where to fetch the JWK Set.")
    leeway: Annotated[float, Seconds("0s", "60s")] = Field(
        default=30.0, description="For clocks that differ."
    )
    types: SomeTexts = Field(
        default=("JWT", "at+jwt"), description="Accepted `typ`; an absent one is accepted."
    )
    max_age: Annotated[float, Seconds("1m", "31d")] | None = Field(
        default=None,
        description="How long a token counts after `iat`. Default, with backchannel_logout: 24h.",
    )
    backchannel_logout: SomeTexts = Field(
        default=(),
        description="What the gateway is called at the provider, which sends logout tokens for "
        "that client to /_gateway/backchannel-logout.",
    )
    jwks_cooldown: Annotated[float, Seconds("1s", "1h")] = Field(
        default=30.0, description="Between fetches for an unknown `kid`."
    )
    jwks_max_age: Annotated[float, Seconds("10s", "7d")] = Field(
        default=3600.0, description="After which keys are fetched again."
    )
    jwks_stale: Annotated[float, Seconds("0s", "30d")] = Field(
        default=86400.0, description="How long keys are used while the issuer is away."
    )

    @property
    def oldest(self) -> float | None:
        """How long a token counts after it was issued, in seconds; None: until it expires.

        A logout is remembered for as long, so that no token outlives it.
        """
        return DAY if self.max_age is None and self.backchannel_logout else self.max_age

    @property
    def vouched_by(self) -> tuple[str, ...]:
        return (self.issuer,)


class SharedJwtSignInSettings(JwtSignInSettings, SharedTable):
    """The same, for the orgs that have no sign-in of their own."""
