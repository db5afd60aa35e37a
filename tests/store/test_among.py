from typing import Any

import pytest
from sqlalchemy import Delete, Select, Update

from gateway.store import cutoffs, ledger, undelivered
from gateway.store.among import Among
from gateway.store.people import returning, tombs
from tests.store.plans import plan


@pytest.mark.parametrize(
    ("statement", "among"),
    [
        pytest.param(ledger.OWNERS, ledger.OWNED, id="owners"),
        pytest.param(ledger.BECAME, ledger.PEOPLE, id="who became whom"),
        pytest.param(ledger.USER_IDS, ledger.NAMED_BY, id="user ids"),
        pytest.param(returning.OF_THE_ERASED, returning.CALLED, id="ids of the erased"),
        pytest.param(tombs.TOMBS, tombs.ERASED, id="tombs"),
        pytest.param(cutoffs.CUT, cutoffs.NAMED, id="who is cut off"),
        pytest.param(cutoffs.LIFT, cutoffs.NAMED, id="who is cut off no longer"),
        pytest.param(undelivered.AGAIN, undelivered.THESE, id="what is delivered again"),
        pytest.param(undelivered.DROP, undelivered.THESE, id="what is not delivered"),
    ],
)
def test_each_of_many_rows_is_looked_up(
    statement: Select[Any] | Update | Delete, among: Among
) -> None:
    """A store of years would be read as a whole, with each group of two or more who are new."""
    keys = [tuple(f"{name}{column}" for column in among.columns) for name in "ab"]
    steps = plan(statement, {"at": 0, "from_now": 0, **among.values(keys)})
    tables = {str(column).partition(".")[0] for column in among.columns}
    assert [step for step in steps for table in tables if step.startswith(f"SCAN {table}")] == []
    assert any(step.startswith("SEARCH") for step in steps)
