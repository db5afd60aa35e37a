"""`[orgs.ORG.upstreams.UPSTREAM.tools.NAME]`: what a vendor may call for a person it talks to."""

from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.config.kinds import Secrets, Text, any_field_name
from gateway.config.place import place
from gateway.config.profile_kinds import PlaceText
from gateway.config.table import Table
from gateway.config.units import Bytes, Seconds
from gateway.core.profile.place import Variable


def _said(written: str) -> str:
    if isinstance(place(written), Variable):
        raise ValueError('must be "field:name", "query:name" or "body:/pointer"')
    return written


SaidPlace = Annotated[PlaceText, AfterValidator(_said)]


class VerifyTable(Table):
    """How the caller proves who it is; one of the first four."""

    bearer: Secrets = Field(default=(), description="A token in Authorization.")
    hmac_sha256: Secrets = Field(default=(), description="Signs the body, in hex, in `field`.")
    hmac_sha1: Secrets = Field(
        default=(), description="The same, for vendors that have nothing better."
    )
    standard_webhooks: Secrets = Field(
        default=(), description='"whsec_…": signs id, time and body (standardwebhooks.com).'
    )
    field: Annotated[str, AfterValidator(any_field_name)] | None = Field(
        default=None, description="Where an HMAC stands."
    )
    prefix: str = Field(default="", description='What stands before its hex: "sha256=".')


class ToolTable(Table):
    url: Text = Field(description="The service. Statements are for this very address.")
    verify: VerifyTable = Field(description="How the vendor proves who it is.")
    user: SaidPlace = Field(description="Where the vendor's platform says of whom it speaks.")
    conversation: SaidPlace | None = Field(
        default=None, description="Where it says in which conversation; then it must be theirs."
    )
    timeout: Annotated[float, Seconds("100ms", "5m")] = Field(
        default=10.0, description="For the service's whole answer."
    )
    max_body: Annotated[int, Bytes("1KiB", "16MiB")] = Field(
        default=256 * 1024, description="Of a call; larger is 413."
    )
