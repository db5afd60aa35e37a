"""Dify's apps. It believes whatever `user` a request names: in the body, the query or a form.

An answer names the conversation, the message and the task, and each is the person's alone: who
knows a task's id may stop it (a workflow's without being asked who they are), and a file that was
uploaded can be named by whoever knows its id. `inputs` hold plain values: a file in them would be
named where nobody looks. Knowledge bases, annotations and logs are of the back office.
"""

from gateway.core.profile.vendor import (
    Body,
    Operation,
    ProblemShape,
    Query,
    Variable,
    Vendor,
    plain,
)

USER = (Body("/user"),)
ASKS = (Query("user"),)
FILES = Body("/files/*/upload_file_id")
TASK = (Variable("task"),)
MESSAGE = (Variable("message"),)
CONVERSATION = (Variable("conversation"),)
INPUTS = (Body("/inputs"),)
INNER = {"/files/*": frozenset({"type", "transfer_method", "url"})}
VALUES = {
    "/response_mode": frozenset({"streaming", "blocking"}),
    "/files/*/transfer_method": frozenset({"remote_url", "local_file"}),
}
USAGE = (Body("/metadata/usage"), Body("/data/total_tokens"))
WHY_NONE = "about the app, and nobody's"


def stop(path: str) -> Operation:
    """What ends an answer that is under way."""
    return Operation(method="POST", path=path + "/{task}/stop", user=USER, conversation=TASK)


VENDOR = Vendor(
    name="dify",
    title="Dify",
    base_url="https://api.dify.ai",
    fields={"authorization": "Bearer {key}"},
    user_id=r"[A-Za-z0-9._@+=-]{1,128}",
    operations={
        "chat": Operation(
            method="POST",
            path="/v1/chat-messages",
            members=frozenset({"inputs", "query", "response_mode", "files", "auto_generate_name"}),
            inner={**INNER, **plain("query", "auto_generate_name")},
            values=VALUES,
            containers=INPUTS,
            flat=INPUTS,
            user=USER,
            conversation=(FILES, Body("/conversation_id")),
            opens=(Body("/conversation_id"), Body("/message_id"), Body("/task_id")),
            opens_more=True,
            blank_opens=True,
            usage=USAGE,
            thinks=True,
        ),
        "stop": stop("/v1/chat-messages"),
        "completion": Operation(
            method="POST",
            path="/v1/completion-messages",
            members=frozenset({"inputs", "response_mode", "files"}),
            inner=INNER,
            values=VALUES,
            containers=INPUTS,
            flat=INPUTS,
            user=USER,
            conversation=(FILES,),
            opens=(Body("/message_id"), Body("/task_id")),
            opens_more=True,
            usage=USAGE,
            thinks=True,
        ),
        "stop-completion": stop("/v1/completion-messages"),
        "workflow": Operation(
            method="POST",
            path="/v1/workflows/run",
            members=frozenset({"inputs", "response_mode", "files"}),
            inner=INNER,
            values=VALUES,
            containers=INPUTS,
            flat=INPUTS,
            user=USER,
            conversation=(FILES,),
            opens=(Body("/task_id"),),
            opens_more=True,
            usage=USAGE,
            thinks=True,
        ),
        "stop-workflow": stop("/v1/workflows/tasks"),
        "feedback": Operation(
            method="POST",
            path="/v1/messages/{message}/feedbacks",
            members=frozenset({"rating", "content"}),
            inner=plain("content"),
            values={"/rating": frozenset({"like", "dislike", None})},
            user=USER,
            conversation=MESSAGE,
        ),
        "suggested": Operation(
            method="GET",
            path="/v1/messages/{message}/suggested",
            user=ASKS,
            conversation=MESSAGE,
        ),
        "messages": Operation(
            method="GET",
            path="/v1/messages",
            query=frozenset({"first_id", "limit"}),
            user=ASKS,
            conversation=(Query("conversation_id"),),
        ),
        "conversations": Operation(
            method="GET",
            path="/v1/conversations",
            query=frozenset({"last_id", "limit", "sort_by"}),
            user=ASKS,
            no_conversation="the user's own list",
        ),
        "rename": Operation(
            method="POST",
            path="/v1/conversations/{conversation}/name",
            members=frozenset({"name", "auto_generate"}),
            inner=plain("name", "auto_generate"),
            user=USER,
            conversation=CONVERSATION,
        ),
        "variables": Operation(
            method="GET",
            path="/v1/conversations/{conversation}/variables",
            query=frozenset({"last_id", "limit"}),
            user=ASKS,
            conversation=CONVERSATION,
        ),
        "delete": Operation(
            method="DELETE",
            path="/v1/conversations/{conversation}",
            user=USER,
            conversation=CONVERSATION,
        ),
        "upload": Operation(
            method="POST",
            path="/v1/files/upload",
            files=frozenset({"file"}),
            user=USER,
            opens=(Body("/id"),),
        ),
        "parameters": Operation(
            method="GET", path="/v1/parameters", user=ASKS, no_conversation=WHY_NONE
        ),
        "info": Operation(method="GET", path="/v1/info", user=ASKS, no_conversation=WHY_NONE),
        "meta": Operation(method="GET", path="/v1/meta", user=ASKS, no_conversation=WHY_NONE),
    },
    problem=ProblemShape(
        body={"code": "{code}", "message": "{message}", "status": "{status}"},
        codes={
            **dict.fromkeys((400, 405, 408, 409, 414, 417, 421, 431), "invalid_param"),
            401: "unauthorized",
            403: "forbidden",
            404: "not_found",
            413: "file_too_large",
            415: "unsupported_file_type",
            429: "too_many_requests",
            **dict.fromkeys((500, 502, 503, 504, 508), "internal_server_error"),
        },
        event={
            "event": "error",
            "status": "{status}",
            "code": "{code}",
            "message": "{message}",
        },
    ),
    documents=("https://docs.dify.ai/api-reference",),
)
