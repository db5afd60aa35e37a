"""What operators see of a gateway: their listener, the audit trail, traces."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from gateway.config.kinds import Listen, SomeTexts, Text, any_field_name, one_spelling
from gateway.config.table import Table
from gateway.core.formats.fields import VISIBLE

# Of a request to a collector, what is not the configuration's to say.
_OF_OTLP = frozenset({"connection", "host", "transfer-encoding"})


def _share(written: object) -> object:
    if isinstance(written, bool) or not isinstance(written, (int, float)) or not 0 <= written <= 1:
        raise ValueError("must be a number from 0 to 1, as in 0.1 for a tenth")
    return written


def _header(written: str) -> str:
    name = any_field_name(written)
    if name in _OF_OTLP or name.startswith("content-"):
        raise ValueError("is a field that OTLP writes itself")
    return name


def _header_text(written: SecretStr) -> SecretStr:
    if not VISIBLE.fullmatch(written.get_secret_value()):
        raise ValueError("must be printable ASCII without spaces at its ends")
    return written


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


class Traces(Table):
    endpoint: Text = Field(
        default="http://127.0.0.1:4318",
        description="A collector that takes OTLP over HTTP; /v1/traces is added.",
    )
    sample: Annotated[float, BeforeValidator(_share)] = Field(
        default=1.0, description="Of exchanges that no trusted proxy has a trace for: 0 to 1."
    )
    headers: Annotated[
        Mapping[
            Annotated[str, AfterValidator(_header)],
            Annotated[SecretStr, AfterValidator(_header_text)],
        ],
        BeforeValidator(one_spelling),
    ] = Field(default={}, description="Sent to the collector: its credential, say.")
    user: Literal["hash", "id", "none"] = Field(
        default="hash", description="How people are named there: user.hash, user.id or not at all."
    )
