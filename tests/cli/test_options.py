from pathlib import Path

import pytest
import typer

from gateway.cli.options import fail, file_text, load_or_exit
from tests.config.parts import short


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KEY", "k")
    return tmp_path


def test_loads_the_file_that_was_named(here: Path):
    (here / "other.toml").write_text(short())
    assert list(load_or_exit(Path("other.toml")).settings.orgs) == ["default"]


def test_loads_what_is_here(here: Path):
    (here / "gateway.toml").write_text(short())
    assert list(load_or_exit(None).settings.orgs) == ["default"]


def test_options_that_were_given_go_before(here: Path):
    (here / "gateway.toml").write_text(short())
    given = load_or_exit(None, overrides={"server.listen": "127.0.0.1:1"})
    assert given.settings.server.listen == "127.0.0.1:1"
    absent = load_or_exit(None, overrides={"server.listen": None})
    assert absent.settings.server.listen == "127.0.0.1:8080"


def test_says_what_to_do_when_there_is_none(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(typer.Exit) as caught:
        load_or_exit(None)
    assert caught.value.exit_code == 78
    told = capsys.readouterr().err
    assert "--config FILE" in told
    assert "$GATEWAY_CONFIG" in told
    assert "gateway init" in told


def test_says_that_the_named_one_is_not_there(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(typer.Exit) as caught:
        load_or_exit(Path("none.toml"))
    assert caught.value.exit_code == 78
    assert capsys.readouterr().err == (
        "none.toml  error  cannot read this file: No such file or directory\n"
    )


def test_says_every_mistake(here: Path, capsys: pytest.CaptureFixture[str]):
    (here / "gateway.toml").write_text("a = 1\nb = 2\n" + short())
    with pytest.raises(typer.Exit) as caught:
        load_or_exit(None)
    assert caught.value.exit_code == 78
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [
        "gateway.toml:1:1  error  a: unknown key",
        "gateway.toml:2:1  error  b: unknown key",
    ]


def test_what_is_no_mistake_is_said_by_a_check_alone(
    here: Path, capsys: pytest.CaptureFixture[str]
):
    (here / "gateway.toml").write_text("a = 1\n" + short().replace("${env:KEY}", "literal"))
    for thorough, said in ((False, ["error"]), (True, ["error", "warning"])):
        with pytest.raises(typer.Exit):
            load_or_exit(None, thorough=thorough)
        told = capsys.readouterr().err.splitlines()
        assert [line.split()[1] for line in told] == said


def test_a_failure_says_why(capsys: pytest.CaptureFixture[str]):
    assert fail("No such thing.").exit_code == 1
    assert capsys.readouterr().err == "No such thing.\n"


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "No such file or directory"), (b"\x80", "it is not UTF-8 text")],
    ids=["none", "no text"],
)
def test_says_that_a_file_cannot_be_read(
    here: Path, content: bytes | None, why: str, capsys: pytest.CaptureFixture[str]
):
    if content is not None:
        (here / "a").write_bytes(content)
    with pytest.raises(typer.Exit) as caught:
        file_text(Path("a"))
    assert caught.value.exit_code == 1
    assert capsys.readouterr().err == f"Cannot read a: {why}\n"
