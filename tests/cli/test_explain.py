"""The words on the terminal; what they are about is in tests/explain/test_decisions.py."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli.explain import typed
from gateway.cli.main import app
from tests.support import config
from tests.support.tokens import Issuer

RUN = CliRunner()
PATH = "/support/api/v2/agents/agent_1/chat"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "gateway.toml"
    text = config.chatbase(
        "http://127.0.0.1:9", Issuer(), store=tmp_path / "g.db", key="KEY-CANARY"
    )
    fields = '[upstreams.support]\nfields = { x-api-key = "FIELD-CANARY", x-plan = "pro" }\n'
    written.write_text(text.replace("[upstreams.support]\n", fields))
    return written


def explain(file: Path, *words: str) -> str:
    done = RUN.invoke(app, ["explain", *words, "--config", str(file)])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_shows_the_steps_and_the_request_with_secrets_masked(file: Path) -> None:
    token = Issuer().token("alice", algorithm="HS256")
    said = explain(file, "POST", PATH, "--token", token, "-d", '{"message":"hi","userId":"bob"}')
    assert "body:userId" in said
    assert "The vendor receives:" in said
    assert "authorization: Bearer ****" in said
    assert "x-api-key: ****" in said
    assert "x-plan: pro" in said
    assert '{"message":"hi","userId":"alice"}' in said
    assert "CANARY" not in said
    assert token not in said


def test_a_name_cannot_forge_a_line(file: Path) -> None:
    """Row G-03: it moves the cursor, or writes backwards."""
    token = Issuer().token("al\x1b[2K\r\u202eice", algorithm="HS256")
    said = explain(file, "POST", PATH, "--token", token, "-d", '{"message":"hi"}')
    assert all(line.isprintable() for line in said.splitlines())
    assert "al\\x1b[2K\\r\\u202eice" in said


def test_a_secret_that_the_server_writes_into_the_body_is_masked_too(tmp_path: Path) -> None:
    """Row G-05."""
    file = tmp_path / "gateway.toml"
    text = config.dify("http://127.0.0.1:9", Issuer(), store=tmp_path / "g.db", key="KEY-CANARY")
    decided = 'set = { "/inputs/crm" = { api_key = "CANARY\\"/<1>", plan = "pro" } }\n'
    file.write_text(text.replace("[upstreams.app]\n", f"[upstreams.app]\n{decided}"))
    token = Issuer().token("alice", algorithm="HS256")
    asked = '{"query":"hi","inputs":{},"response_mode":"blocking"}'
    said = explain(file, "POST", "/app/v1/chat-messages", "--token", token, "-d", asked)
    assert '"crm":{"api_key":"****","plan":"pro"}' in said
    assert "CANARY" not in said


def test_a_secret_that_a_profile_of_ones_own_writes_is_masked_too(tmp_path: Path) -> None:
    """Row G-05."""
    file = tmp_path / "gateway.toml"
    text = config.chatbase(
        "http://127.0.0.1:9", Issuer(), store=tmp_path / "g.db", key="KEY-CANARY"
    )
    text = text.replace('vendor = "chatbase"', 'vendor = "mine"').replace('agent = "agent_1"\n', "")
    file.write_text(
        f"""{text}
[vendors.mine]
fields = {{ x-credential = "Basic CANARY", x-token = "{{key}}", x-plan = "pro" }}
operations = {{ ping = "GET /ping" }}
"""
    )
    token = Issuer().token("alice", algorithm="HS256")
    said = explain(file, "GET", "/support/ping", "--token", token)
    assert "x-credential: ****" in said
    assert "x-token: ****" in said
    assert "x-plan: pro" in said
    assert "CANARY" not in said


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("-d", "@none.json"), 1, "Cannot read none.json: No such file or directory\n"),
        (("-H", "no colon"), 2, "'Name: value'"),
        (("-H", ": no name"), 2, "'Name: value'"),
    ],
)
def test_a_request_that_cannot_be_typed_is_explained_nowhere(
    file: Path, words: tuple[str, ...], code: int, says: str
) -> None:
    done = RUN.invoke(app, ["explain", "POST", PATH, *words, "-c", str(file)])
    assert done.exit_code == code
    assert says in done.stderr
    assert done.stdout == ""


def test_shows_a_refusal(file: Path) -> None:
    said = explain(file, "POST", PATH, "-d", "{}")
    assert "The vendor receives nothing." in said
    assert "x-gateway-error: credentials_missing" in said


def test_speaks_json_to_machines(file: Path) -> None:
    said = json.loads(explain(file, "POST", PATH, "-d", "{}", "--format", "json"))
    assert said["code"] == "credentials_missing"
    assert said["vendor_receives"] is None
    assert [step["step"] for step in said["steps"]] == [
        "org",
        "upstream",
        "operation",
        "credentials",
        "refused",
    ]


def test_reads_a_request_as_it_is_typed(tmp_path: Path) -> None:
    (tmp_path / "body.json").write_text("{}")
    asked = typed("post", "https://chat.example/a/b?x=1", ["X-A: b"], f"@{tmp_path}/body.json", "t")
    assert (asked.method, asked.host, asked.raw_path) == ("POST", "chat.example", "/a/b")
    assert (asked.raw_query, asked.content) == (b"x=1", b"{}")
    assert (b"x-a", b"b") in asked.fields
    assert (b"content-type", b"application/json") in asked.fields
    assert (b"authorization", b"Bearer t") in asked.fields


def test_a_cookie_is_typed_as_a_page_of_ours_sends_it() -> None:
    asked = typed("get", "/a", [], None, None, ["s=1", "t=2"])
    assert asked.fields == [
        (b"host", b"localhost"),
        (b"cookie", b"s=1; t=2"),
        (b"sec-fetch-site", b"same-origin"),
    ]
    elsewhere = typed("get", "/a", ["Origin: https://x.example"], None, None, ["s=1"])
    assert (b"sec-fetch-site", b"same-origin") not in elsewhere.fields
