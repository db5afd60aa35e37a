"""Rows for people and for programs: a table, CSV (RFC 4180) or NDJSON, however many there are."""

import csv
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TextIO, TypeAlias

Format: TypeAlias = Literal["table", "csv", "ndjson"]
Row: TypeAlias = Mapping[str, Any]

SCREEN = 500  # rows a table takes together; its columns may grow after them
# Where a spreadsheet may see a formula, in the wide forms too: where a cell begins, or behind what
# it skips there. To some `;` or a tab parts two cells, and then quotes hold no line together.
_FORMULA = re.compile("^(?=[\t\r\n])|(?:^|(?<=[;\t\r\n]))(?=[=+@\uff1d\uff0b\uff0d\uff20-])")


class Table:
    """Columns side by side; numbers to the right. What has no form on a terminal is escaped."""

    def __init__(self, columns: Sequence[str], out: TextIO) -> None:
        self._columns = columns
        self._out = out
        self._waiting: list[list[str]] = []
        self._widths = [len(name) for name in columns]
        self._numbers = [True] * len(columns)
        self._has_begun = False

    def add(self, row: Row) -> None:
        cells = [row[name] for name in self._columns]
        for place, cell in enumerate(cells):
            if not isinstance(cell, (int, float)) and cell is not None:
                self._numbers[place] = False
        self._waiting.append([_shown(cell) for cell in cells])
        if len(self._waiting) >= SCREEN:
            self._write()

    def end(self) -> None:
        self._write()

    def _write(self) -> None:
        for cells in self._waiting:
            self._widths = [
                max(have, len(cell)) for have, cell in zip(self._widths, cells, strict=True)
            ]
        if not self._has_begun:
            self._line(list(self._columns))
            self._has_begun = True
        for cells in self._waiting:
            self._line(cells)
        self._waiting = []

    def _line(self, cells: Sequence[str]) -> None:
        padded = [
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(cells, self._widths, self._numbers, strict=True)
        ]
        self._out.write("  ".join(padded).rstrip() + "\n")


class Csv:
    """A spreadsheet must not take a name for a formula: an apostrophe stands before it."""

    def __init__(self, columns: Sequence[str], out: TextIO) -> None:
        self._columns = columns
        self._rows = csv.writer(out)
        self._rows.writerow(columns)

    def add(self, row: Row) -> None:
        self._rows.writerow([_harmless(row[name]) for name in self._columns])

    def end(self) -> None:
        pass


class Lines:
    """One JSON object a line, whatever its members."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout

    def add(self, row: Row) -> None:
        self._out.write(json.dumps(row) + "\n")

    def end(self) -> None:
        pass


class Ndjson(Lines):
    """As `Lines`, of these columns."""

    def __init__(self, columns: Sequence[str], out: TextIO) -> None:
        super().__init__(out)
        self._columns = columns

    def add(self, row: Row) -> None:
        super().add({name: row[name] for name in self._columns})


class Array:
    """A JSON array of objects, whatever their members."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._before = "[\n"

    def add(self, row: Row) -> None:
        self._out.write(self._before + json.dumps(row))
        self._before = ",\n"

    def end(self) -> None:
        self._out.write("\n]\n")


Writer: TypeAlias = Table | Csv | Ndjson
WRITERS: Mapping[Format, Callable[[Sequence[str], TextIO], Writer]] = {
    "table": Table,
    "csv": Csv,
    "ndjson": Ndjson,
}


def writer(form: Format, columns: Sequence[str], out: TextIO | None = None) -> Writer:
    """What writes rows in this form; by default on standard output."""
    return WRITERS[form](columns, out or sys.stdout)


def _shown(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:g}" if cell < 1_000_000 else f"{cell:.0f}"
    return printable(str(cell))


def printable(text: str) -> str:
    """A text as a terminal may have it: a name that moves the cursor, or writes backwards, would
    forge other lines.
    """
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def _harmless(cell: object) -> object:
    return _FORMULA.sub("'", cell) if isinstance(cell, str) else cell
