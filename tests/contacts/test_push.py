"""What a service says of people: with its own token, durably, and about somebody who signs in."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gateway.store.schema import audit
from tests.contacts.stage import SERVICE, TOKEN, chatbase, push, settled, syncs, written
from tests.support.chatbase import Chatbase
from tests.support.kept import all_written
from tests.support.stage import Stage, chatbase_stage
from tests.support.wire import raw_request, wire

pytestmark = pytest.mark.anyio

PLAN = {"plan": "pro"}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage[Chatbase]]:
    async with chatbase(tmp_path) as built:
        yield built


async def refused(stage: Stage[Chatbase], status: int, *asked: Any, **named: Any) -> None:
    answer = await push(stage, *asked, **named)
    assert answer.status == status, answer.body
    assert answer.values("x-gateway-error")
    await settled(stage)
    assert stage.vendor.saw_nothing()


async def test_a_service_says_what_sign_in_does_not_know(stage: Stage[Chatbase]) -> None:
    answer = await push(stage, "alice", {"plan": "pro", "email": "a@x.example", "name": None})
    assert (answer.status, answer.json()) == (202, {"accepted": True})
    await settled(stage)
    (request,) = written(stage.vendor)
    assert request.json()["users"] == [
        {
            "external_id": "alice",
            "email": "a@x.example",
            "name": None,
            "custom_attributes": {"plan": "pro"},
        }
    ]


async def test_a_person_who_has_not_been_here_gets_the_id_they_will_have(
    stage: Stage[Chatbase],
) -> None:
    await push(stage, "b64:YXV0aDB8N2YzYQ", PLAN)  # auth0|7f3a
    await settled(stage)
    (contact,) = stage.vendor.contacts.of("agent_1").values()
    await stage.ask("auth0|7f3a", "POST", "/chat", {"message": "hi", "stream": False})
    assert stage.vendor.requests[-1].json()["userId"] == contact["external_id"]


async def test_a_push_is_the_whole_of_what_the_service_says(stage: Stage[Chatbase]) -> None:
    for said in ({"plan": "pro", "email": "a@x.example"}, {"email": "b@x.example"}):
        await push(stage, "alice", said)
        await settled(stage)
    assert written(stage.vendor)[-1].json()["users"] == [
        {"external_id": "alice", "email": "b@x.example"}
    ]


async def test_the_same_again_is_nothing_new(stage: Stage[Chatbase]) -> None:
    for _ in range(3):
        assert (await push(stage, "alice", PLAN)).status == 202
        await settled(stage)
    assert len(written(stage.vendor)) == 1


async def test_a_token_may_be_changed(tmp_path: Path) -> None:
    def both(text: str) -> str:
        return text.replace(f'token = "{TOKEN}"', f'token = ["{TOKEN}", "{TOKEN}-old"]')

    async with chatbase(tmp_path, edit=both) as stage:
        for token, status in ((TOKEN, 202), (f"{TOKEN}-old", 202), (f"{TOKEN}-older", 401)):
            fields = [("Authorization", f"Bearer {token}")]
            assert (await push(stage, "alice", PLAN, fields)).status == status


async def test_each_push_is_in_the_audit(stage: Stage[Chatbase]) -> None:
    await push(stage, "alice", PLAN)
    process = stage.gateway.assembled.process  # type: ignore[union-attr]
    process.kept.auditor.close()
    await all_written(process.kept.trail.batches)
    rows = await process.store.database.rows(select(audit), {})
    (row,) = [one for one in rows if one.event == "contact_pushed"]
    assert (row.org, row.subject, row.user_id, row.upstream) == (
        "default",
        "alice",
        "alice",
        "support",
    )
    assert "pro" not in json.dumps([str(one) for one in rows])


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param([], id="none"),
        pytest.param([("Authorization", f"Bearer {TOKEN}x")], id="longer"),
        pytest.param([("Authorization", f"Bearer {TOKEN[:-1]}")], id="shorter"),
        pytest.param([("Authorization", f"Bearer {TOKEN.upper()}")], id="upper case"),
        pytest.param([("Authorization", f"Basic {TOKEN}")], id="another scheme"),
        pytest.param([("Authorization", TOKEN)], id="no scheme"),
        pytest.param([("Authorization", "Bearer ")], id="empty"),
        pytest.param([("X-Api-Key", TOKEN)], id="another field"),
        pytest.param([("Cookie", f"token={TOKEN}")], id="a cookie"),
        pytest.param([("Authorization", "Bearer cb-key")], id="the vendor's key"),
    ],
)
async def test_only_the_service_may(stage: Stage[Chatbase], fields: list[tuple[str, str]]) -> None:
    await refused(stage, 401, "alice", PLAN, fields)


async def test_two_credentials_are_ambiguous(stage: Stage[Chatbase]) -> None:
    other = ("Authorization", f"Bearer {stage.token('alice')}")
    await refused(stage, 400, "alice", PLAN, [SERVICE, other])


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE", "HEAD"])
async def test_contacts_are_put_and_nothing_else(stage: Stage[Chatbase], method: str) -> None:
    answer = await push(stage, "alice", PLAN, method=method)
    assert (answer.status, answer.values("allow")) == (405, ["PUT"])
    assert stage.vendor.saw_nothing()


@pytest.mark.parametrize(
    ("subject", "said", "fields", "status"),
    [
        pytest.param("alice", [PLAN], [], 400, id="a list"),
        pytest.param("alice", "plan", [], 400, id="text"),
        pytest.param("alice", b"{", [], 400, id="no JSON"),
        pytest.param("alice", b'{"plan":"a","plan":"b"}', [], 400, id="a name twice"),
        pytest.param("alice", {"plan": ["pro"]}, [], 400, id="a list as a value"),
        pytest.param("alice", {"plan": {"a": 1}}, [], 400, id="an object as a value"),
        pytest.param("alice", {"plan": "x" * 1001}, [], 400, id="long text"),
        pytest.param("alice", {"": "x"}, [], 400, id="no name"),
        pytest.param("alice", {"pl an": "x"}, [], 400, id="a blank in a name"),
        pytest.param("alice", {"__proto__": "x"}, [], 400, id="a name that begins with _"),
        pytest.param("alice", {"external_id": "bob"}, [], 400, id="another's id"),
        pytest.param("alice", {"custom_attributes": "x"}, [], 400, id="the room of all others"),
        pytest.param("alice", {f"a{n}": 1 for n in range(51)}, [], 400, id="too many"),
        pytest.param("alice", {"plan": "x" * 70_000}, [], 413, id="too long"),
        pytest.param("anon_" + "a" * 26, PLAN, [], 400, id="a visitor"),
        pytest.param("erased_" + "a" * 26, PLAN, [], 400, id="a tombstone"),
        pytest.param("b64:IA", PLAN, [], 400, id="a blank"),
        pytest.param("b64:YWxpY2U", PLAN, [], 400, id="another spelling of alice"),
        pytest.param("b64:AA", PLAN, [], 403, id="NUL"),
        pytest.param("%61lice", PLAN, [], 400, id="percent"),
        pytest.param("alice/x", PLAN, [], 404, id="more path"),
        pytest.param("alice", PLAN, [("Content-Type", "text/plain")], 415, id="plain text"),
        pytest.param("alice", PLAN, [("Content-Encoding", "gzip")], 415, id="a coding"),
    ],
)
async def test_what_cannot_be_said_is_refused(
    stage: Stage[Chatbase], subject: str, said: object, fields: list[tuple[str, str]], status: int
) -> None:
    await refused(stage, status, subject, said, [SERVICE, *fields])


@pytest.mark.parametrize(("org", "upstream"), [("other", "support"), ("default", "other")])
async def test_where_nothing_is_kept_there_is_no_page(
    stage: Stage[Chatbase], org: str, upstream: str
) -> None:
    await refused(stage, 404, "alice", PLAN, org=org, upstream=upstream)


async def test_without_a_token_nobody_may(tmp_path: Path) -> None:
    async with chatbase(tmp_path, edit=lambda text: text.replace(f'token = "{TOKEN}"', "")) as it:
        await refused(it, 404, "alice", PLAN)


async def test_without_contacts_there_is_no_page(tmp_path: Path) -> None:
    async with chatbase_stage(tmp_path) as stage:
        assert (await push(stage, "alice", PLAN)).status == 404
        assert syncs(stage) == []
        assert stage.vendor.saw_nothing()


async def test_a_browser_is_told_of_no_such_method(stage: Stage[Chatbase]) -> None:
    asked = [("Origin", "https://evil.example"), ("Access-Control-Request-Method", "PUT")]
    path = "/_gateway/contacts/default/support/alice"
    answer = await wire(stage.url, raw_request("OPTIONS", path, asked))
    assert answer.values("access-control-allow-methods") == []
    assert stage.vendor.saw_nothing()


async def test_a_stranger_makes_nobody_read_a_body(stage: Stage[Chatbase]) -> None:
    """The answer is there before the body is: of a length that would be refused."""
    head = raw_request(
        "PUT",
        "/_gateway/contacts/default/support/alice",
        [("Content-Type", "application/json"), ("Content-Length", "60000")],
    )
    assert (await wire(stage.url, head)).status == 401
