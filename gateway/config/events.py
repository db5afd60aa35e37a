"""`[orgs.ORG.upstreams.UPSTREAM.events]`: what a vendor tells of, and who is told of that."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, WithJsonSchema

from gateway.config.kinds import Count, Secrets, SomeTexts, Text
from gateway.config.table import Table
from gateway.config.tools import VerifyTable
from gateway.config.units import Bytes, Seconds
from gateway.core.events import ga4

COLLECT = "https://www.google-analytics.com/mp/collect"


def _event_name(written: str) -> str:
    if not ga4.is_name(written):
        raise ValueError(
            "is no name for an event: a letter, then letters, digits and _, 40 at most, and none "
            "that Google keeps for itself"
        )
    return written


EventName = Annotated[
    str,
    AfterValidator(_event_name),
    WithJsonSchema({"type": "string", "pattern": f"^{ga4.NAME.pattern}$"}),
]


class AnalyticsTable(Table):
    """Google Analytics 4, by its Measurement Protocol."""

    measurement_id: Annotated[str, Field(pattern=r"^G-[A-Z0-9]{4,16}$")] = Field(
        description='Of the web stream: "G-…".'
    )
    api_secret: SecretStr = Field(description="One of the stream's Measurement Protocol secrets.")
    url: Text = Field(default=COLLECT, description="Another one for the EU.")
    names: Mapping[Text, EventName] = Field(
        default={}, description='What an event is called there: { "leads.submit" = "sign_up" }.'
    )


class EventsTable(Table):
    secret: Secrets = Field(
        default=(), description="What the vendor signs with, in its own way; lists for changing it."
    )
    verify: VerifyTable | None = Field(
        default=None, description="Where it proves who it is in another way."
    )
    deliver: SomeTexts = Field(default=(), repr=False, description="URLs that are told, each once.")
    sign: Secrets = Field(
        default=(), description='"whsec_…": what we sign with; with each, where there are several.'
    )
    ga4: AnalyticsTable | None = Field(
        default=None, description="Google Analytics 4, which is told as well."
    )
    lines: Text | None = Field(
        default=None, description='Where each event is a line of JSON: a file, or "stdout".'
    )
    max_age: Annotated[float, Seconds("1m", "30d")] = Field(
        default=86400.0, description="Of an event that says when it happened; older is 401."
    )
    max_body: Annotated[int, Bytes("1KiB", "4MiB")] = Field(
        default=256 * 1024, description="Of an event; larger is 413."
    )
    timeout: Annotated[float, Seconds("100ms", "1m")] = Field(
        default=10.0, description="For a receiver's answer."
    )
    tries: Count = Field(
        default=15, description="Of an event that a receiver does not take; then it is dead."
    )
    give_up: Annotated[float, Seconds("1s", "30d")] = Field(
        default=3 * 86400.0, description="An event is dead when its receiver was away for so long."
    )
    first_wait: Annotated[float, Seconds("10ms", "1h")] = Field(
        default=1.0, description="Before something is tried again; each is three times the last."
    )
    longest_wait: Annotated[float, Seconds("10ms", "1d")] = Field(
        default=3600.0, description="The most it grows to."
    )
