"""`[orgs.ORG.upstreams.UPSTREAM.widget]`: the vendor's own widget on pages of ours."""

from typing import Annotated

from pydantic import Field

from gateway.config.kinds import Secrets, Text
from gateway.config.table import Table
from gateway.config.units import Seconds
from gateway.core.profile.vendor import WidgetProof


class WidgetTable(Table):
    secret: Secrets = Field(
        default=(), description="What the vendor verifies by. The first signs, the others wait."
    )
    proof: WidgetProof | None = Field(
        default=None, description="What the widget is shown; default: the vendor's usual one."
    )
    workflow: Text | None = Field(default=None, description="Of OpenAI: what its ChatKit talks to.")
    lifetime: Annotated[float, Seconds("1m", "1h")] = Field(
        default=600.0, description="After which the page has to ask again."
    )
