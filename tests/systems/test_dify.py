"""Dify through the gateway: what the person gets, and what the vendor saw, byte for byte."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.dify_api import Dify
from tests.support.reply import Reply
from tests.support.stage import Stage, dify_stage, events
from tests.support.vendor import Request
from tests.support.wire import Answer
from tests.systems.records import one_of, recorded
from tests.systems.spoofs import FIELD_NAMES, NAMES, escaped, with_member

pytestmark = pytest.mark.anyio

BLOCKING: dict[str, Any] = {"inputs": {}, "query": "hi", "response_mode": "blocking"}
STREAM: dict[str, Any] = {**BLOCKING, "response_mode": "streaming"}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """As everywhere; for a whole module, so that its tests share a loop."""
    return "asyncio"


@pytest.fixture(scope="module")
async def built(
    tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> AsyncIterator[Stage[Dify]]:
    async with dify_stage(tmp_path_factory.mktemp("dify")) as stage:
        yield stage


@pytest.fixture
def stage(built: Stage[Dify]) -> Stage[Dify]:
    """A gateway before Dify, which has seen nothing yet."""
    built.vendor.handler = built.vendor.answer
    built.vendor.forget()
    return built


async def chat(stage: Stage[Dify], who: str) -> Any:
    """A chat this person has begun through the gateway."""
    answer = await stage.ask(who, "POST", "/chat-messages", BLOCKING)
    assert answer.status == 200, answer.body
    stage.vendor.forget()
    return answer.json()


def expected(
    stage: Stage[Dify], start_line: str, answer: Answer, content: bytes | None = None
) -> bytes:
    """Every byte of the vendor's request."""
    lines = [
        f"{start_line} HTTP/1.1",
        f"host: 127.0.0.1:{stage.vendor.port}",
        "accept: application/json, text/event-stream",
        *(["content-type: application/json"] if content is not None else []),
        "accept-encoding: identity",
        "user-agent: chat-identity-gateway",
        f"x-request-id: {answer.values('x-request-id')[0]}",
        f"via: {stage.vendor.requests[-1].values('via')[0]}",
        "authorization: Bearer app-vendor",
        "x-external-user-id: alice",
        *([f"content-length: {len(content)}"] if content is not None else []),
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + (content or b"")


async def test_every_byte_that_leaves_is_ours(stage: Stage[Dify]) -> None:
    body = {**BLOCKING, "conversation_id": "", "user": "bob", "workflow_id": "w", "trace_id": "t"}
    answer = await stage.ask("alice", "POST", "/chat-messages", body)
    assert answer.json()["answer"] == "You said hi"
    content = b'{"inputs":{},"query":"hi","response_mode":"blocking","user":"alice"}'
    line = "POST /v1/chat-messages"
    assert stage.vendor.requests[0].raw == expected(stage, line, answer, content)
    assert not answer.values("set-cookie")


async def test_a_stream_passes_as_it_is_and_tells_what_it_cost(stage: Stage[Dify]) -> None:
    with recorded() as records:
        answer = await stage.ask("alice", "POST", "/chat-messages", STREAM)
        record = await one_of(records, "chat")
    assert answer.complete
    assert answer.body.startswith(b"event: ping\n\n")
    found = events(answer)
    assert "".join(one.get("answer", "") for one in found) == "You said hi "
    assert record["conversation"] == found[0]["conversation_id"]
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18, "latency": 0.25}
    assert record["usage"] == usage


@pytest.mark.parametrize(
    "path", ["/conversations?limit=5&user=bob", "/parameters?user=bob", "/info", "/meta?User=bob"]
)
async def test_a_query_says_who_asks(stage: Stage[Dify], path: str) -> None:
    answer = await stage.ask("alice", "GET", path)
    assert answer.status == 200
    plain, _, query = path.partition("?")
    kept = "limit=5&" if "limit" in query else ""
    line = f"GET /v1{plain}?{kept}user=alice"
    assert stage.vendor.requests[0].raw == expected(stage, line, answer)


async def test_a_list_is_the_persons_own(stage: Stage[Dify]) -> None:
    """I-12."""
    mine, _ = await chat(stage, "alice"), await chat(stage, "bob")
    answer = await stage.ask("alice", "GET", "/conversations?user=bob")
    listed = [one["id"] for one in answer.json()["data"]]
    assert mine["conversation_id"] in listed
    assert {stage.vendor.conversations[one] for one in listed} == {"alice"}


@pytest.mark.parametrize("name", NAMES)
async def test_nobody_says_who_they_are_in_a_body(stage: Stage[Dify], name: str) -> None:
    for written in (json.dumps(name), escaped(name)):
        body = with_member(BLOCKING, written, "mallory")
        assert (await stage.ask("alice", "POST", "/chat-messages", body)).status == 200
    for request in stage.vendor.requests:
        assert b"mallory" not in request.raw
        assert request.json()["user"] == "alice"


@pytest.mark.parametrize("name", FIELD_NAMES)
async def test_nor_in_a_field(stage: Stage[Dify], name: str) -> None:
    await stage.ask("alice", "POST", "/chat-messages", BLOCKING, [(name, "mallory")])
    assert b"mallory" not in stage.vendor.requests[0].raw


