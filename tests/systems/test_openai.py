"""OpenAI through the gateway: what the person gets, and what the vendor saw, byte for byte."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.openai_api import USAGE, OpenAI
from tests.support.reply import Reply
from tests.support.stage import Stage, events, openai_stage
from tests.support.vendor import Request
from tests.support.wire import Answer, wire
from tests.systems.records import one_of, recorded
from tests.systems.spoofs import FIELD_NAMES, NAMES, escaped, with_member

pytestmark = pytest.mark.anyio

CHAT = "/chat/completions"
SAID = [{"role": "user", "content": "hi"}]
HI: dict[str, Any] = {"model": "gpt-test", "messages": SAID}
ASKED: dict[str, Any] = {"model": "gpt-test", "input": "hi"}
TOOL = {"type": "function", "name": "weather", "parameters": {"type": "object"}}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """As everywhere; for a whole module, so that its tests share a loop."""
    return "asyncio"


@pytest.fixture(scope="module")
async def built(
    tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> AsyncIterator[Stage[OpenAI]]:
    async with openai_stage(tmp_path_factory.mktemp("openai")) as stage:
        yield stage


@pytest.fixture
def stage(built: Stage[OpenAI]) -> Stage[OpenAI]:
    """A gateway before OpenAI, which has seen nothing yet."""
    built.vendor.handler = built.vendor.answer
    built.vendor.forget()
    return built


async def respond(stage: Stage[OpenAI], who: str, **more: Any) -> Any:
    """A response this person has opened through the gateway."""
    answer = await stage.ask(who, "POST", "/responses", {**ASKED, **more})
    assert answer.status == 200, answer.body
    stage.vendor.forget()
    return answer.json()


async def test_every_byte_that_leaves_is_ours(stage: Stage[OpenAI]) -> None:
    answer = await stage.ask(
        "alice", "POST", CHAT, HI, [("OpenAI-Organization", "x"), ("OpenAI-Beta", "a=b")]
    )
    assert answer.json()["choices"][0]["message"]["content"] == "You said hi"
    (request,) = stage.vendor.requests
    content = (
        b'{"model":"gpt-test","messages":[{"role":"user","content":"hi"}],'
        b'"safety_identifier":"alice","prompt_cache_key":"alice"}'
    )
    lines = [
        "POST /v1/chat/completions HTTP/1.1",
        f"host: 127.0.0.1:{stage.vendor.port}",
        "accept: application/json, text/event-stream",
        "content-type: application/json",
        "accept-encoding: identity",
        "user-agent: chat-identity-gateway",
        f"x-request-id: {answer.values('x-request-id')[0]}",
        f"via: {request.values('via')[0]}",
        "authorization: Bearer sk-vendor",
        "x-external-user-id: alice",
        f"content-length: {len(content)}",
        "",
        "",
    ]
    assert request.raw == "\r\n".join(lines).encode() + content
    assert not answer.values("set-cookie")
    assert not answer.values("openai-organization")


@pytest.mark.parametrize("asked", [False, True], ids=["who has not asked", "who has asked"])
async def test_a_stream_tells_its_cost_to_us_and_to_who_has_asked(
    stage: Stage[OpenAI], asked: bool
) -> None:
    options = {"stream_options": {"include_usage": True}} if asked else {}
    with recorded() as records:
        answer = await stage.ask("alice", "POST", CHAT, {**HI, "stream": True, **options})
        record = await one_of(records, "chat")
    assert answer.complete
    assert answer.body.endswith(b"data: [DONE]\n\n")
    costs = [one for one in events(answer) if one["choices"] == []]
    assert [one["usage"] for one in costs] == ([USAGE] if asked else [])
    assert record["usage"] == USAGE
    sent = stage.vendor.requests[0].json()
    assert sent["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("path", [CHAT, "/responses"])
@pytest.mark.parametrize("name", NAMES)
async def test_nobody_says_who_they_are_in_a_body(
    stage: Stage[OpenAI], path: str, name: str
) -> None:
    body: dict[str, object] = HI if path == CHAT else ASKED
    for written in (json.dumps(name), escaped(name)):
        answer = await stage.ask("alice", "POST", path, with_member(body, written, "mallory"))
        assert answer.status == 200
    for request in stage.vendor.requests:
        assert b"mallory" not in request.raw
        assert request.json()["safety_identifier"] == "alice"


@pytest.mark.parametrize("name", FIELD_NAMES)
async def test_nor_in_a_field(stage: Stage[OpenAI], name: str) -> None:
    await stage.ask("alice", "POST", CHAT, HI, [(name, "mallory")])
    assert b"mallory" not in stage.vendor.requests[0].raw


# Whose responses, items and conversations


def touching(response: str, item: str, conversation: str) -> list[tuple[str, str, Any]]:
    """Everything that names one of them."""
    call = {"type": "function_call", "id": item, "call_id": "c", "name": "f", "arguments": "{}"}
    one = f"/conversations/{conversation}"
    added = {"items": [{"type": "item_reference", "id": item}]}
    return [
        ("POST", "/responses", {**ASKED, "previous_response_id": response}),
        ("POST", "/responses", {**ASKED, "previous_response_id": response, "stream": True}),
        ("POST", "/responses", {**ASKED, "input": [{"type": "item_reference", "id": item}]}),
        ("POST", "/responses", {**ASKED, "input": [{"id": item}]}),
        ("POST", "/responses", {**ASKED, "input": [*SAID, {"type": "reasoning", "id": item}]}),
        ("POST", "/responses", {**ASKED, "input": [call]}),
        ("POST", "/responses", {**ASKED, "conversation": conversation}),
        ("POST", "/responses", {**ASKED, "conversation": {"id": conversation}}),
        ("GET", f"/responses/{response}", None),
        ("GET", f"/responses/{response}?stream=true", None),
        ("DELETE", f"/responses/{response}", None),
        ("GET", f"/responses/{response}/input_items?limit=1", None),
        ("POST", "/conversations", added),
        ("GET", one, None),
        ("POST", one, {"metadata": {"a": "b"}}),
        ("DELETE", one, None),
        ("GET", f"{one}/items?after={item}", None),
        ("POST", f"{one}/items", {"items": SAID}),
        ("GET", f"{one}/items/{item}", None),
        ("DELETE", f"{one}/items/{item}", None),
    ]


@pytest.mark.parametrize("stream", [False, True], ids=["in JSON", "in a stream"])
@pytest.mark.parametrize("index", range(len(touching("", "", ""))))
async def test_nobody_touches_anothers_and_the_answer_is_that_of_none(
    stage: Stage[OpenAI], index: int, stream: bool
) -> None:
    """I-01 to I-03, I-08, I-13, B-21."""
    opened = (await stage.ask("alice", "POST", "/conversations", {"metadata": {}})).json()["id"]
    answer = await stage.ask("alice", "POST", "/responses", {**ASKED, "stream": stream})
    done = events(answer)[-1]["response"] if stream else answer.json()
    stage.vendor.forget()
    theirs = await stage.ask("bob", *touching(done["id"], done["output"][0]["id"], opened)[index])
    none = await stage.ask("bob", *touching("resp_0", "msg_0", "conv_0")[index])
    assert theirs.status == none.status == 404
    assert stage.vendor.saw_nothing()
    assert without_request_id(theirs) == without_request_id(none)
    assert theirs.values("x-gateway-error") == ["conversation_not_found"]
    assert theirs.json()["error"]["code"] == "not_found"
    mine = await stage.ask("alice", *touching(done["id"], done["output"][0]["id"], opened)[index])
    assert mine.status == 200, mine.body
    assert len(stage.vendor.requests) == 1


def without_request_id(answer: Answer) -> object:
    kept = [field for field in answer.fields if field[0] not in {"x-request-id", "date"}]
    return answer.status, kept, answer.body


async def test_one_foreign_id_among_ones_own_refuses_all(stage: Stage[OpenAI]) -> None:
    """I-14."""
    mine, theirs = await respond(stage, "bob"), await respond(stage, "alice")
    items = [{"type": "item_reference", "id": one["output"][0]["id"]} for one in (mine, theirs)]
    for named in (
        {"input": items},
        {"input": items[:1], "previous_response_id": theirs["id"]},
    ):
        answer = await stage.ask("bob", "POST", "/responses", {**ASKED, **named})
        assert answer.status == 404
    assert stage.vendor.saw_nothing()


@pytest.mark.parametrize(
    "named",
    [
        {"previousResponseId": "ID"},
        {"previous_response": "ID", "response_id": "ID", "conversation_id": "ID"},
        {"Conversation": "ID"},
        {"conversation": {"ID": "ID"}},
        {"conversation": ["ID"]},
        {"previous_response_id": ["ID"]},
        {"thread_id": "ID"},
        {"input": {"type": "item_reference", "id": "ID"}},
        {"input": [{"type": "item_reference", "Id": "ID"}]},
        {"input": [[{"type": "item_reference", "id": "ID"}]]},
    ],
    ids=str,
)
async def test_no_other_spelling_names_one(stage: Stage[OpenAI], named: Any) -> None:
    """B-20, B-21."""
    response = await respond(stage, "alice")
    body = json.dumps({**ASKED, **named}).replace('"ID"', json.dumps(response["id"]), 1)
    for who in ("alice", "bob"):
        answer = await stage.ask(who, "POST", "/responses", body.encode())
        assert answer.status == 400, answer.body
    assert stage.vendor.saw_nothing()


async def test_an_id_is_owned_before_it_can_be_read(stage: Stage[OpenAI]) -> None:
    """I-04: each event that names one is taken apart from all before it, by a byte a write."""
    response = await respond(stage, "alice")
    spoken = {"type": "response.output_item.added", "item": {"id": "fc_new", "type": "x"}}

    async def drip(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        for event in ({"type": "response.created", "response": {"id": "resp_new"}}, spoken):
            for one in b"data: " + json.dumps(event).encode() + b"\n\n":
                await reply.chunk(bytes([one]))
        await reply.end()

    stage.vendor.handler = drip
    asked = {**ASKED, "previous_response_id": response["id"], "stream": True}
    answer = await stage.ask("alice", "POST", "/responses", asked)
    assert [one["type"] for one in events(answer)] == [
        "response.created",
        "response.output_item.added",
    ]
    stage.vendor.handler = stage.vendor.answer
    for named in ("resp_new", "fc_new"):
        stage.vendor.forget()
        path = f"/responses/{named}"
        refused = await stage.ask("bob", "GET", path)
        assert refused.values("x-gateway-error") == ["conversation_not_found"]
        assert stage.vendor.saw_nothing()
        await stage.ask("alice", "GET", path)
        assert stage.vendor.requests[0].target == "/v1" + path


@pytest.mark.parametrize("stream", [False, True], ids=["in JSON", "in a stream"])
@pytest.mark.parametrize("which", ["response", "item"])
async def test_an_answer_with_anothers_id_is_cut_off(
    stage: Stage[OpenAI], which: str, stream: bool
) -> None:
    """I-06."""
    theirs = await respond(stage, "alice")
    item = {"id": theirs["output"][0]["id"], "content": "SECRET"} if which == "item" else {}
    told = {"id": theirs["id"] if which == "response" else "resp_bobs", "output": [item]}

    async def mixed_up(request: Request, reply: Reply) -> None:
        if stream:
            await reply.stream([{"type": "response.created", "response": told}])
        else:
            await reply.json(200, {**told, "text": "SECRET"})

    stage.vendor.handler = mixed_up
    answer = await stage.ask("bob", "POST", "/responses", {**ASKED, "stream": stream})
    assert b"SECRET" not in answer.raw
    assert theirs["id"].encode() not in answer.raw
    assert not (answer.complete and answer.status == 200)


async def test_an_answer_for_somebody_else_is_cut_off(stage: Stage[OpenAI]) -> None:
    """L-13."""

    async def mixed_up(request: Request, reply: Reply) -> None:
        await reply.json(200, {"id": "resp_x", "safety_identifier": "alice", "text": "SECRET"})

    stage.vendor.handler = mixed_up
    answer = await stage.ask("bob", "POST", "/responses", ASKED)
    assert answer.status == 502
    assert b"SECRET" not in answer.raw


# What the vendor says when something is wrong


async def test_a_refused_key_is_ours_to_mend(stage: Stage[OpenAI]) -> None:
    stage.vendor.key = "another"
    try:
        answer = await stage.ask("alice", "POST", CHAT, HI)
    finally:
        stage.vendor.key = "sk-vendor"
    assert (answer.status, answer.json()["error"]["code"]) == (502, "server_error")
    assert b"Incorrect API key" not in answer.raw


async def test_a_stream_that_breaks_says_so_as_its_clients_understand(
    stage: Stage[OpenAI],
) -> None:
    async def breaks(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.event({"choices": [{"index": 0, "delta": {"content": "x"}}]})
        reply.close()

    stage.vendor.handler = breaks
    answer = await stage.ask("alice", "POST", CHAT, {**HI, "stream": True})
    assert not answer.complete
    last = events(answer)[-1]
    assert last["error"]["code"] == last["code"] == "server_error"
    assert last["type"] == "error"


async def test_no_client_learns_whose_the_models_are(stage: Stage[OpenAI]) -> None:
    answer = await stage.ask("alice", "GET", "/models")
    assert [one["id"] for one in answer.json()["data"]] == ["gpt-test"]
    assert (await wire(stage.url, stage.request(None, "GET", "/models"))).status == 401
