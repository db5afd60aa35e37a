"""OpenAI's API as its documents show it: chat completions, responses, conversations, models.

It asks nobody whose a response, an item or a conversation is: whoever has the key reads all.

    async with OpenAI(key="sk-vendor") as vendor:
        vendor.before_event = wait_for_the_test  # called with each event of a stream
        vendor.stored["resp_…"]                  # what it keeps, by id
"""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from tests.support.models_turns import ARGUMENTS, Json, Turn, answer, ids, text_of
from tests.support.reply import Hold, Reply, at_once
from tests.support.vendor import RecordingVendor, Request

USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
RESPONSE_USAGE = {
    "input_tokens": 11,
    "input_tokens_details": {"cached_tokens": 3},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 18,
}
COOKIE = "__cf_bm=VENDOR-COOKIE-CANARY; Path=/; HttpOnly"
MODEL = "gpt-test"


class Refusal(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        self.status = status
        error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
        self.body = {"error": error}


class OpenAI(RecordingVendor):
    """See the module."""

    def __init__(self, *, key: str = "sk-vendor") -> None:
        super().__init__(self.answer)
        self.key = key
        self.stored: dict[str, Json] = {}
        self.before_event: Hold = at_once
        self.ids = {kind: ids(kind) for kind in ("resp", "conv", "msg", "fc", "call", "chatcmpl")}

    async def answer(self, request: Request, reply: Reply) -> None:
        """The usual handler."""
        try:
            if request.values("authorization") != [f"Bearer {self.key}"]:
                raise Refusal(401, "invalid_api_key", "Incorrect API key provided: sk-v***")
            await self._route(request, reply)
        except Refusal as refusal:
            await reply.json(refusal.status, refusal.body, [("set-cookie", COOKIE)])

    async def _route(self, request: Request, reply: Reply) -> None:
        path = urlsplit(request.target).path
        for method, pattern, operation in OPERATIONS:
            found = re.fullmatch(pattern, path)
            if found and method == request.method:
                await operation(self, request, reply, *found.groups())
                return
        raise Refusal(404, "unknown_url", "Invalid URL")

    # Chat completions

    async def chat(self, request: Request, reply: Reply) -> None:
        body = request.json()
        said = [one for one in body["messages"] if one["role"] in {"user", "tool"}][-1]
        result = text_of(said["content"]) if said["role"] == "tool" else None
        tools = [one["function"]["name"] for one in body.get("tools", ())]
        turn = answer(text_of(said["content"]), tools, result)
        base = {"id": next(self.ids["chatcmpl"]), "created": 1, "model": MODEL}
        if not body.get("stream"):
            message = {"role": "assistant", "content": turn.text or None, "refusal": None}
            if turn.tool:
                message["tool_calls"] = [self._chat_call(turn.tool)]
            reason = "tool_calls" if turn.tool else "stop"
            choice = {"index": 0, "message": message, "finish_reason": reason, "logprobs": None}
            whole = {**base, "object": "chat.completion", "choices": [choice], "usage": USAGE}
            await reply.json(200, whole, self._fields(request))
            return
        asked = (body.get("stream_options") or {}).get("include_usage")
        chunk = {**base, "object": "chat.completion.chunk"} | ({"usage": None} if asked else {})
        events = [{**chunk, "choices": [one]} for one in self._chat_deltas(turn)]
        if asked:
            events.append({**chunk, "choices": [], "usage": USAGE})
        await self._stream(request, reply, events, named=False)

    def _chat_call(self, tool: str) -> Json:
        call = {"name": tool, "arguments": ARGUMENTS}
        return {"id": next(self.ids["call"]), "type": "function", "function": call}

    def _chat_deltas(self, turn: Turn) -> list[Json]:
        deltas: list[Json] = [{"role": "assistant", "content": None if turn.tool else ""}]
        if turn.tool:
            call = self._chat_call(turn.tool)
            begun = {**call, "index": 0, "function": {"name": turn.tool, "arguments": ""}}
            deltas.append({"tool_calls": [begun]})
            halves = (ARGUMENTS[:6], ARGUMENTS[6:])
            deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": h}}]} for h in halves]
        deltas += [{"content": word + " "} for word in turn.words if word]
        choices = [{"index": 0, "delta": one, "finish_reason": None} for one in deltas]
        reason = "tool_calls" if turn.tool else "stop"
        return [*choices, {"index": 0, "delta": {}, "finish_reason": reason}]

    # Responses

    async def responses(self, request: Request, reply: Reply) -> None:
        body = request.json()
        given = body["input"]
        items = [{"role": "user", "content": given}] if isinstance(given, str) else given
        for item in items:
            if item.get("type") == "item_reference":
                self._of(item["id"])
        if body.get("previous_response_id"):
            self._of(body["previous_response_id"])
        conversation = body.get("conversation")
        named = conversation["id"] if isinstance(conversation, dict) else conversation
        if named:
            self._of(named)
        outputs = [one["output"] for one in items if one.get("type") == "function_call_output"]
        messages = [text_of(one["content"]) for one in items if one.get("role") == "user"]
        tools = [one["name"] for one in body.get("tools", ())]
        turn = answer("".join(messages[-1:]), tools, text_of(outputs[-1]) if outputs else None)
        response = self._response(body, named)
        item = self._item(turn)
        done = {**response, "status": "completed", "output": [item], "usage": RESPONSE_USAGE}
        self.stored |= {done["id"]: done, item["id"]: item}
        if body.get("stream"):
            await self._stream(request, reply, _response_events(response, item, done), named=True)
        else:
            await reply.json(200, done, self._fields(request))

    def _response(self, body: Json, conversation: str | None) -> Json:
        return {
            "id": next(self.ids["resp"]),
            "object": "response",
            "created_at": 1,
            "status": "in_progress",
            "background": False,
            "error": None,
            "incomplete_details": None,
            "instructions": body.get("instructions"),
            "metadata": {},
            "model": MODEL,
            "output": [],
            "parallel_tool_calls": True,
            "previous_response_id": body.get("previous_response_id"),
            "conversation": {"id": conversation} if conversation else None,
            "safety_identifier": body.get("safety_identifier"),
            "prompt_cache_key": body.get("prompt_cache_key"),
            "temperature": 1.0,
            "tool_choice": "auto",
            "tools": body.get("tools", []),
            "top_p": 1.0,
            "usage": None,
            "user": None,
        }

    def _item(self, turn: Turn) -> Json:
        if turn.tool:
            call = {"call_id": next(self.ids["call"]), "name": turn.tool, "arguments": ARGUMENTS}
            return {"id": next(self.ids["fc"]), "type": "function_call", **call} | {
                "status": "completed"
            }
        part = {"type": "output_text", "text": turn.text, "annotations": [], "logprobs": []}
        message = {"role": "assistant", "status": "completed", "content": [part]}
        return {"id": next(self.ids["msg"]), "type": "message", **message}

    async def response(self, request: Request, reply: Reply, named: str) -> None:
        await reply.json(200, self._of(named), self._fields(request))

    async def delete(self, request: Request, reply: Reply, named: str) -> None:
        self._of(named)
        del self.stored[named]
        deleted = {"id": named, "object": "response.deleted", "deleted": True}
        await reply.json(200, deleted, self._fields(request))

    async def listed(self, request: Request, reply: Reply, named: str) -> None:
        self._of(named)
        page = {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
        await reply.json(200, page, self._fields(request))

    # Conversations and models

    async def open(self, request: Request, reply: Reply) -> None:
        made = {"id": next(self.ids["conv"]), "object": "conversation", "created_at": 1}
        self.stored[made["id"]] = made = {**made, "metadata": request.json().get("metadata") or {}}
        await reply.json(200, made, self._fields(request))

    async def add_items(self, request: Request, reply: Reply, named: str) -> None:
        self._of(named)
        items = [{"id": next(self.ids["msg"]), **one} for one in request.json()["items"]]
        self.stored |= {item["id"]: item for item in items}
        page = {"object": "list", "data": items, "has_more": False}
        await reply.json(200, page, self._fields(request))

    async def item(self, request: Request, reply: Reply, named: str, item: str) -> None:
        self._of(named)
        await reply.json(200, self._of(item), self._fields(request))

    async def models(self, request: Request, reply: Reply) -> None:
        model = {"id": MODEL, "object": "model", "created": 1, "owned_by": "shop"}
        await reply.json(200, {"object": "list", "data": [model]}, self._fields(request))

    def _of(self, named: str) -> Json:
        found = self.stored.get(named)
        if found is None:
            raise Refusal(404, "not_found", f"'{named}' not found.")
        return found

    async def _stream(
        self, request: Request, reply: Reply, events: list[Json], *, named: bool
    ) -> None:
        await reply.start_stream(self._fields(request))
        for event in events:
            await self.before_event(event)
            await reply.event(event, event["type"] if named else "")
        if not named:
            await reply.event("[DONE]")
        await reply.end()

    def _fields(self, request: Request) -> list[tuple[str, str]]:
        return [
            ("set-cookie", COOKIE),
            ("openai-organization", "shop"),
            ("x-request-id", f"req_openai_{request.number}"),
            ("x-ratelimit-remaining-requests", "99"),
        ]


Operation = Callable[..., Awaitable[None]]
_ONE = "/v1/conversations/([^/]+)"
OPERATIONS: list[tuple[str, str, Operation]] = [
    ("POST", "/v1/chat/completions", OpenAI.chat),
    ("POST", "/v1/responses", OpenAI.responses),
    ("GET", "/v1/responses/([^/]+)", OpenAI.response),
    ("DELETE", "/v1/responses/([^/]+)", OpenAI.delete),
    ("GET", "/v1/responses/([^/]+)/input_items", OpenAI.listed),
    ("POST", "/v1/conversations", OpenAI.open),
    ("GET", _ONE, OpenAI.response),
    ("POST", _ONE, OpenAI.response),
    ("DELETE", _ONE, OpenAI.delete),
    ("GET", _ONE + "/items", OpenAI.listed),
    ("POST", _ONE + "/items", OpenAI.add_items),
    ("GET", _ONE + "/items/([^/]+)", OpenAI.item),
    ("DELETE", _ONE + "/items/([^/]+)", OpenAI.item),
    ("GET", "/v1/models", OpenAI.models),
]


def _response_events(response: Json, item: Json, done: Json) -> list[Json]:
    at: dict[str, Any] = {"item_id": item["id"], "output_index": 0}
    begun: Json = {**item, "status": "in_progress"}
    events: list[Json] = [
        {"type": "response.created", "response": response},
        {"type": "response.in_progress", "response": response},
    ]
    if item["type"] == "function_call":
        added = {**begun, "arguments": ""}
        events.append({"type": "response.output_item.added", "output_index": 0, "item": added})
        delta = {"type": "response.function_call_arguments.delta", **at}
        events += [{**delta, "delta": half} for half in (ARGUMENTS[:6], ARGUMENTS[6:])]
        whole = {"name": item["name"], "arguments": ARGUMENTS}
        events.append({"type": "response.function_call_arguments.done", **at, **whole})
    else:
        part = item["content"][0]
        at["content_index"] = 0
        added = {**begun, "content": []}
        events.append({"type": "response.output_item.added", "output_index": 0, "item": added})
        empty = {**part, "text": ""}
        events.append({"type": "response.content_part.added", **at, "part": empty})
        for word in re.findall(r"\S+ ?", part["text"]):
            told = {"delta": word, "logprobs": []}
            events.append({"type": "response.output_text.delta", **at, **told})
        text = {"text": part["text"], "logprobs": []}
        events.append({"type": "response.output_text.done", **at, **text})
        events.append({"type": "response.content_part.done", **at, "part": part})
    events.append({"type": "response.output_item.done", "output_index": 0, "item": item})
    events.append({"type": "response.completed", "response": done})
    return [{**event, "sequence_number": n} for n, event in enumerate(events)]


def events_of(raw: bytes) -> list[Any]:
    """The JSON events of a stream, without its end."""
    lines = (line[6:] for line in raw.split(b"\n") if line.startswith(b"data: {"))
    return [json.loads(line) for line in lines]
