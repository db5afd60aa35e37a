"""AltaTech's guide "Set User ID", sentence by sentence, through the gateway. See docs/guides.md."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.both_ends import bearer
from tests.contacts import stage as contacts
from tests.support.altatech import AltaTech
from tests.support.events import altatech_signed, events_stage
from tests.support.stage import Stage, adding, altatech_stage
from tests.support.wire import Answer, raw_request, wire
from tests.test_toolcall import Service

pytestmark = pytest.mark.anyio

TOKEN = "tool-token-" + "t" * 32
V2 = "/v2/conversation/message"
PAGE = "/v1/bot/conversation/page"
SPAN = "conversation_type=ALL&start_time=0&end_time=9&page=1&page_size=10"


def long_form(service: str) -> Any:
    """A widget, a tool, and conversations that began elsewhere."""

    def edit(text: str) -> str:
        text = text.replace("[sign_in]\n", "[[orgs.acme.sign_in]]\n")
        text = text.replace("[upstreams", "[orgs.acme.upstreams")
        return text + (
            '\n[orgs.acme]\nunknown_conversations = "ask"\n'
            "[orgs.acme.upstreams.bot.widget]\n"
            "[orgs.acme.upstreams.bot.tools.orders]\n"
            f'url = "{service}/orders"\nverify = {{ bearer = "{TOKEN}" }}\n'
            'user = "field:X-User-Id"\n'
        )

    return edit


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with Service() as running:
        yield running


@pytest.fixture
async def stage(tmp_path: Path, service: Service) -> AsyncIterator[Stage[AltaTech]]:
    async with altatech_stage(tmp_path, long_form(service.url)) as built:
        yield built


async def opened(stage: Stage[AltaTech], who: str, body: object = None) -> str:
    answer = await stage.ask(who, "POST", "/v1/conversation", body or {})
    assert answer.status == 200, answer.body
    return str(answer.json()["conversation_id"])


async def in_the_widget(stage: Stage[AltaTech], who: str) -> str:
    """The user id that the widget and the frame are told."""
    asked = raw_request("GET", "/_gateway/widget/acme/bot", [bearer(stage.token(who))])
    return str((await wire(stage.url, asked)).json()["user_id"])


async def call_tool(stage: Stage[AltaTech], user: str) -> Answer:
    """What AltaTech does when its agent calls a tool for somebody."""
    fields = [("Authorization", f"Bearer {TOKEN}"), ("X-User-Id", user)]
    path = "/_gateway/tools/acme/bot/orders"
    content = [("Content-Type", "application/json")]
    return await wire(stage.url, raw_request("POST", path, [*fields, *content], b'{"orderId":7}'))


async def test_one_persistent_user_id_in_every_channel(
    stage: Stage[AltaTech], service: Service
) -> None:
    """API, list, widget, frame and tool calls name alice alike, today and tomorrow."""
    for _ in range(2):
        stage.vendor.forget()
        await opened(stage, "alice")
        known = stage.vendor.requests[0].json()["user_id"]
        await stage.ask("alice", "GET", f"{PAGE}?{SPAN}")
        assert stage.vendor.requests[1].target.endswith(f"&user_id={known}")
        assert await in_the_widget(stage, "alice") == known == "alice"
        assert (await call_tool(stage, known)).status == 200
        assert service.requests[-1].values("x-external-user-id") == ["alice"]


async def test_the_user_id_is_set_before_there_is_a_conversation(stage: Stage[AltaTech]) -> None:
    turn = {"messages": [{"role": "user", "content": "hi"}], "response_mode": "blocking"}
    assert (await stage.ask("alice", "POST", V2, turn)).status == 400
    assert stage.vendor.conversations == {}
    stage.vendor.forget()
    conversation = await opened(stage, "alice", {"user_id": "bob"})
    (request,) = stage.vendor.requests
    assert request.start_line == "POST /v1/conversation HTTP/1.1"
    assert request.values("authorization") == ["Bearer app-key"]
    assert request.json() == {"user_id": "alice"}
    answer = await stage.ask("alice", "POST", V2, {**turn, "conversation_id": conversation})
    assert answer.status == 200


async def test_tool_calls_carry_the_user_id_in_a_field_and_services_know_who_it_is(
    stage: Stage[AltaTech], service: Service
) -> None:
    await opened(stage, "alice")
    assert (await call_tool(stage, "alice")).json() == {"order": 7}
    (request,) = service.requests
    assert request.values("x-external-user-id") == ["alice"]
    assert request.values("x-external-org-id") == ["acme"]
    assert (await call_tool(stage, "nobody")).status == 404
    assert len(service.requests) == 1


async def test_the_history_of_widget_frame_and_api_is_one(stage: Stage[AltaTech]) -> None:
    by_api = await opened(stage, "alice")
    in_widget = stage.vendor.open(await in_the_widget(stage, "alice")).id
    of_bob = await opened(stage, "bob")
    listed = (await stage.ask("alice", "GET", f"{PAGE}?{SPAN}")).json()["list"]
    assert {one["conversation_id"] for one in listed} == {by_api, in_widget}
    for conversation, status in ((by_api, 200), (in_widget, 200), (of_bob, 404)):
        path = f"/v2/messages?conversation_id={conversation}&page=1&page_size=10"
        assert (await stage.ask("alice", "GET", path)).status == status


async def test_the_id_is_the_one_of_the_business_system(tmp_path: Path) -> None:
    """Whichever claim of the sign-in holds it."""
    claim = adding("sign_in", 'user_claim = "customer_number"')
    async with altatech_stage(tmp_path, claim) as stage:
        token = stage.issuer.token("auth0|65f", algorithm="HS256", customer_number="K-20117")
        await stage.ask(None, "POST", "/v1/conversation", {}, [bearer(token)])
        assert stage.vendor.requests[0].json() == {"user_id": "K-20117"}


async def test_attributes_of_a_user_are_stored_under_the_id(tmp_path: Path) -> None:
    mapped = '\n[upstreams.bot.contacts]\nattributes = { plan = "/app/plan" }\n'
    async with altatech_stage(tmp_path, lambda text: text + mapped) as stage:
        contacts.quickly(stage)
        token = bearer(stage.token("alice", app={"plan": "pro"}))
        await stage.ask(None, "POST", "/v1/conversation", {}, [token])
        await contacts.settled(stage)
        opened = stage.vendor.requests[0].json()
        (told,) = [one.json() for one in stage.vendor.requests if "property" in one.target]
        assert told["user_id"] == opened["user_id"] == "alice"
        assert told["property_values"] == [{"property_name": "plan", "value": "pro"}]


async def test_events_carry_the_user_id_and_are_joined_with_ones_own_data(tmp_path: Path) -> None:
    """By the id that the vendor knows, and by the name of one's own sign-in."""
    opaque = adding("upstreams.bot", 'user_id = "opaque"')
    bot = (altatech_stage, "bot", altatech_signed)
    async with events_stage(tmp_path, *bot, secret=None, edit=opaque) as told:
        conversation = await opened(told.stage, "alice")
        known = told.stage.vendor.requests[0].json()["user_id"]
        said = {"conversation_id": conversation, "message_id": "m-1", "user_id": known}
        assert (await told.send(said)).json() == {"event": "accepted"}
        (event,) = await told.hooks.got(1)
        assert known.startswith("u_")
        assert (event["user"], event["subject"]) == (known, "alice")
        another = await told.send({**said, "message_id": "m-2", "user_id": "bob"})
        assert another.status == 404
        await told.quiet()
        assert len(told.hooks.events) == 1
