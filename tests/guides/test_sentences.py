"""Each sentence of the guides in docs/guides.md is tried by a test that stands beside it."""

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "guides.md").read_text(encoding="utf-8")
GUIDES = ("altatech", "bookbag", "chatbase", "external_user_id")

ROWS = re.findall(r"^\| (.+) \| (`test_.+`) \|$", PAGE, re.MULTILINE)


def written_in(file: Path) -> set[str]:
    found = re.findall(r"^(?:async )?def (test_\w+)", file.read_text(), re.MULTILINE)
    return {f"{file.name}::{name}" for name in found}


def test_the_page_has_a_row_for_each_sentence() -> None:
    lines = [line for line in PAGE.splitlines() if line.startswith("| ")]
    assert len(ROWS) == len(lines) - len(GUIDES)  # a heading each
    assert len({said for said, _ in ROWS}) == len(ROWS) > 25


@pytest.mark.parametrize(("said", "where"), ROWS, ids=[said[:60] for said, _ in ROWS])
def test_a_sentence_is_tried_where_the_page_says(said: str, where: str) -> None:
    for one in re.findall(r"`(test_[^`]+)`", where):
        assert one in written_in(HERE / one.partition("::")[0]), said


def test_each_test_stands_on_the_page() -> None:
    named = {one for _, where in ROWS for one in re.findall(r"`(test_[^`]+)`", where)}
    for guide in GUIDES:
        assert written_in(HERE / f"test_{guide}.py") <= named
