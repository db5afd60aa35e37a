"""What a vendor tells of reaches the company's own services: whom it is about is our word.

Real sockets on all sides: the vendor that tells, the gateway, and a service that checks each
signature with the package of Standard Webhooks.
"""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.core.events.signature import sign_standard, webhook_secret
from gateway.store.people.erasing import erase
from tests.support import config
from tests.support.analytics import Collector
from tests.support.chatbase import Chatbase
from tests.support.events import (
    QUICK,
    SECRET,
    WHSEC,
    Hooks,
    Telling,
    altatech_signed,
    bookbag_signed,
    chatbase_signed,
    events_stage,
    lead,
)
from tests.support.stage import (
    Stage,
    altatech_stage,
    bookbag_stage,
    chatbase_stage,
    gateway_of,
)
from tests.support.tokens import Issuer
from tests.support.wire import Answer, raw_request, wire

pytestmark = pytest.mark.anyio

HI = {"message": "hi", "stream": False}


@pytest.fixture
async def told(tmp_path: Path) -> AsyncIterator[Telling]:
    async with events_stage(tmp_path, chatbase_stage, "support", chatbase_signed) as told:
        yield told


async def opened(stage: Stage[Any], who: str, *, host: str = "gateway.test") -> str:
    token = ("Authorization", f"Bearer {stage.token(who)}")
    fields = [token, ("Content-Type", "application/json")]
    content = json.dumps(HI).encode()
    request = raw_request("POST", f"{stage.base}/chat", fields, content, host=host)
    answer = await wire(stage.url, request)
    return str(answer.json()["data"]["metadata"]["conversationId"])


async def refused(told: Telling, answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.values("x-gateway-error")) == (status, [code]), answer.body
    assert await told.reached_nobody()


async def test_a_service_hears_whom_an_event_is_about(told: Telling) -> None:
    conversation = await opened(told.stage, "alice")
    answer = await told.send(lead(conversation))
    assert (answer.status, answer.json()) == (200, {"event": "accepted"})
    (event,) = await told.hooks.got(1)
    assert event["type"] == "leads.submit"
    assert (event["org"], event["upstream"]) == ("default", "support")
    assert (event["subject"], event["user"]) == ("alice", "alice")
    assert event["conversation"] == conversation
    assert event["data"] == lead(conversation)
    (request,) = told.hooks.requests
    assert request.target == "/hooks?v=1"
    assert request.values("authorization") == []


async def test_an_event_about_nobody_is_nobody_s(told: Telling) -> None:
    await told.send({"eventType": "agent.trained"})
    (event,) = await told.hooks.got(1)
    assert (event["subject"], event["user"], event["conversation"]) == (None, None, None)


@pytest.mark.parametrize(
    "named", [{"userId": 7}, {"ts": True}, {"event": ["a"]}, {"event": "x" * 200}]
)
async def test_an_id_is_a_string_or_a_whole_number(tmp_path: Path, named: dict[str, Any]) -> None:
    async with events_stage(tmp_path, bookbag_stage, "shop", bookbag_signed) as told:
        body = {"event": "lead.created", "data": {"userId": [1]}} | named
        await refused(told, await told.send(body), 400, "bad_request")


async def test_bookbag_s_events_count_their_conversations_in_integers(tmp_path: Path) -> None:
    async with events_stage(tmp_path, bookbag_stage, "shop", bookbag_signed) as told:
        conversation = int(await opened(told.stage, "alice"))
        data = {"conversationId": conversation, "userId": "alice"}
        now = int(time.time() * 1000)
        event = {"event": "conversation.ended", "data": data, "ts": now}
        assert (await told.send(event)).json() == {"event": "accepted"}
        (got,) = await told.hooks.got(1)
        assert (got["type"], got["subject"]) == ("conversation.ended", "alice")
        assert got["conversation"] == str(conversation)
        await told.quiet()
        told.hooks.forget()
        for off in (-90_000, 400):  # a day is the most, and five minutes of the future
            late = event | {"ts": now + off * 1000}
            await refused(told, await told.send(late), 401, "credentials_expired")


