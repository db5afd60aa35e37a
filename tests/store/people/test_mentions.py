"""Rows that name somebody, in a store where nearly all name others."""

from typing import Any

import pytest
from sqlalchemy import Executable

from gateway.store.people import erasing, holdings
from tests.store.plans import plan

NAMES = {"names": ["alice", "alicia"]}
ERASED = {"in_org": "acme", "at": 5, **NAMES}


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        pytest.param(holdings.USAGE, {"org": "acme", **NAMES}, id="counted in usage"),
        pytest.param(holdings.AUDIT, {"org": "acme", **NAMES}, id="counted in audit"),
        pytest.param(erasing.USAGE, {**ERASED, "tomb": "t"}, id="erased from usage"),
        pytest.param(erasing.ACTED, ERASED, id="erased from usage as who spoke"),
        pytest.param(erasing.AUDIT, ERASED, id="erased from audit"),
    ],
)
def test_they_are_found_without_those_of_the_rest_of_the_org(
    statement: Executable, values: dict[str, Any]
) -> None:
    steps = plan(statement, values)
    looked = [
        step for step in steps if step.startswith(("SCAN ", "SEARCH ")) and "CONST" not in step
    ]
    assert [step for step in looked if " usage" in step or " audit" in step]
    assert [step for step in looked if step.endswith("(org=?)")] == []
    assert [step for step in looked if step.startswith(("SCAN usage", "SCAN audit"))] == []
