import json
from pathlib import Path

import pytest

from tests.cli.looked import filled, look, rows


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return filled(tmp_path)


def users(file: Path, *words: str, code: int = 0) -> str:
    done = look(file, "users", *words)
    assert done.exit_code == code, done.output
    return done.output


def test_blocks_and_lets_in_again(file: Path) -> None:
    assert "alice of default: blocked" in users(file, "block", "--subject", "alice")
    assert "Everybody of default: blocked" in users(file, "block", "--everybody")
    listed = [
        json.loads(line) for line in users(file, "blocked", "--format", "ndjson").split("\n")[:-1]
    ]
    assert [(one["org"], one["user"]) for one in listed] == [
        ("default", None),
        ("default", "alice"),
    ]
    assert "let in again" in users(file, "unblock", "--subject", "alice", "--org", "default")
    assert "was not blocked" in users(file, "unblock", "--subject", "alice", code=1)
    events = [row["event"] for row in rows(file, "audit", "--since", "1h")]
    assert events[:3] == ["blocked", "blocked", "unblocked"]


@pytest.mark.parametrize(
    "words",
    [("block",), ("block", "--everybody", "--subject", "alice"), ("unblock",)],
    ids=["nobody", "two", "nobody again"],
)
def test_must_be_told_whom(file: Path, words: tuple[str, ...]) -> None:
    assert "Say whom" in users(file, *words, code=1)


def test_an_org_that_is_none_is_refused(file: Path) -> None:
    assert "Say which org" in users(file, "block", "--subject", "alice", "--org", "other", code=1)
