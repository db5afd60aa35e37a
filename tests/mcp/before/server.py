"""A server of the SDK's previous generation, at a port of its own; prints its URL."""

import socket

import uvicorn
from mcp.server.fastmcp import Context, FastMCP

server = FastMCP("notes")
notes: dict[str, str] = {}


def where(context: Context) -> str:
    return str(context.request_context.request.headers.get("mcp-session-id"))


@server.tool()
def remember(text: str, context: Context) -> str:
    """Keep a text for the session."""
    notes[where(context)] = text
    return "kept"


@server.tool()
def recall(context: Context) -> str:
    """What the session was told."""
    return notes.get(where(context), "nothing")


@server.tool()
def whoami(context: Context) -> str:
    """Who asks, as the fields have it."""
    return str(context.request_context.request.headers.get("x-external-user-id"))


listener = socket.create_server(("127.0.0.1", 0))
print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)  # noqa: T201
config = uvicorn.Config(server.streamable_http_app(), log_level="warning")
uvicorn.Server(config).run(sockets=[listener])
