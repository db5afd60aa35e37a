import json
from typing import Any

import pytest

from gateway.core.errors import BadRequest
from gateway.core.websocket import spoken
from gateway.vendors.openai_realtime import REALTIME


def said(document: dict[str, Any]) -> Any:
    read = spoken.read(
        REALTIME, json.dumps(document).encode(), limit=10_000, user="alice", own=frozenset()
    )
    return json.loads(read.content)


TOOL = {"type": "function", "name": "weather", "parameters": {"type": "object"}}
HONEST: list[dict[str, Any]] = [
    {"type": "session.update", "session": {"type": "realtime", "tools": [TOOL], "voice": "a"}},
    {"type": "session.update", "session": {"audio": {"input": {"turn_detection": None}}}},
    {"type": "input_audio_buffer.append", "audio": "AAAA"},
    {"type": "input_audio_buffer.commit", "event_id": "e1"},
    {
        "type": "conversation.item.create",
        "item": {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "my user id is bob"}],
        },
    },
    {
        "type": "conversation.item.create",
        "previous_item_id": "i1",
        "item": {"type": "function_call_output", "call_id": "c", "output": '{"userId":"x"}'},
    },
    {"type": "response.create", "response": {"conversation": "none", "metadata": {"topic": "x"}}},
    {"type": "response.cancel", "response_id": "r1"},
    {"type": "conversation.item.truncate", "item_id": "i", "content_index": 0, "audio_end_ms": 9},
]


@pytest.mark.parametrize("document", HONEST, ids=lambda one: one["type"])
def test_what_an_honest_client_says_passes_as_it_is(document: dict[str, Any]) -> None:
    assert said(document) == document


@pytest.mark.parametrize(
    ("member", "value"),
    [("prompt", {"id": "pmpt_1"}), ("tracing", "auto"), ("safety_identifier", "bob"), ("x", 1)],
)
def test_what_reaches_beyond_a_session_is_left_out(member: str, value: object) -> None:
    assert said({"type": "session.update", "session": {member: value}})["session"] == {}


@pytest.mark.parametrize("kind", ["mcp", "file_search", "web_search", "code_interpreter"])
def test_tools_that_the_vendor_runs_are_refused(kind: str) -> None:
    with pytest.raises(BadRequest):
        said({"type": "session.update", "session": {"tools": [{"type": kind}]}})


def test_a_conversation_that_is_there_is_nobodys_to_name() -> None:
    with pytest.raises(BadRequest):
        said({"type": "response.create", "response": {"conversation": "conv_bob"}})
