"""What stays closed of OpenAI's API inside the requests that are open: files, and what it runs."""

from typing import Any

import pytest

from gateway.core.errors import BadRequest
from gateway.core.profile.names import names_conversation, names_people
from gateway.core.profile.place import Body, Header
from gateway.vendors.openai import VENDOR
from tests.support.asking import ask, document, sent

CHAT = VENDOR.operations["chat"]
RESPONSES = VENDOR.operations["responses"]
ADD_ITEMS = VENDOR.operations["add-items"]
SAID = [{"role": "user", "content": "hi"}]


def test_the_user_is_written_wherever_a_model_thinks() -> None:
    for name, operation in VENDOR.operations.items():
        written = (Body("/safety_identifier"), Body("/prompt_cache_key"))
        if operation.websocket:
            assert operation.user == (Header("openai-safety-identifier"),)
        else:
            assert operation.user == (written if operation.thinks else ()), name


@pytest.mark.parametrize("name", ["user", "safety_identifier", "prompt_cache_key", "userId"])
def test_nobody_says_who_they_are(name: str) -> None:
    for operation, body in ((CHAT, {"messages": SAID}), (RESPONSES, {"input": "hi"})):
        asked = ask(operation, {**body, name: "bob"})
        assert asked.spoofed == (f"body:{name}",)
        sent_body = document(sent(asked))
        assert sent_body.pop("safety_identifier") == sent_body.pop("prompt_cache_key") == "alice"
        assert sent_body == body


NEVER: list[tuple[str, Any]] = [
    ("background", True),
    ("background_options", {"continuation_id": "resp_1"}),
    ("prompt", {"id": "pmpt_1"}),
    ("metadata", {"a": "b"}),
    ("service_tier", "priority"),
    ("moderation", {"model": "m"}),
    ("prompt_cache_options", {"comparison_response_id": "resp_1"}),
    ("prompt_cache_retention", "24h"),
    ("context_management", [{"type": "compaction"}]),
    ("web_search_options", {}),
    ("audio", {"voice": "a"}),
    ("modalities", ["audio"]),
    ("vector_store_ids", ["vs_1"]),
    ("container", "cntr_1"),
]


@pytest.mark.parametrize(("name", "value"), NEVER, ids=[name for name, _ in NEVER])
def test_what_reaches_beyond_the_person_is_left_out(name: str, value: Any) -> None:
    for operation, body in ((CHAT, {"messages": SAID}), (RESPONSES, {"input": "hi"})):
        assert name not in document(sent(ask(operation, {**body, name: value})))


def test_a_completion_is_not_stored() -> None:
    assert "store" not in document(sent(ask(CHAT, {"messages": SAID, "store": True})))


SERVER_TOOLS = [
    {"type": "mcp", "server_label": "x", "server_url": "https://evil.test/mcp"},
    {"type": "file_search", "vector_store_ids": ["vs_of_another"]},
    {"type": "code_interpreter", "container": "cntr_of_another"},
    {"type": "web_search"},
    {"type": "web_search_preview"},
    {"type": "image_generation"},
    {"type": "computer_use_preview"},
    {"type": "shell", "environment": {"type": "container_reference", "container_id": "c"}},
    {"type": "tool_search"},
    {"type": "namespace", "tools": [{"type": "mcp"}]},
]


@pytest.mark.parametrize("tool", SERVER_TOOLS, ids=lambda tool: tool["type"])
def test_a_tool_that_the_vendor_runs_is_refused(tool: dict[str, Any]) -> None:
    for operation, body in ((CHAT, {"messages": SAID}), (RESPONSES, {"input": "hi"})):
        with pytest.raises(BadRequest):
            ask(operation, {**body, "tools": [tool]})
        with pytest.raises(BadRequest):
            ask(operation, {**body, "tools": tool})


def test_a_tool_without_a_type_says_nothing_that_the_vendor_runs() -> None:
    tool = {"server_url": "https://evil.test/mcp", "vector_store_ids": ["vs"], "name": "f"}
    assert document(sent(ask(RESPONSES, {"tools": [tool]})))["tools"] == [{"name": "f"}]


FILES = [
    {"type": "input_file", "file_id": "file-1"},
    {"type": "input_image", "file_id": "file-1"},
    {"type": "input_image", "file-id": "file-1"},
]


@pytest.mark.parametrize("operation", [RESPONSES, ADD_ITEMS], ids=["input", "items"])
@pytest.mark.parametrize("part", FILES)
def test_no_file_is_named(operation: Any, part: dict[str, Any]) -> None:
    """F-08."""
    root = "input" if operation is RESPONSES else "items"
    for item in (
        {"role": "user", "content": [part]},
        {"type": "function_call_output", "call_id": "c", "output": [part]},
    ):
        asked = ask(operation, {root: [item]}, variables={"conversation": "conv_1"})
        assert "file-1" not in str(document(sent(asked)))
    body = {root: [{"role": "user", "content": part}]}
    with pytest.raises(BadRequest):
        ask(operation, body, variables={"conversation": "conv_1"})


def test_no_file_is_named_in_a_chat() -> None:
    """F-08."""
    part = {"type": "file", "file": {"file_id": "file-1", "filename": "a.pdf"}}
    asked = ask(CHAT, {"messages": [{"role": "user", "content": [part]}]})
    assert "file-1" not in str(document(sent(asked)))
    assert "a.pdf" in str(document(sent(asked)))


def test_no_earlier_speech_is_named() -> None:
    message = {"role": "assistant", "audio": {"id": "audio_of_another"}}
    assert document(sent(ask(CHAT, {"messages": [message]})))["messages"] == [{"role": "assistant"}]


ITEMS = [
    {"type": "additional_tools", "role": "developer", "tools": [{"type": "mcp"}]},
    {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True},
    {"type": "code_interpreter_call", "id": "ci_1", "container_id": "c"},
    {"type": "file_search_call", "id": "fs_1", "queries": []},
    {"type": "image_generation_call", "id": "ig_1"},
    {"type": "computer_call_output", "call_id": "c", "output": {"file_id": "f"}},
    {"type": "shell_call", "environment": {}},
    {"type": "compaction_trigger"},
]


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item["type"])
def test_an_item_of_a_kind_the_vendor_runs_is_refused(item: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        ask(RESPONSES, {"input": [item]})


def test_every_item_that_is_named_must_be_theirs_whatever_it_says_it_is() -> None:
    items = [
        {"type": "item_reference", "id": "msg_1"},
        {"id": "msg_2"},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"},
    ]
    asked = ask(RESPONSES, {"input": items, "previous_response_id": "resp_1"})
    assert asked.conversations == ("msg_1", "msg_2", "rs_1", "fc_1", "resp_1")
    assert document(sent(asked))["input"] == items


def test_metadata_holds_texts_and_names_nobody() -> None:
    asked = ask(VENDOR.operations["open"], {"metadata": {"topic": "x", "user_id": "bob"}})
    assert document(sent(asked)) == {"metadata": {"topic": "x"}}
    assert asked.spoofed == ("body:metadata/user_id",)


@pytest.mark.parametrize("name", VENDOR.operations)
def test_no_member_that_passes_names_a_person_or_a_conversation(name: str) -> None:
    operation = VENDOR.operations[name]
    placed = {place.tokens[-1] for place in operation.conversation if isinstance(place, Body)}
    for listed in (operation.members, *operation.inner.values()):
        meant = {one for one in listed if names_people(one) or names_conversation(one)}
        assert meant - placed <= {"role"}  # of a message: who speaks in it, not who asks
