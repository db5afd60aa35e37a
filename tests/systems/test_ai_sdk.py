"""A page's chat by the AI SDK, with a tool of its own, through the gateway to Chatbase.

The package itself, in Node, by the versions of `tests/systems/node/package-lock.json`. The events
are the vendor's, byte for byte; what is asked is the person's.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.chatbase import Chatbase
from tests.support.chatbase_turns import Shape
from tests.support.host_apps import install_node_packages, node
from tests.support.stage import Stage, chatbase_stage

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

FOLDER = Path(__file__).parent / "node"
WHERE = "Where is my order?"  # what the emulated agent calls a tool for
PATIENCE = 60.0  # seconds
READABLE: tuple[Shape, ...] = ("b", "d")  # in which a stream names the conversation to the SDK


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One loop for all that the module's fixtures serve."""
    return "asyncio"


@pytest.fixture(scope="module")
async def shared(
    tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> AsyncIterator[Stage[Chatbase]]:
    await asyncio.to_thread(install_node_packages, FOLDER)
    async with chatbase_stage(tmp_path_factory.mktemp("ai_sdk")) as built:
        yield built


@pytest.fixture
def stage(shared: Stage[Chatbase]) -> Stage[Chatbase]:
    shared.vendor.forget()
    shared.vendor.shape = "b"
    shared.vendor.memory.relentless = False
    return shared


async def chat(stage: Stage[Chatbase], who: str, *messages: str, **more: Any) -> dict[str, Any]:
    """What became of a chat in which these messages were sent, one after the other's answer."""
    asked = {
        "agent": stage.url + stage.base,
        "token": stage.token(who),
        "messages": messages,
        "output": {"orders": ["blue kettle"]},
        **more,
    }
    process = await asyncio.create_subprocess_exec(
        *(node(), "chat.js", json.dumps(asked)),
        cwd=FOLDER,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, err.decode()
    said: dict[str, Any] = json.loads(out)
    return said


def heard(stage: Stage[Chatbase]) -> list[tuple[str, Any]]:
    """What the vendor was asked: the end of each path, and the body."""
    base = "/api/v2/agents/agent_1"
    return [(one.target.removeprefix(base), one.json()) for one in stage.vendor.requests]


@pytest.mark.parametrize("shape", READABLE)
async def test_a_streamed_chat_with_a_tool_of_the_page(
    stage: Stage[Chatbase], shape: Shape
) -> None:
    stage.vendor.shape = shape
    said = await chat(stage, "alice", "Hello", WHERE)
    assert said["error"] is None
    assert said["tools"] == ["get_orders"]
    assert said["outputs"] == [{"orders": ["blue kettle"]}]
    assert said["answers"][0].strip() == "You said: Hello"
    assert said["answers"][-1].strip() == 'The tool says {"orders": ["blue kettle"]}'
    conversation = said["conversation"]
    opened, asked, result, went_on = heard(stage)
    assert opened == ("/chat", {"message": "Hello", "stream": True, "userId": "alice"})
    named = {"conversationId": conversation, "stream": True, "userId": "alice"}
    assert asked == ("/chat", {"message": WHERE, **named})
    assert result[0] == f"/conversations/{conversation}/tool-result"
    assert result[1]["output"] == {"orders": ["blue kettle"]}
    assert went_on == ("/chat", named)


async def test_the_page_cannot_say_who_asks(stage: Stage[Chatbase]) -> None:
    said = await chat(stage, "alice", WHERE, extra={"userId": "bob", "user_hash": "x"})
    assert said["error"] is None
    chats = [body for path, body in heard(stage) if path == "/chat"]
    assert [body["userId"] for body in chats] == ["alice", "alice"]
    assert all("user_hash" not in body for body in chats)


async def test_another_persons_tool_call_is_answered_by_nobody_else(
    stage: Stage[Chatbase],
) -> None:
    """Whoever knows the conversation and the call: the page of bob gets what it would for none."""
    alices = await chat(stage, "alice", "Hello")
    stage.vendor.forget()
    bobs = await chat(stage, "bob", WHERE, conversation=alices["conversation"])
    nobodys = await chat(stage, "bob", WHERE, conversation="none")
    assert "RESOURCE_NOT_FOUND" in bobs["error"]
    assert bobs["error"] == nobodys["error"]
    assert stage.vendor.saw_nothing()


@pytest.mark.one_process("each process counts rounds by itself")
async def test_a_tool_that_is_called_for_ever_is_stopped(stage: Stage[Chatbase]) -> None:
    """The page answers by itself each time; after ten rounds the person has to say something."""
    stage.vendor.memory.relentless = True
    said = await chat(stage, "alice", WHERE)
    assert "ten times in a row" in said["error"]
    chats = [body for path, body in heard(stage) if path == "/chat"]
    assert [("message" in body) for body in chats] == [True] + [False] * 10
    body = {"conversationId": said["conversation"], "stream": False}
    stage.vendor.forget()
    for nothing in ({}, {"message": ""}):
        assert (await stage.ask("alice", "POST", "/chat", {**body, **nothing})).status == 400
    assert stage.vendor.saw_nothing()
    answer = await stage.ask("alice", "POST", "/chat", {**body, "message": "Stop it"})
    assert answer.status == 200
