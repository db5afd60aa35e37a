"""What operators see of a gateway: their listener and the audit trail."""

from pydantic import Field, SecretStr

from gateway.config.kinds import Listen, SomeTexts, Text
from gateway.config.table import Table


class Admin(Table):
    listen: Listen = Field(
        default="127.0.0.1:9090", description="Address and port, apart from what people reach."
    )
    token: SecretStr = Field(
        description="What operators show, as a bearer token; `openssl rand -hex 32` makes one."
    )
    hosts: SomeTexts = Field(
        default=(),
        description="Names by which browsers reach the console, beside addresses and localhost.",
    )


class Audit(Table):
    head: Text | None = Field(
        default=None,
        repr=False,
        description="Where each day's last hash is told: a file, or a URL that is POSTed to.",
    )
    file: Text | None = Field(
        default=None, description='Where the audit trail is written too: a file, or "stdout".'
    )
