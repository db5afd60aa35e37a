"""What stays closed of Anthropic's API inside its requests: files, and what it runs."""

from typing import Any

import pytest

from gateway.core.errors import BadRequest
from gateway.core.profile.names import names_conversation, names_people
from gateway.vendors.anthropic import FIELD_VALUES, VENDOR
from tests.support.asking import ask, document, sent

MESSAGES = VENDOR.operations["messages"]
COUNT = VENDOR.operations["count-tokens"]
SAID: list[Any] = [{"role": "user", "content": "hi"}]


@pytest.mark.parametrize(
    "metadata",
    [
        {"user_id": "bob"},
        {"userId": "bob", "user_id": "bob"},
        {"session": {"user_id": "bob"}, "email": "bob"},
        "bob",
        ["bob"],
        None,
    ],
    ids=str,
)
def test_the_metadata_are_ours_alone(metadata: Any) -> None:
    asked = ask(MESSAGES, {"messages": SAID, "metadata": metadata})
    assert document(sent(asked)) == {"messages": SAID, "metadata": {"user_id": "alice"}}
    spoofs = isinstance(metadata, dict) and "user_id" in metadata
    assert asked.spoofed == (("body:metadata/user_id",) if spoofs else ())


NEVER: list[tuple[str, Any]] = [
    ("container", {"skills": []}),
    ("mcp_servers", [{"url": "https://evil.test/mcp"}]),
    ("user_profile_id", "up_bob"),
    ("workspace_id", "ws_1"),
    ("service_tier", "auto"),
    ("speed", "fast"),
    ("inference_geo", "us"),
    ("context_management", {}),
    ("diagnostics", {"previous_message_id": "msg_bob"}),
    ("user_id", "bob"),
]


@pytest.mark.parametrize(("name", "value"), NEVER, ids=[name for name, _ in NEVER])
def test_what_reaches_beyond_the_person_is_left_out(name: str, value: Any) -> None:
    for operation in (MESSAGES, COUNT):
        assert name not in document(sent(ask(operation, {"messages": SAID, name: value})))


@pytest.mark.parametrize(
    "kind",
    [
        "web_search_20250305",
        "web_fetch_20250910",
        "code_execution_20250825",
        "tool_search_tool_regex_20251119",
        "mcp_toolset",
        "advisor_20260301",
    ],
)
def test_a_tool_that_the_vendor_runs_is_refused(kind: str) -> None:
    for tools in ([{"type": kind, "name": "x"}], {"type": kind}, [[{"type": kind}]]):
        with pytest.raises(BadRequest):
            ask(MESSAGES, {"messages": SAID, "tools": tools})


def test_a_tool_of_the_clients_passes_whole() -> None:
    tool = {
        "name": "weather",
        "description": "x",
        "input_schema": {"type": "object", "properties": {"user_id": {"type": "string"}}},
    }
    for one in (tool, {**tool, "type": "custom"}):
        assert document(sent(ask(MESSAGES, {"tools": [one]})))["tools"] == [one]


FILE = {"type": "file", "file_id": "file_bob"}
IMAGE = {"type": "image", "source": FILE}
DOCUMENT = {"type": "document", "source": FILE}
HIDDEN = [
    IMAGE,
    DOCUMENT,
    {"type": "image", "source": {"type": "base64", "file_id": "file_bob"}},
    {"type": "document", "source": {"type": "content", "content": [IMAGE]}},
    {"type": "document", "source": {"type": "content", "content": [DOCUMENT]}},
    {"type": "tool_result", "tool_use_id": "t", "content": [IMAGE]},
    {"type": "tool_result", "tool_use_id": "t", "content": [DOCUMENT]},
    {
        "type": "tool_result",
        "tool_use_id": "t",
        "content": [{"type": "document", "source": {"type": "content", "content": [IMAGE]}}],
    },
    {"type": "container_upload", "file_id": "file_bob"},
    {"type": "search_result", "source": "x", "title": "y", "content": [IMAGE]},
    {"type": "text", "text": "x", "file_id": "file_bob", "File_Id": "file_bob"},
]


@pytest.mark.parametrize("block", HIDDEN, ids=str)
def test_no_file_is_named_however_deep(block: dict[str, Any]) -> None:
    """F-08."""
    for body in (
        {"messages": [{"role": "user", "content": [block]}]},
        {"messages": SAID, "system": [block]},
    ):
        try:
            left = sent(ask(MESSAGES, body)).content
        except BadRequest:
            continue
        assert left is not None
        assert b"file_bob" not in left


@pytest.mark.parametrize("block", HIDDEN, ids=str)
def test_nor_where_an_object_stands_in_place_of_an_array(block: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        ask(MESSAGES, {"messages": [{"role": "user", "content": block}]})
    with pytest.raises(BadRequest):
        ask(MESSAGES, {"messages": {"role": "user", "content": [block]}})


def test_what_people_send_passes_whole() -> None:
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "x", "cache_control": {"a": 1}}]},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "x", "signature": "y"},
                {"type": "redacted_thinking", "data": "z"},
                {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"user_id": "bob"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "x", "is_error": True},
                {"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}},
                {"type": "document", "source": {"type": "text", "data": "x"}, "title": "t"},
                {
                    "type": "search_result",
                    "source": "https://x.test",
                    "title": "t",
                    "content": [{"type": "text", "text": "x"}],
                },
            ],
        },
    ]
    system = [{"type": "text", "text": "x"}]
    asked = ask(MESSAGES, {"messages": messages, "system": system})
    assert (asked.dropped, asked.spoofed) == ((), ())
    left = document(sent(asked))
    assert (left["messages"], left["system"]) == (messages, system)


def test_of_betas_those_pass_that_open_nothing() -> None:
    for word in ("files", "mcp", "code-execution", "skills", "batches", "profiles", "webhooks"):
        assert not any(word in beta for beta in FIELD_VALUES["anthropic-beta"])
    asked = ask(
        MESSAGES,
        {"messages": SAID},
        fields=[("anthropic-beta", "files-api-2025-04-14,context-1m-2025-08-07")],
    )
    assert asked.fields == ((b"anthropic-beta", b"context-1m-2025-08-07"),)


@pytest.mark.parametrize(
    ("said", "leaves"), [("2023-06-01", 0), ("2026-10-21", 1), ("2099-01-01", 0), (None, 0)]
)
def test_a_version_we_know_passes_and_else_we_say_one(said: str | None, leaves: int) -> None:
    fields = [] if said is None else [("anthropic-version", said)]
    asked = ask(MESSAGES, {"messages": SAID}, fields=fields)
    request = sent(asked, vendor_fields=VENDOR.fields)
    versions = (b"2023-06-01", b"2026-10-21")
    assert dict(request.fields)[b"anthropic-version"] == versions[leaves]


@pytest.mark.parametrize("name", VENDOR.operations)
def test_no_member_that_passes_names_a_person_or_a_conversation(name: str) -> None:
    operation = VENDOR.operations[name]
    for listed in (operation.members, *operation.inner.values()):
        meant = {one for one in listed if names_people(one) or names_conversation(one)}
        assert meant <= {"role"}  # of a message: who speaks in it, not who asks
