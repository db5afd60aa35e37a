"""MCP servers over streamable HTTP, up to 2025-11-25 with sessions, from 2026-07-28 on without.

A server goes by the session id alone, and knows no people: whose a session or a task is, is ours
to say. It gets its own key, never a user's token, and is told who asks in fields on every call.
The endpoint is /mcp below the base URL; a server that has it elsewhere takes a profile of its own.
"""

from gateway.core.profile.vendor import Body, Header, Operation, ProblemShape, Vendor

SESSION = Header("mcp-session-id")
# Tools run as tasks, which any caller may ask for by id. What is about one says so in `_meta`, and
# servers put what comes of it where that task's owner will find it.
ABOUT = "_meta/io.modelcontextprotocol~1related-task/taskId"
TASKS = (
    Body("/params/taskId"),
    Body("/params/notifications/taskIds/*"),
    Body(f"/params/{ABOUT}"),
)
OPENED = (
    Body("/result/taskId"),
    Body("/result/task/taskId"),
    Body(f"/result/{ABOUT}"),
    Body(f"/params/{ABOUT}"),  # what the server asks or tells in a stream
)
VERSION = frozenset({"mcp-protocol-version"})

VENDOR = Vendor(
    name="mcp",
    title="MCP servers",
    base_url=None,
    fields={
        "authorization": "Bearer {key}",
        "x-external-org-id": "{org}",
        "x-external-roles": "{roles}",
    },
    user_id=r"[A-Za-z0-9._@+-]{1,128}",
    operations={
        "call": Operation(
            method="POST",
            path="/mcp",
            mcp=True,
            members=frozenset({"jsonrpc", "id", "method", "params", "result", "error"}),
            containers=(Body("/params"), Body("/params/_meta")),
            conversation=(SESSION, *TASKS),
            opens=(SESSION, *OPENED),
            fields=VERSION,
            thinks=True,
        ),
        "listen": Operation(
            method="GET",
            path="/mcp",
            mcp=True,
            conversation=(SESSION,),
            fields=VERSION | {"last-event-id"},
        ),
        "end": Operation(
            method="DELETE",
            path="/mcp",
            mcp=True,
            conversation=(SESSION,),
            fields=VERSION,
        ),
    },
    problem=ProblemShape(
        body={
            "jsonrpc": "2.0",
            "id": "{id}",
            "error": {
                "code": "{code}",
                "message": "{message}",
                "data": {"code": "{gateway_code}"},
            },
        },
        codes={
            400: -32600,
            "ambiguous_json": -32700,
            "header_mismatch": -32020,
            401: -32000,
            403: -32000,
            404: -32000,
            "method_not_offered": -32601,
            "tool_not_found": -32602,
            405: -32000,
            408: -32000,
            409: -32000,
            413: -32000,
            414: -32000,
            415: -32000,
            417: -32000,
            421: -32000,
            429: -32000,
            431: -32000,
            500: -32603,
            502: -32603,
            503: -32603,
            504: -32603,
            508: -32603,
        },
        # As servers say it; by an HTTP error some clients lose their whole connection.
        statuses={"tool_not_found": 200},
    ),
    documents=(
        "https://modelcontextprotocol.io/specification/2025-11-25/basic/transports",
        "https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http",
    ),
)
