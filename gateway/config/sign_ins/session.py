"""`type = "session"`: the cookie a host framework signs, verified with the secret it shares."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from gateway.config.kinds import Claim, CookieName, Secrets
from gateway.config.sign_ins.table import SharedTable, SignInTable
from gateway.config.units import Seconds

_DAY = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """What one framework does by default, and what its sessions need of us.

    `max_age` in seconds; None: the time of a session is not ours to say. `least` bytes of a secret:
    those of the HMAC's output, or of the key that is made of it. `extra`: what is installed for it.
    """

    cookie: str
    user_key: str = "user_id"
    actor_key: str | None = None
    max_age: float | None = None
    no_max_age: str = ""
    least: int
    extra: str | None = None
    library: str = ""


FRAMEWORKS: Mapping[str, Framework] = {
    "starlette": Framework(cookie="session", max_age=14 * _DAY, least=20),
    "flask": Framework(cookie="session", max_age=31 * _DAY, least=20),
    "django": Framework(
        cookie="sessionid",
        user_key="_auth_user_id",
        actor_key="/hijack_history/0",  # django-hijack's, the first: who began it
        max_age=14 * _DAY,
        least=32,
        extra="django",
        library="django",
    ),
    "express": Framework(
        cookie="session",
        no_max_age="cookie-session writes no time into its cookies, so none is ever too old",
        least=20,
    ),
    "fastapi-users": Framework(
        cookie="fastapiusersauth",
        user_key="sub",
        no_max_age="its tokens say when they expire: lifetime_seconds in the app",
        least=32,
    ),
    "authjs": Framework(
        cookie="__Secure-authjs.session-token",
        user_key="sub",
        no_max_age="its sessions say when they expire: session.maxAge in the app",
        least=32,
        extra="authjs",
        library="joserfc",
    ),
}


# Any text, or a misspelt one would make the table another kind of sign-in: the rules look at it.
FrameworkName = Annotated[str, WithJsonSchema({"type": "string", "enum": list(FRAMEWORKS)})]


class SessionSettings(SignInTable):
    """People have a session at the host's app."""

    TELLING_KEYS = ("framework",)
    ORG_KEY = "org_key"
    ROLES_KEY = "roles_key"

    type: Literal["session"] = "session"
    framework: FrameworkName = Field(
        description="What has signed it; express is with cookie-session."
    )
    cookie: CookieName | None = Field(default=None, description="Default: the framework's own.")
    secret: Secrets = Field(description="The app's secret, then older ones that still verify.")
    max_age: Annotated[float, Seconds("1m", "400d")] | None = Field(
        default=None, description="As in the app. Default: the framework's own."
    )
    user_key: Claim | None = Field(
        default=None,
        description="A member of the session, or a JSON Pointer. Default: the framework's own.",
    )
    org_key: Claim | None = Field(
        default=None, description="Must hold the org's external_id. Absent: the app is this org's."
    )
    roles_key: Claim | None = Field(default=None, description="A string or a list.")
    actor_key: Claim | None = Field(
        default=None,
        description="Who acts for the user, where an operator does. Default: the framework's own.",
    )

    @property
    def vouched_by(self) -> tuple[str, ...]:
        """Who has a secret can sign for all who believe it, whatever the cookie is called."""
        return tuple(
            hashlib.sha256(f"{self.framework}\n{one.get_secret_value()}".encode()).hexdigest()
            for one in self.secret
        )


class SharedSessionSettings(SessionSettings, SharedTable):
    """The same, for the orgs that have no sign-in of their own."""


def filled_in(written: SessionSettings) -> dict[str, Any]:
    """What the framework does where the file says nothing."""
    usual = FRAMEWORKS.get(written.framework)
    if usual is None:
        return {}
    return {
        "cookie": written.cookie or usual.cookie,
        "max_age": usual.max_age if written.max_age is None else written.max_age,
        "user_key": written.user_key or usual.user_key,
        "actor_key": written.actor_key or usual.actor_key,
    }
