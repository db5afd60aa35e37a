from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from gateway.config.tool_names import AllowedTools

ADAPTER: TypeAdapter[Any] = TypeAdapter(AllowedTools)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("search", {"*": ("search",)}),
        (["search", "read"], {"*": ("search", "read")}),
        ([], {"*": ()}),
        ({"admin": "*", "*": ["search"]}, {"admin": ("*",), "*": ("search",)}),
        ({}, {}),
    ],
)
def test_a_list_is_everybodys(written: object, meant: object) -> None:
    assert ADAPTER.validate_python(written) == meant


@pytest.mark.parametrize("written", [5, True, {"admin": 5}, {"": ["x"]}, {"admin": [""]}, [["x"]]])
def test_what_names_no_tools_is_refused(written: object) -> None:
    with pytest.raises(ValidationError):
        ADAPTER.validate_python(written)


def test_its_schema_says_both_forms() -> None:
    kinds = [one.get("type") for one in ADAPTER.json_schema()["anyOf"]]
    assert "object" in kinds
