"""What a vendor's agent calls for a person: who it is about is our word, or nobody is called.

Real sockets on all sides: the vendor that calls, the gateway, and the company's own service.
"""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway import verify_assertion
from gateway.core.events.signature import sign_standard, webhook_secret
from gateway.store.people.blocking import block
from tests.support.chatbase import Chatbase
from tests.support.collector import Collector
from tests.support.reply import Reply
from tests.support.stage import Stage, adding, chatbase_stage
from tests.support.vendor import RecordingVendor, Request
from tests.support.wire import Answer, raw_request, wire

pytestmark = pytest.mark.anyio

HI = {"message": "hi", "stream": False}
TOKEN = "tool-token-" + "t" * 32
SECRET = "signing-" + "s" * 32
WHSEC = "whsec_" + "c2VjcmV0LW9mLXRoaXJ0eS10d28tYnl0ZXMtMDAwMDE="
BEARER = ("Authorization", f"Bearer {TOKEN}")
CALL = {"orderId": 7}


class Service(RecordingVendor):
    """The company's own: says what it was asked."""

    def __init__(self) -> None:
        super().__init__(self.answer)

    async def answer(self, request: Request, reply: Reply) -> None:
        await reply.json(200, {"order": request.json().get("orderId")}, [("Set-Cookie", "s=1")])


@dataclass(frozen=True)
class Tools:
    """A gateway with four tools of one service, which differ in how they are called."""

    stage: Stage[Chatbase]
    service: Service

    async def call(
        self,
        name: str,
        body: object = CALL,
        fields: Iterable[tuple[str, str]] = (),
        *,
        path: str | None = None,
        method: str = "POST",
    ) -> Answer:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = [*fields]
        if not any(name.lower() == "content-type" for name, _ in lines):
            lines.append(("Content-Type", "application/json"))
        path = path or f"/_gateway/tools/default/support/{name}"
        return await wire(self.stage.url, raw_request(method, path, lines, content))

    async def opened(self, who: str) -> str:
        answer = await self.stage.ask(who, "POST", "/chat", HI)
        return str(answer.json()["data"]["metadata"]["conversationId"])


def tables(service: str) -> str:
    def table(name: str, verify: str, user: str, more: str = "") -> str:
        return (
            f'[upstreams.support.tools.{name}]\nurl = "{service}/{name}?v=1"\n'
            f"verify = {{ {verify} }}\nuser = {json.dumps(user)}\n{more}\n"
        )

    conversation = 'conversation = "body:/conversationId"'
    return (
        table("orders", f'bearer = ["{TOKEN}"]', "field:X-User-Id", conversation)
        + table("queried", f'hmac_sha256 = "{SECRET}", field = "X-Sig"', "query:user")
        + table("inside", f'bearer = "{TOKEN}"', "body:/contact/userId", conversation)
        + table("hurried", f'bearer = "{TOKEN}"', "field:X-User-Id", 'timeout = "200ms"')
        + table("hooked", f'standard_webhooks = "{WHSEC}"', "field:x-user-id")
    )


@pytest.fixture
async def tools(tmp_path: Path) -> AsyncIterator[Tools]:
    async with (
        Service() as service,
        chatbase_stage(tmp_path, lambda text: text + tables(service.url)) as stage,
    ):
        tools = Tools(stage, service)
        for who in ("alice", "bob"):
            await tools.opened(who)
        stage.vendor.forget()
        yield tools


def refused(tools: Tools, answer: Answer, status: int) -> None:
    assert answer.status == status, answer.body
    assert answer.values("x-gateway-error")
    assert tools.service.saw_nothing()


async def test_a_service_hears_from_us_whom_the_vendor_speaks_of(tools: Tools) -> None:
    conversation = await tools.opened("alice")
    body = {**CALL, "conversationId": conversation, "userId": "bob", "X-User-Id": "bob"}
    fields = [BEARER, ("X-User-Id", "alice"), ("X-External-User-Id", "bob")]
    answer = await tools.call("orders", body, fields)
    assert (answer.status, answer.json()) == (200, {"order": 7})
    assert answer.values("set-cookie") == []
    (request,) = tools.service.requests
    assert request.target == "/orders?v=1"
    assert request.json() == {**CALL, "conversationId": conversation}
    assert request.values("x-external-user-id") == ["alice"]
    assert request.values("x-external-org-id") == ["default"]
    assert request.values("x-conversation-id") == [conversation]
    assert request.values("authorization") == []
    assert request.values("x-user-id") == []


