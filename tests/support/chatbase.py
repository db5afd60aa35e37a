"""Chatbase API v2 as its documents and clients show it, quirks included.

What it does not do is the point: it takes a userId on creation only, ignores one sent beside a
conversationId, and never asks whether the two belong together. Beyond that it leaks what a real
vendor may leak: cookies, a server's name, a challenge, a key quoted in an error.

    async with Chatbase(key="cb-key") as vendor:
        vendor.shape = "c"                       # where a stream names the conversation
        vendor.before_event = wait_for_the_test  # called with each event of a stream
        vendor.memory.reports_user = "mallory"   # lie about whose conversation it is
        vendor.memory.open("agent_1", "bob")     # one the gateway has not seen made
        vendor.handler = broken                  # vendor.answer is the usual one
"""

import re
from collections.abc import Awaitable, Callable
from urllib.parse import unquote, urlsplit

from tests.support.chatbase_conversations import EPOCH, Conversation, Conversations
from tests.support.chatbase_requests import Refusal, json_object, page, text, wants_stream
from tests.support.chatbase_turns import Json, Shape
from tests.support.contact_book import Contacts
from tests.support.reply import Hold, Reply, at_once
from tests.support.vendor import RecordingVendor, Request

USER_ID = re.compile(r"[a-zA-Z0-9._-]{1,128}")
COOKIE = "cb_session=VENDOR-COOKIE-CANARY; Path=/; HttpOnly"


class Chatbase(RecordingVendor):
    """See the module. `memory` is all it remembers."""

    def __init__(
        self, *, key: str = "cb-key", agents: tuple[str, ...] = ("agent_1", "agent_2")
    ) -> None:
        super().__init__(self.answer)
        self.key = key
        self.agents = agents
        self.memory = Conversations()
        self.contacts = Contacts(strict=False)
        self.shape: Shape = "a"
        self.named_events = False  # `event:` lines beside `data:`, as the newer document has them
        self.before_event: Hold = at_once

    async def answer(self, request: Request, reply: Reply) -> None:
        """The usual handler."""
        try:
            self._authenticate(request)
            if not await self.contacts.answer(request, reply):
                await self._route(request, reply)
        except Refusal as refusal:
            fields = _leaky_fields(request)
            if refusal.status == 401:
                fields.append(("www-authenticate", 'Bearer realm="chatbase"'))
            await reply.json(refusal.status, refusal.body, fields)

    def _authenticate(self, request: Request) -> None:
        shown = request.values("authorization")
        if not shown:
            raise Refusal(401, "AUTH_MISSING_API_KEY")
        if shown[-1] != f"Bearer {self.key}":
            raise Refusal(401, "AUTH_INVALID_API_KEY", f"The API key '{shown[-1]}' is not valid")

    async def _route(self, request: Request, reply: Reply) -> None:
        # Decoded before it is routed, as many servers do: %2F is a slash here.
        path = unquote(urlsplit(request.target).path)
        for method, pattern, operation in OPERATIONS:
            found = pattern.fullmatch(path)
            if found and method == request.method:
                agent, *rest = found.groups()
                if agent not in self.agents:
                    raise Refusal(404, "AGENT_NOT_FOUND")
                await operation(self, request, reply, agent, *rest)
                return
        raise Refusal(404, "RESOURCE_NOT_FOUND")

    # Talking

    async def chat(self, request: Request, reply: Reply, agent: str) -> None:
        body = json_object(request)
        message, user = text(body, "message"), text(body, "userId")
        if user is not None and not USER_ID.fullmatch(user):
            raise Refusal(400, "VALIDATION_INVALID_BODY", "userId")
        named = text(body, "conversationId")
        if named is not None:
            conversation = self.memory.ongoing(agent, named)  # whoever's it is
        elif message is not None:
            conversation = self.memory.open(agent, user)
        else:
            raise Refusal(400, "VALIDATION_INVALID_BODY", "message")
        if message is not None:
            self.memory.say(conversation, "user", [{"type": "text", "text": message}])
        elif not conversation.waits_for_the_agent():
            raise Refusal(400, "VALIDATION_INVALID_BODY", "message")
        await self._respond(request, reply, conversation, stream=wants_stream(body))

    async def retry(self, request: Request, reply: Reply, agent: str, named: str) -> None:
        """Forget what came after the question before this message, and answer it again."""
        body = json_object(request)
        conversation = self.memory.ongoing(agent, named)
        conversation.truncate_before_answer(text(body, "messageId"))
        await self._respond(request, reply, conversation, stream=wants_stream(body))

    async def tool_result(self, request: Request, reply: Reply, agent: str, named: str) -> None:
        body = json_object(request)
        conversation = self.memory.of_agent(agent, named)
        if body.get("toolCallId") not in conversation.unanswered_tool_calls():
            raise Refusal(404, "RESOURCE_TOOL_CALL_NOT_FOUND")
        result = {"toolCallId": body["toolCallId"], "output": body.get("output")}
        conversation.messages[-1]["parts"].append({"type": "tool-result", **result})
        await _json(request, reply, {"data": {"success": True}})

    async def _respond(
        self, request: Request, reply: Reply, conversation: Conversation, *, stream: bool
    ) -> None:
        turn = self.memory.answer(conversation)
        if not stream:
            await _json(request, reply, turn.unary())
            return
        fields = [*_leaky_fields(request), ("x-vercel-ai-ui-message-stream", "v1")]
        await reply.start_stream(fields)
        for event in turn.events(self.shape):
            await self.before_event(event)
            await reply.event(event, name=event["type"] if self.named_events else "")
        await reply.event("[DONE]")
        await reply.end()

    async def voice(self, request: Request, reply: Reply, agent: str) -> None:
        """The one place where it compares the user with the conversation's."""
        body = json_object(request)
        user, named = text(body, "userId"), text(body, "conversationId")
        if named is None:
            conversation = self.memory.open(agent, user)
        else:
            conversation = self.memory.of_agent(agent, named)
        if conversation.user != user:
            raise Refusal(403, "CONVERSATION_USER_MISMATCH")
        session = {
            "participantToken": "voice-token",
            "sessionId": f"voice_{conversation.number}",
            "roomName": f"room_{conversation.number}",
            "maxDurationSeconds": 600,
            "conversationId": conversation.id,
            "userId": self.memory.reported_user(conversation),
        }
        await _json(request, reply, {"data": session})

    # Looking

    async def read(self, request: Request, reply: Reply, agent: str, named: str) -> None:
        conversation = self.memory.of_agent(agent, named)
        recent = {"messages": conversation.messages[-20:]}
        await _json(request, reply, {"data": {**self.memory.summary(conversation), **recent}})

    async def messages(self, request: Request, reply: Reply, agent: str, named: str) -> None:
        """Newest page first, each in the order of time."""
        newest_first = self.memory.of_agent(agent, named).messages[::-1]
        found = page(request, newest_first)
        found["data"].reverse()
        await _json(request, reply, found)

    async def feedback(
        self, request: Request, reply: Reply, agent: str, named: str, message: str
    ) -> None:
        found = [one for one in self.memory.of_agent(agent, named).messages if one["id"] == message]
        if not found:
            raise Refusal(404, "RESOURCE_MESSAGE_NOT_FOUND")
        if found[0]["role"] != "assistant":
            raise Refusal(400, "RESOURCE_MESSAGE_NOT_ASSISTANT")
        found[0]["feedback"] = json_object(request).get("feedback")
        await _json(request, reply, {"data": found[0]})

    async def of_user(self, request: Request, reply: Reply, agent: str, user: str) -> None:
        found = [one for one in self.memory.of_all(agent) if one.user == user]
        await _json(request, reply, page(request, [self.memory.summary(one) for one in found]))

    async def of_everybody(self, request: Request, reply: Reply, agent: str) -> None:
        """The back office's list: no end user may ever get here."""
        found = self.memory.of_all(agent)
        await _json(request, reply, page(request, [self.memory.summary(one) for one in found]))


