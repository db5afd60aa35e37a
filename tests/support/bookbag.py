"""Bookbag API v2 as its documents show it: Chatbase's family, with quirks of its own.

Ids of agents and conversations are integers, written as text in streams and paths, and it reads an
id as loosely as JavaScript makes a number of one: "07", 7.0 and " 7" are 7, `true` is 1. A userId
is taken on creation and ignored afterwards; a key may make so many requests, whoever is behind it.

    async with Bookbag(key="oc_key") as vendor:
        vendor.allowance = 1                     # requests left to the key
        vendor.before_event = wait_for_the_test  # called with each event of a stream
        vendor.memory.reports_user = "mallory"   # lie about whose conversation it is
        vendor.memory.open("12", "bob")          # one the gateway has not seen made
        vendor.handler = broken                  # vendor.answer is the usual one
"""

import itertools
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.support.chatbase_conversations import EPOCH, Conversation, Conversations
from tests.support.chatbase_requests import Refusal, json_object, page, text, wants_stream
from tests.support.chatbase_turns import Json, Turn
from tests.support.contact_book import Contacts
from tests.support.reply import Hold, Reply, at_once
from tests.support.vendor import RecordingVendor, Request

USER_ID = re.compile(r"[a-zA-Z0-9._-]{1,128}")
COOKIE = "bb_session=VENDOR-COOKIE-CANARY; Path=/; HttpOnly"
FIRST = 7  # of the conversations


class Bookbag(RecordingVendor):
    """See the module. `memory` is all it remembers, by the text of an id."""

    def __init__(self, *, key: str = "oc_key", agents: tuple[str, ...] = ("12", "13")) -> None:
        super().__init__(self.answer)
        self.key = key
        self.agents = agents
        self.allowance = 100
        self.memory = Conversations()
        self.contacts = Contacts(strict=True)
        numbers = itertools.count(FIRST)
        self.memory.new_id = lambda: str(next(numbers))
        self.before_event: Hold = at_once

    async def answer(self, request: Request, reply: Reply) -> None:
        """The usual handler."""
        try:
            self._authenticate(request)
            if not await self.contacts.answer(request, reply):
                await self._route(request, reply)
        except Refusal as refusal:
            fields = self._fields(request)
            if refusal.status == 429:
                fields.append(("retry-after", "10"))
            await reply.json(refusal.status, refusal.body, fields)

    def _authenticate(self, request: Request) -> None:
        shown = request.values("authorization")
        if not shown:
            raise Refusal(401, "AUTH_MISSING_API_KEY")
        if shown[-1] != f"Bearer {self.key}":
            raise Refusal(401, "AUTH_INVALID_API_KEY", f"The API key '{shown[-1]}' is not valid")
        if self.allowance <= 0:
            raise Refusal(429, "RATE_LIMIT_TOO_MANY_REQUESTS")
        self.allowance -= 1

    async def _route(self, request: Request, reply: Reply) -> None:
        path = unquote(urlsplit(request.target).path)
        for method, pattern, operation in OPERATIONS:
            found = pattern.fullmatch(path)
            if found and method == request.method:
                agent, *rest = found.groups()
                if _number(agent) not in self.agents:
                    raise Refusal(404, "RESOURCE_NOT_FOUND")
                await operation(self, request, reply, _number(agent), *rest)
                return
        raise Refusal(404, "RESOURCE_NOT_FOUND")

    # Talking

    async def chat(self, request: Request, reply: Reply, agent: str) -> None:
        body = json_object(request)
        message, user = text(body, "message"), text(body, "userId")
        if message is None:
            raise Refusal(400, "VALIDATION_INVALID_BODY", "message")
        if user is not None and not USER_ID.fullmatch(user):
            raise Refusal(400, "VALIDATION_INVALID_BODY", "userId")
        if body.get("conversationId") is None:
            conversation = self.memory.open(agent, user)
        else:
            conversation = self._of(agent, body["conversationId"])  # whoever's it is
        self.memory.say(conversation, "user", [{"type": "text", "text": message}])
        await self._respond(request, reply, conversation, stream=wants_stream(body))

    async def retry(self, request: Request, reply: Reply, agent: str, named: str) -> None:
        """Forget what came after the question before this message, and answer it again."""
        body = json_object(request)
        conversation = self._of(agent, named)
        conversation.truncate_before_answer(text(body, "messageId"))
        await self._respond(request, reply, conversation, stream=wants_stream(body))

    async def tool_result(self, request: Request, reply: Reply, agent: str, named: str) -> None:
        body = json_object(request)
        conversation = self._of(agent, named)
        if body.get("toolCallId") not in conversation.unanswered_tool_calls():
            raise Refusal(404, "RESOURCE_TOOL_CALL_NOT_FOUND")
        result = {"toolCallId": body["toolCallId"], "output": body.get("output")}
        conversation.messages[-1]["parts"].append({"type": "tool-result", **result})
        await self._json(request, reply, {"data": {"success": True}})

    async def _respond(
        self, request: Request, reply: Reply, conversation: Conversation, *, stream: bool
    ) -> None:
        turn = self.memory.answer(conversation)
        if not stream:
            unary = turn.unary()
            unary["data"]["metadata"]["conversationId"] = int(turn.conversation)
            await self._json(request, reply, unary)
            return
        await reply.start_stream(self._fields(request))
        for event in _events(turn):
            await self.before_event(event)
            await reply.event(event)
        await reply.event("[DONE]")
        await reply.end()

    def _of(self, agent: str, named: object) -> Conversation:
        return self.memory.of_agent(agent, _number(named))

    # Looking

    async def read(self, request: Request, reply: Reply, agent: str, named: str) -> None:
        conversation = self._of(agent, named)
        messages = {"messages": conversation.messages}
        await self._json(request, reply, {"data": {**self._summary(conversation), **messages}})

    async def messages(self, request: Request, reply: Reply, agent: str, named: str) -> None:
        await self._json(request, reply, page(request, self._of(agent, named).messages))

    async def feedback(
        self, request: Request, reply: Reply, agent: str, named: str, message: str
    ) -> None:
        found = [one for one in self._of(agent, named).messages if one["id"] == message]
        if not found:
            raise Refusal(404, "RESOURCE_MESSAGE_NOT_FOUND")
        found[0]["feedback"] = json_object(request).get("feedback")
        await self._json(request, reply, {"data": found[0]})

    async def of_user(self, request: Request, reply: Reply, agent: str, user: str) -> None:
        found = [one for one in self.memory.of_all(agent) if one.user == user]
        await self._json(request, reply, page(request, [self._summary(one) for one in found]))

    async def of_everybody(self, request: Request, reply: Reply, agent: str) -> None:
        """The back office's list, export and contacts: no end user may ever get here."""
        found = self.memory.of_all(agent)
        await self._json(request, reply, page(request, [self._summary(one) for one in found]))

    def _summary(self, conversation: Conversation) -> Json:
        return {**self.memory.summary(conversation), "id": int(conversation.id)}

    async def _json(self, request: Request, reply: Reply, value: Json) -> None:
        await reply.json(200, value, self._fields(request))

    def _fields(self, request: Request) -> list[tuple[str, str]]:
        return [
            ("server", "Bookbag"),
            ("set-cookie", COOKIE),
            ("x-request-id", f"req_bookbag_{request.number}"),
            ("x-ratelimit-limit", "100"),
            ("x-ratelimit-remaining", str(self.allowance)),
            ("x-ratelimit-reset", str(EPOCH)),
        ]