async def test_altatech_shows_its_key_and_tries_whether_we_are_there(tmp_path: Path) -> None:
    async with events_stage(tmp_path, altatech_stage, "bot", altatech_signed, secret=None) as told:
        answer = await told.stage.ask("alice", "POST", "/v1/conversation", {})
        conversation = answer.json()["conversation_id"]
        event = {"conversation_id": conversation, "message_id": "m-1", "output": [], "usage": {}}
        answer = await told.send(event | {"istest": True, "conversation_id": "any"})
        assert (answer.status, answer.json()) == (200, {"event": "ignored"})
        assert await told.reached_nobody()
        for status in ("accepted", "repeated"):
            again = event | {"istest": False, "usage": {"said": status}}
            assert (await told.send(again)).json() == {"event": status}
        (got,) = await told.hooks.got(1)
        assert (got["type"], got["subject"]) == ("message", "alice")
        wrong = [("Authorization", "Bearer app-kez")]
        assert (await told.send(event | {"message_id": "m-2"}, wrong)).status == 401
        await told.quiet()
        assert len(told.hooks.events) == 1


OWN = f"""
[vendors.own]
base_url = "https://own.example"
[vendors.own.operations]
ping = "GET /ping"
[vendors.own.events]
signature = "standard_webhooks"
type = "body:/type"
user = "body:/data/user"
[upstreams.own]
vendor = "own"
key = "own-key"
[upstreams.own.events]
secret = "{WHSEC}"
lines = "LINES"
"""


def standard(content: bytes, *, id: str = "msg_1", off: float = 0) -> list[tuple[str, str]]:  # noqa: A002 - its name
    at = int(time.time() + off)
    return [
        ("Webhook-Id", id),
        ("Webhook-Timestamp", str(at)),
        ("Webhook-Signature", sign_standard(webhook_secret(WHSEC), id=id, at=at, body=content)),
    ]


async def test_standard_webhooks_come_in_as_they_go_out(tmp_path: Path) -> None:
    lines = tmp_path / "events.ndjson"

    def edit(text: str) -> str:
        return text + OWN.replace("LINES", str(lines))

    path = "/_gateway/callbacks/default/own/events"
    async with events_stage(
        tmp_path, chatbase_stage, "support", chatbase_signed, edit=edit
    ) as told:
        content = json.dumps({"type": "x.happened", "data": {}}).encode()
        for off in (-301, 301):
            answer = await told.send(content, standard(content, off=off), path=path)
            await refused(told, answer, 401, "credentials_expired")
        for expected in ("accepted", "repeated"):
            answer = await told.send(content, standard(content), path=path)
            assert answer.json() == {"event": expected}
        other = b'{"type":"y","data":{}}'
        answer = await told.send(other, standard(other), path=path)
        assert answer.json() == {"event": "repeated"}
        await told.quiet()
        (line,) = lines.read_text().splitlines()
        assert json.loads(line)["type"] == "x.happened"
        assert lines.stat().st_mode & 0o777 == 0o600


