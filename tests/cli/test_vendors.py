import json

import pytest
from typer.testing import CliRunner

from gateway.cli.main import app
from gateway.vendors import VENDORS

RUN = CliRunner()


def test_lists_the_profiles():
    result = RUN.invoke(app, ["vendors"])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["PROFILE", "OPERATIONS", "BASE", "URL", "TITLE"]
    assert [line.split()[0] for line in lines[1:]] == list(VENDORS)


@pytest.mark.parametrize("name", VENDORS)
def test_shows_every_operation_of_one(name: str):
    result = RUN.invoke(app, ["vendors", name])
    assert result.exit_code == 0
    for operation, found in VENDORS[name].operations.items():
        assert f"\n{operation}    {' '.join(found.methods)} {found.path}\n" in result.stdout


def test_shows_what_an_operation_takes_and_tells():
    shown = RUN.invoke(app, ["vendors", "chatbase"]).stdout
    chat = shown.partition("\nchat    POST /api/v2/agents/{agent}/chat\n")[2].partition("\n\n")[0]
    assert "  user id       body:/userId\n" in chat
    assert "  conversation  body:/conversationId\n" in chat
    assert "  opens         body:/data/metadata/conversationId, " in chat
    assert chat.endswith("  members       conversationId, message, stream")


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
    result = RUN.invoke(app, ["vendors", "nope"])
    assert result.exit_code == 1
    assert result.stderr.startswith("There is no profile nope: chatbase, ")