async def test_its_service_is_called_within_the_span_of_the_call(tmp_path: Path) -> None:
    async with Service() as service, Collector() as collector:
        more = tables(service.url) + f'[traces]\nendpoint = "{collector.url}"\n'
        async with chatbase_stage(tmp_path, lambda text: text + more) as stage:
            tools = Tools(stage, service)
            conversation = await tools.opened("alice")
            fields = [BEARER, ("X-User-Id", "alice")]
            answer = await tools.call("orders", CALL | {"conversationId": conversation}, fields)
            assert answer.status == 200
            chat, call, _, asked = await collector.spans(4)
        assert service.requests[0].values("traceparent") == []
    assert [call.name, asked.name] == ["POST tool:orders"] * 2
    assert asked.parent == call.span_id
    assert asked.attributes["gen_ai.operation.name"] == "execute_tool"
    assert asked.attributes["server.port"] == int(service.url.rpartition(":")[2])
    assert call.attributes["user.hash"] == chat.attributes["user.hash"]
    assert "gen_ai.provider.name" not in asked.attributes


async def test_its_statement_can_be_checked_in_one_line(tools: Tools) -> None:
    conversation = await tools.opened("alice")
    body = {**CALL, "conversationId": conversation}
    await tools.call("orders", body, [BEARER, ("X-User-Id", "alice")])
    who = await asyncio.to_thread(
        verify_assertion,
        tools.service.requests[0].values("x-gateway-assertion")[0],
        jwks=f"{tools.stage.url}/.well-known/jwks.json",
        audience=f"{tools.service.url}/orders?v=1",
    )
    assert (who.org, who.subject, who.user, who.tool) == ("default", "alice", "alice", "orders")
    assert who.conversation == conversation


@pytest.mark.one_process("roles are known where somebody has signed in")
async def test_roles_are_those_of_the_last_sign_in(tmp_path: Path) -> None:
    async with Service() as service:
        edit = adding("sign_in", 'roles_claim = "roles"')
        async with chatbase_stage(tmp_path, lambda text: edit(text) + tables(service.url)) as stage:
            token = ("Authorization", f"Bearer {stage.token('alice', roles=['staff'])}")
            await stage.ask(None, "POST", "/chat", HI, [token])
            await Tools(stage, service).call("orders", CALL, [BEARER, ("X-User-Id", "alice")])
            assert service.requests[0].values("x-external-roles") == ['["staff"]']


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param([], id="W-01 nothing"),
        pytest.param([("Authorization", "Bearer " + "x" * 43)], id="W-01 other token"),
        pytest.param([("Authorization", f"Bearer {TOKEN[:-1]}")], id="W-01 cut"),
        pytest.param([("Authorization", f"Basic {TOKEN}")], id="W-01 other scheme"),
        pytest.param([("X-Sig", TOKEN)], id="W-01 elsewhere"),
    ],
)
async def test_who_does_not_prove_to_be_the_vendor_calls_nobody(
    tools: Tools, fields: list[tuple[str, str]]
) -> None:
    answer = await tools.call("orders", CALL, [*fields, ("X-User-Id", "alice")])
    refused(tools, answer, 401)


async def test_a_person_s_own_token_is_no_vendor_s(tools: Tools) -> None:
    own = ("Authorization", f"Bearer {tools.stage.token('alice')}")
    refused(tools, await tools.call("orders", CALL, [own, ("X-User-Id", "alice")]), 401)


async def test_a_signature_over_the_body_proves_it(tools: Tools) -> None:
    content = json.dumps(CALL).encode()
    signature = ("X-Sig", hmac.new(SECRET.encode(), content, hashlib.sha256).hexdigest())
    path = "/_gateway/tools/default/support/queried?user=alice"
    answer = await tools.call("queried", content, [signature], path=path)
    assert answer.status == 200
    assert tools.service.requests[0].values("x-external-user-id") == ["alice"]
    tools.service.forget()
    refused(tools, await tools.call("queried", content + b" ", [signature], path=path), 401)


