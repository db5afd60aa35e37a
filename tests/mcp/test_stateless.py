"""MCP from 2026-07-28 on, through the gateway, with the official SDK on both sides."""

import json
from pathlib import Path
from typing import Any

import pytest
from mcp_types import ElicitResult

from tests.support.mcp_servers import MODERN, McpStage, mcp_stage, official
from tests.support.stage import adding

pytestmark = pytest.mark.anyio


def text(result: Any) -> str:
    return str(result.content[0].text)


async def by_name(context: Any, params: Any) -> ElicitResult:
    return ElicitResult(action="accept", content={"name": "Somebody"})


async def test_a_client_finds_the_server_calls_its_tools_and_is_asked(tmp_path: Path) -> None:
    async with mcp_stage(tmp_path) as stage:
        async with stage.client("alice", elicitation_callback=by_name) as alice:
            told = json.loads(text(await alice.call_tool("whoami")))
            assert told["x-external-user-id"] == "alice"
            assert text(await alice.call_tool("name_it")) == "Somebody, known to alice"
        assert {one.fields["mcp-protocol-version"] for one in stage.server.asked} == {MODERN}
        assert not any("mcp-session-id" in one.fields for one in stage.server.asked)
        named = [one.fields.get("mcp-name") for one in stage.server.of_method("tools/call")]
        assert named == ["whoami", "name_it", "name_it"]


async def test_progress_comes_while_a_tool_runs(tmp_path: Path) -> None:
    seen: list[float] = []

    async def noted(progress: float, total: float | None, message: str | None) -> None:
        seen.append(progress)

    async with mcp_stage(tmp_path) as stage, stage.client("alice") as alice:
        result = await alice.call_tool("count", {"to": 3}, progress_callback=noted)
        assert text(result) == "counted to 3"
        assert seen == [0, 1, 2]


async def test_two_people_are_told_apart_at_the_same_time(tmp_path: Path) -> None:
    async with (
        mcp_stage(tmp_path) as stage,
        stage.client("alice", elicitation_callback=by_name) as alice,
        stage.client("bob", elicitation_callback=by_name) as bob,
    ):
        for _ in range(3):
            assert text(await alice.call_tool("name_it")) == "Somebody, known to alice"
            assert text(await bob.call_tool("name_it")) == "Somebody, known to bob"


async def test_prompts_and_resources_pass(tmp_path: Path) -> None:
    async with mcp_stage(tmp_path) as stage, stage.client("alice") as alice:
        assert (await alice.list_prompts()).prompts[0].name == "greet"
        prompt = await alice.get_prompt("greet", {"name": "Bob"})
        assert "Greet Bob" in str(prompt.messages[0].content)
        assert (await alice.list_resources()).resources
        read = await alice.read_resource("notes://all")
        assert "a note" in str(read.contents[0])


async def test_tools_are_those_of_ones_roles(tmp_path: Path) -> None:
    allow = adding("upstreams.notes", 'allowed_tools = { reader = ["recall"], admin = "*" }')

    async def shown(stage: McpStage, *roles: str) -> set[str]:
        token = stage.token("alice", roles=list(roles))
        async with stage.client("alice", token=token) as alice:
            return {one.name for one in (await alice.list_tools()).tools}

    async with mcp_stage(tmp_path, allow) as stage:
        assert await shown(stage) == set()
        assert await shown(stage, "reader") == {"recall"}
        assert {"recall", "count", "name_it"} < await shown(stage, "reader", "admin")


async def test_an_older_client_and_a_server_that_answers_in_json(tmp_path: Path) -> None:
    def plain() -> Any:
        return official(json_response=True, stateless_http=True)

    async with mcp_stage(tmp_path, server=plain) as stage:
        for mode in ("legacy", "auto"):
            async with stage.client("alice", mode=mode) as alice:
                assert json.loads(text(await alice.call_tool("whoami")))
