"""`[orgs.ORG.upstreams.UPSTREAM.contacts]`: what a vendor is to know of people."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.config.kinds import Claim, Secrets
from gateway.config.table import Table
from gateway.core.profile.contact import ATTRIBUTE, Kind


def _attribute(written: str) -> str:
    if not ATTRIBUTE.fullmatch(written):
        raise ValueError("a name has letters, digits, '_' and '-', 64 at most, a letter first")
    return written


AttributeName = Annotated[str, AfterValidator(_attribute)]


class ContactsTable(Table):
    """What is written in the background, when people come and when it has changed."""

    attributes: Mapping[AttributeName, Claim] = Field(
        default={},
        description="The vendor's attribute = what the sign-in calls it: a claim, a session's key.",
    )
    types: Mapping[AttributeName, Kind] = Field(
        default={},
        description="Of those that `check --probe --apply` defines at the vendor; else text.",
    )
    token: Secrets = Field(
        default=(), description="What a service of yours shows to push what sign-in does not know."
    )
