"""Real MCP servers, of the official SDK and of FastMCP, behind a gateway on sockets.

    async with mcp_stage(tmp_path) as stage:
        async with stage.client("alice") as alice:
            await alice.call_tool("remember", {"text": "x"})
        assert stage.server.asked[0].fields["x-external-user-id"] == "alice"

The servers keep what they are told by session, or in a request state, and trust whoever asks: as
servers do.
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import Context, MCPServer
from mcp_types import (
    CreateMessageRequest,
    CreateMessageRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
    SamplingMessage,
    TextContent,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.support import config
from tests.support.serve import serving
from tests.support.stage import Edit, gateway_of
from tests.support.tokens import Issuer
from tests.support.wire import Answer, raw_request, wire

__all__ = ["CreateMessageRequest", "CreateMessageRequestParams", "SamplingMessage", "TextContent"]

KEY = "mcp-server-key-1"


@dataclass(frozen=True)
class Asked:
    """A request as the server got it."""

    method: str
    path: str
    fields: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Watched:
    """An application that notes what it is asked. `notes` is what its tools were told."""

    app: ASGIApp
    asked: list[Asked] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = b""

        async def noting() -> Message:
            nonlocal body
            message = await receive()
            body += message.get("body", b"")
            if message["type"] == "http.request" and not message.get("more_body"):
                self._note(scope, body)
            return message

        if scope["method"] != "POST":
            self._note(scope, b"")
            await self.app(scope, receive, send)
        else:
            await self.app(scope, noting, send)

    def _note(self, scope: Scope, body: bytes) -> None:
        fields = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        self.asked.append(Asked(scope["method"], scope["path"], fields, body))

    def of_method(self, method: str) -> list[Asked]:
        """Those that ask by this JSON-RPC method."""
        return [one for one in self.asked if one.body and one.json().get("method") == method]


def official(**options: Any) -> Watched:
    """A server of the official SDK."""
    server: MCPServer = MCPServer("notes")
    notes: dict[str, str] = {}

    def where(context: Context) -> str:
        return (context.headers or {}).get("mcp-session-id", "everybody")

    @server.tool()
    async def remember(text: str, context: Context) -> str:
        """Keep a text for the session."""
        notes[where(context)] = text
        return "kept"

    @server.tool()
    async def recall(context: Context) -> str:
        """What the session was told."""
        return notes.get(where(context), "nothing")

    @server.tool()
    async def count(to: int, context: Context) -> str:
        """Say how far it is, then that it is done."""
        for number in range(to):
            await context.report_progress(number, to)
        return f"counted to {to}"

    @server.tool()
    async def whoami(context: Context) -> str:
        """Who asks, as the fields have it."""
        headers = context.headers or {}
        return json.dumps(
            {name: headers.get(name) for name in ("x-external-user-id", "x-external-roles")}
        )

    @server.tool()
    async def order(what: str, user_id: str = "") -> str:
        """Order something for somebody."""
        return f"{what} for {user_id}"

    @server.tool()
    async def name_it(context: Context) -> InputRequiredResult | str:
        """Ask for a name, and answer by it and by what was known before."""
        if context.input_responses is None:
            question = ElicitRequestFormParams(
                message="Your name?",
                requested_schema={"type": "object", "properties": {"name": {"type": "string"}}},
            )
            return InputRequiredResult(
                input_requests={"name": ElicitRequest(params=question)},
                request_state=f"known to {(context.headers or {})['x-external-user-id']}",
            )
        answer = context.input_responses["name"]
        assert isinstance(answer, ElicitResult)
        return f"{(answer.content or {})['name']}, {context.request_state}"

    @server.resource("notes://all")
    def every_note() -> str:
        """A resource."""
        return "a note"

    @server.prompt()
    def greet(name: str) -> str:
        """A prompt."""
        return f"Greet {name}"

    return Watched(server.streamable_http_app(**options), notes=notes)


@dataclass(frozen=True)
class McpStage:
    """A gateway at `url` in front of a server; `endpoint` is the server's URL there."""

    server: Watched
    issuer: Issuer
    url: str
    path: str

    @property
    def endpoint(self) -> str:
        return self.url + self.path

    def token(self, who: str, **claims: object) -> str:
        return self.issuer.token(who, algorithm="HS256", **claims)

    @asynccontextmanager
    async def client(
        self, who: str | None, *, mode: str = "auto", token: str | None = None, **options: Any
    ) -> AsyncIterator[Client]:
        """A client of the official SDK: an endpoint, and a token where a key would stand."""
        headers = {}
        if who is not None:
            headers["Authorization"] = f"Bearer {token or self.token(who)}"
        async with httpx2.AsyncClient(headers=headers, timeout=20) as http:
            transport = streamable_http_client(self.endpoint, http_client=http)
            async with Client(transport, mode=mode, **options) as client:
                yield client

    async def ask(
        self,
        who: str | None,
        method: str = "POST",
        body: object = None,
        fields: Mapping[str, str] | list[tuple[str, str]] | None = None,
        *,
        raw: bytes | None = None,
        path: str | None = None,
        token: str | None = None,
    ) -> Answer:
        content = json.dumps(body).encode() if raw is None and body is not None else raw
        asked = self.request(who, method, content, fields, path=path, token=token)
        return await wire(self.url, asked)

    def request(
        self,
        who: str | None,
        method: str,
        content: bytes | None = None,
        fields: Mapping[str, str] | list[tuple[str, str]] | None = None,
        *,
        path: str | None = None,
        token: str | None = None,
    ) -> bytes:
        """A request as a client would write it."""
        lines: list[tuple[str, str] | bytes] = []
        if who is not None:
            lines.append(("Authorization", f"Bearer {token or self.token(who)}"))
        if content is not None:
            lines.append(("Content-Type", "application/json"))
        lines.append(("Accept", "application/json, text/event-stream"))
        lines += list(fields.items()) if isinstance(fields, Mapping) else fields or []
        return raw_request(method, path or self.path, lines, content)

    async def open_session(self, who: str, **more: Any) -> str:
        """The id of a session that was opened by hand."""
        answer = await self.ask(who, body=initialize(), **more)
        assert answer.status == 200, answer.body
        return answer.values("mcp-session-id")[0]


