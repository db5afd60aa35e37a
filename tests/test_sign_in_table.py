"""The README's "Sign-in": for each framework and provider the lines that switch it on."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.config.load import load
from gateway.config.sign_ins.session import FRAMEWORKS

ROOT = Path(__file__).parent.parent
PART = (ROOT / "README.md").read_text().partition("\n## Sign-in\n")[2].partition("\n## ")[0]
ASKING = ['ask = "http://127.0.0.1:8000/me"', 'user_key = "user_id"']
SECRET = 'secret = "${env:SECRET_KEY}"'
PROVIDERS = ROOT / "docs" / "identity-providers"


def rows(heading: str) -> Iterator[list[list[str]]]:
    """The settings in each cell of each row but its first."""
    table = PART.partition(f"| {heading} |")[2].partition("\n\n")[0]
    for row in table.splitlines()[2:]:
        cells = row.strip("| ").split(" | ")[1:]
        yield [[one for one in re.findall(r"`([^`]+)`", cell) if " = " in one] for cell in cells]


WAYS = [
    *(ASKING + row[0] for row in rows("framework")),
    *([*row[1], SECRET] for row in rows("framework") if len(row) > 1 and row[1]),
    *(row[0] for row in rows("provider")),
]


@pytest.mark.parametrize("lines", WAYS, ids=lambda lines: " ".join(lines)[:60])
def test_each_rows_lines_are_a_sign_in(lines: list[str], tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    upstream = 'vendor = "chatbase"\nkey = "${env:SECRET_KEY}"\nagent = "agent_1"'
    file.write_text("\n".join(["[sign_in]", *lines, "[upstreams.support]", upstream]))
    found = load(file, environment={"SECRET_KEY": "kZ3vQ9xT1mB7nL5pR2wS8dF4gH6jK0aC"})
    assert [one for one in found.warnings if one.severity != "note"] == []


def test_no_framework_and_no_provider_is_left_out() -> None:
    written = " ".join(line for lines in WAYS for line in lines)
    for framework in FRAMEWORKS:
        assert f'framework = "{framework}"' in written
    for page in PROVIDERS.glob("*.md"):
        assert f"(docs/identity-providers/{page.name})" in PART
        (block,) = re.findall(r"```toml\n(.*?)```", page.read_text(), re.DOTALL)[:1]
        lines = [line.split(" #")[0].rstrip() for line in block.splitlines()]
        wanted = [one for one in lines if " = " in one and not one.startswith("roles_claim")]
        assert wanted in WAYS, page.name