_AGENT = "/api/v2/agents/([^/]+)"
_CONVERSATION = _AGENT + "/conversations/([^/]+)"
OPERATIONS: list[tuple[str, re.Pattern[str], Callable[..., Awaitable[None]]]] = [
    ("POST", re.compile(_AGENT + "/chat"), Bookbag.chat),
    ("GET", re.compile(_AGENT + "/conversations(?:/export)?"), Bookbag.of_everybody),
    ("GET", re.compile(_AGENT + "/users/([^/]+)/conversations"), Bookbag.of_user),
    ("GET", re.compile(_CONVERSATION), Bookbag.read),
    ("GET", re.compile(_CONVERSATION + "/messages"), Bookbag.messages),
    ("POST", re.compile(_CONVERSATION + "/retry"), Bookbag.retry),
    ("POST", re.compile(_CONVERSATION + "/tool-result"), Bookbag.tool_result),
    ("PATCH", re.compile(_CONVERSATION + "/messages/([^/]+)/feedback"), Bookbag.feedback),
]


def _events(turn: Turn) -> list[Json]:
    """The answer as the events of a stream, without `[DONE]`."""
    words = [word + " " for part in turn.parts for word in part.get("text", "").split(" ") if word]
    return [
        *({"type": "text-delta", "text": word} for word in words),
        {
            "type": "finish",
            "finishReason": turn.finish_reason,
            "metadata": {"messageId": turn.message_id, **turn.metadata()},
        },
    ]


def _number(named: Any) -> str:
    try:
        return str(int(float(named)))
    except (TypeError, ValueError, OverflowError) as error:
        raise Refusal(404, "RESOURCE_NOT_FOUND") from error
