"""The JSON Schema of a configuration as it is written, the short form included."""

from typing import Any

from gateway.config.written import File

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """What a file may hold. References such as `${env:NAME}` stand in strings."""
    return {
        "$schema": DIALECT,
        **File.model_json_schema(by_alias=True),
        "title": "Configuration of chat-identity-gateway",
    }
