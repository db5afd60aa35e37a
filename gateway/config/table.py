"""What every table of a configuration is."""

from pydantic import BaseModel, ConfigDict


class Table(BaseModel):
    """A TOML table: nothing it does not know, nothing that changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
