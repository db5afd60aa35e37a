"""Anthropic's messages. Stateless: every request holds the whole conversation, so none is owned.

`metadata.user_id` is ours, and nothing else stands beside it. What could reach beyond the person is
not listed: files, containers, MCP servers and tools that Anthropic runs; profiles of users;
batches, which anybody with the key can read. Of `anthropic-beta` what changes the model's answer
alone passes; without a version we know a request says the oldest, whose answers all clients read.
"""

from gateway.core.profile.vendor import Body, Operation, ProblemShape, Vendor

MEMBERS = frozenset(
    {"model", "messages", "system", "tools", "tool_choice", "thinking", "cache_control"}
    | {"output_config", "output_format"}
)
USAGE = (Body("/usage"), Body("/message/usage"))
BLOCK = frozenset(
    {"type", "text", "source", "cache_control", "citations"}
    | {"title", "context"}  # of a document, or a result of a search
)
SOURCE = frozenset({"type", "media_type", "data", "url", "content"})
SOURCES = frozenset({"base64", "url", "text", "content"})
RESULT_TYPES = frozenset({"text", "image", "document", "search_result"})
TYPES = RESULT_TYPES | {"tool_use", "tool_result", "thinking", "redacted_thinking"}
RESULT = "/messages/*/content/*/content/*"  # in the result of a tool, or of a search
INNER = {
    "/messages/*": frozenset({"role", "content"}),
    "/messages/*/content/*": BLOCK
    | {"id", "name", "input"}  # of a call of a tool: `id` opens nothing
    | {"tool_use_id", "content", "is_error"}
    | {"thinking", "signature", "data"},
    "/messages/*/content/*/source": SOURCE,
    "/messages/*/content/*/source/content/*": BLOCK,
    "/messages/*/content/*/source/content/*/source": SOURCE - {"content"},
    RESULT: BLOCK | {"content"},
    f"{RESULT}/content/*": frozenset({"type", "text", "cache_control", "citations"}),
    f"{RESULT}/source": SOURCE,
    f"{RESULT}/source/content/*": BLOCK,
    f"{RESULT}/source/content/*/source": SOURCE - {"content"},
    "/system/*": frozenset({"type", "text", "cache_control", "citations"}),
    "/tools/*": frozenset(
        {"type", "name", "description", "input_schema", "cache_control", "strict"}
        | {"input_examples", "eager_input_streaming", "max_characters"}
    ),
}
VALUES = {
    "/messages/*/content/*/type": TYPES,
    "/messages/*/content/*/source/type": SOURCES,
    "/messages/*/content/*/source/content/*/type": frozenset({"text", "image"}),
    "/messages/*/content/*/source/content/*/source/type": SOURCES,
    f"{RESULT}/type": RESULT_TYPES,
    f"{RESULT}/source/type": SOURCES,
    f"{RESULT}/source/content/*/source/type": SOURCES,
    "/system/*/type": frozenset({"text"}),
    # The client runs all of these.
    "/tools/*/type": frozenset(
        {"custom", "bash_20250124", "memory_20250818"}
        | {"text_editor_20250124", "text_editor_20250429", "text_editor_20250728"}
    ),
}
VERSION = "anthropic-version"
BETA = "anthropic-beta"
FIELD_VALUES = {
    VERSION: frozenset({"2023-06-01", "2026-10-21"}),
    BETA: frozenset(
        {
            "context-1m-2025-08-07",
            "dev-full-thinking-2025-05-14",
            "extended-cache-ttl-2025-04-11",
            "fine-grained-tool-streaming-2025-05-14",
            "interleaved-thinking-2025-05-14",
            "model-context-window-exceeded-2025-08-26",
            "output-128k-2025-02-19",
            "output-300k-2026-03-24",
            "pdfs-2024-09-25",
            "prompt-caching-2024-07-31",
            "structured-outputs-2025-11-13",
            "thinking-token-count-2026-05-13",
            "token-counting-2024-11-01",
            "token-efficient-tools-2025-02-19",
        }
    ),
}
LIST = frozenset({"after_id", "before_id", "limit"})

VENDOR = Vendor(
    name="anthropic",
    title="Anthropic API",
    base_url="https://api.anthropic.com",
    fields={"x-api-key": "{key}", VERSION: "2023-06-01"},
    user_id=r"[A-Za-z0-9._-]{1,128}",
    operations={
        "messages": Operation(
            method="POST",
            path="/v1/messages",
            members=MEMBERS
            | {"max_tokens", "stop_sequences", "stream", "temperature", "top_k", "top_p"},
            inner=INNER,
            values={**VALUES, "/stream": frozenset({True, False})},
            settable=frozenset({"inference_geo", "service_tier", "speed"}),
            user=(Body("/metadata/user_id"),),
            fields=frozenset(FIELD_VALUES),
            field_values=FIELD_VALUES,
            response_fields=frozenset({"request-id"}),
            usage=USAGE,
            thinks=True,
            no_conversation="every request holds the whole of it",
        ),
        "count-tokens": Operation(
            method="POST",
            path="/v1/messages/count_tokens",
            members=MEMBERS,
            inner=INNER,
            values=VALUES,
            fields=frozenset(FIELD_VALUES),
            field_values=FIELD_VALUES,
            no_conversation="it only counts",
        ),
        "models": Operation(
            method="GET",
            path="/v1/models",
            query=LIST,
            fields=frozenset(FIELD_VALUES),
            field_values=FIELD_VALUES,
            no_conversation="models are nobody's",
        ),
        "model": Operation(
            method="GET",
            path="/v1/models/{model}",
            fields=frozenset(FIELD_VALUES),
            field_values=FIELD_VALUES,
            no_conversation="models are nobody's",
        ),
    },
    problem=ProblemShape(
        body={"type": "error", "error": {"type": "{code}", "message": "{message}"}},
        codes={
            **dict.fromkeys((400, 405, 408, 409, 414, 415), "invalid_request_error"),
            **dict.fromkeys((417, 421, 431), "invalid_request_error"),
            401: "authentication_error",
            403: "permission_error",
            404: "not_found_error",
            413: "request_too_large",
            429: "rate_limit_error",
            **dict.fromkeys((500, 502, 508), "api_error"),
            503: "overloaded_error",
            504: "timeout_error",
        },
        event_name="error",
    ),
    credential_fields=("x-api-key",),
    documents=("https://platform.claude.com/docs/en/api/messages",),
)
