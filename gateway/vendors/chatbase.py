"""Chatbase API v2. A userId is taken on creation only, and ignored afterwards: ownership is ours.

Its documents name the conversation in four shapes of answer, and its own clients read yet another,
so all are read. Exports, agents, sources, tickets and the list of everybody's conversations stay
out of end users' reach.
"""

from gateway.core.profile.vendor import (
    Body,
    Callback,
    ContactBook,
    Lookup,
    Operation,
    ProblemShape,
    Variable,
    Vendor,
    plain,
)

OPENS = (
    Body("/data/metadata/conversationId"),
    Body("/metadata/conversationId"),
    Body("/messageMetadata/conversationId"),
    Body("/conversationId"),
)
USER = (
    Body("/data/metadata/userId"),
    Body("/metadata/userId"),
    Body("/messageMetadata/userId"),
    Body("/userId"),
)
USAGE = (
    Body("/data/metadata/usage"),
    Body("/metadata/usage"),
    Body("/messageMetadata/usage"),
    Body("/usage"),
)
AGENT = "/api/v2/agents/{agent}"
CONVERSATION = AGENT + "/conversations/{conversation}"
THEIRS = (Variable("conversation"),)
PAGE = frozenset({"cursor", "limit"})
STREAM = {"/stream": frozenset({True, False})}

VENDOR = Vendor(
    name="chatbase",
    title="Chatbase API v2",
    base_url="https://www.chatbase.co",
    fields={"authorization": "Bearer {key}"},
    user_id=r"[A-Za-z0-9._-]{1,128}",
    operations={
        "chat": Operation(
            method="POST",
            path=AGENT + "/chat",
            members=frozenset({"message", "stream", "conversationId"}),
            inner=plain("message"),
            values=STREAM,
            user=(Body("/userId"),),
            says=(Body("/message"),),
            conversation=(Body("/conversationId"),),
            opens=OPENS,
            answers_user=USER,
            usage=USAGE,
            thinks=True,
        ),
        "retry": Operation(
            method="POST",
            path=CONVERSATION + "/retry",
            members=frozenset({"messageId", "stream"}),
            inner=plain("messageId"),
            values=STREAM,
            conversation=THEIRS,
            opens=OPENS,
            answers_user=USER,
            usage=USAGE,
            thinks=True,
        ),
        "tool-result": Operation(
            method="POST",
            path=CONVERSATION + "/tool-result",
            members=frozenset({"toolCallId", "output"}),
            inner=plain("toolCallId"),
            conversation=THEIRS,
            calls_tool=True,
        ),
        "conversation": Operation(
            method="GET",
            path=CONVERSATION,
            conversation=THEIRS,
            answers_user=(Body("/data/userId"), Body("/data/conversation/userId")),
        ),
        "messages": Operation(
            method="GET",
            path=CONVERSATION + "/messages",
            query=PAGE,
            conversation=THEIRS,
            answers_user=(Body("/data/*/metadata/userId"),),
        ),
        "feedback": Operation(
            method="PATCH",
            path=CONVERSATION + "/messages/{message}/feedback",
            members=frozenset({"feedback"}),
            values={"/feedback": frozenset({"positive", "negative", None})},
            conversation=THEIRS,
        ),
        "conversations": Operation(
            method="GET",
            path=AGENT + "/users/{user}/conversations",
            query=PAGE,
            user=(Variable("user"),),
            answers_user=(Body("/data/*/userId"),),
            no_conversation="the user's own list",
        ),
        "voice": Operation(
            method="POST",
            path=AGENT + "/voice/sessions",
            members=frozenset({"conversationId", "timezone"}),
            inner=plain("timezone"),
            user=(Body("/userId"),),
            conversation=(Body("/conversationId"),),
            opens=(Body("/data/conversationId"), Body("/conversationId")),
            answers_user=(Body("/data/userId"), Body("/userId")),
            thinks=True,
        ),
    },
    closed=(AGENT + "/conversations/export", AGENT + "/conversations/export/{+rest}"),
    problem=ProblemShape(
        body={"error": {"code": "{code}", "message": "{message}"}},
        codes={
            400: "VALIDATION_INVALID_BODY",
            "ambiguous_json": "VALIDATION_INVALID_JSON",
            401: "AUTH_INVALID_API_KEY",
            "credentials_missing": "AUTH_MISSING_API_KEY",
            "credentials_expired": "AUTH_EXPIRED_API_KEY",
            403: "AUTH_INSUFFICIENT_PERMISSIONS",
            404: "RESOURCE_NOT_FOUND",
            405: "RESOURCE_NOT_FOUND",
            413: "VALIDATION_INVALID_BODY",
            415: "VALIDATION_INVALID_BODY",
            429: "RATE_LIMIT_TOO_MANY_REQUESTS",
            500: "INTERNAL_SERVER_ERROR",
            502: "INTERNAL_SERVER_ERROR",
            503: "SERVICE_UNDER_MAINTENANCE",
            504: "CHAT_STREAMING_ERROR",
        },
        event={"type": "error", "errorText": "{message}"},
    ),
    lookup=Lookup(
        path=CONVERSATION,
        owner=(Body("/data/userId"),),
        conversation=(Body("/data/id"),),
    ),
    widget=("jwt", "user_hash"),
    contacts=ContactBook(
        path="/api/v1/chatbots/{agent}/contacts",
        contacts="users",
        user="external_id",
        own=frozenset({"name", "email", "phonenumber"}),
        others="custom_attributes",
        most=1000,
        definitions="/api/v1/chatbots/{agent}/custom-attributes",
        removes=True,
    ),
    events=Callback(
        signature="hmac_sha1",
        field="x-chatbase-signature",
        kind=(Body("/eventType"),),
        conversation=(Body("/payload/conversationId"),),
        user=(Body("/payload/userId"),),
    ),
    documents=("https://chatbase.co/docs/api-v2",),
)
