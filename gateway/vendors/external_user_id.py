"""Backends that are told who asks by X-External-* fields on every request, as DocBit is.

The vendor scopes conversations by these fields, so a forged field is a takeover. Limits are per
API key, shared by everybody.
"""

from gateway.core.profile.vendor import Body, Operation, ProblemShape, Variable, Vendor, plain

OPENS = (Body("/conversationId"),)
ASK = frozenset({"message", "conversationId", "documentIds", "folderIds"})
INNER = plain("message", "documentIds/*", "folderIds/*")

VENDOR = Vendor(
    name="external-user-id",
    title="X-External-User-Id backends",
    base_url=None,
    fields={
        "authorization": "ApiKey {key}",
        "x-external-org-id": "{org}",
        "x-external-user-id": "{user}",
        "x-external-roles": "{roles}",
    },
    user_id=r"[A-Za-z0-9._@+-]{1,128}",
    operations={
        "chat": Operation(
            method="POST",
            path="/api/ai/chat",
            members=ASK,
            inner=INNER,
            conversation=(Body("/conversationId"),),
            opens=OPENS,
            thinks=True,
        ),
        "stream": Operation(
            method="POST",
            path="/api/ai/chat/stream",
            members=ASK,
            inner=INNER,
            conversation=(Body("/conversationId"),),
            opens=OPENS,
            thinks=True,
        ),
        "conversations": Operation(
            method="GET",
            path="/api/ai/conversations",
            query=frozenset({"limit", "offset"}),
            no_conversation="the vendor lists what is the user's own, by the fields",
        ),
        "conversation": Operation(
            method="GET",
            path="/api/ai/conversations/{conversation}",
            conversation=(Variable("conversation"),),
        ),
    },
    problem=ProblemShape(body={"error": "{message}"}),
    documents=("https://docs.docbit.ro",),
)
