"""The official SDKs through the gateway, with nothing changed but base URL and key.

Each is a process of its own that a person could have written (`python/`, `node/`): a streamed chat
with a tool call. Of the vendors' own keys and of the person's token neither end sees the other's.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.host_apps import install_node_packages, node
from tests.support.older import older
from tests.support.stage import Stage, anthropic_stage, openai_stage

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

HERE = Path(__file__).parent
NODE = HERE / "node"
PATIENCE = 60.0  # seconds a client may take
SAID = "The tool said sunny in Paris"
OPENAI_BEFORE, ANTHROPIC_BEFORE = "openai==2.54.0", "anthropic==0.125.0"


@dataclass(frozen=True)
class Client:
    """A script, by its name; `before` is an older version of its library, `more` its arguments."""

    script: str
    base: str
    before: str = ""
    more: tuple[str, ...] = ()

    def command(self) -> tuple[list[str], dict[str, str]]:
        if self.script.endswith(".mjs"):
            install_node_packages(NODE)
            return [node(), str(NODE / self.script), *self.more], {}
        path = {"PYTHONPATH": str(older(self.before))} if self.before else {}
        return [sys.executable, str(HERE / "python" / self.script), *self.more], path

    def __str__(self) -> str:
        return " ".join(filter(None, [self.script, self.before, *self.more]))


OPENAI = (
    Client("openai_chat.py", "/v1"),
    Client("openai_chat.py", "/v1", OPENAI_BEFORE),
    Client("openai_responses.py", "/v1"),
    Client("openai_responses.py", "/v1", OPENAI_BEFORE),
    Client("openai_chat.mjs", "/v1"),
    Client("openai_responses.mjs", "/v1"),
    Client("ai_sdk.mjs", "/v1", more=("openai chat",)),
    Client("ai_sdk.mjs", "/v1", more=("openai responses",)),
)
ANTHROPIC = (
    Client("anthropic_messages.py", ""),
    Client("anthropic_messages.py", "", ANTHROPIC_BEFORE),
    Client("anthropic_messages.mjs", ""),
    Client("ai_sdk.mjs", "/v1", more=("anthropic",)),
)


@pytest.fixture
async def openai(tmp_path: Path) -> AsyncIterator[Stage[Any]]:
    async with openai_stage(tmp_path) as built:
        yield built


@pytest.fixture
async def anthropic(tmp_path: Path) -> AsyncIterator[Stage[Any]]:
    async with anthropic_stage(tmp_path) as built:
        yield built


async def run(client: Client, url: str, token: str) -> Any:
    """What a client says at its end."""
    command, environment = client.command()
    process = await asyncio.create_subprocess_exec(
        *command,
        url + client.base,
        token,
        cwd=NODE if client.script.endswith(".mjs") else HERE,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        said, wrong = await asyncio.wait_for(process.communicate(), PATIENCE)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, wrong.decode()
    return json.loads(said)


def heard(stage: Stage[Any], token: str, user: str, credential: tuple[str, str]) -> None:
    """The vendor got its own key, who asks, and nothing that the person is signed in by."""
    assert stage.vendor.requests
    for request in stage.vendor.requests:
        assert request.values(credential[0]) == [credential[1]]
        assert request.values("x-external-user-id") == [user]
        assert token.encode() not in request.raw


@pytest.mark.parametrize("client", OPENAI, ids=str)
async def test_a_client_of_openai_streams_and_calls_a_tool(
    openai: Stage[Any], client: Client
) -> None:
    token = openai.token("alice")
    said = await run(client, openai.url + "/llm", token)
    assert (said["tool"], said["text"]) == ("weather", SAID)
    assert client.before.endswith(said.get("version", "")) or not client.before
    heard(openai, token, "alice", ("authorization", "Bearer sk-vendor"))
    asked = [request.json() for request in openai.vendor.requests if b'"model"' in request.body]
    assert {one["safety_identifier"] for one in asked} == {"alice"}


@pytest.mark.parametrize("client", ANTHROPIC, ids=str)
async def test_a_client_of_anthropic_streams_and_calls_a_tool(
    anthropic: Stage[Any], client: Client
) -> None:
    token = anthropic.token("alice")
    said = await run(client, anthropic.url + "/claude", token)
    assert (said["tool"], said["text"]) == ("weather", SAID)
    assert client.before.endswith(said.get("version", "")) or not client.before
    heard(anthropic, token, "alice", ("x-api-key", "sk-ant-vendor"))
    asked = [r.json() for r in anthropic.vendor.requests if b'"max_tokens"' in r.body]
    assert [one["metadata"] for one in asked] == [{"user_id": "alice"}] * 2
