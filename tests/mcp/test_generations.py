"""The SDK's previous generation, and FastMCP, at either end: URL and token are all that changes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client, Context, FastMCP
from fastmcp.client.transports import StreamableHttpTransport

from tests.support import config, mcp_before
from tests.support.mcp_servers import KEY, McpStage, Watched, mcp_stage
from tests.support.stage import Edit, adding, gateway_of
from tests.support.tokens import Issuer

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]  # the first installs packages
TEA = [("remember", {"text": "tea"}), ("recall", {})]


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    mcp_before.install()


@asynccontextmanager
async def before_stage(folder: Path, edit: Edit = str) -> AsyncIterator[McpStage]:
    """A gateway in front of a server of the previous generation."""
    issuer = Issuer()
    async with mcp_before.serving_before() as server_url:
        text = edit(config.mcp(server_url, issuer, key=KEY, store=folder / "gateway.db"))
        async with gateway_of(text, folder) as (_, url):
            yield McpStage(Watched(_nothing), issuer, url, "/notes/mcp")


async def _nothing(*_: object) -> None:
    raise AssertionError("this application is never asked")


async def test_the_previous_client_and_the_current_server(tmp_path: Path) -> None:
    allow = adding("upstreams.notes", 'allowed_tools = ["remember", "recall"]')
    async with mcp_stage(tmp_path, allow) as stage:
        calls = [("count", {"to": 1}), *TEA]
        told = await mcp_before.converse(stage.endpoint, stage.token("alice"), calls)
        assert told["session"]
        assert told["tools"] == ["remember", "recall"]
        # A tool that is not theirs is an error of that call, and the session goes on.
        assert "Unknown tool" in told["said"][0]
        assert told["said"][1:] == ["kept", "tea"]


async def test_the_current_client_and_the_previous_server(tmp_path: Path) -> None:
    async with before_stage(tmp_path) as stage:
        for mode in ("auto", "legacy"):
            async with (
                stage.client("alice", mode=mode) as alice,
                stage.client("bob", mode=mode) as bob,
            ):
                await alice.call_tool("remember", {"text": "tea"})
                await bob.call_tool("remember", {"text": "coffee"})
                assert (await alice.call_tool("recall")).content[0].text == "tea"
                assert (await bob.call_tool("recall")).content[0].text == "coffee"
                assert (await bob.call_tool("whoami")).content[0].text == "bob"


async def test_the_previous_generation_at_both_ends(tmp_path: Path) -> None:
    async with before_stage(tmp_path) as stage:
        first = await mcp_before.converse(stage.endpoint, stage.token("alice"), TEA)
        assert first["said"] == ["kept", "tea"]
        assert first["version"] == "2025-11-25"


def fast() -> Watched:
    server: FastMCP[Any] = FastMCP("notes")

    @server.tool
    async def whoami(context: Context) -> str:
        """Who asks, as the fields have it."""
        request = context.request_context
        assert request is not None
        assert request.request is not None
        return str(request.request.headers.get("x-external-user-id"))

    return Watched(server.http_app())


async def test_fastmcp_at_both_ends(tmp_path: Path) -> None:
    async with mcp_stage(tmp_path, server=fast) as stage:
        for who in ("alice", "bob"):
            transport = StreamableHttpTransport(stage.endpoint, auth=stage.token(who))
            async with Client(transport) as client:
                assert [tool.name for tool in await client.list_tools()] == ["whoami"]
                assert (await client.call_tool("whoami", {})).data == who
        assert {one.fields["authorization"] for one in stage.server.asked} == {f"Bearer {KEY}"}


@pytest.mark.parametrize("who", ["alice", "bob"])
async def test_fastmcp_s_previous_client_and_the_current_server(tmp_path: Path, who: str) -> None:
    async with mcp_stage(tmp_path, server=fast) as stage:
        told = await mcp_before.converse_by_fastmcp(stage.endpoint, stage.token(who))
    assert told == {"tools": ["whoami"], "said": who}
