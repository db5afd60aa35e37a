"""OpenAI, and whatever speaks its API: chat completions, responses, conversations, models.

Whoever has the key reads every stored response and conversation, and the vendor never asks whose
they are: ownership is ours alone. An answer opens a response, and each of its items, for a request
may name an item to have it read again. What could reach beyond the person is not listed: files, and
tools that the vendor runs (`file_search`, `mcp`, `code_interpreter`); `background`, stored prompts
and stored completions; the transcripts of audio. `set` gives everybody what a client may not take.

A chat completion says what it cost at the end of a stream only when it is asked to, so it is.
"""

from collections.abc import Mapping

from gateway.core.profile.vendor import Body, Metered, Operation, ProblemShape, Variable, Vendor
from gateway.vendors.openai_realtime import REALTIME

USER = (Body("/safety_identifier"), Body("/prompt_cache_key"))
SAMPLING = frozenset({"model", "temperature", "top_p", "top_logprobs", "stream", "stream_options"})
TOOLS = frozenset({"tools", "tool_choice", "parallel_tool_calls"})
BOOLEAN = frozenset({True, False})
PAGE = frozenset({"after", "limit", "order"})

CHAT = (
    SAMPLING
    | TOOLS
    | frozenset(
        {
            "frequency_penalty",
            "function_call",
            "functions",
            "logit_bias",
            "logprobs",
            "max_completion_tokens",
            "max_tokens",
            "messages",
            "n",
            "prediction",
            "presence_penalty",
            "reasoning_effort",
            "response_format",
            "seed",
            "stop",
            "verbosity",
        }
    )
)
CHAT_INNER = {
    "/messages/*": frozenset(
        {"role", "content", "name", "tool_calls", "tool_call_id", "refusal", "function_call"}
        | {"reasoning_content"}  # of others that speak this API
    ),
    "/messages/*/content/*": frozenset(
        {"type", "text", "image_url", "input_audio", "refusal", "file"}
    ),
    "/messages/*/content/*/file": frozenset({"file_data", "filename"}),
    "/tools/*": frozenset({"type", "function", "custom"}),
}
CHAT_VALUES = {
    "/stream": BOOLEAN | {None},
    "/messages/*/content/*/type": frozenset(
        {"text", "image_url", "input_audio", "refusal", "file"}
    ),
    "/tools/*/type": frozenset({"function", "custom"}),
}

RESPONSES = (
    SAMPLING
    | TOOLS
    | frozenset(
        {
            "include",
            "input",
            "instructions",
            "max_output_tokens",
            "max_tool_calls",
            "reasoning",
            "store",
            "text",
            "truncation",
        }
    )
)
PART = frozenset(
    {"type", "text", "image_url", "detail", "file_data", "file_url", "filename"}
    | {"refusal", "annotations", "logprobs"}
)
PART_TYPES = frozenset(
    {"input_text", "output_text", "text", "refusal", "reasoning_text", "summary_text"}
    | {"input_image", "input_file"}
)


def items_inner(root: str) -> Mapping[str, frozenset[str]]:
    """What an item of `root` may be made of, its id aside."""
    return {
        f"{root}/*": frozenset(
            {"type", "role", "content", "status", "phase", "summary", "encrypted_content"}
            | {"call_id", "name", "arguments", "input", "output"}
        ),
        f"{root}/*/content/*": PART,
        f"{root}/*/content/*/annotations/*": frozenset(
            {"type", "url", "title", "start_index", "end_index"}
        ),
        f"{root}/*/output/*": PART - {"annotations", "logprobs"},
        f"{root}/*/summary/*": frozenset({"type", "text"}),
    }


def items_values(root: str) -> Mapping[str, frozenset[str]]:
    """Kinds of items: none that the vendor ran, or would run."""
    return {
        f"{root}/*/type": frozenset(
            {"message", "reasoning", "item_reference", "function_call", "function_call_output"}
            | {"custom_tool_call", "custom_tool_call_output"}
        ),
        f"{root}/*/content/*/type": PART_TYPES,
        f"{root}/*/output/*/type": PART_TYPES,
    }


