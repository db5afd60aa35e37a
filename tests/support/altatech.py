"""AltaTech, a GPTBots by another name, as its documents and clients show it, quirks included.

The user is named when a conversation is opened, and never again: whoever knows an id goes on with
it. It takes `assistant` turns for its own, opens any document a caller names, and lists everybody's
conversations to those who do not say whose. Streams are JSON lines.

    async with AltaTech(key="app-key") as vendor:
        vendor.media, vendor.prefix = "text/event-stream", "data:"  # the form of a stream
        vendor.enveloped = True                  # AltaBots' form of an error, else GPTBots'
        vendor.before_line = wait_for_the_test   # called with each line of a stream
        vendor.reports_user = "mallory"          # lie about whose a conversation is
        vendor.reports_conversation = "…"        # and in answers, about which it is
        vendor.open("bob")                       # one the gateway has not seen made
        vendor.handler = broken                  # vendor.answer is the usual one
"""

from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from tests.support.altatech_requests import (
    Json,
    Refusal,
    as_json,
    json_object,
    page_of,
    required,
    text,
)
from tests.support.altatech_turns import Conversation, blocking, listed, stream, tell
from tests.support.reply import Hold, Reply, at_once
from tests.support.vendor import RecordingVendor, Request

COOKIE = "alta_session=VENDOR-COOKIE-CANARY; Path=/; HttpOnly"
MODES = ("blocking", "streaming", "webhook")


