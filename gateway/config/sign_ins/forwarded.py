"""`type = "forwarded"`: a proxy or backend of one's own has signed the person in."""

from typing import ClassVar, Literal

from pydantic import Field

from gateway.config.kinds import FieldName, Secrets, Text
from gateway.config.sign_ins.table import SharedTable, SignInTable


class ForwardedSettings(SignInTable):
    """Whoever forwards a request writes in a field who is asking, and proves itself."""

    TELLING_KEYS: ClassVar[tuple[str, ...]] = ("forwarded",)
    ORG_KEY = "org_field"
    ROLES_KEY = "roles_field"

    type: Literal["forwarded"] = "forwarded"
    forwarded: Text = Field(description="The field that says who is asking.")
    org_field: FieldName | None = Field(
        default=None,
        description="Must hold the org's external_id. Absent: the forwarder is this org's alone.",
    )
    roles_field: FieldName | None = Field(default=None, description="A list, with commas.")
    shared_secret: Secrets = Field(
        description="Stands in X-Gateway-Secret. The first is used, the rest still count."
    )
    actor: Text = Field(
        default="forwarded", description="What whoever forwards is called in records."
    )

    @property
    def vouched_by(self) -> tuple[str, ...]:
        return tuple(secret.get_secret_value() for secret in self.shared_secret)


class SharedForwardedSettings(ForwardedSettings, SharedTable):
    """The same, for the orgs that have no sign-in of their own."""
