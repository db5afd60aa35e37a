"""AltaTech (GPTBots). The user id is set before the conversation exists; message calls carry none.

Streams are JSON lines and name neither user nor conversation. A client that could send `assistant`
turns, `knowledge` or `custom_variables` could forge the context or read other people's documents:
messages have the role `user` only, and the rest is the server's to set.
"""

from gateway.core.vendor import Body, Lookup, Operation, ProblemShape, Query, Vendor

THEIRS = (Body("/conversation_id"),)
MODES = frozenset({"streaming", "blocking"})  # "webhook" answers somebody else
USAGE = (Body("/usage/tokens"), Body("/usage/credits"), Body("/data"))
PAGE = "/v1/bot/conversation/page"

VENDOR = Vendor(
    name="altatech",
    title="AltaTech / GPTBots",
    base_url="https://altatech.ai",
    fields={"authorization": "Bearer {key}"},
    user_id=r"[A-Za-z0-9._-]{1,32}",
    operations={
        "open": Operation(
            method="POST",
            path="/v1/conversation",
            user=(Body("/user_id"),),
            opens=(Body("/conversation_id"),),
        ),
        "message-v1": Operation(
            method="POST",
            path="/v1/conversation/message",
            members=frozenset({"conversation_id", "text", "files", "response_mode"}),
            settable=frozenset({"knowledge", "short_term_memory", "long_term_memory"}),
            values={"/response_mode": MODES},
            conversation=THEIRS,
            usage=USAGE,
            json_lines=True,
            thinks=True,
        ),
        "message": Operation(
            method="POST",
            path="/v2/conversation/message",
            members=frozenset({"conversation_id", "messages", "response_mode"}),
            settable=frozenset({"conversation_config"}),
            values={"/response_mode": MODES, "/messages/*/role": frozenset({"user"})},
            conversation=THEIRS,
            usage=USAGE,
            json_lines=True,
            thinks=True,
        ),
        "conversations": Operation(
            method="GET",
            path=PAGE,
            query=frozenset({"conversation_type", "start_time", "end_time", "page", "page_size"}),
            user=(Query("user_id"),),
            answers_user=(Body("/list/*/user_id"), Body("/data/list/*/user_id")),
            no_conversation="the user's own list",
        ),
    },
    problem=ProblemShape(
        body={"error": {"code": "{code}", "message": "{message}", "status": "{status}"}},
    ),
    lookup=Lookup(
        method="GET",
        path=PAGE,
        owner=(Body("/list/*/user_id"), Body("/data/list/*/user_id")),
    ),
    documents=("https://altatech.ai", "https://gptbots.ai/docs/api-doc"),
)
