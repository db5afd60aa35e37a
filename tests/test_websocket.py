"""WebSockets through the gateway, on sockets: who, whose and what, and how they end."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI
from websockets.asyncio.server import Request as Handshake
from websockets.asyncio.server import Response, ServerConnection
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway.app import Gateway
from gateway.config.load import load
from gateway.core.errors import Blocked
from gateway.dispatch import House
from gateway.net.server.protocol import guarded_protocol
from gateway.net.server.tally import ServerLimits
from gateway.ports import Record
from gateway.websocket import MAX_NOTED
from tests.support import config
from tests.support.reply import Reply
from tests.support.serve import serving
from tests.support.sockets import KEY, SocketStage, Vendor, serving_vendor, socket_stage
from tests.support.stage import adding
from tests.support.tokens import Issuer
from tests.support.vendor import RecordingVendor, Request

pytestmark = pytest.mark.anyio
ASK = {"type": "response.create"}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[SocketStage]:
    async with socket_stage(tmp_path) as built:
        yield built


async def told(socket: Any) -> Any:
    return json.loads(await asyncio.wait_for(socket.recv(), 10))


async def ended(socket: Any) -> tuple[int, str]:
    """The close code and reason a client gets."""
    try:
        while True:
            await asyncio.wait_for(socket.recv(), 10)
    except ConnectionClosed as closed:
        return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")


async def test_what_is_said_passes_both_ways_and_the_vendor_knows_who(stage: SocketStage) -> None:
    async with stage.connect("alice", subprotocols=["realtime"]) as alice:
        assert alice.subprotocol == "realtime"
        await alice.send(json.dumps(ASK))
        assert await told(alice) == {"type": "said", "what": ASK}
    assert stage.vendor.field("openai-safety-identifier") == ["alice"]
    assert stage.vendor.field("x-external-user-id") == ["alice"]
    assert stage.vendor.field("authorization") == [f"Bearer {KEY}"]
    assert stage.vendor.handshakes[-1].path == "/v1/realtime?model=gpt-realtime"


async def tool_rounds(socket: ServerConnection, vendor: Vendor) -> None:
    """A vendor that calls a tool each time it is asked, and says what came of it."""
    await socket.send(json.dumps({"type": "session.created", "session": {"id": "sess_1"}}))
    async for text in socket:
        vendor.heard(text)
        said = json.loads(text)
        if said["type"] == "response.create":
            usage = {"total_tokens": 400, "input_tokens": 300, "output_tokens": 100}
            call = {"type": "response.function_call_arguments.done", "call_id": "call_1"}
            await socket.send(json.dumps(call | {"name": "weather", "arguments": "{}"}))
            done = {"type": "response.done", "response": {"id": "r", "usage": usage}}
            await socket.send(json.dumps(done))


async def test_the_official_sdk_talks_and_hands_in_what_its_tools_say(stage: SocketStage) -> None:
    stage.vendor.handler = tool_rounds
    client = AsyncOpenAI(api_key=stage.token("alice"), base_url=f"{stage.url}/llm/v1")
    async with client, client.realtime.connect(model="gpt-realtime") as socket:
        await socket.session.update(session={"type": "realtime", "instructions": "Be kind"})
        for _ in range(3):
            await socket.response.create()
            async for event in socket:
                if event.type == "response.done":
                    break
            await socket.conversation.item.create(
                item={"type": "function_call_output", "call_id": "call_1", "output": "sunny"}
            )
    await stage.vendor.until(lambda: len(stage.vendor.messages) == 7)
    kinds = [one["type"] for one in stage.vendor.messages]
    assert kinds == ["session.update", *["response.create", "conversation.item.create"] * 3]
    assert stage.vendor.messages[-1]["item"]["output"] == "sunny"


async def test_a_browsers_sdk_has_its_token_among_the_subprotocols(stage: SocketStage) -> None:
    token = stage.token("alice")
    offered = ["realtime", f"openai-insecure-api-key.{token}", "openai-beta.realtime-v1"]
    async with stage.connect(None, subprotocols=offered) as alice:
        assert alice.subprotocol == "realtime"
    assert stage.vendor.field("openai-safety-identifier") == ["alice"]
    assert token not in str(stage.vendor.handshakes[-1].headers)
    assert stage.vendor.field("sec-websocket-protocol") == ["realtime, openai-beta.realtime-v1"]


async def test_it_lives_through_tool_traffic_and_dies_with_its_credential(
    stage: SocketStage,
) -> None:
    stage.vendor.handler = tool_rounds
    expires = int(time.time()) + 4
    async with stage.connect("alice", token=stage.token("alice", exp=expires)) as alice:
        for _ in range(3):
            await alice.send(json.dumps(ASK))
            while (await told(alice))["type"] != "response.done":
                pass
        assert await ended(alice) == (1008, "credentials_expired")
    await stage.vendor.until(lambda: bool(stage.vendor.closed))
    assert stage.vendor.closed == [(1001, "")]


# whoever may no longer


async def test_it_ends_when_the_app_has_signed_them_out(tmp_path: Path) -> None:
    signed_in = True

    async def me(request: Request, reply: Reply) -> None:
        await reply.json(*((200, {"user_id": "alice"}) if signed_in else (401, {})))

    async with RecordingVendor(me) as app:

        def asking(text: str) -> str:
            head, rest = text.split("[sign_in]\n")
            ask = f'[sign_in]\nask = "{app.url}/me"\ncookies = ["s"]\nuser_key = "user_id"\n'
            clocks = 'timeouts = { recheck = "1s" }\n'
            upstream = rest[rest.index("[upstreams.llm]\n") :]
            return head + ask + 'cache = "0s"\n' + upstream + clocks

        async with socket_stage(tmp_path, asking) as stage:
            origin = {"Cookie": "s=1", "Origin": stage.url}
            async with stage.connect(None, fields=origin) as alice:
                await alice.send(json.dumps(ASK))
                await told(alice)
                signed_in = False
                assert await ended(alice) == (1008, "credentials_expired")
            await stage.vendor.until(lambda: bool(stage.vendor.closed))


async def test_it_ends_when_it_has_been_open_for_as_long_as_one_may_be(tmp_path: Path) -> None:
    """Row X-04: a sign-in without an expiry bounds nothing."""
    clocks = adding("upstreams.llm", 'timeouts = { websocket = "2s" }')
    async with socket_stage(tmp_path, clocks) as stage:
        async with stage.connect("alice") as alice:
            await alice.send(json.dumps(ASK))
            await told(alice)
            assert await ended(alice) == (1001, "overloaded")
        await stage.vendor.until(lambda: bool(stage.vendor.closed))
        assert stage.vendor.closed == [(1001, "")]


async def test_it_ends_when_they_are_blocked(stage: SocketStage) -> None:
    async with stage.connect("alice") as alice:
        await alice.send(json.dumps(ASK))
        await told(alice)
        assert stage.gateway is not None
        assert stage.gateway.assembled is not None
        running = stage.gateway.assembled.house.running
        (interrupt,) = running._interrupts
        interrupt.fire(Blocked())  # as `Running.recheck` does
        assert await ended(alice) == (1008, "blocked")


@pytest.mark.parametrize(
    ("written", "now", "code"),
    [
        pytest.param(
            'audience = "chat"', 'audience = "other"', "credentials_invalid", id="sign-in"
        ),
        pytest.param("[upstreams.llm]", "[upstreams.gpt]", "not_found", id="upstream"),
        pytest.param(
            'vendor = "openai"',
            'vendor = "openai"\noperations = ["models"]',
            "not_found",
            id="operation",
        ),
    ],
)
async def test_it_ends_when_another_configuration_lets_them_in_no_longer(
    tmp_path: Path, written: str, now: str, code: str
) -> None:
    """X-04: it may last for as long as it likes, and would outlive a secret that was taken back."""
    clocks = adding("upstreams.llm", 'timeouts = { recheck = "1s" }')
    async with socket_stage(tmp_path, clocks) as stage:
        gateway = stage.gateway
        assert gateway is not None
        file = tmp_path / "gateway.toml"
        async with stage.connect("alice") as alice:
            await alice.send(json.dumps(ASK))
            await told(alice)
            text = file.read_text()
            assert written in text
            file.write_text(f"{text}\n[limits]\nper_user = ['1000/m']\n")
            await gateway.reload(load(file).settings)
            await asyncio.sleep(1.5)  # longer than `recheck`
            await alice.send(json.dumps(ASK))
            await told(alice)
            file.write_text(text.replace(written, now))
            await gateway.reload(load(file).settings)
            assert await ended(alice) == (1008, code)
        await stage.vendor.until(lambda: bool(stage.vendor.closed))


# a client that is gone without a word


async def test_a_client_that_answers_no_ping_is_given_up(tmp_path: Path) -> None:
    issuer = Issuer()
    async with serving_vendor(Vendor()) as vendor:
        file = tmp_path / "gateway.toml"
        file.write_text(config.openai(vendor.url, issuer, store=tmp_path / "g.db", key=KEY))
        guarded = guarded_protocol(ServerLimits())
        options = {"http": guarded, "ws_ping_interval": 0.2, "ws_ping_timeout": 0.2}
        async with serving(Gateway.from_file(file), **options) as url:
            stage = SocketStage(vendor, None, issuer, url)
            async with stage.connect("alice") as alice:
                alice.transport.pause_reading()  # and so no ping is answered
                await vendor.until(lambda: bool(vendor.closed))


@pytest.mark.parametrize(
    ("code", "reason", "carried"),
    [(1000, "done", 1000), (1011, "sorry", 1011), (4001, "mine", 4001), (3000, "", 3000)],
)
async def test_what_the_vendor_closes_with_is_carried_to_the_client(
    stage: SocketStage, code: int, reason: str, carried: int
) -> None:
    async def closes(socket: ServerConnection, vendor: Vendor) -> None:
        await socket.close(code, reason)

    stage.vendor.handler = closes
    async with stage.connect("alice") as alice:
        assert await ended(alice) == (carried, reason)


async def test_what_the_client_closes_with_is_carried_to_the_vendor(stage: SocketStage) -> None:
    async with stage.connect("alice") as alice:
        await alice.close(4002, "bye")
    await stage.vendor.until(lambda: bool(stage.vendor.closed))
    assert stage.vendor.closed == [(4002, "bye")]


async def test_a_vendor_that_breaks_off_is_a_bad_gateway(stage: SocketStage) -> None:
    async def breaks(socket: ServerConnection, vendor: Vendor) -> None:
        socket.transport.abort()

    stage.vendor.handler = breaks
    async with stage.connect("alice") as alice:
        assert await ended(alice) == (1014, "upstream_broke_off")


async def test_a_client_that_vanishes_ends_the_vendors(stage: SocketStage) -> None:
    async with stage.connect("alice") as alice:
        alice.transport.abort()
        await stage.vendor.until(lambda: bool(stage.vendor.closed))
    assert stage.vendor.closed[0][0] in {1000, 1001}


async def test_a_gateway_that_stops_goes_away(stage: SocketStage) -> None:
    async with stage.connect("alice") as alice:
        assert stage.gateway is not None
        stage.gateway.stop()
        assert await ended(alice) == (1001, "overloaded")
    await stage.vendor.until(lambda: bool(stage.vendor.closed))
    assert stage.vendor.closed == [(1001, "")]


@contextmanager
def recorded(house: House) -> Iterator["asyncio.Queue[Record]"]:
    """The records of what has ended."""
    rows: asyncio.Queue[Record] = asyncio.Queue()
    record, house.usage.record = house.usage.record, rows.put_nowait  # type: ignore[method-assign]
    try:
        yield rows
    finally:
        house.usage.record = record  # type: ignore[method-assign]


async def test_it_ends_when_the_budget_is_spent(tmp_path: Path) -> None:
    """N-08: what one costs that lasts for ever is charged while it does."""
    limits = '\n[limits]\nbudget_per_user = "1000 tokens/day"\nreserve = "100 tokens"\n'
    often = adding("upstreams.llm", 'timeouts = { recheck = "1s" }')
    async with socket_stage(tmp_path, lambda text: often(text) + limits) as stage:
        stage.vendor.handler = tool_rounds
        async with stage.connect("alice") as alice, stage.connect("bob"):
            for _ in range(3):
                await alice.send(json.dumps(ASK))
                while (await told(alice))["type"] != "response.done":
                    pass
            assert await ended(alice) == (1013, "budget_exhausted")
            with pytest.raises(InvalidStatus) as refused:
                async with stage.connect("alice"):
                    pass
            assert refused.value.response.headers["x-gateway-error"] == "budget_exhausted"


async def test_each_message_that_thinks_counts_as_a_request(tmp_path: Path) -> None:
    """N-08: one handshake must not be worth any number of answers."""
    limits = '\n[limits]\nper_user = ["3/minute", "1 streams"]\n'
    async with socket_stage(tmp_path, lambda text: text + limits) as stage:
        async with stage.connect("alice") as alice:
            for _ in range(5):
                await alice.send(json.dumps({"type": "input_audio_buffer.clear"}))
                await told(alice)
            for _ in range(2):
                await alice.send(json.dumps(ASK))
                await told(alice)
            await alice.send(json.dumps(ASK))
            assert await ended(alice) == (1013, "user_limit")
        assert [one["type"] for one in stage.vendor.messages].count("response.create") == 2
        async with stage.connect("bob") as bob:
            await bob.send(json.dumps(ASK))
            await told(bob)


async def test_usage_of_every_answer_is_added(tmp_path: Path) -> None:
    limits = '\n[limits]\nbudget_per_user = "1000 tokens/day"\n'
    async with socket_stage(tmp_path, lambda text: text + limits) as stage:
        stage.vendor.handler = tool_rounds
        assert stage.gateway is not None
        with recorded((await stage.gateway.open()).house) as rows:
            async with stage.connect("alice") as alice:
                for _ in range(3):
                    await alice.send(json.dumps(ASK))
                    while (await told(alice))["type"] != "response.done":
                        pass
            row = await asyncio.wait_for(rows.get(), 10)
        assert row.usage["total_tokens"] == 1200
        with pytest.raises(InvalidStatus) as refused:
            async with stage.connect("alice"):
                pass
        assert refused.value.response.status_code == 429
        assert refused.value.response.headers["x-gateway-error"] == "budget_exhausted"


@pytest.mark.parametrize("named", [0, 40, 90])
async def test_names_left_out_are_bounded_however_many_the_handshake_had(
    stage: SocketStage, named: int
) -> None:
    assert stage.gateway is not None
    path = "&".join([stage.path, *(f"p{number}=1" for number in range(named))])
    many = {f"m{number}": 1 for number in range(500)}
    with recorded((await stage.gateway.open()).house) as rows:
        async with stage.connect("alice", path=path) as alice:
            for _ in range(3):
                await alice.send(json.dumps(ASK | many))
                assert await told(alice) == {"type": "said", "what": ASK}
        row = await asyncio.wait_for(rows.get(), 10)
    assert len(row.dropped) == max(named, MAX_NOTED)


async def test_it_goes_on_by_the_settings_it_began_with(stage: SocketStage) -> None:
    assert stage.gateway is not None
    assembled = await stage.gateway.open()
    async with stage.connect("alice") as alice:
        await alice.send(json.dumps(ASK))
        await told(alice)
        free = asyncio.create_task(assembled.lease.ended())  # as after a reload
        await asyncio.sleep(0)
        assert not free.done()
    await asyncio.wait_for(free, 10)


async def test_the_next_key_is_tried_once(tmp_path: Path) -> None:
    def old_is_refused(request: Handshake) -> Response | None:
        refused = request.headers["authorization"].endswith(KEY)
        return Response(401, "Unauthorized", Headers()) if refused else None

    both = f'key = ["{KEY}", "sk-next-0123456789"]'
    async with socket_stage(tmp_path, lambda text: text.replace(f'key = "{KEY}"', both)) as stage:
        stage.vendor.refuse = old_is_refused
        async with stage.connect("alice") as alice:
            await alice.send(json.dumps(ASK))
            await told(alice)
        assert stage.vendor.field("authorization") == ["Bearer sk-next-0123456789"]


async def test_a_statement_goes_with_the_handshake(tmp_path: Path) -> None:
    async with socket_stage(tmp_path, adding("upstreams.llm", "assertion = true")) as stage:
        async with stage.connect("alice"):
            pass
        assert stage.vendor.field("x-gateway-assertion")


# Conversations, at a vendor of one's own

LIVE_KEY = "sk-live-key-0123456789"
LIVE = f"""
[upstreams.live]
vendor = "mine"
base_url = "URL"
key = "{LIVE_KEY}"
[vendors.mine]
fields = {{ authorization = "Bearer {{key}}" }}
[vendors.mine.operations.talk]
method = "GET"
path = "/api/live"
websocket = true
query = ["chat"]
conversation = ["query:chat"]
opens = ["body:/chat"]
answers_user = ["body:/from"]
[vendors.mine.operations.talk.messages.say]
members = ["text"]
user = ["body:/from"]
conversation = ["body:/chat"]
"""


def with_live(text: str) -> str:
    url = text.split('vendor = "openai"\n')[1].split('"')[1]
    return text + LIVE.replace("URL", url)


async def repeats(socket: ServerConnection, vendor: Vendor) -> None:
    """A vendor that answers with what it is told to say, whatever that is."""
    async for text in socket:
        vendor.heard(text)
        await socket.send(json.loads(text)["text"])


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[SocketStage]:
    async with socket_stage(tmp_path, with_live) as built:
        built.vendor.handler = repeats
        yield replace(built, path="/live/api/live")


def say(answer: dict[str, object], **more: object) -> str:
    return json.dumps({"type": "say", "text": json.dumps(answer), **more})


async def test_a_conversation_is_whose_it_was_opened_for(live: SocketStage) -> None:
    async with live.connect("alice") as alice, live.connect("bob") as bob:
        await alice.send(say({"chat": "c1"}))
        assert await told(alice) == {"chat": "c1"}
        await alice.send(say({"ok": 1}, chat="c1"))
        assert await told(alice) == {"ok": 1}
        assert live.vendor.messages[-1]["from"] == "alice"
        heard = len(live.vendor.messages)
        await bob.send(say({"ok": 1}, chat="c1"))
        assert await ended(bob) == (1008, "conversation_not_found")
        assert len(live.vendor.messages) == heard
    async with live.connect("alice", path=f"{live.path}?chat=c1"):
        pass
    shaken = len(live.vendor.handshakes)
    for chat in ("c1", "c2"):
        with pytest.raises(InvalidStatus) as refused:
            async with live.connect("bob", path=f"{live.path}?chat={chat}"):
                pass
        assert refused.value.response.status_code == 404
    assert len(live.vendor.handshakes) == shaken


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"chat": "c1"}, id="another's conversation"),
        pytest.param({"from": "alice"}, id="another's name"),
        pytest.param({"debug": f"Bearer {LIVE_KEY}"}, id="our key"),
    ],
)
async def test_what_a_vendor_must_not_say_is_not_heard(
    live: SocketStage, answer: dict[str, object]
) -> None:
    async with live.connect("alice") as alice:
        await alice.send(say({"chat": "c1"}))
        await told(alice)
    async with live.connect("bob") as bob:
        await bob.send(say(answer))
        assert await ended(bob) == (1014, "upstream_malformed")


async def test_what_may_name_a_conversation_and_is_no_json_is_not_heard(live: SocketStage) -> None:
    """I-08."""
    async with live.connect("bob") as bob:
        await bob.send(json.dumps({"type": "say", "text": '{"chat": "c1",}'}))
        assert await ended(bob) == (1014, "upstream_malformed")


async def test_a_spoof_ends_it_where_that_is_wanted(tmp_path: Path) -> None:
    def refusing(text: str) -> str:
        head, rest = with_live(text).split("[sign_in]\n")
        own = '[orgs.acme]\non_spoof = "refuse"\n[[orgs.acme.sign_in]]\n'
        return (head + own + rest).replace("[upstreams.", "[orgs.acme.upstreams.")

    async with socket_stage(tmp_path, refusing) as built:
        built.vendor.handler = repeats
        async with built.connect("alice", path="/live/api/live") as alice:
            await alice.send(say({}, userId="bob"))
            assert await ended(alice) == (1008, "spoofed_identity")
        assert built.vendor.messages == []