async def test_a_message_counts_once_and_not_for_long(tools: Tools) -> None:
    """Rows W-02."""
    content = json.dumps(CALL).encode()

    def fields(at: float) -> list[tuple[str, str]]:
        signature = sign_standard(webhook_secret(WHSEC), id="m-1", at=int(at), body=content)
        stamp = [("Webhook-Id", "m-1"), ("Webhook-Timestamp", str(int(at)))]
        return [*stamp, ("Webhook-Signature", signature), ("X-User-Id", "alice")]

    for off in (-301, 301):
        refused(tools, await tools.call("hooked", content, fields(time.time() + off)), 401)
    now = fields(time.time())
    assert (await tools.call("hooked", content, now)).status == 200
    tools.service.forget()
    refused(tools, await tools.call("hooked", content, now), 409)


async def test_a_message_that_was_refused_may_be_sent_again(tools: Tools) -> None:
    """The person may come to exist between the two: what did not count, did not happen."""
    content = json.dumps(CALL).encode()
    at = int(time.time())
    signature = sign_standard(webhook_secret(WHSEC), id="m-2", at=at, body=content)
    stamp = [("Webhook-Id", "m-2"), ("Webhook-Timestamp", str(at))]
    fields = [*stamp, ("Webhook-Signature", signature), ("X-User-Id", "carol")]
    refused(tools, await tools.call("hooked", content, fields), 404)
    await tools.opened("carol")
    assert (await tools.call("hooked", content, fields)).status == 200


@pytest.mark.parametrize(
    ("user", "status"),
    [
        pytest.param([("X-User-Id", "stranger")], 404, id="M-14 nobody we know"),
        pytest.param([("X-User-Id", "ALICE")], 404, id="M-14 another spelling"),
        pytest.param([("X-User-Id", "alice ")], 200, id="white space of the field itself"),
        pytest.param([("X-User-Id", "alice,bob")], 404, id="M-14 two in one"),
        pytest.param([("X-User-Id", "alice"), ("X-User-Id", "bob")], 400, id="M-14 two"),
        pytest.param([("X_User_Id", "alice")], 400, id="M-14 underscores"),
        pytest.param([], 400, id="M-14 none"),
        pytest.param([("X-User-Id", "")], 400, id="M-14 empty"),
    ],
)
async def test_a_call_is_for_one_person_whom_we_know(
    tools: Tools, user: list[tuple[str, str]], status: int
) -> None:
    answer = await tools.call("orders", CALL, [BEARER, *user])
    if status == 200:
        assert answer.status == 200
    else:
        refused(tools, answer, status)


@pytest.mark.parametrize("named", ["another's", "nobody's", "two", "a list"])
async def test_a_conversation_of_another_s_makes_no_call(tools: Tools, named: str) -> None:
    theirs = await tools.opened("bob")
    tools.stage.vendor.forget()
    body: dict[str, object] = {
        "another's": {"conversationId": theirs},
        "nobody's": {"conversationId": "c-unknown"},
        "two": {"conversationId": {"a": theirs}},
        "a list": {"conversationId": [theirs]},
    }[named]
    answer = await tools.call("orders", {**CALL, **body}, [BEARER, ("X-User-Id", "alice")])
    refused(tools, answer, 404 if named in {"another's", "nobody's"} else 400)
    assert tools.stage.vendor.saw_nothing()


@pytest.mark.parametrize(
    "name", ["conversation_id", "ConversationID", "conversationId ", "\uff43onversationId"]
)
async def test_a_conversation_in_another_spelling_makes_no_call(tools: Tools, name: str) -> None:
    """B-21: the service could read what we did not."""
    own, theirs = await tools.opened("alice"), await tools.opened("bob")
    for body in ({name: theirs}, {"conversationId": own, name: theirs}):
        answer = await tools.call("orders", {**CALL, **body}, [BEARER, ("X-User-Id", "alice")])
        refused(tools, answer, 400)


@pytest.mark.parametrize("name", ["user_id", "USERID", "userId\u200b"])
async def test_nor_does_a_person_in_another_spelling(tools: Tools, name: str) -> None:
    body = {
        "contact": {"userId": "alice", name: "bob"},
        "conversationId": await tools.opened("alice"),
    }
    refused(tools, await tools.call("inside", body, [BEARER]), 400)


@pytest.mark.parametrize("name", ["user_id" + " " * 200, "userId", "email", "on-behalf-of"])
async def test_nothing_in_a_call_says_who_somebody_is(tools: Tools, name: str) -> None:
    answer = await tools.call("orders", {**CALL, name: "bob"}, [BEARER, ("X-User-Id", "alice")])
    assert answer.status == 200
    assert tools.service.requests[-1].json() == CALL


