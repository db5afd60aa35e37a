"""Bookbag API v2. The userId is whatever the caller says: ours alone, then.

A conversation's id is an integer in JSON and the same as text in streams and paths. The API is of
Chatbase's family, so an answer may name things in each place that one uses. Contacts, exports,
campaigns and the list of everybody's conversations stay out of end users' reach.
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
    name="bookbag",
    title="Bookbag API v2",
    base_url="https://app.bookbag.ai",
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
    },
    closed=(AGENT + "/conversations/export", AGENT + "/conversations/export/{+rest}"),
    problem=ProblemShape(
        body={"error": {"code": "{code}", "message": "{message}"}},
        codes={
            400: "VALIDATION_INVALID_BODY",
            401: "AUTH_INVALID_API_KEY",
            "credentials_missing": "AUTH_MISSING_API_KEY",
            403: "AUTH_INSUFFICIENT_PERMISSIONS",
            404: "RESOURCE_NOT_FOUND",
            405: "RESOURCE_NOT_FOUND",
            413: "VALIDATION_INVALID_BODY",
            415: "VALIDATION_INVALID_BODY",
            429: "RATE_LIMIT_TOO_MANY_REQUESTS",
            500: "INTERNAL_SERVER_ERROR",
            502: "INTERNAL_SERVER_ERROR",
            503: "INTERNAL_SERVER_ERROR",
            504: "INTERNAL_SERVER_ERROR",
        },
        event={"type": "error", "errorText": "{message}"},
    ),
    lookup=Lookup(
        path=CONVERSATION,
        owner=(Body("/data/userId"),),
        conversation=(Body("/data/id"),),
    ),
    widget=("user_hash",),
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
        signature="hmac_sha256",
        field="x-bookbag-signature",
        prefix="sha256=",
        kind=(Body("/event"),),
        time=(Body("/ts"),),
        conversation=(
            Body("/data/conversationId"),
            Body("/data/conversation_id"),
            Body("/data/conversation/id"),
        ),
        user=(Body("/data/userId"), Body("/data/user_id"), Body("/data/conversation/userId")),
    ),
    documents=("https://bookbag.ai/docs/api/v2",),
)
