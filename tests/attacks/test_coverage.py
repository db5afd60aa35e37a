"""`docs/attacks.md` and the tests say the same: what is tried, where, and what is not there yet."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "docs" / "attacks.md"
TESTS = ROOT / "tests"

_ROW = re.compile(r"\| ([A-Z]-[0-9]{2}) \| .+ \| (.+) \|")
_FILE = re.compile(r"`(tests/[a-z0-9_/]+\.py)(?:::(test_[a-z0-9_]+))?`")
_IDS = re.compile(r"\b([A-Z])-([0-9]{2})\b(?: to [A-Z]-([0-9]{2})\b)?")
_REASON = re.compile(r"(?:not yet|not here): \S.*")


def rows() -> list[tuple[str, str]]:
    """The id of each row, and what it says of where."""
    return _ROW.findall(TABLE.read_text())


def ids(text: str) -> Iterator[str]:
    """Every id in a text; of "H-03 to H-05" all three."""
    for family, first, last in _IDS.findall(text):
        for number in range(int(first), int(last or first) + 1):
            yield f"{family}-{number:02}"


def tried() -> dict[str, set[str]]:
    """The files that name each id."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in TESTS.rglob("test_*.py"):
        if file != Path(__file__):
            for one in ids(file.read_text()):
                found[one].add(str(file.relative_to(ROOT)))
    return found


TRIED = tried()


def test_every_row_stands_once() -> None:
    named = [one for one, _ in rows()]
    assert len(named) > 300
    assert len(named) == len(set(named))


@pytest.mark.parametrize(("row", "where"), rows(), ids=[one for one, _ in rows()])
def test_a_row_is_tried_where_the_table_says(row: str, where: str) -> None:
    files = _FILE.findall(where)
    if not files:
        assert _REASON.fullmatch(where), where
        assert row not in TRIED, f"it is tried in {TRIED[row]}"
    for file, test in files:
        text = (ROOT / file).read_text()
        if test:
            assert f"def {test}(" in text
        else:
            assert file in TRIED[row], f"{file} does not name it"


def test_every_id_a_test_names_has_a_row() -> None:
    known = {one for one, _ in rows()}
    assert {one: files for one, files in TRIED.items() if one not in known} == {}
