import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer

from gateway.cli.asking import moment, run
from gateway.core.errors import LedgerUnavailable
from tests.cli.looked import filled
from tests.store.conftest import locked

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize("written", ["yesterday", "", "7", "7w", "2026-13-01", "-7d"])
def test_anything_else_is_said(written: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        moment(written, NOW, "--since")
    assert f"--since {written}" in capsys.readouterr().err


def test_a_reader_that_has_read_enough_is_no_error(tmp_path: Path) -> None:
    file = filled(tmp_path)
    command = f"{sys.executable} -m gateway usage --format csv --config {file} | true"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_says_what_the_database_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def work(*_: object) -> None:
        raise LedgerUnavailable(cause="SQLITE_FULL")

    with pytest.raises(typer.Exit):
        run(filled(tmp_path), work)
    assert capsys.readouterr().err == "The store cannot be used now: SQLITE_FULL\n"


def test_nothing_is_shown_that_leaves_no_trace(tmp_path: Path) -> None:
    file = filled(tmp_path)
    with locked(tmp_path / "gateway.db"):
        done = subprocess.run(
            [sys.executable, "-m", "gateway", "usage", "--config", str(file)],
            capture_output=True,
            text=True,
            timeout=90,
        )
    assert done.returncode == 1
    assert "alice" not in done.stdout
