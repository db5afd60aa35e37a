"""The shipped profiles as TOML of one's own: the same requests leave, the same answers return."""

import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from gateway.vendors import VENDORS
from tests.config.test_profile_text import profile_text
from tests.support.stage import (
    Edit,
    Stage,
    altatech_stage,
    bookbag_stage,
    chatbase_stage,
    docbit_stage,
    openai_stage,
)
from tests.support.wire import Answer

pytestmark = pytest.mark.anyio

Staging = Callable[..., AbstractAsyncContextManager[Stage[Any]]]
# Who, how, where, with what; ID is the conversation that the first step opens.
Step = tuple[str, str, str, object]

CHATBASE: tuple[Step, ...] = (
    ("alice", "POST", "/chat", {"message": "hello", "stream": False, "userId": "bob"}),
    ("alice", "POST", "/chat", {"message": "hello", "x": 1}),
    ("alice", "POST", "/chat", {"message": "and?", "conversationId": "ID", "stream": False}),
    ("alice", "GET", "/users/bob/conversations?limit=5&userId=bob", None),
    ("alice", "GET", "/conversations/ID/messages?limit=5", None),
    ("bob", "POST", "/chat", {"message": "x", "conversationId": "ID"}),
    ("bob", "GET", "/conversations/ID", None),
    ("alice", "POST", "/chat", {"message": "x", "conversation_id": "ID"}),
    ("alice", "POST", "/chat", {"message": "x", "stream": 1}),
    ("alice", "GET", "/conversations/export", None),
    ("alice", "GET", "/conversations", None),
    ("alice", "DELETE", "/chat", None),
)
DOCBIT: tuple[Step, ...] = (
    ("alice", "POST", "/chat", {"message": "hello", "userId": "bob"}),
    ("alice", "POST", "/chat/stream", {"message": "hello", "documentIds": ["d"]}),
    ("alice", "POST", "/chat", {"message": "and?", "conversationId": "ID"}),
    ("alice", "GET", "/conversations?limit=5&x-external-user-id=bob", None),
    ("alice", "GET", "/conversations/ID", None),
    ("bob", "POST", "/chat", {"message": "x", "conversationId": "ID"}),
    ("bob", "GET", "/conversations/ID", None),
    ("alice", "POST", "/upload", {"x": 1}),
)
BOOKBAG: tuple[Step, ...] = (
    ("alice", "POST", "/chat", {"message": "hello", "stream": False}),
    ("alice", "POST", "/chat", {"message": "hello"}),
    ("alice", "POST", "/chat", {"message": "and?", "conversationId": "ID", "stream": False}),
    ("bob", "POST", "/chat", {"message": "x", "conversationId": "ID"}),
    ("bob", "GET", "/conversations/ID", None),
)
SAID = [{"role": "user", "content": "hello"}]
ALTATECH: tuple[Step, ...] = (
    ("alice", "POST", "/v1/conversation", {"user_id": "bob"}),
    (
        "alice",
        "POST",
        "/v2/conversation/message",
        {"conversation_id": "ID", "response_mode": "streaming", "messages": SAID},
    ),
    (
        "bob",
        "POST",
        "/v2/conversation/message",
        {"conversation_id": "ID", "response_mode": "blocking", "messages": SAID},
    ),
    (
        "alice",
        "POST",
        "/v2/conversation/message",
        {"conversation_id": "ID", "response_mode": "webhook", "messages": SAID},
    ),
    ("alice", "GET", "/v1/bot/conversation/page?page=1&page_size=10&user_id=bob", None),
    ("bob", "GET", "/v2/messages?conversation_id=ID", None),
)


OPENAI: tuple[Step, ...] = (
    ("alice", "POST", "/responses", {"model": "m", "input": "hello", "user": "bob"}),
    ("alice", "POST", "/responses", {"model": "m", "input": SAID, "stream": True}),
    ("alice", "POST", "/chat/completions", {"messages": SAID, "stream": True, "store": True}),
    ("alice", "POST", "/responses", {"model": "m", "input": "x", "previous_response_id": "ID"}),
    ("bob", "POST", "/responses", {"model": "m", "input": "x", "previous_response_id": "ID"}),
    ("bob", "GET", "/responses/ID", None),
    ("alice", "POST", "/responses", {"input": "x", "tools": [{"type": "mcp"}]}),
    ("alice", "GET", "/files", None),
)


def copied(name: str) -> Edit:
    """The same configuration, with the profile written out under a name of its own."""
    text = profile_text(VENDORS[name], "copy")
    return lambda given: given.replace(f'vendor = "{name}"', 'vendor = "copy"') + text


async def played(staging: Staging, folder: Path, edit: Edit, steps: tuple[Step, ...]) -> list[str]:
    """What the client got and what the vendor heard, step by step, without what chance decides."""
    folder.mkdir()
    heard: list[str] = []
    opened = ""
    async with staging(folder, edit) as stage:
        for who, method, path, body in steps:
            answer = await stage.ask(who, method, path.replace("ID", opened), named(body, opened))
            opened = opened or first_id(answer)
            texts = [answer.raw, *(request.raw for request in stage.vendor.requests)]
            heard += [plain(text, opened, stage.vendor.port) for text in texts]
            stage.vendor.forget()
    return heard


def named(body: object, conversation: str) -> object:
    if not isinstance(body, dict):
        return body
    return {name: conversation if value == "ID" else value for name, value in body.items()}


def first_id(answer: Answer) -> str:
    found = re.search(rb'"(?:conversation_?[iI]d|id)":\s*"?([^",}]+)', answer.body)
    assert found is not None, answer.raw
    return found[1].decode()


CHANCE = re.compile(
    r"(?P<uuid>[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})"
    r"|(?P<line>(?:date|x-request-id|x-upstream-request-id|via|content-length): [^\r]*)"
    r'|(?P<request>"(?:requestId|request_id)": ?"[^"]*")'
    r"|(?P<length>\r\n[0-9a-f]+\r\n)"
    r"|(?P<number>\b[0-9a-f]{24,}\b|\b1[0-9]{9,12}\b)"
)


def plain(raw: bytes, conversation: str, port: int) -> str:
    text = raw.decode("utf-8", "replace").replace(f"127.0.0.1:{port}", "VENDOR")
    return CHANCE.sub(lambda found: str(found.lastgroup), text).replace(conversation, "ID")


@pytest.mark.one_process("it compares how an answer falls into chunks")
@pytest.mark.parametrize(
    ("name", "staging", "steps"),
    [
        pytest.param("chatbase", chatbase_stage, CHATBASE, id="chatbase"),
        pytest.param("external-user-id", docbit_stage, DOCBIT, id="docbit"),
        pytest.param("bookbag", bookbag_stage, BOOKBAG, id="bookbag"),
        pytest.param("altatech", altatech_stage, ALTATECH, id="altatech"),
        pytest.param("openai", openai_stage, OPENAI, id="openai"),
    ],
)
async def test_a_profile_written_out_does_what_the_shipped_one_does(
    tmp_path: Path, name: str, staging: Staging, steps: tuple[Step, ...]
) -> None:
    shipped = await played(staging, tmp_path / "shipped", str, steps)
    copy = await played(staging, tmp_path / "copy", copied(name), steps)
    assert copy == shipped
    statuses = [int(text.split(" ")[1]) for text in shipped if text.startswith("HTTP/1.1 ")]
    assert len(statuses) == len(steps)
    assert statuses[0] == 200
    assert 404 in statuses
    for text in shipped:
        assert text.startswith("HTTP/1.1 ") or "bob" not in text  # he was never let through
