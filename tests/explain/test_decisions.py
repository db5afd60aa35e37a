"""`explain` says what would happen; what then happens is that."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.cli.explain import explained, sent, typed
from gateway.config.load import load
from gateway.core.people.identity import Person
from gateway.explain.decisions import Explanation
from tests.support.chatbase import Chatbase
from tests.support.stage import Stage, chatbase_stage
from tests.support.tokens import Issuer

pytestmark = pytest.mark.anyio


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage[Chatbase]]:
    async with chatbase_stage(tmp_path) as built:
        yield built


async def explain(
    stage: Stage[Chatbase], who: str | None, method: str, path: str, body: object = None
) -> Explanation:
    token = stage.token(who) if who is not None else None
    text = body if isinstance(body, str) or body is None else json.dumps(body)
    headers = ["X-External-User-Id: victim", "X-Request-Id: explained"]
    asked = typed(method, stage.base + path, headers, text, token)
    return await explained(stage.gateway.settings, asked)


async def test_shows_exactly_what_the_vendor_then_receives_for_a_spoofed_request(
    stage: Stage[Chatbase],
) -> None:
    body = {"message": "hi", "stream": False, "userId": "victim", "temperature": 2}
    explanation = await explain(stage, "alice", "POST", "/chat", body)
    assert stage.vendor.saw_nothing()
    fields = [("X-External-User-Id", "victim"), ("X-Request-Id", "explained")]
    await stage.ask("alice", "POST", "/chat", body, fields)
    really = stage.vendor.requests[0].raw.replace(b"\r\n", b"\n").replace(b"cb-key", b"****")
    shown = sent(explanation).replace(stage.vendor.authority, stage.vendor.url[7:])
    assert shown.encode() == really
    steps = dict(explanation.steps)
    assert steps["identity"] == "alice"
    assert steps["credentials"] == "authorization by sign_in[0], jwt: alice"
    assert steps["spoofed"] == "field:x-external-user-id, body:userId"
    assert "body:temperature" in steps["left out"]


async def test_shows_the_key_nowhere(stage: Stage[Chatbase]) -> None:
    explanation = await explain(stage, "alice", "POST", "/chat", {"message": "hi"})
    assert "cb-key" not in repr(explanation)
    assert "cb-key" not in sent(explanation)


@pytest.mark.parametrize(
    ("who", "method", "path", "body", "code"),
    [
        pytest.param(None, "POST", "/chat", {"message": "x"}, "credentials_missing", id="stranger"),
        pytest.param(
            "bob", "GET", "/conversations/c-1", None, "conversation_not_found", id="other"
        ),
        pytest.param("bob", "GET", "/sources", None, "not_found", id="not declared"),
        pytest.param("bob", "DELETE", "/chat", None, "method_not_allowed", id="method"),
        pytest.param("bob", "POST", "/chat", '{"a":1,"a":2}', "ambiguous_json", id="ambiguous"),
        pytest.param("bob", "GET", "/%2e%2e/x", None, "bad_path", id="path"),
    ],
)
async def test_shows_a_refusal_and_what_the_client_gets(
    stage: Stage[Chatbase], who: str | None, method: str, path: str, body: object, code: str
) -> None:
    explanation = await explain(stage, who, method, path, body)
    assert explanation.code == code
    assert explanation.request is None
    assert explanation.answer is not None
    assert explanation.steps[-1][0] == "refused"
    assert stage.vendor.saw_nothing()


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/elsewhere/x", "begins as no upstream's `path` does"),
        ("/support/api/v2/agents/agent_1/sources", "/api/v2/agents/agent_1/sources, and no op"),
        ("/support/api/v2/agents/agent_2/chat", "chat, but its agent is not among `agent` of"),
    ],
)
async def test_says_why_there_is_no_such_operation(
    stage: Stage[Chatbase], path: str, why: str
) -> None:
    asked = typed("POST", path, [], "{}", stage.token("bob"))
    explanation = await explained(stage.gateway.settings, asked)
    assert explanation.code == "not_found"
    assert why in dict(explanation.steps)["operation"]
    assert explanation.answer is not None
    assert b"agent" not in explanation.answer.content


@pytest.mark.parametrize("key", ["once", "over and over" * 20])
async def test_judges_an_idempotency_key_as_the_gateway_does(
    stage: Stage[Chatbase], key: str
) -> None:
    body, headers = {"message": "hi", "stream": False}, [f"Idempotency-Key: {key}"]
    token = stage.token("alice")
    asked = typed("POST", stage.base + "/chat", headers, json.dumps(body), token)
    explanation = await explained(stage.gateway.settings, asked)
    answer = await stage.ask("alice", "POST", "/chat", body, [("Idempotency-Key", key)])
    assert (explanation.request is None) == (answer.status == 400) == (key != "once")


async def test_looking_writes_nothing(stage: Stage[Chatbase]) -> None:
    explanation = await explain(stage, "new@example.com", "POST", "/chat", {"message": "x"})
    assert explanation.record.user.startswith("u_")
    store = (await stage.gateway.open()).process.store
    assert await store.ledger.known_user_id("support", Person("default", "new@example.com")) is None


async def test_says_why_a_user_id_is_opaque(stage: Stage[Chatbase]) -> None:
    explanation = await explain(stage, "a@b.example", "POST", "/chat", {"message": "x"})
    assert "opaque: the subject does not fit" in dict(explanation.steps)["user id"]
    explanation = await explain(stage, "alice", "POST", "/chat", {"message": "x"})
    assert dict(explanation.steps)["user id"] == "alice (the subject itself)"


async def test_works_without_a_store_and_makes_none(stage: Stage[Chatbase], tmp_path: Path) -> None:
    await stage.gateway.aclose()
    for file in tmp_path.glob("gateway.db*"):
        file.unlink()
    explanation = await explain(stage, "alice", "POST", "/chat", {"message": "x"})
    assert explanation.request is not None
    assert not list(tmp_path.glob("gateway.db*"))


async def test_says_which_limits_apply_and_uses_none_up(tmp_path: Path) -> None:
    table = '[limits]\nper_user = "1/minute"\nbudget_per_user = "1 credits/day"\n'
    async with chatbase_stage(tmp_path, lambda text: text + table) as stage:
        for _ in range(3):
            explanation = await explain(stage, "alice", "POST", "/chat", {"message": "hi"})
            assert explanation.code == ""
        assert dict(explanation.steps)["limits"] == (
            "one person may make 1 requests in 60 s; one person may use 1 credits a day"
        )
        reading = await explain(stage, "alice", "GET", "/users/me/conversations")
        assert dict(reading.steps)["limits"].endswith("; it counts a tenth")
        body = {"message": "hi", "stream": False}
        assert (await stage.ask("alice", "POST", "/chat", body)).status == 200


async def test_says_that_nothing_is_limited(stage: Stage[Chatbase]) -> None:
    explanation = await explain(stage, "alice", "POST", "/chat", {"message": "hi"})
    assert dict(explanation.steps)["limits"] == "none"


APP = """
[sign_in]
issuer = "{issuer}"
audience = "chat"
secret = "{secret}"
[vendors.ours.operations.chat]
method = "POST"
path = "/api/chat"
user = "body:/userId"
opens = "body:/conversationId"
members = ["message"]
[upstreams.bot]
vendor = "ours"
base_url = "app:"
[store]
url = "sqlite:///{folder}/gateway.db"
"""


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("POST", "/api/chat", ""),
        ("GET", "/api/chat", "method_not_allowed"),
        ("POST", "/bot/api/chat", "not_found"),
        ("POST", "/api/chat/", "bad_path"),
        ("POST", "/api/other", "not_found"),  # the application answers that, and not for us
    ],
)
async def test_the_application_around_us_is_found_at_its_own_urls(
    method: str, path: str, code: str, tmp_path: Path
) -> None:
    issuer = Issuer()
    file = tmp_path / "gateway.toml"
    file.write_text(APP.format(issuer=issuer.url, secret=issuer.secret, folder=tmp_path))
    token = issuer.token("alice", algorithm="HS256")
    asked = typed(method, path, [], '{"message":"hi","userId":"bob"}', token)
    explanation = await explained(load(file).settings, asked)
    assert explanation.code == code
    shown = sent(explanation)
    assert shown.startswith("POST /api/chat HTTP/1.1\n") is (code == "")
    assert shown.endswith('{"message":"hi","userId":"alice"}') is (code == "")
