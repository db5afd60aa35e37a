"""`type = "token_introspection"`: opaque tokens, RFC 7662.

`places` is `from` in the file, a word that Python has already.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, SecretStr

from gateway.config.kinds import Claim, CredentialPlaces, Scalar, SomeTexts, Text
from gateway.config.sign_ins.table import SharedTable, SignInTable
from gateway.config.units import Seconds


class TokenIntrospectionSettings(SignInTable):
    """People show a token that only its authorization server can read."""

    TELLING_KEYS: ClassVar[tuple[str, ...]] = ("introspection_url",)
    ORG_KEY = "org_claim"
    ROLES_KEY = "roles_claim"

    type: Literal["token_introspection"] = "token_introspection"
    introspection_url: Text = Field(description="Where the server is asked about a token.")
    client_id: Text = Field(description="As whom the gateway asks.")
    client_secret: SecretStr = Field(description="By what secret the gateway asks.")
    client_auth: Literal["basic", "post"] = Field(
        default="basic", description="How it is shown: client_secret_basic or client_secret_post."
    )
    issuer: Text | None = Field(default=None, description="What `iss` must say.")
    audience: SomeTexts = Field(
        default=(), description="`aud` must name one. Absent: an `aud` must name client_id."
    )
    client: SomeTexts = Field(default=(), description="`client_id` must be one.")
    require: Mapping[Claim, Scalar] = Field(
        default={}, description="Claims that must have this value."
    )
    types: SomeTexts = Field(
        default=("Bearer",),
        description='Accepted `token_type`; "absent": none need be said. It need not beside `aud`.',
    )
    places: CredentialPlaces = Field(
        default=(),
        alias="from",
        description="Default: authorization, and where the vendor's SDK puts its key.",
    )
    user_claim: Claim = Field(default="sub", description="A claim's name, or a JSON Pointer.")
    org_claim: Claim | None = Field(
        default=None,
        description="Must hold the org's external_id. Absent: the server is this org's alone.",
    )
    roles_claim: Claim | None = Field(default=None, description="A string or a list.")
    leeway: Annotated[float, Seconds("0s", "60s")] = Field(
        default=30.0, description="For clocks that differ."
    )
    cache: Annotated[float, Seconds("0s", "5m")] = Field(
        default=10.0, description='How long an answer is believed; "0s": every request asks.'
    )

    @property
    def vouched_by(self) -> tuple[str, ...]:
        return (self.introspection_url,)


class SharedTokenIntrospectionSettings(TokenIntrospectionSettings, SharedTable):
    """The same, for the orgs that have no sign-in of their own."""
