"""Sessions of OpenAI's ChatKit: made with our key for whoever is signed in, and for nobody else."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.attacks.both_ends import bearer, refused
from tests.support import config
from tests.support.reply import Reply
from tests.support.stage import Stage, adding, gateway_of
from tests.support.tokens import Issuer
from tests.support.vendor import RecordingVendor, Request
from tests.support.wire import Answer, raw_request, wire

pytestmark = pytest.mark.anyio

PAGE = "/_gateway/widget/default/llm"
SECRET = "ek_session_secret_of_alice"


class Sessions(RecordingVendor):
    """`POST /v1/chatkit/sessions`, as OpenAI's reference has it. `said` changes the answer."""

    def __init__(self) -> None:
        super().__init__(self.answer)
        self.keys = {"sk-vendor"}
        self.said: dict[str, object] = {}
        self.status = 200

    async def answer(self, request: Request, reply: Reply) -> None:
        shown = request.values("authorization")[0].removeprefix("Bearer ")
        if shown not in self.keys:
            await reply.json(401, {"error": {"message": f"Incorrect API key provided: {shown}"}})
            return
        body = request.json()
        session = {
            "id": "cksess_1",
            "object": "chatkit.session",
            "client_secret": SECRET,
            "expires_at": int(time.time()) + body["expires_after"]["seconds"],
            "user": body["user"],
            "workflow": body["workflow"],
            "status": "active",
        }
        leaks = [("set-cookie", "__cf_bm=VENDOR"), ("openai-organization", "org-1")]
        await reply.json(self.status, {**session, **self.said}, leaks)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage[Sessions]]:
    async with Sessions() as vendor:
        issuer = Issuer()
        text = config.openai(vendor.url, issuer, store=tmp_path / "gateway.db")
        two_keys = text.replace('key = "sk-vendor"', 'key = ["sk-vendor", "sk-next-0123456789"]')
        table = '[upstreams.llm.widget]\nworkflow = "wf_123"\nlifetime = "5m"\n'
        async with gateway_of(two_keys + table, tmp_path) as (gateway, url):
            yield Stage(vendor, gateway, issuer, url, "")


async def ask(
    stage: Stage[Sessions], who: str | None, path: str = PAGE, **claims: object
) -> Answer:
    shown = [] if who is None else [bearer(stage.token(who, **claims))]
    return await wire(stage.url, raw_request("GET", path, shown))


async def test_a_session_is_of_whoever_is_signed_in(stage: Stage[Sessions]) -> None:
    answer = await ask(stage, "alice", exp=int(time.time()) + 3600)
    assert answer.json() == {
        "widget": "openai",
        "user_id": "alice",
        "client_secret": SECRET,
        "expires_in": 300,
    }
    assert answer.values("set-cookie") == answer.values("openai-organization") == []
    (request,) = stage.vendor.requests
    assert request.start_line == "POST /v1/chatkit/sessions HTTP/1.1"
    assert request.json() == {
        "workflow": {"id": "wf_123"},
        "expires_after": {"anchor": "created_at", "seconds": 300},
        "user": "alice",
    }
    assert request.values("openai-beta") == ["chatkit_beta=v1"]
    assert request.values("authorization") == ["Bearer sk-vendor"]
    assert request.values("x-external-user-id") == ["alice"]


async def test_nobody_else_gets_one(stage: Stage[Sessions]) -> None:
    refused(stage, await ask(stage, None), 401)
    refused(stage, await ask(stage, "alice", f"{PAGE}?user=bob"), 400, "spoofed_identity")


async def test_a_session_ends_with_the_sign_in(stage: Stage[Sessions]) -> None:
    said = (await ask(stage, "alice", exp=int(time.time()) + 60)).json()
    assert 50 < said["expires_in"] <= 60
    assert stage.vendor.requests[0].json()["expires_after"]["seconds"] == said["expires_in"]


async def test_where_the_sign_in_is_all_but_over_there_is_none(stage: Stage[Sessions]) -> None:
    """By the clock that lets a token through a little longer."""
    over = await ask(stage, "alice", exp=int(time.time()) - 5)
    refused(stage, over, 401, "credentials_expired")


async def test_the_next_key_is_tried_once(stage: Stage[Sessions]) -> None:
    stage.vendor.keys = {"sk-next-0123456789"}
    assert (await ask(stage, "alice")).status == 200
    shown = [one.values("authorization")[0] for one in stage.vendor.requests]
    assert shown == ["Bearer sk-vendor", "Bearer sk-next-0123456789"]
    stage.vendor.keys = set()
    answer = await ask(stage, "alice")
    assert answer.status == 502
    assert answer.json()["code"] == "upstream_credentials_refused"
    assert b"sk-" not in answer.raw


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (200, {"user": "bob"}),
        (200, {"client_secret": None}),
        (200, {"client_secret": ""}),
        (200, {"client_secret": "sk-vendor"}),
        (200, {"client_secret": "ek_for Bearer sk-next-0123456789"}),
        (302, {}),
        (400, {"error": {"message": "No such workflow: wf_123"}}),
        (403, {}),
        (429, {}),
        (500, {}),
    ],
)
async def test_what_is_no_session_of_theirs_does_not_pass(
    stage: Stage[Sessions], status: int, said: dict[str, object]
) -> None:
    """Rows D-01, L-13: nor a word of what the vendor said instead."""
    stage.vendor.status, stage.vendor.said = status, said
    answer = await ask(stage, "alice")
    assert answer.status == 502
    assert answer.json()["code"] in {"upstream_malformed", "upstream_credentials_refused"}
    for text in (SECRET.encode(), b"sk-vendor", b"wf_123"):
        assert text not in answer.raw
    assert len(stage.vendor.requests) == 1


async def test_a_vendor_that_is_away_is_said_to_be(tmp_path: Path) -> None:
    issuer = Issuer()
    text = config.openai("http://127.0.0.1:9", issuer, store=tmp_path / "gateway.db")
    table = '[upstreams.llm.widget]\nworkflow = "wf_123"\n'
    edit = adding("upstreams.llm", 'timeouts = { connect = "1s" }')
    async with gateway_of(edit(text) + table, tmp_path) as (_, url):
        token = bearer(issuer.token("alice", algorithm="HS256"))
        answer = await wire(url, raw_request("GET", PAGE, [token]))
        assert answer.json()["code"] == "upstream_unreachable"
