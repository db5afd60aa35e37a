from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.cli.main import app
from tests.cli.looked import filled, rows
from tests.support import config
from tests.support.tokens import Issuer

RUN = CliRunner()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "gateway.toml"
    written.write_text(config.chatbase("http://127.0.0.1:9", Issuer(), store=tmp_path / "g.db"))
    return written


def run(file: Path, text: str | None, *words: str) -> Result:
    rows = file.parent / "owners.csv"
    if text is not None:
        rows.write_text(text)
    command = ["conversations", "import", str(rows), "--config", str(file)]
    return RUN.invoke(app, [*command, *words])


def test_says_what_it_would_do_and_then_does_it(file: Path) -> None:
    text = "conversation,subject\nc-1,alice\nc-2,bob\n"
    dry = run(file, text, "--upstream", "support")
    assert dry.exit_code == 0
    assert "2 would be recorded" in dry.stdout
    assert "say --yes" in dry.stdout
    assert "2 recorded" in run(file, text, "--upstream", "support", "--yes").stdout
    assert "2 are theirs already" in run(file, text, "--upstream", "support", "--write").stdout


def test_tells_conflicts_and_faults_by_their_line(file: Path) -> None:
    run(file, "conversation,subject\nc-1,alice\n", "--upstream", "support", "--write")
    done = run(file, "conversation,subject\nc-1,bob\n/,x\n", "--upstream", "support")
    assert done.exit_code == 1
    assert "1 of another" in done.stdout
    assert "line 2: c-1" in done.stdout
    assert "line 3: no conversation id" in done.stdout


@pytest.mark.parametrize(
    ("text", "words", "says"),
    [
        pytest.param(None, ("--upstream", "support"), "Cannot read", id="no file"),
        pytest.param("a,b\n", ("--upstream", "support"), "names no column", id="no columns"),
        pytest.param("", ("--upstream", "other"), "has no upstream other: support", id="upstream"),
        pytest.param("", ("--upstream", "support", "--org", "x"), "Say which org", id="org"),
    ],
)
def test_says_what_is_wrong(
    file: Path, text: str | None, words: tuple[str, ...], says: str
) -> None:
    done = run(file, text, *words)
    assert done.exit_code == 1
    assert says in done.stderr


def test_lists_whose_they_are(tmp_path: Path) -> None:
    file = filled(tmp_path)
    found = rows(file, "conversations")
    assert [(row["upstream"], row["conversation"], row["user"]) for row in found] == [
        ("support", "c-0", "alice"),
        ("support", "c-1", "=bob"),
    ]
    assert found[0]["opened_at"].endswith("Z")
    assert [row["conversation"] for row in rows(file, "conversations", "--user", "=bob")] == ["c-1"]
    assert rows(file, "conversations", "--until", "2020-01-01") == []
    assert len(rows(file, "conversations", "--since", "1h", "--org", "default")) == 2