BODY = json.dumps(lead()).encode()


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        pytest.param([], "credentials_missing", id="W-01 unsigned"),
        pytest.param(
            chatbase_signed(BODY, "x" * 47), "credentials_invalid", id="W-01 other secret"
        ),
        pytest.param(chatbase_signed(BODY, ""), "credentials_invalid", id="W-01 empty secret"),
        pytest.param(
            [("X-Chatbase-Signature", chatbase_signed(BODY)[0][1][:-1])],
            "credentials_invalid",
            id="W-01 cut",
        ),
        pytest.param(
            [("X-Chatbase-Signature", chatbase_signed(BODY)[0][1].upper())],
            "credentials_invalid",
            id="W-01 upper case",
        ),
        pytest.param(bookbag_signed(BODY), "credentials_missing", id="W-01 other vendor's"),
        pytest.param(
            [("Authorization", f"Bearer {SECRET}")], "credentials_missing", id="W-01 the secret"
        ),
        pytest.param(chatbase_signed(BODY + b" "), "credentials_invalid", id="W-03 white space"),
        pytest.param(
            chatbase_signed(json.dumps(lead(), separators=(",", ":")).encode()),
            "credentials_invalid",
            id="W-03 written anew",
        ),
    ],
)
async def test_who_does_not_prove_to_be_the_vendor_tells_nobody(
    told: Telling, fields: list[tuple[str, str]], code: str
) -> None:
    await refused(told, await told.send(BODY, fields), 401, code)


async def test_analytics_hears_of_it_too(tmp_path: Path) -> None:
    """By the id that the site's own events carry, and not what the vendor said."""
    async with Collector("G-ABCD1234", "ga4 secret") as google:
        more = f'''{QUICK}
[upstreams.support.events.ga4]
measurement_id = "G-ABCD1234"
api_secret = "ga4 secret"
url = "{google.url}/mp/collect"
names = {{ "leads.submit" = "generate_lead" }}
'''
        async with events_stage(
            tmp_path, chatbase_stage, "support", chatbase_signed, more=more
        ) as told:
            conversation = await opened(told.stage, "alice")
            await told.send(lead(conversation))
            await told.quiet()
            assert google.found == []
            (body,) = google.bodies
            assert body["user_id"] == "alice"
            assert body["events"][0]["name"] == "generate_lead"
            assert body["events"][0]["params"]["conversation"] == conversation
            assert "a@example.com" not in str(body)
            assert len(told.hooks.ids) == 1


async def test_one_org_s_secret_is_no_other_s(tmp_path: Path) -> None:
    """Row W-07: not at the other's address, and at its own not for what is the other's."""
    issuers = (Issuer("https://a.example/"), Issuer("https://g.example/"))
    async with Chatbase(key="acme-cb-key") as acme, Chatbase(key="globex-cb-key") as globex:
        text = config.two_orgs(
            (acme.url, globex.url), acme.url, issuers, store=tmp_path / "gateway.db"
        )
        async with Hooks() as hooks:
            for org in ("acme", "globex"):
                text += f"[orgs.{org}.upstreams.support.events]\n"
                text += f'deliver = "{hooks.url}/{org}"\nsign = "{WHSEC}"\n'
                text += f'secret = "{SECRET}-{org}"\n'
            async with gateway_of(text, tmp_path) as (gateway, url):
                base = "/support/api/v2/agents/agent_1"
                stage: Stage[Any] = Stage(acme, gateway, issuers[1], url, base)
                theirs = await opened(stage, "alice", host="globex.test")
                told = Telling(stage, hooks, "support", chatbase_signed)
                content = json.dumps(lead(theirs)).encode()
                signed = chatbase_signed(content, f"{SECRET}-acme")
                path = "/_gateway/callbacks/{}/support/events"
                answer = await told.send(content, signed, path=path.format("globex"))
                await refused(told, answer, 401, "credentials_invalid")
                answer = await told.send(content, signed, path=path.format("acme"))
                await refused(told, answer, 404, "conversation_not_found")
                signed = chatbase_signed(content, f"{SECRET}-globex")
                answer = await told.send(content, signed, path=path.format("globex"))
                assert answer.status == 200
                (event,) = await hooks.got(1)
                assert (event["org"], event["subject"]) == ("org_globex", "alice")
                assert hooks.requests[0].target == "/globex"
                await told.quiet()


async def test_a_person_s_own_token_is_no_vendor_s(told: Telling) -> None:
    own = [("Authorization", f"Bearer {told.stage.token('alice')}")]
    await refused(told, await told.send(BODY, own), 401, "credentials_missing")


