"""An application called in this process, with what goes wrong on either side."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.core.errors import (
    BadRequest,
    Overloaded,
    UpstreamBrokeOff,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from gateway.core.people.identity import Identity
from gateway.core.request.plan import VendorRequest
from gateway.net.asgi.wire import AsgiInbound
from gateway.net.upstream.in_process import InProcessTransport, ended

pytestmark = pytest.mark.anyio
ALICE = Identity("acme", "alice")
START = {"type": "http.response.start", "status": 200, "headers": [(b"X-A", b"b")]}


def part(content: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.response.body", "body": content, "more_body": more}


async def nothing() -> Any:
    await asyncio.Event().wait()


@dataclass
class Sent:
    """Whom a request is sent for."""

    ask: AsgiInbound
    identity: Identity = field(default=ALICE)


def errand(**scope: Any) -> Sent:
    whole = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": "/v1/api/chat",
        "raw_path": b"/v1/api/chat",
        "root_path": "/v1",
        "query_string": b"user=victim",
        "headers": [(b"host", b"app.example"), (b"cookie", b"session=x"), (b"x-user", b"victim")],
        "scheme": "https",
        "server": ("app.example", 443),
        "client": ("192.0.2.1", 4000),
        "extensions": {"http.response.pathsend": {}},
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        **scope,
    }
    return Sent(AsgiInbound(whole, nothing))


REQUEST = VendorRequest(
    method="POST",
    target="/api/chat?limit=5",
    fields=((b"x-external-user-id", b"alice"),),
    content=b'{"message":"hi"}',
)


def transport(app: Any, **settings: Any) -> InProcessTransport:
    return InProcessTransport(
        app, **{"first_byte": 5.0, "idle": 5.0, "max_running": 10, **settings}
    )


async def whole(app: Any, sent: Sent) -> bytes:
    async with transport(app).open(REQUEST, sent) as response:
        return b"".join([chunk async for chunk in response.chunks()])


async def answered(app: Any, sent: Sent | None = None, **settings: Any) -> tuple[Any, bytes]:
    made = transport(app, **settings)
    sent = sent or errand()
    async with made.open(REQUEST, sent) as response:
        content = b"".join([chunk async for chunk in response.chunks()])
    await ended(sent.ask.going_on, patience=None)
    assert made.running == 0
    return response, content


async def test_calls_the_application_with_the_planned_request_alone() -> None:
    seen: dict[str, Any] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.update(scope)
        seen["body"] = await receive()
        await send(START)
        await send(part(b"one"))
        await send(part(b"two", more=False))

    session = {"user": "alice"}
    response, content = await answered(app, errand(session=session, app="the app"))
    assert (response.status, response.fields, content) == (200, ((b"x-a", b"b"),), b"onetwo")
    assert seen["method"] == "POST"
    assert (seen["path"], seen["raw_path"]) == ("/v1/api/chat", b"/v1/api/chat")
    assert (seen["root_path"], seen["query_string"]) == ("/v1", b"limit=5")
    assert seen["headers"] == [
        (b"host", b"app.example"),
        (b"x-external-user-id", b"alice"),
        (b"content-length", b"16"),
    ]
    assert seen["body"] == {"type": "http.request", "body": b'{"message":"hi"}'}
    assert (seen["session"], seen["app"], seen["scheme"]) == (session, "the app", "https")
    assert seen["extensions"] == {}
    assert await seen["gateway"].identity() is ALICE
    assert seen["state"]["identity"] is ALICE


async def test_a_form_is_whole_before_the_application_is_called() -> None:
    """So that what is wrong with it is said before, and not by the application."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(await receive())
        await send(START)
        await send(part(b"", more=False))

    async def form(*pieces: bytes) -> AsyncGenerator[bytes, None]:
        for piece in pieces:
            if not piece:
                raise BadRequest
            yield piece

    planned = replace(REQUEST, content=None, stream=form(b"one", b"two"))
    async with transport(app).open(planned, errand()) as response:
        assert [chunk async for chunk in response.chunks()] == [b""]
    assert seen == [{"type": "http.request", "body": b"onetwo"}]
    with pytest.raises(BadRequest):
        async with transport(app).open(replace(planned, stream=form(b"one", b"")), errand()):
            raise AssertionError("it was called")
    assert len(seen) == 1


async def test_one_chunk_is_handed_over_at_a_time() -> None:
    said = 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal said
        await send(START)
        for _ in range(100):
            await send(part(b"x" * 1000))
            said += 1
        await send(part(b"", more=False))

    sent = errand()
    async with transport(app).open(REQUEST, sent) as response:
        chunks = response.chunks()
        for taken in range(1, 5):
            await anext(chunks)
            for _ in range(20):
                await asyncio.sleep(0)
            assert said <= taken + 1
        assert len([chunk async for chunk in chunks]) == 97
    await ended(sent.ask.going_on, patience=None)