def initialize(version: str = "2025-11-25") -> dict[str, Any]:
    return message(
        "initialize",
        protocolVersion=version,
        capabilities={},
        clientInfo={"name": "by hand", "version": "1"},
    )


def message(method: str, id: int | str | None = 1, **params: Any) -> dict[str, Any]:  # noqa: A002
    """A request; a notification where `id` is None."""
    told: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
    if id is not None:
        told["id"] = id
    return {**told, "params": params} if params else told


def called(tool: str, id: int | str = 1, **arguments: Any) -> dict[str, Any]:  # noqa: A002
    return message("tools/call", id, name=tool, arguments=arguments)


MODERN = "2026-07-28"


def modern(told: dict[str, Any], **fields: str) -> tuple[dict[str, Any], dict[str, str]]:
    """A message as the era without sessions has it, and its fields."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}},
    }
    params = told.get("params", {})
    body = {**told, "params": {**params, "_meta": {**meta, **params.get("_meta", {})}}}
    repeated = {"mcp-protocol-version": MODERN, "mcp-method": told["method"]}
    if name := params.get("name", params.get("uri")):
        repeated["mcp-name"] = name
    return body, {**repeated, **fields}


@asynccontextmanager
async def mcp_stage(
    folder: Path,
    edit: Edit = str,
    *,
    server: Callable[[], Watched] = official,
    store: str | None = None,
) -> AsyncIterator[McpStage]:
    """`edit` may change the configuration's text; `store` is a URL, else there is a file."""
    issuer = Issuer()
    watched = server()
    async with serving(watched) as server_url:
        text = edit(config.mcp(server_url, issuer, key=KEY, store=store or folder / "gateway.db"))
        async with gateway_of(text, folder) as (_, url):
            yield McpStage(watched, issuer, url, "/notes/mcp")