def touching(conversation: str, message: str, task: str) -> list[tuple[str, str, Any]]:
    """Everything that names one of them."""
    one = f"/conversations/{conversation}"
    return [
        ("POST", "/chat-messages", {**BLOCKING, "conversation_id": conversation}),
        ("POST", "/chat-messages", {**STREAM, "conversation_id": conversation}),
        ("POST", f"/chat-messages/{task}/stop", {"user": "alice"}),
        ("POST", f"/completion-messages/{task}/stop", {}),
        ("POST", f"/workflows/tasks/{task}/stop", None),
        ("POST", f"/messages/{message}/feedbacks", {"rating": "like"}),
        ("GET", f"/messages/{message}/suggested?user=alice", None),
        ("GET", f"/messages?conversation_id={conversation}&user=alice", None),
        ("POST", f"{one}/name", {"name": "x"}),
        ("GET", f"{one}/variables", None),
        ("DELETE", one, {"user": "alice"}),
    ]


@pytest.mark.parametrize("stream", [False, True], ids=["in JSON", "in a stream"])
@pytest.mark.parametrize("index", range(len(touching("", "", ""))))
async def test_nobody_touches_anothers_and_the_answer_is_that_of_none(
    stage: Stage[Dify], index: int, stream: bool
) -> None:
    """I-01 to I-03, I-13."""
    asked = STREAM if stream else BLOCKING
    answer = await stage.ask("alice", "POST", "/chat-messages", asked)
    told = events(answer)[0] if stream else answer.json()
    stage.vendor.forget()
    ids = [told[name] for name in ("conversation_id", "message_id", "task_id")]
    theirs = await stage.ask("bob", *touching(*ids)[index])
    none = await stage.ask("bob", *touching("none", "none", "none")[index])
    assert theirs.status == none.status == 404
    assert stage.vendor.saw_nothing()
    assert without_request_id(theirs) == without_request_id(none)
    assert theirs.json() == {
        "code": "not_found",
        "message": "Conversation not found",
        "status": 404,
    }
    mine = await stage.ask("alice", *touching(*ids)[index])
    assert mine.status == 200, mine.body
    (request,) = stage.vendor.requests
    named = request.target if request.method == "GET" else request.body.decode()
    assert "user=alice" in named or '"user":"alice"' in named


def without_request_id(answer: Answer) -> object:
    kept = [field for field in answer.fields if field[0] not in {"x-request-id", "date"}]
    return answer.status, kept, answer.body


@pytest.mark.parametrize("kind", ["completion-messages", "workflows/run"])
@pytest.mark.parametrize("mode", ["blocking", "streaming"])
async def test_a_task_is_stopped_by_whose_it_is(stage: Stage[Dify], kind: str, mode: str) -> None:
    asked = {"inputs": {}, "response_mode": mode}
    answer = await stage.ask("alice", "POST", f"/{kind}", asked)
    assert answer.status == 200, answer.body
    task = (answer.json() if mode == "blocking" else events(answer)[0])["task_id"]
    stage.vendor.stopped.clear()
    place = "workflows/tasks" if kind == "workflows/run" else kind
    assert (await stage.ask("bob", "POST", f"/{place}/{task}/stop", {})).status == 404
    assert stage.vendor.stopped == []
    assert (await stage.ask("alice", "POST", f"/{place}/{task}/stop", {})).status == 200
    assert stage.vendor.stopped == [(task, "alice")]


@pytest.mark.parametrize("stream", [False, True], ids=["in JSON", "in a stream"])
@pytest.mark.parametrize("which", ["conversation_id", "message_id", "task_id"])
async def test_an_answer_with_anothers_id_is_cut_off(
    stage: Stage[Dify], which: str, stream: bool
) -> None:
    """I-06."""
    theirs = (await chat(stage, "alice"))[which]

    async def mixed_up(request: Request, reply: Reply) -> None:
        told = {"event": "message", which: theirs, "answer": "SECRET"}
        await (reply.stream([told]) if stream else reply.json(200, told))

    stage.vendor.handler = mixed_up
    answer = await stage.ask("bob", "POST", "/chat-messages", STREAM if stream else BLOCKING)
    assert b"SECRET" not in answer.raw
    assert not (answer.complete and answer.status == 200)


async def test_a_stream_that_breaks_says_so_as_its_clients_understand(
    stage: Stage[Dify],
) -> None:
    async def breaks(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.event({"event": "message", "answer": "x"})
        reply.close()

    stage.vendor.handler = breaks
    answer = await stage.ask("alice", "POST", "/chat-messages", STREAM)
    assert not answer.complete
    assert events(answer)[-1] == {
        "event": "error",
        "status": 502,
        "code": "internal_server_error",
        "message": "The upstream broke off its answer",
    }


@pytest.mark.parametrize("mode", ["webhook", "Streaming", "", True, None])
async def test_an_answer_goes_to_who_has_asked(stage: Stage[Dify], mode: Any) -> None:
    answer = await stage.ask("alice", "POST", "/chat-messages", {**BLOCKING, "response_mode": mode})
    assert answer.status == 400
    assert stage.vendor.saw_nothing()