@pytest.mark.parametrize("messages", [[], [START], [START, part(b"half")]])
@pytest.mark.parametrize("raises", [True, False])
async def test_an_application_that_breaks_off_is_one(messages: list[Any], raises: bool) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)
        if raises:
            raise LookupError("a fault of the application's")

    sent = errand()
    with pytest.raises(UpstreamBrokeOff):
        await whole(app, sent)
    if raises:  # and whoever called the application hears of it, as though we were not there
        with pytest.raises(LookupError):
            await ended(sent.ask.going_on, patience=None)
    else:
        await ended(sent.ask.going_on, patience=None)


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([part(b"")], id="body first"),
        pytest.param([START, START], id="two heads"),
        pytest.param([START, {"type": "http.response.pathsend", "path": "/"}], id="a file's path"),
        pytest.param([START, part("text")], id="text"),  # type: ignore[arg-type]
        pytest.param([{"type": "websocket.accept"}], id="a WebSocket's"),
    ],
)
async def test_takes_no_message_a_server_would_not(messages: list[Any]) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    sent = errand()
    with pytest.raises(UpstreamBrokeOff):
        await whole(app, sent)
    with pytest.raises((RuntimeError, TypeError)):
        await ended(sent.ask.going_on, patience=None)


@pytest.mark.parametrize("stage", ["before the head", "between chunks"])
async def test_is_cancelled_when_whoever_asked_leaves(stage: str) -> None:
    began, over = asyncio.Event(), asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            if stage == "between chunks":
                await send(START)
                await send(part(b"one"))
            began.set()
            await asyncio.Event().wait()
        finally:
            over.set()

    made, sent = transport(app), errand()

    async def ask() -> None:
        async with made.open(REQUEST, sent) as response:
            async for _ in response.chunks():
                pass

    asking = asyncio.create_task(ask())
    await began.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await ended(sent.ask.going_on, patience=None)
    assert over.is_set()
    assert made.running == 0


async def test_a_listener_hears_that_nobody_is_there_any_more() -> None:
    heard: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(START)
        await send(part(b"", more=False))
        heard.append(await receive())
        await send(part(b"more"))  # quietly, as servers do

    await answered(app)
    assert heard == [{"type": "http.disconnect"}]


async def test_what_comes_after_the_answer_may_end() -> None:
    go_on, done = asyncio.Event(), False

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal done
        await send(START)
        await send(part(b"all", more=False))
        await go_on.wait()
        done = True

    made, sent = transport(app), errand()
    async with made.open(REQUEST, sent) as response:
        assert [chunk async for chunk in response.chunks()] == [b"all"]
    assert made.running == 1
    go_on.set()
    await ended(sent.ask.going_on, patience=None)
    assert done


async def test_whoever_waits_for_it_may_lose_patience() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(part(b"all", more=False))
        await asyncio.Event().wait()

    made, sent = transport(app), errand()
    async with made.open(REQUEST, sent) as response:
        assert [chunk async for chunk in response.chunks()] == [b"all"]
    await ended(sent.ask.going_on, patience=0.01)
    await made.aclose()
    assert made.running == 0


@pytest.mark.parametrize("clock", ["first_byte", "idle"])
async def test_a_slow_application_is_given_up(clock: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if clock == "idle":
            await send(START)
        await asyncio.Event().wait()

    made, sent = transport(app, **{clock: 0.01}), errand()
    with pytest.raises(UpstreamTimeout):
        async with made.open(REQUEST, sent) as response:
            await anext(response.chunks())
    await ended(sent.ask.going_on, patience=None)
    assert made.running == 0


async def test_is_called_so_many_times_at_once_and_no_more() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await asyncio.Event().wait()

    made, sent = transport(app, max_running=1), errand()
    async with made.open(REQUEST, sent):
        with pytest.raises(Overloaded):
            await made.open(REQUEST, errand()).__aenter__()
    await ended(sent.ask.going_on, patience=None)
    async with made.open(REQUEST, sent):
        pass
    await made.aclose()


async def test_without_an_application_nothing_is_reached() -> None:
    with pytest.raises(UpstreamUnreachable):
        await transport(None).open(REQUEST, errand()).__aenter__()

    class Elsewhere:
        ask: Any = object()
        identity = ALICE

    with pytest.raises(UpstreamUnreachable):
        await transport(nothing).open(REQUEST, Elsewhere()).__aenter__()
