import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.assemble.upkeep import Upkeep
from gateway.store.store import Store
from tests.cli.looked import filled, look, rows
from tests.store.trails import NOON


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return filled(tmp_path)


def spoil(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "gateway.db", isolation_level=None)) as connection:
        connection.execute(statement)


def test_shows_what_happened(file: Path) -> None:
    spoke = [row for row in rows(file, "audit") if row["event"] == "spoke"]
    assert [(row["org"], row["number"], row["user"]) for row in spoke] == [
        ("default", 1, "alice"),
        ("default", 2, "=bob"),
    ]
    found = rows(file, "audit", "--user", "alice", "--since", "2024-10-04", "--until", "2024-10-05")
    assert [row["number"] for row in found] == [1]


def test_a_look_at_the_trail_is_in_the_trail(file: Path) -> None:
    rows(file, "audit")
    assert [row["event"] for row in rows(file, "audit", "--since", "1h")] == ["looked_up"] * 2


def test_verifies_what_nobody_touched(file: Path) -> None:
    done = look(file, "audit", "--verify")
    assert done.exit_code == 0
    assert done.stdout == "The audit trail is as it was written: 2 rows of 1 orgs.\n"


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE audit SET event = 'x' WHERE number = 2", "default: row 2 was edited"),
        (
            "UPDATE audit SET subject = 'x' WHERE number = 2",
            "row 2 was edited where it names people",
        ),
        ("DELETE FROM audit WHERE number = 2", "default: row 2 rows that its head counts are gone"),
    ],
)
def test_says_what_was_changed(file: Path, tmp_path: Path, statement: str, says: str) -> None:
    spoil(tmp_path, statement)
    done = look(file, "audit", "--verify", "--org", "default")
    assert done.exit_code == 1
    assert says in done.stdout
    assert "NOT as it was written" in done.stdout


def test_compares_with_heads_that_were_kept_elsewhere(file: Path, tmp_path: Path) -> None:
    heads = tmp_path / "heads.ndjson"

    async def tell() -> None:
        store = await Store.open(f"sqlite:///{tmp_path}/gateway.db")
        upkeep = Upkeep(database=store.database, retention=1e9, outside=str(heads))
        await upkeep.do(NOON + 86_400)
        await store.aclose()

    asyncio.run(tell())
    with heads.open("a") as log:
        log.write('another line of a log\n{"event": "exchange"}\n[]\n')
    done = look(file, "audit", "--verify", "--heads", str(heads))
    assert "1 heads kept elsewhere compared" in done.stdout
    told = json.loads(heads.read_text().splitlines()[0])
    heads.write_text(json.dumps(told | {"hash": "00" * 32}))
    done = look(file, "audit", "--verify", "--heads", str(heads))
    assert done.exit_code == 1
    assert "is not what its day's head says" in done.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--heads", "x"), "goes with --verify"),
        (("--verify", "--heads", "/nowhere/heads"), "Cannot read /nowhere/heads"),
    ],
)
def test_says_what_it_cannot_do(file: Path, words: tuple[str, ...], says: str) -> None:
    done = look(file, "audit", *words)
    assert done.exit_code == 1
    assert says in done.stderr
