from typing import Any

import pytest
from sqlalchemy import Select, create_engine, event

from gateway.store import ledger
from gateway.store.among import Among
from gateway.store.people import returning, tombs
from gateway.store.schema import metadata


@pytest.mark.parametrize(
    ("statement", "among"),
    [
        pytest.param(ledger.OWNERS, ledger.OWNED, id="owners"),
        pytest.param(ledger.BECAME, ledger.PEOPLE, id="who became whom"),
        pytest.param(ledger.USER_IDS, ledger.NAMED_BY, id="user ids"),
        pytest.param(returning.OF_THE_ERASED, returning.CALLED, id="ids of the erased"),
        pytest.param(tombs.TOMBS, tombs.ERASED, id="tombs"),
    ],
)
def test_each_of_many_rows_is_looked_up(statement: Select[Any], among: Among) -> None:
    """A store of years would be read as a whole, with each group of two or more who are new."""
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    keys = [tuple(f"{name}{column}" for column in among.columns) for name in "ab"]
    asked: list[tuple[str, Any]] = []
    event.listen(engine, "before_cursor_execute", lambda *told: asked.append(told[2:4]))
    with engine.connect() as connection:
        connection.execute(statement, among.values(keys))
        words, values = asked[-1]
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}", values)
        steps = [row[3] for row in plan]
    engine.dispose()
    tables = {str(column).partition(".")[0] for column in among.columns}
    assert [step for step in steps for table in tables if step.startswith(f"SCAN {table}")] == []
    assert any(step.startswith("SEARCH") for step in steps)
