from dataclasses import fields
from typing import Any

import pytest

from gateway.config.profile import LookupTable, OperationTable, ProblemTable, VendorTable
from gateway.config.schema import schema
from gateway.config.table import Table
from gateway.config.written import keys_of
from gateway.core.profile.vendor import Lookup, Operation, ProblemShape, Vendor


@pytest.mark.parametrize(
    ("table", "made"),
    [
        (VendorTable, Vendor),
        (OperationTable, Operation),
        (ProblemTable, ProblemShape),
        (LookupTable, Lookup),
    ],
)
def test_a_profile_in_toml_has_the_keys_of_a_shipped_one(table: type[Table], made: Any):
    known = {field.name for field in fields(made)}
    assert set(keys_of(table)) == known - ({"name"} if made is Vendor else set())


def test_the_schema_knows_profiles_and_the_short_form():
    document = schema()
    tables = document["$defs"]
    assert tables["VendorTable"]["required"] == ["operations"]
    assert tables["OperationTable"]["required"] == ["method", "path"]
    operations = tables["VendorTable"]["properties"]["operations"]["additionalProperties"]
    long, short = operations["anyOf"]
    assert long == {"$ref": "#/$defs/OperationTable"}
    assert short["type"] == "string"
    for name in ("VendorTable", "OperationTable", "ProblemTable", "LookupTable"):
        for key, found in tables[name]["properties"].items():
            assert found.get("description"), f"{name}.{key}"