async def test_an_event_counts_once_however_often_it_comes(told: Telling) -> None:
    """Row W-02: the second is answered like the first, and reaches nobody."""
    conversation = await opened(told.stage, "alice")
    answers = [await told.send(lead(conversation)) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert [one.json()["event"] for one in answers] == ["accepted", "repeated", "repeated"]
    await told.quiet()
    assert len(told.hooks.ids) == 1


@pytest.mark.parametrize("named", ["nobody's", "a list", "an object", "another spelling"])
async def test_an_event_of_a_conversation_nobody_has_reaches_nobody(
    told: Telling, named: str
) -> None:
    conversation = await opened(told.stage, "alice")
    name: Any = {
        "nobody's": "c-unknown",
        "a list": [conversation],
        "an object": {"id": conversation},
        "another spelling": f" {conversation}",
    }[named]
    answer = await told.send(lead(name))
    status = 400 if named in {"a list", "an object"} else 404
    code = "bad_request" if status == 400 else "conversation_not_found"
    await refused(told, answer, status, code)


@pytest.mark.parametrize(
    ("user", "code"),
    [
        pytest.param("bob", "conversation_not_found", id="M-14 not its owner"),
        pytest.param("stranger", "not_found", id="M-14 nobody we know"),
        pytest.param("ALICE", "not_found", id="M-14 another spelling"),
    ],
)
async def test_an_event_of_a_person_who_is_not_the_owner_reaches_nobody(
    told: Telling, user: str, code: str
) -> None:
    conversation = await opened(told.stage, "alice")
    await opened(told.stage, "bob")
    event = lead(conversation)
    event["payload"]["userId"] = user
    await refused(told, await told.send(event), 404, code)


async def test_an_event_of_somebody_who_was_erased_reaches_nobody(told: Telling) -> None:
    conversation = await opened(told.stage, "alice")
    assert told.stage.gateway is not None
    assembled = await told.stage.gateway.open()
    await erase(assembled.process.store.database, "default", "alice", by="test", settled=0, pause=0)
    await refused(told, await told.send(lead(conversation)), 404, "conversation_not_found")


@pytest.mark.parametrize(
    ("body", "media", "status"),
    [
        pytest.param(b"x" * (256 * 1024 + 1), "application/json", 413, id="W-06 huge"),
        pytest.param(b"[]", "application/json", 400, id="a list"),
        pytest.param(b"", "application/json", 400, id="nothing"),
        pytest.param(b'{"a":1,"a":2}', "application/json", 400, id="a member twice"),
        pytest.param(b'\xef\xbb\xbf{"a":1}', "application/json", 400, id="W-03 BOM"),
        pytest.param(b"{}", "text/plain", 415, id="no JSON"),
        pytest.param(b"[" * 100_000, "application/json", 400, id="deep"),
    ],
)
async def test_an_event_has_one_reading(
    told: Telling, body: bytes, media: str, status: int
) -> None:
    answer = await told.send(body, media=media)
    assert answer.status == status
    assert await told.reached_nobody()


async def test_an_event_that_is_coded_is_not_decoded(told: Telling) -> None:
    """Row W-03."""
    fields = [*chatbase_signed(BODY), ("Content-Encoding", "gzip")]
    await refused(told, await told.send(BODY, fields), 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "path",
    [
        "/_gateway/callbacks/default/support/leads",
        "/_gateway/callbacks/other/support/events",
        "/_gateway/callbacks/default/other/events",
        "/_gateway/callbacks/default/support",
        "/_gateway/callbacks/default/support/events/x",
        "/_gateway/callbacks/default/support/Events",
        "/_gateway/tools/default/support/events",
    ],
)
async def test_what_is_no_callback_is_nothing(told: Telling, path: str) -> None:
    await refused(told, await told.send(BODY, path=path), 404, "not_found")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_an_event_is_posted(told: Telling, method: str) -> None:
    await refused(told, await told.send(BODY, method=method), 405, "method_not_allowed")
