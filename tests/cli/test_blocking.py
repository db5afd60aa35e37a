import json
from pathlib import Path

import pytest

from gateway.core.errors import LedgerUnavailable
from gateway.store.people import holdings
from tests.cli.looked import filled, look, rows
from tests.cli.test_users import users


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return filled(tmp_path)


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
    "words", [("export",), ("rename", "--to", "x"), ("merge", "--into", "x"), ("block",)]
)
def test_says_when_nobody_has_come_under_a_name(file: Path, words: tuple[str, ...]) -> None:
    for subject, told in (("Alice", "Nobody has come to default as Alice yet"), ("alice", "")):
        done = look(file, "users", words[0], "--subject", subject, *words[1:])
        assert done.exit_code == 0
        assert done.stderr.startswith(told)
        assert bool(done.stderr) is bool(told)
    again = look(file, "users", words[0], "--subject", "Alice", *words[1:])
    assert again.stderr.startswith("Nobody has come")


@pytest.mark.parametrize(
    "words",
    [("block",), ("block", "--everybody", "--subject", "alice"), ("unblock",)],
    ids=["nobody", "two", "nobody again"],
)
def test_must_be_told_whom(file: Path, words: tuple[str, ...]) -> None:
    assert "Say whom" in users(file, *words, code=1)


def test_blocks_before_it_looks_whether_they_have_come(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def too_slow(*_: object) -> None:
        raise LedgerUnavailable

    monkeypatch.setattr(holdings, "held_by", too_slow)
    for subject in ("alice", "Alice"):
        assert f"{subject} of default: blocked" in users(file, "block", "--subject", subject)
        assert subject in users(file, "blocked")


def test_an_org_that_is_none_is_refused(file: Path) -> None:
    told = users(file, "block", "--subject", "alice", "--org", "other", code=1)
    assert told == "There is no org of the name other. Say which org: --org default\n"


def test_blocks_all_of_a_list(file: Path, tmp_path: Path) -> None:
    listed = tmp_path / "blocked.ndjson"
    rows_of = [{"org": "default", "user": "alice"}, {"org": "default", "user": None}]
    listed.write_text("".join(json.dumps(row) + "\n" for row in rows_of))
    assert "Cannot read" in users(file, "block", "--from", str(tmp_path / "none"), code=1)
    assert "2 are blocked" in users(file, "block", "--from", str(listed))
    assert users(file, "blocked", "--format", "csv").count("default") == 2
    told = users(file, "block", "--from", str(listed), "--subject", "bob", code=1)
    assert "says by itself whom" in told


@pytest.mark.parametrize("line", ["x", "[]", '{"org": "default"}', '{"org": 1, "user": "a"}'])
def test_a_list_with_anything_else_in_it_blocks_nobody(
    file: Path, tmp_path: Path, line: str
) -> None:
    listed = tmp_path / "blocked.ndjson"
    listed.write_text('{"org": "default", "user": "alice"}\n' + line)
    assert "line 2 is no row of" in users(file, "block", "--from", str(listed), code=1)
    assert users(file, "blocked", "--format", "ndjson") == ""
    assert "Cannot read" in users(file, "block", "--from", str(tmp_path / "none"), code=1)