_AGENT = "/api/v2/agents/([^/]+)"
_CONVERSATION = _AGENT + "/conversations/([^/]+)"
OPERATIONS: list[tuple[str, re.Pattern[str], Callable[..., Awaitable[None]]]] = [
    ("POST", re.compile(_AGENT + "/chat"), Chatbase.chat),
    ("POST", re.compile(_AGENT + "/voice/sessions"), Chatbase.voice),
    ("GET", re.compile(_AGENT + "/conversations"), Chatbase.of_everybody),
    ("GET", re.compile(_AGENT + "/users/([^/]+)/conversations"), Chatbase.of_user),
    ("GET", re.compile(_CONVERSATION), Chatbase.read),
    ("GET", re.compile(_CONVERSATION + "/messages"), Chatbase.messages),
    ("POST", re.compile(_CONVERSATION + "/retry"), Chatbase.retry),
    ("POST", re.compile(_CONVERSATION + "/tool-result"), Chatbase.tool_result),
    ("PATCH", re.compile(_CONVERSATION + "/messages/([^/]+)/feedback"), Chatbase.feedback),
]


async def _json(request: Request, reply: Reply, value: Json) -> None:
    await reply.json(200, value, _leaky_fields(request))


def _leaky_fields(request: Request) -> list[tuple[str, str]]:
    return [
        ("server", "Vercel"),
        ("set-cookie", COOKIE),
        ("x-request-id", f"req_vendor_{request.number}"),
        ("x-ratelimit-limit", "100"),
        ("x-ratelimit-remaining", str(100 - request.number % 100)),
        ("x-ratelimit-reset", str(EPOCH)),
    ]
