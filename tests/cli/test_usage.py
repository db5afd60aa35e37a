from pathlib import Path

import pytest

from tests.cli.looked import filled, look, rows


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return filled(tmp_path)


def test_says_what_each_person_used(file: Path) -> None:
    bob, alice = rows(file, "usage")
    assert (alice["org"], alice["user"], alice["upstream"]) == ("default", "alice", "support")
    assert (alice["requests"], alice["conversations"], alice["credits"]) == (2, 1, 4.0)
    assert (alice["tokens_in"], alice["tokens_out"], alice["refused"]) == (14, 6, 0)
    assert alice["first_seen"] == "2027-01-15T08:00:00.000Z"
    assert (bob["user"], bob["requests"]) == ("=bob", 1)


def test_groups_as_asked(file: Path) -> None:
    assert [(row["day"], row["users"]) for row in rows(file, "usage", "--by", "day")] == [
        ("2027-01-15", 1),
        ("2027-01-16", 1),
    ]
    (exchange,) = rows(file, "usage", "--by", "exchange", "--user", "=bob")
    assert (exchange["operation"], exchange["status"]) == ("chat", 200)


def test_shows_only_what_is_asked_for(file: Path) -> None:
    asked = (
        "usage",
        "--org",
        "default",
        "--since",
        "2027-01-15T08:00:30Z",
        "--until",
        "2027-01-16",
    )
    (row,) = rows(file, *asked)
    assert (row["user"], row["requests"]) == ("alice", 1)


def test_a_table_and_csv_are_there_too(file: Path) -> None:
    assert "alice" in look(file, "usage").stdout
    assert "'=bob" in look(file, "usage", "--format", "csv").stdout


def test_whoever_looks_leaves_a_trace(file: Path) -> None:
    rows(file, "usage", "--user", "alice")
    (trace,) = [row for row in rows(file, "audit") if row["detail"] and '"usage"' in row["detail"]]
    assert (trace["event"], trace["user"]) == ("looked_up", "alice")
    assert trace["actor"].startswith("operator:")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(("--since", "yesterday"), "--since yesterday", id="no time"),
        pytest.param(("--org", "nobody"), "Say which org", id="no org"),
    ],
)
def test_says_what_it_does_not_understand(file: Path, words: tuple[str, ...], says: str) -> None:
    done = look(file, "usage", *words)
    assert done.exit_code == 1
    assert says in done.stderr


def test_makes_no_store(tmp_path: Path) -> None:
    file = filled(tmp_path)
    for path in tmp_path.glob("gateway.db*"):
        path.unlink()
    done = look(file, "usage")
    assert done.exit_code == 1
    assert "no store yet" in done.stderr
    assert not (tmp_path / "gateway.db").exists()
