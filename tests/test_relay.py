"""What comes back from a vendor: what passes, what does not, and how an answer ends."""

import asyncio
import gc
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.core.request.call import Call
from gateway.core.request.plan import VendorRequest
from gateway.net.server.served_request import ServedRequest
from tests.support.chatbase import Chatbase
from tests.support.garbage import none_of_ours
from tests.support.reply import Reply
from tests.support.stage import Stage, adding, chatbase_stage, events
from tests.support.vendor import Request
from tests.support.wire import connected

pytestmark = pytest.mark.anyio
HI = {"message": "hi", "stream": False}
JSON = [("content-type", "application/json")]

# Some parsers take the first.
TWICE = b'{"data":{"metadata":{"conversationId":"of-bob","conversationId":"new"}}}'
TWICE_US = b'{"data":{"metadata":{"userId":"bob","userId":"alice"}}}'


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage[Chatbase]]:
    async with chatbase_stage(tmp_path) as built:
        yield built


async def answers(stage: Stage[Chatbase], raw: bytes) -> None:
    """From now on the vendor answers with these bytes, and closes."""

    async def handler(request: Request, reply: Reply) -> None:
        await reply.raw(raw)
        reply.close()

    stage.vendor.handler = handler


def http(status: str, fields: list[tuple[str, str]], body: bytes = b"{}") -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields)]
    return "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode() + body


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        pytest.param(http("302 Found", [("location", "https://evil")]), "malformed", id="D-01"),
        pytest.param(http("307 T", [("location", "/users/bob")]), "malformed", id="D-02"),
        pytest.param(http("304 N", [("etag", "x")], b""), "malformed", id="A-14"),
        pytest.param(http("401 U", JSON, b'{"k":"sk-1"}'), "credentials_refused", id="L-04 401"),
        pytest.param(http("403 F", JSON, b'{"k":"sk-1"}'), "credentials_refused", id="L-04 403"),
        pytest.param(
            http("200 OK", [*JSON, ("content-encoding", "gzip")]), "malformed", id="L-10 coded"
        ),
        pytest.param(
            http("200 OK", [("content-type", "text/html")], b"<script>"), "malformed", id="L-08"
        ),
        pytest.param(
            http("500 E", [("content-type", "text/html")], b"<script>"), "malformed", id="E-05"
        ),
        pytest.param(http("200 OK", [("content-type", "text/plain")]), "malformed", id="not JSON"),
        pytest.param(http("200 OK", JSON, b"{"), "malformed", id="half a JSON text"),
        pytest.param(http("200 OK", JSON, TWICE), "malformed", id="L-13 a name said twice"),
        pytest.param(http("500 E", JSON, TWICE_US), "malformed", id="L-13 in an error"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", "broke_off", id="L-12"),
        pytest.param(b"", "broke_off", id="no answer"),
        pytest.param(
            b"SSH-2.0-x\r\n",
            "malformed",
            id="another protocol",
            marks=pytest.mark.over_http1("a front speaks HTTP/2, whatever the vendor speaks"),
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}",
            "malformed",
            id="S-26 two framings",
            marks=pytest.mark.over_http1("there is one framing in HTTP/2"),
        ),
        pytest.param(
            b"HTTP/1.1 101 S\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", "malformed", id="S-27"
        ),
    ],
)
async def test_an_answer_that_cannot_be_used_is_our_502(
    stage: Stage[Chatbase], raw: bytes, code: str
) -> None:
    await answers(stage, raw)
    answer = await stage.ask("alice", "POST", "/chat", HI)
    assert answer.status == 502
    assert answer.complete
    assert answer.values("x-gateway-error") == [f"upstream_{code}"]
    assert answer.json()["error"]["code"] == "INTERNAL_SERVER_ERROR"
    assert b"sk-1" not in answer.raw
    assert b"script" not in answer.raw
    assert not answer.values("location")
    assert answer.values("proxy-status")[0].startswith("gateway; error=")


LEAKS = [
    ("set-cookie", "a=b"),
    ("server", "vendor/1.0"),
    ("x-powered-by", "PHP"),
    ("via", "1.1 vendor"),
    ("openai-organization", "org-1"),
    ("strict-transport-security", "max-age=1"),
    ("clear-site-data", "*"),
    ("service-worker-allowed", "/"),
    ("refresh", "0; url=https://evil"),
    ("link", "</x>; rel=preload"),
    ("location", "https://evil"),
    ("access-control-allow-origin", "*"),
    ("www-authenticate", "Basic"),
    ("etag", "x"),
    ("alt-svc", 'h3=":443"'),
]


