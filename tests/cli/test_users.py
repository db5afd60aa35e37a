import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.core.identity import Person
from gateway.store.people import erasing
from gateway.store.store import Store
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


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else is on this store, to be waited for."""
    monkeypatch.setattr(erasing.erase, "__kwdefaults__", {"settled": 0.0, "pause": 0.0})


@pytest.mark.usefixtures("at_once")
def test_erases_after_a_dry_run(file: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "gateway.db", isolation_level=None)) as connection:
        connection.execute("UPDATE usage SET time = 1")  # what is of a later day is not theirs
    told = users(file, "erase", "--subject", "alice")
    assert "1 conversations at support" in told
    assert "say --yes" in told
    assert "alice" in {row["user"] for row in rows(file, "conversations")}
    told = users(file, "erase", "--subject", "alice", "--yes")
    assert "1 conversations are closed for good" in told
    assert "alice" not in {row["user"] for row in rows(file, "conversations")}
    for what in ("audit", "usage"):
        assert "alice" not in {row["user"] for row in rows(file, what)}
    assert look(file, "audit", "--verify").exit_code == 0
    assert "Nothing is held of alice" in users(file, "erase", "--subject", "alice", "--yes")


def test_says_what_remains_at_the_vendors(file: Path, tmp_path: Path) -> None:
    async def name() -> None:
        store = await Store.open(f"sqlite:///{tmp_path}/gateway.db")
        for upstream in ("support", "gone"):
            await store.ledger.user_id(upstream, Person("default", "alice"), "u_1")
        await store.aclose()

    asyncio.run(name())
    told = users(file, "erase", "--subject", "alice")
    assert "At support (Chatbase API v2) remains what it has of u_1: erase it there." in told
    assert "At gone (a vendor that is configured no more)" in told
    assert "backups, logs, audit.file, exports" in told


@pytest.mark.usefixtures("at_once")
def test_a_tombstone_is_nobody(file: Path) -> None:
    users(file, "erase", "--subject", "alice", "--yes")
    (tomb,) = {row["user"] for row in rows(file, "conversations")} - {"=bob"}
    for words in (("erase",), ("export",), ("rename", "--to", "carol")):
        told = users(file, words[0], "--subject", tomb, *words[1:], code=1)
        assert "is a tombstone" in told
    told = users(file, "rename", "--subject", "=bob", "--to", tomb, code=1)
    assert "nobody becomes one" in told


@pytest.mark.parametrize("form", ["ndjson", "json"])
def test_exports_a_person_and_leaves_a_trace(file: Path, form: str) -> None:
    text = users(file, "export", "--subject", "alice", "--format", form)
    found = json.loads(text) if form == "json" else list(map(json.loads, text.splitlines()))
    kinds = [row["kind"] for row in found]
    assert kinds == ["person", "conversation", "usage", "usage", "audit", "audit"]
    assert (found[-1]["event"], found[-1]["user"]) == ("exported", "alice")


def test_blocks_all_of_a_list(file: Path, tmp_path: Path) -> None:
    listed = tmp_path / "blocked.ndjson"
    rows_of = [{"org": "default", "user": "alice"}, {"org": "default", "user": None}]
    listed.write_text("".join(json.dumps(row) + "\n" for row in rows_of))
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
