"""`type = "host"`: the application we stand in says who somebody is, by its `identify`."""

from typing import Literal

from pydantic import Field

from gateway.config.sign_ins.table import SharedTable, SignInTable


class HostSignInSettings(SignInTable):
    """People are whom the application's own `identify` says they are."""

    ORG_KEY = "org"

    type: Literal["host"]
    org: bool = Field(
        default=False,
        description="identify says of which orgs a person is. False: they are this org's alone.",
    )
    cookies: bool = Field(
        default=True,
        description="What a browser sends by itself may be what identify goes by, so a request "
        "that a browser can have sent must be of our origin, or of one in origins.",
    )

    @property
    def says_org(self) -> bool:
        return self.org or self.membership is not None

    @property
    def says_roles(self) -> bool:
        return True

    @property
    def vouched_by(self) -> tuple[str, ...]:
        return ("identify",)


class SharedHostSignInSettings(HostSignInSettings, SharedTable):
    """The same, for the orgs that have no sign-in of their own."""