VENDOR = Vendor(
    name="openai",
    title="OpenAI API",
    base_url="https://api.openai.com",
    fields={"authorization": "Bearer {key}"},
    user_id=r"[A-Za-z0-9._-]{1,64}",
    widget=("client_secret",),
    operations={
        "chat": Operation(
            method="POST",
            path="/v1/chat/completions",
            members=CHAT,
            inner=CHAT_INNER,
            values=CHAT_VALUES,
            settable=frozenset({"service_tier", "web_search_options"}),
            user=USER,
            usage=(Body("/usage"),),
            metered=Metered(
                when=Body("/stream"),
                ask=Body("/stream_options/include_usage"),
                empty=Body("/choices"),
            ),
            thinks=True,
            no_conversation="every request holds the whole of it",
        ),
        "responses": Operation(
            method="POST",
            path="/v1/responses",
            members=RESPONSES,
            inner={
                **items_inner("/input"),
                "/conversation": frozenset(),
                "/tools/*": frozenset(
                    {"type", "name", "description", "parameters", "strict", "format"}
                ),
            },
            values={
                **items_values("/input"),
                "/stream": BOOLEAN | {None},
                "/tools/*/type": frozenset({"function", "custom"}),
                "/include/*": frozenset(
                    {"reasoning.encrypted_content", "message.output_text.logprobs"}
                    | {"web_search_call.action.sources"}
                ),
            },
            settable=frozenset({"prompt", "service_tier"}),
            user=USER,
            conversation=(
                Body("/input/*/id"),
                Body("/previous_response_id"),
                Body("/conversation"),
                Body("/conversation/id"),
            ),
            opens=(
                Body("/response/id"),
                Body("/response/output/*/id"),
                Body("/item/id"),
                Body("/id"),
                Body("/output/*/id"),
            ),
            opens_more=True,
            answers_user=(Body("/safety_identifier"), Body("/response/safety_identifier")),
            usage=(Body("/usage"), Body("/response/usage")),
            thinks=True,
        ),
        "response": Operation(
            method="GET",
            path="/v1/responses/{response}",
            conversation=(Variable("response"),),
            answers_user=(Body("/safety_identifier"),),
        ),
        "response-items": Operation(
            method="GET",
            path="/v1/responses/{response}/input_items",
            query=PAGE,
            conversation=(Variable("response"),),
        ),
        "delete-response": Operation(
            method="DELETE",
            path="/v1/responses/{response}",
            conversation=(Variable("response"),),
        ),
        "open": Operation(
            method="POST",
            path="/v1/conversations",
            members=frozenset({"items", "metadata"}),
            inner=items_inner("/items"),
            values=items_values("/items"),
            containers=(Body("/metadata"),),
            flat=(Body("/metadata"),),
            conversation=(Body("/items/*/id"),),
            opens=(Body("/id"),),
        ),
        "conversation": Operation(
            method="GET",
            path="/v1/conversations/{conversation}",
            conversation=(Variable("conversation"),),
        ),
        "update": Operation(
            method="POST",
            path="/v1/conversations/{conversation}",
            members=frozenset({"metadata"}),
            containers=(Body("/metadata"),),
            flat=(Body("/metadata"),),
            conversation=(Variable("conversation"),),
        ),
        "delete": Operation(
            method="DELETE",
            path="/v1/conversations/{conversation}",
            conversation=(Variable("conversation"),),
        ),
        "items": Operation(
            method="GET",
            path="/v1/conversations/{conversation}/items",
            query=PAGE,
            conversation=(Variable("conversation"),),
        ),
        "add-items": Operation(
            method="POST",
            path="/v1/conversations/{conversation}/items",
            members=frozenset({"items"}),
            inner=items_inner("/items"),
            values=items_values("/items"),
            conversation=(Body("/items/*/id"), Variable("conversation")),
            opens=(Body("/data/*/id"),),
            opens_more=True,
        ),
        "item": Operation(
            method="GET",
            path="/v1/conversations/{conversation}/items/{item}",
            conversation=(Variable("conversation"),),
        ),
        "delete-item": Operation(
            method="DELETE",
            path="/v1/conversations/{conversation}/items/{item}",
            conversation=(Variable("conversation"),),
        ),
        "models": Operation(
            method="GET",
            path="/v1/models",
            no_conversation="models are nobody's",
        ),
        "model": Operation(
            method="GET",
            path="/v1/models/{model}",
            no_conversation="models are nobody's",
        ),
        "realtime": REALTIME,
    },
    closed=("/v1/responses/input_tokens", "/v1/responses/compact"),
    problem=ProblemShape(
        body={
            "error": {"message": "{message}", "type": "{code}", "param": None, "code": "{code}"},
        },
        codes={
            **dict.fromkeys((400, 405, 408, 413, 414, 415, 417, 421, 431), "invalid_request"),
            401: "invalid_api_key",
            403: "permission_denied",
            404: "not_found",
            409: "conflict",
            429: "rate_limit_exceeded",
            "budget_exhausted": "insufficient_quota",
            **dict.fromkeys((500, 502, 503, 504, 508), "server_error"),
        },
        # Chat's clients look for `error`, those of responses for the type.
        event={
            "type": "error",
            "sequence_number": 0,
            "code": "{code}",
            "message": "{message}",
            "param": None,
            "error": {"message": "{message}", "type": "{code}", "param": None, "code": "{code}"},
        },
    ),
    documents=("https://platform.openai.com/docs/api-reference",),
)
