"""Rows by their keys, many in one statement: one at a time, a group would outlast its clock."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, tuple_


@dataclass(frozen=True, slots=True)
class Among:
    """That the columns are one of many keys, which `values` gives to the statement.

    Each column is named by itself as well: of two keys or more in a list of rows alone, SQLite
    reads the whole table (30 ms of 300,000 rows, in which nobody else can write).
    """

    columns: Sequence[ColumnElement[Any]]

    @property
    def condition(self) -> ColumnElement[bool]:
        of_each = (
            column.in_(bindparam(f"keys_{index}", expanding=True))
            for index, column in enumerate(self.columns)
        )
        return and_(tuple_(*self.columns).in_(bindparam("keys", expanding=True)), *of_each)

    def values(self, keys: Collection[tuple[Any, ...]]) -> dict[str, Any]:
        of_each = {
            f"keys_{index}": sorted({key[index] for key in keys})
            for index in range(len(self.columns))
        }
        return {"keys": list(keys), **of_each}
