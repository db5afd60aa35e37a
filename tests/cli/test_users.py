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


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("rename", "--to", "alicia"), "vendors go on knowing them by the same ids"),
        (("merge", "--into", "=bob"), "These become one person, =bob, for good"),
    ],
    ids=["rename", "merge"],
)
def test_people_become_others_after_a_dry_run(
    file: Path, words: tuple[str, ...], says: str
) -> None:
    told = users(file, words[0], "--subject", "alice", *words[1:])
    assert says in told
    assert "1 conversations at support" in told
    assert "say --yes" in told
    assert {row["user"] for row in rows(file, "conversations")} == {"alice", "=bob"}
    assert f"alice is {words[2]} now" in users(
        file, words[0], "--subject", "alice", *words[1:], "--yes"
    )
    assert {row["user"] for row in rows(file, "conversations")} == {words[2], "=bob"}
    again = users(file, words[0], "--subject", "alice", *words[1:], "--yes")
    assert "there is nothing to do" in again


def test_what_cannot_become_another_is_said(file: Path) -> None:
    users(file, "merge", "--subject", "alice", "--into", "=bob", "--yes")
    told = users(file, "rename", "--subject", "carol", "--to", "alice", code=1)
    assert "alice has become =bob: say that name" in told