async def test_only_listed_fields_of_an_answer_reach_the_client(stage: Stage[Chatbase]) -> None:
    passing = [("retry-after", "7"), ("x-ratelimit-remaining", "3"), ("x-request-id", "vendor-1")]
    await answers(stage, http("200 OK", [*JSON, *passing, *LEAKS]))
    answer = await stage.ask("alice", "POST", "/chat", HI)
    assert answer.status == 200
    for name, value in LEAKS:
        assert value not in answer.values(name), name
    assert answer.values("retry-after") == ["7"]
    assert answer.values("x-ratelimit-remaining") == ["3"]
    assert answer.values("x-upstream-request-id") == ["vendor-1"]
    assert answer.values("x-request-id") != ["vendor-1"]
    assert answer.values("cache-control") == ["no-store, no-transform"]
    assert answer.values("x-content-type-options") == ["nosniff"]


@pytest.mark.parametrize("status", ["429 Too Many", "503 Away", "404 Not Found", "500 Error"])
async def test_an_error_of_the_vendor_passes_as_it_is_and_is_not_asked_again(
    stage: Stage[Chatbase], status: str
) -> None:
    body = json.dumps({"error": {"code": "X", "message": "m"}}).encode()
    await answers(stage, http(status, [*JSON, ("retry-after", "9")], body))
    answer = await stage.ask("alice", "POST", "/chat", HI)
    assert answer.status == int(status[:3])
    assert answer.body == body
    assert answer.values("retry-after") == ["9"]
    assert answer.values("proxy-status") == [f"gateway; received-status={status[:3]}"]
    assert not answer.values("x-gateway-error")
    assert len(stage.vendor.requests) == 1


async def test_the_next_key_is_used_once_when_the_vendor_refuses_the_first(tmp_path: Path) -> None:
    def two_keys(text: str) -> str:
        return text.replace('key = "cb-key"', 'key = ["old-key", "cb-key", "third"]')

    async with chatbase_stage(tmp_path, two_keys) as stage:
        answer = await stage.ask("alice", "POST", "/chat", HI)
        assert answer.status == 200
        shown = [request.values("authorization") for request in stage.vendor.requests]
        assert shown == [["Bearer old-key"], ["Bearer cb-key"]]
        stage.vendor.key = "another"
        stage.vendor.forget()
        assert (await stage.ask("alice", "POST", "/chat", HI)).status == 502
        assert len(stage.vendor.requests) == 2


@pytest.mark.over_http1("the front stays where the vendor goes")
async def test_a_vendor_that_is_away_is_502_at_once(tmp_path: Path) -> None:
    async with chatbase_stage(tmp_path) as stage:
        await stage.vendor.__aexit__(None, None, None)
        answer = await stage.ask("alice", "POST", "/chat", HI)
        assert answer.status == 502
        assert answer.values("x-gateway-error") == ["upstream_unreachable"]
        assert "error=connection_refused" in answer.values("proxy-status")[0]
        await stage.vendor.__aenter__()


@pytest.mark.parametrize(
    ("clock", "stops"),
    [
        pytest.param('timeouts = { first_byte = "200ms" }', "head", id="RF-10 no head"),
        pytest.param('timeouts = { idle = "200ms" }', "body", id="RF-08 silent between events"),
        pytest.param('timeouts = { total = "300ms" }', "never", id="RF-09 endless"),
    ],
)
async def test_every_clock_ends_an_exchange(tmp_path: Path, clock: str, stops: str) -> None:
    async def slow(request: Request, reply: Reply) -> None:
        if stops == "head":
            await reply.hang()
        await reply.start_stream()
        while stops == "never":
            await reply.event({"type": "text-delta", "delta": "x"})
            await asyncio.sleep(0.02)
        await reply.hang()

    async with chatbase_stage(tmp_path, adding("upstreams.support", clock)) as stage:
        stage.vendor.handler = slow
        answer = await stage.ask("alice", "POST", "/chat", {"message": "hi"})
        if stops == "head":
            assert answer.status == 504
            assert answer.values("x-gateway-error") == ["upstream_timeout"]
        else:
            assert not answer.complete
            assert events(answer)[-1]["type"] == "error"
        await stage.vendor.connection_closed(1)


