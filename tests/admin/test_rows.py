import csv
import io
import json
from typing import Any

import pytest

from gateway.admin.rows import SCREEN, Array, Format, Lines, writer

COLUMNS = ["user", "requests", "credits"]


def written(form: Format, *rows: dict[str, Any]) -> str:
    out = io.StringIO()
    rows_out = writer(form, COLUMNS, out)
    for row in rows:
        rows_out.add(row)
    rows_out.end()
    return out.getvalue()


def row(user: str | None, requests: int = 1, credits: float = 0.5) -> dict[str, Any]:  # noqa: A002
    return {"user": user, "requests": requests, "credits": credits, "unlisted": "CANARY"}


def test_a_table_is_for_people() -> None:
    assert written("table", row("alice", 12), row("bo", 3, 1200.0), row(None)) == (
        "user   requests  credits\n"
        "alice        12      0.5\n"
        "bo            3     1200\n"
        "              1      0.5\n"
    )


def test_a_table_of_any_length_is_written_as_it_comes() -> None:
    out = io.StringIO()
    rows = writer("table", COLUMNS, out)
    for _ in range(SCREEN + 1):
        rows.add(row("alice"))
    assert out.getvalue().count("\n") == SCREEN + 1
    rows.add(row("somebody with a longer name"))
    rows.end()
    assert out.getvalue().count("\n") == SCREEN + 3
    assert out.getvalue().count("requests") == 1


@pytest.mark.parametrize("name", ["a\x1b[2Jb", "a\nb", "a\u202eb", "a\x00b"])
def test_a_name_cannot_forge_the_table(name: str) -> None:
    text = written("table", row(name))
    assert text.count("\n") == 2
    assert all(line.isprintable() for line in text.splitlines())


@pytest.mark.parametrize(
    "name",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\tabc",
        "\rabc",
        "\nabc",
        "=cmd|' /C calc'!A0",
        "\uff1d1+1",
        "\uff0b1",
        "\uff0d1",
        "\uff20SUM(A1)",
    ],
)
def test_a_name_is_no_formula_to_a_spreadsheet(name: str) -> None:
    (_, found) = csv.reader(io.StringIO(written("csv", row(name)), newline=""))
    assert found == [f"'{name}", "1", "0.5"]


@pytest.mark.parametrize("parting", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
@pytest.mark.parametrize(
    "before",
    ["", ";", "\t", "\r", "\n", "a;", "a\t", "a\nb;", 'a";', 'a"\n', ";;", "\t\n", 'a",";', ","],
    ids=ascii,
)
def test_nor_wherever_it_parts_cells(before: str, sign: str, parting: str) -> None:
    text = written("csv", row(f"{before}{sign}SUM(A1);{sign}1", credits=0), row("next"))
    signs = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
    for found in csv.reader(io.StringIO(text, newline=""), delimiter=parting):
        assert not [cell for cell in found if cell.startswith(signs)]


@pytest.mark.parametrize(
    "name", ["alice", 'a "quoted" name', "a,b", "a\nb", "Zoë", "a=b", "a;b", "a-b;c"]
)
def test_csv_gives_back_what_went_in(name: str) -> None:
    (head, found) = csv.reader(io.StringIO(written("csv", row(name)), newline=""))
    assert head == COLUMNS
    assert found == [name, "1", "0.5"]
    assert "CANARY" not in written("csv", row(name))


@pytest.mark.parametrize("name", ["alice", "a\nb", "=1", None])
def test_ndjson_is_a_line_a_row(name: str | None) -> None:
    (line,) = written("ndjson", row(name)).splitlines()
    assert json.loads(line) == {"user": name, "requests": 1, "credits": 0.5}


@pytest.mark.parametrize(
    ("form", "text"),
    [("table", "user  requests  credits\n"), ("csv", "user,requests,credits\r\n"), ("ndjson", "")],
)
def test_no_rows_are_an_answer_too(form: Format, text: str) -> None:
    assert written(form) == text


@pytest.mark.parametrize("rows", [[{"a": 1}], [{"a": 1}, {"b": "\u2028", "c": None}]])
def test_rows_of_any_members_are_lines_or_one_array(rows: list[dict[str, Any]]) -> None:
    lines, array = io.StringIO(), io.StringIO()
    lines_out, array_out = Lines(lines), Array(array)
    for row in rows:
        lines_out.add(row)
        array_out.add(row)
    lines_out.end()
    array_out.end()
    assert [json.loads(line) for line in lines.getvalue().splitlines()] == rows
    assert json.loads(array.getvalue()) == rows
