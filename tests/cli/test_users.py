import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.core.people.identity import Person
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
