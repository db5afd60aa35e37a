"""Tools of a server that people may use, as a file writes it: by role, or a list for everybody."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from gateway.config.kinds import JsonSchema, Text, Texts
from gateway.core.mcp.tools import EVERYBODY


class _ForEverybody:
    """A table by role, or a list that stands for everybody's."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_by_role, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchema:
        table = handler(schema)
        return {"anyOf": [table["additionalProperties"], table]}


def _by_role(written: object) -> object:
    return written if isinstance(written, Mapping) else {EVERYBODY: written}


AllowedTools = Annotated[Mapping[Text, Texts], _ForEverybody()]