async def test_who_stands_in_the_body_counts_only_beside_their_conversation(tools: Tools) -> None:
    own = await tools.opened("alice")
    for body, status in (
        ({"contact": {"userId": "alice"}}, 400),
        ({"contact": {"userId": "bob"}, "conversationId": own}, 404),
        ({"conversationId": own}, 400),
    ):
        refused(tools, await tools.call("inside", {**CALL, **body}, [BEARER]), status)
    body = {**CALL, "contact": {"userId": "alice"}, "conversationId": own}
    assert (await tools.call("inside", body, [BEARER])).status == 200
    (request,) = tools.service.requests
    assert request.values("x-external-user-id") == ["alice"]
    assert "contact" not in request.json()


@pytest.mark.parametrize(
    "path",
    [
        "/_gateway/tools/default/support/other",
        "/_gateway/tools/other/support/orders",
        "/_gateway/tools/default/other/orders",
        "/_gateway/tools/default/support",
        "/_gateway/tools/default/support/orders/x",
        "/_gateway/tools/default/support/Orders",
    ],
)
async def test_what_is_no_tool_is_nothing(tools: Tools, path: str) -> None:
    """Row M-08."""
    answer = await tools.call("orders", CALL, [BEARER, ("X-User-Id", "alice")], path=path)
    refused(tools, answer, 404)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 200),
        (b"[]", 400),
        (b'{"a":1,"a":2}', 400),
        (b'{"a":NaN}', 400),
        (b"x" * (256 * 1024 + 1), 413),
        (b'{"conversationId":true}', 400),
    ],
    ids=["none", "a list", "twice", "NaN", "huge", "no id"],
)
async def test_a_call_has_one_reading(tools: Tools, body: bytes, status: int) -> None:
    answer = await tools.call("orders", body, [BEARER, ("X-User-Id", "alice")])
    if status == 200:
        assert answer.status == 200
    else:
        refused(tools, answer, status)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_tool_is_called_by_post(tools: Tools, method: str) -> None:
    answer = await tools.call("orders", CALL, [BEARER, ("X-User-Id", "alice")], method=method)
    refused(tools, answer, 405)


@pytest.mark.parametrize(
    ("status", "fields", "told"),
    [
        (200, [("Content-Type", "text/html")], 502),
        (302, [("Location", "http://127.0.0.1/")], 502),
        (401, [("WWW-Authenticate", "Basic realm=canary")], 502),
        (403, [], 502),
        (422, [], 422),
        (500, [], 500),
    ],
)
async def test_what_is_between_the_service_and_us_stays_there(
    tools: Tools, status: int, fields: list[tuple[str, str]], told: int
) -> None:
    async def answers(request: Request, reply: Reply) -> None:
        kind = dict(fields).get("Content-Type", "application/json")
        more = [field for field in fields if field[0] != "Content-Type"]
        await reply.body(status, b'{"said":"canary"}', kind, more)

    tools.service.handler = answers
    answer = await tools.call("orders", CALL, [BEARER, ("X-User-Id", "alice")])
    assert answer.status == told
    assert (b"canary" in answer.raw) == (told != 502)


async def test_a_service_that_does_not_answer_is_504_and_one_away_502(tools: Tools) -> None:
    async def hangs(request: Request, reply: Reply) -> None:
        await reply.hang()

    tools.service.handler = hangs
    answer = await tools.call("hurried", CALL, [BEARER, ("X-User-Id", "alice")])
    assert answer.status == 504
    await tools.service.__aexit__(None, None, None)
    answer = await tools.call("orders", CALL, [BEARER, ("X-User-Id", "alice")])
    assert answer.status == 502
    await tools.service.__aenter__()


async def test_an_answer_is_bounded(tools: Tools) -> None:
    async def huge(request: Request, reply: Reply) -> None:
        await reply.json(200, {"x": "y" * 1024 * 1024})

    tools.service.handler = huge
    answer = await tools.call("orders", CALL, [BEARER, ("X-User-Id", "alice")])
    assert answer.status == 502


async def test_nothing_is_done_for_somebody_who_is_blocked(tools: Tools) -> None:
    gateway = tools.stage.gateway
    assert gateway is not None
    assert gateway.assembled is not None
    store = gateway.assembled.process.store
    await block(store.database, "default", "alice", by="operator:root")
    await store.cutoffs.look()
    answer = await tools.call("orders", CALL, [BEARER, ("X-User-Id", "alice")])
    refused(tools, answer, 403)
    assert answer.values("x-gateway-error") == ["blocked"]
