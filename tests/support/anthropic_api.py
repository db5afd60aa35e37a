"""Anthropic's messages as its documents show them, with a tool call, in JSON and as a stream.

async with Anthropic(key="sk-ant-vendor") as vendor:
    vendor.before_event = wait_for_the_test  # called with each event of a stream
"""

import re
from typing import Any

from tests.support.models_turns import ARGUMENTS, Json, Turn, answer, ids, text_of
from tests.support.reply import Hold, Reply, at_once
from tests.support.vendor import RecordingVendor, Request

VERSIONS = {"2023-06-01", "2026-10-21"}
MODEL = "claude-test"
COOKIE = "__cf_bm=VENDOR-COOKIE-CANARY; Path=/; HttpOnly"


class Anthropic(RecordingVendor):
    """See the module."""

    def __init__(self, *, key: str = "sk-ant-vendor") -> None:
        super().__init__(self.answer)
        self.key = key
        self.before_event: Hold = at_once
        self.ids = {kind: ids(kind) for kind in ("msg", "toolu")}

    async def answer(self, request: Request, reply: Reply) -> None:
        """The usual handler."""
        if request.values("x-api-key") != [self.key]:
            await self._refuse(request, reply, 401, "authentication_error", "invalid x-api-key")
        elif not VERSIONS.issuperset(request.values("anthropic-version") or ("none",)):
            error = "anthropic-version: header is required"
            await self._refuse(request, reply, 400, "invalid_request_error", error)
        elif request.start_line.startswith("POST /v1/messages HTTP"):
            await self.messages(request, reply)
        elif request.start_line.startswith("POST /v1/messages/count_tokens HTTP"):
            await reply.json(200, {"input_tokens": 11}, self._fields(request))
        elif request.start_line.startswith("GET /v1/models"):
            model = {"type": "model", "id": MODEL, "display_name": "Test"}
            model["created_at"] = "2026-01-01T00:00:00Z"
            page = {"data": [model], "first_id": MODEL, "last_id": MODEL, "has_more": False}
            await reply.json(200, page, self._fields(request))
        else:
            await self._refuse(request, reply, 404, "not_found_error", "Not found")

    async def messages(self, request: Request, reply: Reply) -> None:
        body = request.json()
        content = body["messages"][-1]["content"]
        blocks = content if isinstance(content, list) else []
        results = [one["content"] for one in blocks if one["type"] == "tool_result"]
        tools = [one["name"] for one in body.get("tools", ())]
        turn = answer(text_of(content), tools, text_of(results[-1]) if results else None)
        message = self._message(turn)
        if not body.get("stream"):
            await reply.json(200, message, self._fields(request))
            return
        await reply.start_stream(self._fields(request))
        for event in _events(message):
            await self.before_event(event)
            await reply.event(event, event["type"])
        await reply.end()

    def _message(self, turn: Turn) -> Json:
        if turn.tool:
            block: Json = {"type": "tool_use", "id": next(self.ids["toolu"]), "name": turn.tool}
            block["input"] = {"city": "Paris"}
        else:
            block = {"type": "text", "text": turn.text, "citations": None}
        return {
            "id": next(self.ids["msg"]),
            "type": "message",
            "role": "assistant",
            "model": MODEL,
            "content": [block],
            "stop_reason": "tool_use" if turn.tool else "end_turn",
            "stop_sequence": None,
            "usage": {
                "input_tokens": 11,
                "cache_creation_input_tokens": 2,
                "cache_read_input_tokens": 3,
                "output_tokens": 7,
                "service_tier": "standard",
            },
        }

    async def _refuse(
        self, request: Request, reply: Reply, status: int, kind: str, message: str
    ) -> None:
        error = {"type": "error", "error": {"type": kind, "message": message}}
        await reply.json(status, error, self._fields(request))

    def _fields(self, request: Request) -> list[tuple[str, str]]:
        return [
            ("set-cookie", COOKIE),
            ("anthropic-organization-id", "shop"),
            ("request-id", f"req_anthropic_{request.number}"),
        ]


def _events(message: Json) -> list[Json]:
    (block,) = message["content"]
    usage: Json = message["usage"]
    begun: dict[str, Any] = {**message, "content": [], "stop_reason": None}
    begun["usage"] = {**usage, "output_tokens": 1}
    if block["type"] == "tool_use":
        empty = {**block, "input": {}}
        halves = ("", ARGUMENTS[:6], ARGUMENTS[6:])
        deltas = [{"type": "input_json_delta", "partial_json": half} for half in halves]
    else:
        empty = {**block, "text": ""}
        words = re.findall(r"\S+ ?", block["text"])
        deltas = [{"type": "text_delta", "text": word} for word in words]
    stopped = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    return [
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": empty},
        {"type": "ping"},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": stopped,
            "usage": {"output_tokens": usage["output_tokens"]},
        },
        {"type": "message_stop"},
    ]
