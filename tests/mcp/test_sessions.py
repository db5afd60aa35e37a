"""MCP up to 2025-11-25, through the gateway, with the official SDK on both sides."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from mcp.server.streamable_http import EventMessage, EventStore
from mcp_types import JSONRPCMessage

from tests.support.mcp_servers import KEY, McpStage, Watched, called, mcp_stage, official
from tests.support.stage import adding
from tests.support.wire import connected

pytestmark = pytest.mark.anyio
VERSION = {"mcp-protocol-version": "2025-11-25"}


def text(result: Any) -> str:
    return str(result.content[0].text)


async def test_a_session_remembers_and_the_server_is_told_who_asks(tmp_path: Path) -> None:
    async with mcp_stage(tmp_path) as stage:
        async with stage.client("alice", mode="legacy") as alice:
            await alice.call_tool("remember", {"text": "tea"})
            assert text(await alice.call_tool("recall")) == "tea"
            tools = await alice.list_tools()
            assert {"remember", "recall"} <= {one.name for one in tools.tools}
        for asked in stage.server.asked:
            assert asked.fields["x-external-user-id"] == "alice"
            assert asked.fields["authorization"] == f"Bearer {KEY}"
        assert {one.method for one in stage.server.asked} == {"POST", "GET", "DELETE"}


async def test_two_people_have_two_sessions(tmp_path: Path) -> None:
    async with (
        mcp_stage(tmp_path) as stage,
        stage.client("alice", mode="legacy") as alice,
        stage.client("bob", mode="legacy") as bob,
    ):
        await alice.call_tool("remember", {"text": "tea"})
        await bob.call_tool("remember", {"text": "coffee"})
        assert text(await alice.call_tool("recall")) == "tea"
        assert text(await bob.call_tool("recall")) == "coffee"


@pytest.mark.one_process("its store is a file")
async def test_a_session_is_known_after_a_restart(tmp_path: Path) -> None:
    async with mcp_stage(tmp_path) as stage:
        session = await stage.open_session("alice")
    async with mcp_stage(tmp_path) as again:
        # The server has forgotten it, and says so; the gateway has not.
        fields = {"mcp-session-id": session, **VERSION}
        again.server.asked.clear()
        assert (await again.ask("bob", body=called("recall"), fields=fields)).status == 404
        assert again.server.asked == []
        await again.ask("alice", body=called("recall"), fields=fields)
        assert len(again.server.asked) == 1


async def test_what_a_server_signs_is_checked_by_the_server(tmp_path: Path) -> None:
    async with mcp_stage(tmp_path, adding("upstreams.notes", "assertion = true")) as stage:
        async with stage.client("alice", mode="legacy") as alice:
            await alice.call_tool("recall")
        assert all(one.fields["x-gateway-assertion"] for one in stage.server.asked)


class Events(EventStore):
    """As careless as they come: one count for all sessions."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, JSONRPCMessage | None]] = []

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        self.kept.append((stream_id, message))
        return str(len(self.kept))

    async def replay_events_after(
        self, last_event_id: str, send_callback: Callable[[EventMessage], Awaitable[None]]
    ) -> str | None:
        stream = self.kept[int(last_event_id) - 1][0]
        for number, (one, message) in enumerate(self.kept, start=1):
            if one == stream and number > int(last_event_id) and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


def resuming() -> Watched:
    return official(event_store=Events())


def ids(body: bytes) -> list[str]:
    return [line[4:].decode() for line in body.split(b"\n") if line.startswith(b"id: ")]


async def streamed(stage: McpStage, who: str) -> tuple[str, list[str]]:
    session = await stage.open_session(who)
    fields = {"mcp-session-id": session, **VERSION}
    await stage.ask(who, body=called("remember", text=f"{who}'s tea"), fields=fields)
    answer = await stage.ask(who, body=called("recall"), fields=fields)
    assert answer.status == 200
    return session, ids(answer.body)


async def test_a_stream_is_resumed_by_whose_it_is(tmp_path: Path) -> None:
    async with mcp_stage(tmp_path, server=resuming) as stage:
        session, names = await streamed(stage, "alice")
        fields = {"mcp-session-id": session, "last-event-id": names[0], **VERSION}
        async with connected(stage.url) as peer:
            await peer.send(stage.request("alice", "GET", fields=fields))
            got = await peer.until(b"alice's tea")
        assert got.startswith(b"HTTP/1.1 200")
        assert stage.server.asked[-1].fields["last-event-id"].isdigit()


# M-11: events of others


async def test_events_of_another_session_are_nobodys(tmp_path: Path) -> None:
    async with mcp_stage(tmp_path, server=resuming) as stage:
        alices, hers = await streamed(stage, "alice")
        bobs, _ = await streamed(stage, "bob")
        second = await stage.open_session("alice")
        seen = len(stage.server.asked)
        tries = [
            ("bob", bobs, hers[0]),  # another person's event
            ("bob", alices, hers[0]),  # and their session
            ("alice", second, hers[0]),  # her own, of another session
            ("bob", bobs, "1"),  # as the server counts them
            ("bob", bobs, hers[0].partition(".")[2]),
            ("bob", bobs, ""),
        ]
        for who, session, event in tries:
            fields = {"mcp-session-id": session, "last-event-id": event, **VERSION}
            assert (await stage.ask(who, "GET", fields=fields)).status == 404
        assert len(stage.server.asked) == seen
