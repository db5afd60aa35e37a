"""AltaTech (GPTBots). The user id is set before the conversation exists; message calls carry none.

Streams are JSON lines and name neither user nor conversation, and the vendor never asks whether the
two belong together: ownership is ours alone. Whoever could send `assistant` turns, `knowledge` or
`custom_variables` could forge the context or read other people's documents: messages have the role
`user` only, and the rest is the server's to set. What the API names by a message alone (feedback,
suggested questions, sources) has no owner to check and stays closed.
"""

from gateway.core.profile.vendor import (
    Body,
    Callback,
    ContactBook,
    Lookup,
    Operation,
    ProblemShape,
    Query,
    Vendor,
    plain,
)

THEIRS = (Body("/conversation_id"),)
OPENS = (Body("/conversation_id"), Body("/data/conversation_id"))
READS = (Query("conversation_id"),)
PAGE = frozenset({"page", "page_size"})
MODES = frozenset({"streaming", "blocking"})  # "webhook" answers somebody else
MEMORY = frozenset({"short_term_memory", "long_term_memory"})
# Of a whole answer, and of the line of code 4; other lines hold what tools said.
USAGE = (
    Body("/usage/tokens/prompt_tokens"),
    Body("/usage/tokens/completion_tokens"),
    Body("/usage/tokens/total_tokens"),
    Body("/usage/credits/total_credits"),
    Body("/data/prompt_tokens"),
    Body("/data/completion_tokens"),
    Body("/data/total_tokens"),
)
INVALID, REFUSED, UNKNOWN, TOO_MANY, FAILED = 40000, 40127, 40356, 40008, 50000

VENDOR = Vendor(
    name="altatech",
    title="AltaTech / GPTBots",
    base_url="https://altatech.ai",
    fields={"authorization": "Bearer {key}"},
    user_id=r"[A-Za-z0-9._-]{1,32}",  # "max length 32": a UUID has 36, and becomes opaque
    operations={
        "open": Operation(
            method="POST",
            path="/v1/conversation",
            user=(Body("/user_id"),),
            opens=OPENS,
        ),
        "message": Operation(
            method="POST",
            path="/v2/conversation/message",
            members=frozenset({"conversation_id", "messages", "response_mode"}),
            settable=frozenset({"conversation_config"}),
            values={"/response_mode": MODES, "/messages/*/role": frozenset({"user"})},
            conversation=THEIRS,
            opens=OPENS,
            must_continue=True,
            usage=USAGE,
            json_lines=True,
            thinks=True,
        ),
        "message-v1": Operation(
            method="POST",
            path="/v1/conversation/message",
            members=frozenset({"conversation_id", "text", "files", "response_mode"}),
            inner=plain("text"),
            settable=MEMORY | {"knowledge"},
            values={"/response_mode": MODES},
            conversation=THEIRS,
            opens=OPENS,
            must_continue=True,
            usage=USAGE,
            json_lines=True,
            thinks=True,
        ),
        "messages": Operation(
            method="GET",
            path="/v2/messages",
            query=PAGE,
            conversation=READS,
        ),
        "messages-v1": Operation(
            method="GET",
            path="/v1/messages",
            query=PAGE,
            conversation=READS,
        ),
        "conversations": Operation(
            method="GET",
            path="/v1/bot/conversation/page",
            query=PAGE | {"conversation_type", "start_time", "end_time"},
            user=(Query("user_id"),),
            answers_user=(Body("/list/*/user_id"), Body("/data/list/*/user_id")),
            no_conversation="the user's own list",
        ),
    },
    problem=ProblemShape(
        # GPTBots' documents have the code at the top, AltaBots' have it in `error`.
        body={
            "code": "{code}",
            "message": "{message}",
            "error": {"code": "{code}", "message": "{message}", "status": "{status}"},
        },
        codes={
            **dict.fromkeys((400, 404, 405, 408, 409, 413, 414, 415, 417, 421, 431), INVALID),
            **dict.fromkeys((401, 403), REFUSED),
            "conversation_not_found": UNKNOWN,
            429: TOO_MANY,
            **dict.fromkeys((500, 502, 503, 504, 508), FAILED),
        },
        event={"code": "{code}", "message": "{message}", "data": None},
    ),
    lookup=Lookup(
        path="/v1/bot/conversation/page",
        query={
            "user_id": "{user}",
            "conversation_type": "ALL",
            "start_time": "0",
            "end_time": "9999999999999",  # milliseconds
            "page": "1",
            "page_size": "100",
        },
        items=Body("/list"),
        conversation=(Body("/conversation_id"),),
        owner=(Body("/user_id"),),
    ),
    widget=("user_id",),
    # Attributes are made in its console; an answer names those that it does not know.
    contacts=ContactBook(
        path="/v1/property/update",
        user="user_id",
        others="property_values",
        pair=("property_name", "value"),
        refused=Body("/fail_update/*/property_name"),
    ),
    events=Callback(
        signature="bearer",  # the app key, by which it knows us too
        unnamed="message",
        id=(Body("/message_id"),),
        conversation=THEIRS,
        user=(Body("/user_id"), Body("/user_info/user_id")),
        trial=(Body("/istest"),),
    ),
    documents=("https://altatech.ai", "https://gptbots.ai/docs/api-doc"),
)