async def test_a_gateway_that_stops_says_so_in_the_stream_and_does_not_end_it(
    stage: Stage[Chatbase],
) -> None:
    async def endless(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.event({"type": "text-delta", "delta": "x"})
        await reply.hang()

    stage.vendor.handler = endless
    async with connected(stage.url) as peer:
        await peer.send(stage.request("alice", "POST", "/chat", {"message": "hi"}))
        await peer.until(b"text-delta")
        stage.gateway.stop()
        answer = await peer.answer()
        assert not answer.complete
        last = events(answer)[-1]
        assert last["type"] == "error"
        assert "shutting down" in last["errorText"]
        await stage.vendor.connection_closed(1)


@pytest.mark.parametrize("streams", [True, False], ids=["in the answer", "before it"])
async def test_a_client_that_leaves_leaves_nothing_to_the_collector(
    stage: Stage[Chatbase], streams: bool
) -> None:
    async def endless(request: Request, reply: Reply) -> None:
        if streams:
            await reply.start_stream()
            await reply.event({"type": "text-delta", "delta": "x"})
        await reply.hang()

    async def leave() -> None:
        vendor = stage.vendor
        vendor.forget()
        async with connected(stage.url) as peer:
            await peer.send(stage.request("alice", "POST", "/chat", {**HI, "stream": streams}))
            await vendor.request_arrived()
            if streams:
                await peer.until(b"text-delta")
        await vendor.connection_closed(len(vendor.connections))

    stage.vendor.handler = endless
    await leave()  # what is kept for the next
    with none_of_ours():
        await asyncio.create_task(leave())


@pytest.mark.parametrize("ends", [True, False], ids=["ends", "may finish"])
async def test_an_answer_ends_with_its_credential_where_that_is_asked_for(
    tmp_path: Path, ends: bool
) -> None:
    """Row E-11."""
    expired = asyncio.Event()

    async def slow(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.event({"type": "text-delta", "delta": "x"})
        await expired.wait()
        await reply.event({"type": "text-delta", "delta": "last"})
        await reply.end()

    line = f"end_streams_at_expiry = {str(ends).lower()}"
    async with chatbase_stage(tmp_path, adding("upstreams.support", line)) as stage:
        stage.vendor.handler = slow
        exp = time.time() + 2
        token = stage.token("alice", exp=exp)
        async with connected(stage.url) as peer:
            bearer = ("Authorization", f"Bearer {token}")
            await peer.send(stage.request(None, "POST", "/chat", {"message": "hi"}, [bearer]))
            await peer.until(b"text-delta")
            if not ends:
                asyncio.get_running_loop().call_later(exp - time.time() + 0.1, expired.set)
            answer = await peer.answer()
        assert time.time() > exp
        assert answer.complete is not ends
        last = events(answer)[-1]
        if ends:
            assert last["type"] == "error"
            assert "expired" in last["errorText"]
            await stage.vendor.connection_closed(1)
            stage.vendor.forget()
            answer = await stage.ask(None, "POST", "/chat", {"message": "hi"}, [bearer])
            assert (answer.status, stage.vendor.saw_nothing()) == (401, True)
        else:
            assert last["delta"] == "last"


async def test_while_a_stream_runs_nothing_is_kept_of_what_was_asked(
    stage: Stage[Chatbase],
) -> None:
    """A conversation so far may be a megabyte of body, and a stream may last for minutes."""

    async def endless(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.event({"type": "text-delta", "delta": "x"})
        await reply.hang()

    stage.vendor.handler = endless
    async with connected(stage.url) as peer:
        await peer.send(stage.request("alice", "POST", "/chat", {"message": "once upon a time"}))
        await peer.until(b"text-delta")
        gc.collect()
        held = gc.get_objects()  # isinstance would ask what of other tests is made on demand
    sent = [one.content or b"" for one in held if type(one) is VendorRequest]
    assert not any(b"once upon" in content for content in sent)
    assert not any("once upon" in str(one.body) for one in held if type(one) is Call)
    assert not any(one.fields or one.raw_path for one in held if type(one) is ServedRequest)


async def test_no_event_of_ours_runs_into_half_an_event_of_the_vendors(
    stage: Stage[Chatbase],
) -> None:
    own = (await stage.ask("alice", "POST", "/chat", HI)).json()["data"]["metadata"]

    async def broken(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.chunk(b'data: {"type":"text-')
        await reply.chunk(b"delta")
        reply.close()

    stage.vendor.handler = broken
    body = {"message": "x", "conversationId": own["conversationId"]}
    answer = await stage.ask("alice", "POST", "/chat", body)
    assert not answer.complete
    assert b"error" not in answer.body


async def test_an_id_does_not_leave_in_half_an_event(stage: Stage[Chatbase]) -> None:
    """It is owned before it leaves, and an event that is not whole cannot be looked into."""
    go_on = asyncio.Event()
    whole, half = b'data: {"delta":"x"}\n\n', b'data: {"metadata":{"conversationId":"c-half"'

    async def in_pieces(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.chunk(whole + half)
        await go_on.wait()
        await reply.chunk(b"}}\n\n")
        await reply.end()

    stage.vendor.handler = in_pieces
    async with connected(stage.url) as peer:
        await peer.send(stage.request("alice", "POST", "/chat", {"message": "hi"}))
        assert b"c-half" not in await peer.until(b'"delta":"x"')
        go_on.set()
        assert b"c-half" in (await peer.answer()).body


async def test_a_client_that_does_not_read_slows_the_vendor(stage: Stage[Chatbase]) -> None:
    own = (await stage.ask("alice", "POST", "/chat", HI)).json()["data"]["metadata"]
    sent = 0

    async def flood(request: Request, reply: Reply) -> None:
        nonlocal sent
        await reply.start_stream()
        event = {"type": "text-delta", "delta": "x" * 60_000}
        for _ in range(2000):  # 120 MB, if nobody held it back
            await reply.event(event)
            sent += 60_000

    stage.vendor.handler = flood
    async with connected(stage.url) as peer:
        body = {"message": "x", "conversationId": own["conversationId"]}
        await peer.send(stage.request("alice", "POST", "/chat", body))
        await peer.until(b"text-delta")
        peer.stop_reading()
        before = -1
        while sent != before:
            before = sent
            await asyncio.sleep(0.2)
        assert sent < 40_000_000
        peer.reset()
        flooded = stage.vendor.requests[-1].connection
        await stage.vendor.connection_closed(flooded)


@pytest.mark.one_process("each has connections of its own")
async def test_one_connection_serves_one_answer_after_another(stage: Stage[Chatbase]) -> None:
    for _ in range(5):
        assert (await stage.ask("alice", "POST", "/chat", HI)).status == 200
    assert stage.vendor.carriers == [1] * 5


async def test_a_vendors_cookie_of_one_person_is_not_sent_for_the_next(
    stage: Stage[Chatbase],
) -> None:
    for who in ("alice", "bob"):
        await stage.ask(who, "POST", "/chat", HI)
    assert all(not request.values("cookie") for request in stage.vendor.requests)


async def test_bytes_left_over_after_an_answer_are_nobodys(stage: Stage[Chatbase]) -> None:
    poison = http("200 OK", JSON, b'{"data":{"poison":true}}')
    turn = 0

    async def poisoned(request: Request, reply: Reply) -> None:
        nonlocal turn
        turn += 1
        await reply.raw(http("200 OK", JSON) + (poison if turn == 1 else b""))

    stage.vendor.handler = poisoned
    await stage.ask("alice", "POST", "/chat", HI)
    answer = await stage.ask("bob", "POST", "/chat", HI)
    assert answer.body == b"{}"
    assert len(stage.vendor.connections) == 2


@pytest.mark.parametrize(
    "raw",
    [b"", b"HTTP/1.1 20", b"\0\r\n\r\n", http("200 OK", JSON)[:-1]],
    ids=["no word", "half a head", "no head", "half a body"],
)
async def test_an_answer_that_breaks_off_leaves_no_circle_of_what_ran(
    stage: Stage[Chatbase], raw: bytes
) -> None:
    await stage.ask("alice", "POST", "/chat", HI)
    await answers(stage, raw)
    with none_of_ours():
        for _ in range(3):
            assert (await stage.ask("alice", "POST", "/chat", HI)).status == 502
        await asyncio.sleep(0)