class AltaTech(RecordingVendor):
    """See the module. `conversations` is all it remembers, by id."""

    def __init__(self, *, key: str = "app-key") -> None:
        super().__init__(self.answer)
        self.key = key
        self.conversations: dict[str, Conversation] = {}
        self.new_id: Callable[[], str] = lambda: f"67b590ca27008b39{len(self.conversations):08x}"
        self.documents = {"doc_1": "the salaries of another tenant"}
        self.attributes = {"email", "plan"}  # that its console has
        self.properties: dict[str, dict[str, object]] = {}  # of people, by user id
        self.webhook: list[Json] = []  # what it sent there
        self.media = "text/event-stream"
        self.prefix = ""
        self.enveloped = False
        self.reports_user: str | None = None
        self.reports_conversation: str | None = None
        self.before_line: Hold = at_once

    async def answer(self, request: Request, reply: Reply) -> None:
        """The usual handler."""
        try:
            shown = request.values("authorization")
            if not shown or shown[-1] != f"Bearer {self.key}":
                raise Refusal(401, 40127, f"Authentication failed: {shown}")
            await self._route(request, reply)
        except Refusal as refusal:
            body = refusal.enveloped if self.enveloped else refusal.body
            await reply.json(refusal.status, body, LEAKS)

    async def _route(self, request: Request, reply: Reply) -> None:
        path = unquote(urlsplit(request.target).path)
        match request.method, path:
            case "POST", "/v1/conversation":
                await self._open(request, reply)
            case "POST", "/v1/conversation/message":
                body = json_object(request)
                await self._message(body, [text(body, "text")], body.get("knowledge"), reply)
            case "POST", "/v2/conversation/message":
                body = json_object(request)
                config = body.get("conversation_config") or {}
                await self._message(body, _turns(body), config.get("knowledge"), reply)
            case "GET", "/v1/messages" | "/v2/messages":
                await self._messages(request, reply)
            case "GET", "/v1/bot/conversation/page":
                await self._page(request, reply)
            case "POST", "/v1/property/update":
                await self._update(request, reply)
            case "POST", "/v1/user/set-userid":
                await self._set_user(request, reply)
            case _:
                raise Refusal(404, 40000, "No such resource")

    async def _update(self, request: Request, reply: Reply) -> None:
        """Attributes of one user; those that its console does not have are told back."""
        body = json_object(request)
        user, given = text(body, "user_id"), body.get("property_values")
        if not isinstance(given, list) or not given:
            raise Refusal(400, 40000, "property_values")
        taken = [one for one in given if one["property_name"] in self.attributes]
        failed = [one for one in given if one not in taken]
        known = self.properties.setdefault(user, {})
        known |= {one["property_name"]: one["value"] for one in taken}
        await reply.json(200, {"success_update": taken, "fail_update": failed}, LEAKS)

    def open(self, user: str) -> Conversation:
        """A new conversation, also for a test that needs one the gateway has not seen made."""
        conversation = Conversation(self.new_id(), user)
        self.conversations[conversation.id] = conversation
        return conversation

    def _named(self, conversation_id: str) -> Conversation:
        if conversation_id not in self.conversations:
            raise Refusal(400, 40356, "Conversation does not exist")
        return self.conversations[conversation_id]  # whoever's it is

    async def _open(self, request: Request, reply: Reply) -> None:
        user = text(json_object(request), "user_id")
        if len(user) > 32:
            raise Refusal(400, 40000, "user_id")
        conversation = self.open(user)
        named = self.reports_conversation or conversation.id
        await reply.json(200, {"conversation_id": named}, LEAKS)

    async def _message(
        self, body: Json, turns: list[str], knowledge: Json | None, reply: Reply
    ) -> None:
        mode = text(body, "response_mode")
        if mode not in MODES:
            raise Refusal(400, 40000, "response_mode")
        conversation = self._named(text(body, "conversation_id"))
        conversation.messages += [("user", turn) for turn in turns]
        read = [self.documents[one] for one in (knowledge or {}).get("data_ids", [])]
        said = tell(conversation, turns[-1], read)
        whole = blocking(conversation, said)
        if mode == "webhook":
            self.webhook.append(whole)
            await reply.json(200, {"code": 0, "message": "OK"}, LEAKS)
        elif mode == "blocking":
            whole["conversation_id"] = self.reports_conversation or conversation.id
            await reply.json(200, whole, LEAKS)
        else:
            await self._stream(conversation, said, reply)

    async def _stream(self, conversation: Conversation, said: str, reply: Reply) -> None:
        framing = [("content-type", self.media), ("transfer-encoding", "chunked")]
        await reply.head(200, [*framing, *LEAKS])
        for line in stream(conversation, said, self.reports_conversation):
            await self.before_line(line)
            await reply.chunk(written(line, self.prefix))
        await reply.end()

    async def _messages(self, request: Request, reply: Reply) -> None:
        query = required(request, "conversation_id", "page", "page_size")
        conversation = self._named(query["conversation_id"])
        found = [
            {"message_id": f"msg_{number}", "role": role, "text": said}
            for number, (role, said) in enumerate(conversation.messages)
        ]
        name = "messages" if request.target.startswith("/v1") else "conversation_content"
        await reply.json(200, {"total": len(found), name: page_of(query, found)}, LEAKS)

    async def _page(self, request: Request, reply: Reply) -> None:
        query = required(
            request, "conversation_type", "start_time", "end_time", "page", "page_size"
        )
        found = [
            listed(one, self.reports_user)
            for one in self.conversations.values()
            if query.get("user_id") in {None, one.user}
        ]
        await reply.json(200, {"list": page_of(query, found), "total": len(found)}, LEAKS)

    async def _set_user(self, request: Request, reply: Reply) -> None:
        """Make the conversations of one the conversations of another: for the back office."""
        body = json_object(request)
        for conversation in self.conversations.values():
            if conversation.user in body.get("anonymous_ids", []):
                conversation.user = text(body, "user_id")
        await reply.json(200, {"affect_count": 1}, LEAKS)


LEAKS = [
    ("server", "openresty"),
    ("set-cookie", COOKIE),
    ("x-request-id", "req_alta"),
    ("x-ratelimit-remaining", "2"),
]


def written(line: Json, prefix: str) -> bytes:
    """A line of a stream: bare, or as an event of one `data:` field."""
    content = f"{prefix}{as_json(line)}\n"
    return (content + "\n" if prefix else content).encode()


def _turns(body: Json) -> list[str]:
    """What was said, by whomever: it believes an `assistant` turn."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or messages[-1].get("role") != "user":
        raise Refusal(400, 40000, "messages")
    return [_said(message.get("content")) for message in messages]


def _said(content: object) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise Refusal(400, 40000, "content")
    return " ".join(part.get("text", f"<{part.get('type')}>") for part in content)
