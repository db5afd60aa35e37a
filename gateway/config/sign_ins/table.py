"""What every kind of sign-in has."""

from abc import ABC, abstractmethod
from typing import Annotated, ClassVar

from pydantic import Field, SecretStr

from gateway.config.kinds import OrgPlace, SomeTexts, Text
from gateway.config.table import Table
from gateway.config.units import Seconds


class SignInTable(Table, ABC):
    """A sign-in of any kind."""

    TELLING_KEYS: ClassVar[tuple[str, ...]] = ()  # each alone says which kind it is
    ORG_KEY: ClassVar[str]  # the key that says where the person's orgs stand
    ROLES_KEY: ClassVar[str]

    type: str
    org_from: OrgPlace | None = Field(
        default=None,
        description='"field:name": which org people mean, where they belong to several.',
    )

    membership: Text | None = Field(
        default=None,
        description="The host app's URL that says which orgs a person is in, where nothing else "
        "does.",
    )
    membership_secret: SecretStr | None = Field(
        default=None, description="Sent there as Authorization: Bearer."
    )
    membership_cache: Annotated[float, Seconds("0s", "5m")] = Field(
        default=10.0, description='How long that answer is believed; "0s": every request asks.'
    )

    @property
    def says_org(self) -> bool:
        """Whether it tells whose people they are; else it is one org's alone."""
        return self.membership is not None or getattr(self, self.ORG_KEY) is not None

    @property
    def says_roles(self) -> bool:
        return getattr(self, self.ROLES_KEY) is not None

    @property
    @abstractmethod
    def vouched_by(self) -> tuple[str, ...]:
        """Whose word it takes. Two sign-ins that share one of these take the same credentials."""


class SharedTable(SignInTable):
    """What a sign-in has beside that where it is for several orgs."""

    orgs: SomeTexts = Field(
        default=(),
        description='external_ids it may vouch for; "*": all that are named nowhere.',
    )
