"""How SQLite goes about a statement: without statistics of what is there, as a store has none."""

from typing import Any

from sqlalchemy import Executable, create_engine, event

from gateway.store.schema import metadata


def plan(statement: Executable, values: dict[str, Any]) -> list[str]:
    """What `EXPLAIN QUERY PLAN` says of it, step by step."""
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    asked: list[tuple[str, Any]] = []
    event.listen(engine, "before_cursor_execute", lambda *told: asked.append(told[2:4]))
    with engine.connect() as connection:
        connection.execute(statement, values)
        words, given = asked[-1]
        steps = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}", given)]
    engine.dispose()
    return steps
