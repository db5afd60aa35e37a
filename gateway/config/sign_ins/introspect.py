"""`type = "introspect"`: ask the host app who this is."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from gateway.config.kinds import Claim, CookieNames, Text
from gateway.config.sign_ins.table import SharedTable, SignInTable
from gateway.config.units import Seconds


class IntrospectSettings(SignInTable):
    """People show the cookie or the token of the host app, which is asked whose it is."""

    TELLING_KEYS: ClassVar[tuple[str, ...]] = ("ask",)
    ORG_KEY = "org_key"
    ROLES_KEY = "roles_key"

    type: Literal["introspect"] = "introspect"
    ask: Text = Field(description="The app's own URL that says who is signed in, as JSON.")
    cookies: CookieNames = Field(
        default=(), description="Which cookies are sent there, each once; and nothing else."
    )
    bearer: bool = Field(default=False, description="Whether a bearer token is sent there.")
    user_key: Claim = Field(description="A member of the answer, or a JSON Pointer.")
    org_key: Claim | None = Field(
        default=None,
        description="Must hold the org's external_id. Absent: the app is this org's alone.",
    )
    roles_key: Claim | None = Field(default=None, description="A string or a list.")
    actor_key: Claim | None = Field(
        default=None, description="Who acts for the user, where an operator does."
    )
    expires_key: Claim | None = Field(
        default=None, description="When the session ends: a NumericDate, or RFC 3339."
    )
    cache: Annotated[float, Seconds("0s", "5m")] = Field(
        default=10.0, description='How long an answer is believed; "0s": every request asks.'
    )

    @property
    def vouched_by(self) -> tuple[str, ...]:
        return (self.ask,)


class SharedIntrospectSettings(IntrospectSettings, SharedTable):
    """The same, for the orgs that have no sign-in of their own."""
