import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli.main import app
from tests.support import config
from tests.support.tokens import Issuer

RUN = CliRunner()
CHAT = "/api/v2/agents/agent_1/chat"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "gateway.toml"
    written.write_text(config.chatbase("http://127.0.0.1:9", Issuer(), store=tmp_path / "g.db"))
    return written


def line(body: object, path: str = CHAT, **headers: str) -> str:
    fields = {"content-type": "application/json", **headers}
    return json.dumps({"method": "POST", "path": path, "headers": fields, "body": body})


def replay(file: Path, recording: str, *words: str) -> str:
    (file.parent / "recorded.ndjson").write_text(recording)
    token = Issuer().token("alice", algorithm="HS256")
    done = RUN.invoke(
        app,
        [
            *("replay", str(file.parent / "recorded.ndjson"), "--config", str(file)),
            *("--prefix", "/support", "--token", token, *words),
        ],
    )
    assert done.exit_code == 0, done.output
    assert token not in done.stdout
    return done.stdout


RECORDING = "\n".join(
    [
        line({"message": "a"}),
        line({"message": "a"}, cookie="session=OLD"),
        line({"message": "a", "userId": "bob"}),
        line({"message": "a", "userId": "carol", "temperature": 1}),
        line({"message": "a", "conversationId": "c-1"}),
        line({"message": "a"}, "/api/v2/agents/agent_1/sources"),
    ]
)


def test_sums_up_what_would_change_and_why(file: Path) -> None:
    said = replay(file, RECORDING)
    assert "6 requests: 2 would pass as they are, 2 rewritten, 2 refused." in said
    assert "       2  body:userId says who is asking: overridden  (first: line 3: POST)" in said
    assert "       1  body:temperature is not listed: left out  (first: line 4: POST)" in said
    assert "404 conversation_not_found" in said
    assert "404 not_found" in said
    assert not (file.parent / "g.db").exists()


def test_speaks_json_to_machines(file: Path) -> None:
    said = json.loads(replay(file, RECORDING, "--format", "json"))
    assert (said["requests"], said["alike"], said["rewritten"], said["refused"]) == (6, 2, 2, 2)
    assert {one["count"] for one in said["refusals"]} == {1}


def test_without_a_token_the_recorded_credentials_are_judged(file: Path) -> None:
    (file.parent / "r.ndjson").write_text(line({"message": "a"}, authorization="Bearer x.y.z"))
    words = ["replay", str(file.parent / "r.ndjson"), "--config", str(file), "--prefix", "/support"]
    done = RUN.invoke(app, words)
    assert "401 credentials_invalid" in done.stdout


@pytest.mark.parametrize("text", [None, "this is nothing"])
def test_says_what_is_wrong_with_a_recording(file: Path, text: str | None) -> None:
    recording = file.parent / "r.ndjson"
    if text is not None:
        recording.write_text(text)
    done = RUN.invoke(app, ["replay", str(recording), "--config", str(file)])
    assert done.exit_code == 1
    assert str(recording) in done.stderr
