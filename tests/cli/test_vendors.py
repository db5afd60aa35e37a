import json
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli.main import app
from gateway.config.load import load
from gateway.config.profile_text import profile_table
from gateway.vendors import VENDORS

RUN = CliRunner()
SHORT = """\
[sign_in]
issuer = "https://id.example/"
audience = "chat"
[upstreams.support]
vendor = "chatbase"
key = "${env:KEY}"
agent = "a"
"""


def test_lists_the_profiles():
    result = RUN.invoke(app, ["vendors"])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["PROFILE", "OPERATIONS", "BASE", "URL", "TITLE"]
    assert [line.split()[0] for line in lines[1:]] == list(VENDORS)


@pytest.mark.parametrize("name", VENDORS)
def test_prints_one_as_the_toml_it_could_be_written_in(name: str):
    result = RUN.invoke(app, ["vendors", name])
    assert result.exit_code == 0
    assert result.stdout.startswith(f"# {VENDORS[name].title}\n")
    table = tomllib.loads(result.stdout)["vendors"][name]
    assert table == profile_table(VENDORS[name])


def test_prints_it_under_a_name_one_can_begin_with(tmp_path: Path):
    result = RUN.invoke(app, ["vendors", "chatbase", "--as", "mine"])
    file = tmp_path / "gateway.toml"
    file.write_text(SHORT.replace("chatbase", "mine") + result.stdout)
    profile = load(file, environment={"KEY": "k"}).settings.profiles["mine"]
    assert replace(profile, name="chatbase") == VENDORS["chatbase"]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration with a profile of its own, whose secrets must not be shown."""
    file = tmp_path / "gateway.toml"
    file.write_text(
        SHORT
        + """\
[vendors.mine]
title = "Ours"
base_url = "${env:URL}"
fields = { authorization = "Bearer {key}", x-partner-key = "CANARY", x-token = "${env:TOKEN}" }
operations.ping = "GET /ping"
"""
    )
    monkeypatch.setenv("URL", "https://mine.example")
    monkeypatch.setenv("TOKEN", "CANARY")
    monkeypatch.setenv("KEY", "CANARY")
    return file


def test_a_configuration_has_profiles_of_its_own(config: Path):
    listed = RUN.invoke(app, ["vendors", "--config", str(config)]).stdout.splitlines()
    assert len(listed) == 1 + len(VENDORS) + 1
    assert listed[-1].split() == ["mine", "1", "https://mine.example", "Ours"]
    printed = RUN.invoke(app, ["vendors", "mine", "--config", str(config)])
    assert tomllib.loads(printed.stdout)["vendors"]["mine"] == {
        "title": "Ours",
        "base_url": "${env:URL}",
        "fields": {
            "authorization": "Bearer {key}",
            "x-partner-key": "****",
            "x-token": "${env:TOKEN}",
        },
        "operations": {"ping": {"method": ["GET"], "path": "/ping"}},
    }
    found = RUN.invoke(app, ["vendors", "mine", "--format", "json", "--config", str(config)])
    assert json.loads(found.stdout)[0]["fields"]["x-partner-key"] == "****"
    assert "CANARY" not in printed.output + found.output


def test_the_configuration_here_is_the_default(config: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(config.parent)
    assert RUN.invoke(app, ["vendors", "mine"]).exit_code == 0


def test_what_is_wrong_with_a_configuration_is_no_concern_of_a_shipped_profile(config: Path):
    config.write_text("x = 1")
    wrong = ["--config", str(config)]
    assert RUN.invoke(app, ["vendors", "chatbase", *wrong]).exit_code == 0
    for words in ([], ["mine"]):
        result = RUN.invoke(app, ["vendors", *words, *wrong])
        assert result.exit_code == 78
        assert "x: unknown key" in result.stderr


def test_is_json_for_machines():
    result = RUN.invoke(app, ["vendors", "--format", "json"])
    found = {vendor["name"]: vendor for vendor in json.loads(result.stdout)}
    assert list(found) == list(VENDORS)
    listed = found["chatbase"]["operations"]["conversations"]
    assert listed == {
        "method": ["GET"],
        "path": "/api/v2/agents/{agent}/users/{user}/conversations",
        "user": ["path:user"],
        "conversation": [],
        "opens": [],
        "members": [],
        "query": ["cursor", "limit"],
    }


def test_an_unknown_profile_is_a_failure():
    result = RUN.invoke(app, ["vendors", "bokbag"])
    assert result.exit_code == 1
    assert result.stderr.startswith("There is no profile bokbag: chatbase, ")
    assert result.stderr.endswith("- did you mean bookbag?\n")
