"""DocBit, the system that is told who asks by three X-External-* fields, as its documents show it.

It believes the fields: whoever may write them is whoever they like. Conversations belong to the
org and the user they name, and another's is not found.

    async with DocBit(key="sk_partner_1") as vendor:
        vendor.before_event = wait_for_the_test  # called with each event of a stream
        vendor.handler = broken                  # vendor.answer is the usual one
"""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.support.reply import Hold, Reply, at_once
from tests.support.vendor import RecordingVendor, Request

Json = dict[str, Any]
ORG, USER, ROLES = "x-external-org-id", "x-external-user-id", "x-external-roles"
CONVERSATIONS = "/api/ai/conversations"


class Refusal(Exception):
    """An error answer: its status and its words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class Caller:
    """Who the fields say is asking."""

    org: str
    user: str
    roles: tuple[str, ...]

    def owns(self, conversation: "Conversation") -> bool:
        # Roles may change; the two names are who somebody is.
        return (self.org, self.user) == (conversation.owner.org, conversation.owner.user)


@dataclass(slots=True)
class Conversation:
    id: str
    owner: Caller
    messages: list[Json] = field(default_factory=list)


class DocBit(RecordingVendor):
    """See the module. `conversations` is all it remembers, by id."""

    def __init__(self, *, key: str = "sk_partner_1") -> None:
        super().__init__(self.answer)
        self.key = key
        self.conversations: dict[str, Conversation] = {}
        self.before_event: Hold = at_once
        self._count = itertools.count(1)
        self.new_id: Callable[[], str] = lambda: f"dbc_{next(self._count)}"

    async def answer(self, request: Request, reply: Reply) -> None:
        """The usual handler."""
        try:
            if request.values("authorization") != [f"ApiKey {self.key}"]:
                raise Refusal(401, "Invalid API key")
            await self._route(request, reply, _caller(request))
        except Refusal as refusal:
            await reply.json(refusal.status, {"error": refusal.message})

    async def _route(self, request: Request, reply: Reply, caller: Caller) -> None:
        path = unquote(urlsplit(request.target).path)
        match request.method, path:
            case "POST", "/api/ai/chat":
                await reply.json(200, self._say(request, caller))
            case "POST", "/api/ai/chat/stream":
                await self._stream(request, reply, caller)
            case "GET", str(listed) if listed == CONVERSATIONS:
                await reply.json(200, self._list(request, caller))
            case "GET", str(one) if one.startswith(CONVERSATIONS + "/"):
                found = self._theirs(caller, one.removeprefix(CONVERSATIONS + "/"))
                await reply.json(200, {"id": found.id, "messages": found.messages})
            case _:
                raise Refusal(404, "Not found")

    def open(self, org: str, user: str) -> Conversation:
        """A new conversation, also for a test that needs one the gateway has not seen made."""
        conversation = Conversation(self.new_id(), Caller(org, user, ()))
        self.conversations[conversation.id] = conversation
        return conversation

    def _theirs(self, caller: Caller, named: str) -> Conversation:
        conversation = self.conversations.get(named)
        if conversation is None or not caller.owns(conversation):
            raise Refusal(404, "Conversation not found")
        return conversation

    def _say(self, request: Request, caller: Caller) -> Json:
        body = _body(request)
        named = body.get("conversationId")
        if named is None:
            conversation = self.open(caller.org, caller.user)
        else:
            conversation = self._theirs(caller, str(named))
        content = f"You said: {body['message']}"
        conversation.messages += [
            {"role": "user", "content": body["message"]},
            {"role": "assistant", "content": content},
        ]
        return {
            "conversationId": conversation.id,
            "content": content,
            "citations": [{"documentId": one} for one in body.get("documentIds", [])],
            "confidence": 0.9,
        }

    async def _stream(self, request: Request, reply: Reply, caller: Caller) -> None:
        said = self._say(request, caller)
        words = said.pop("content").split(" ")
        await reply.start_stream()
        events = [{"type": "content", "content": word + " "} for word in words]
        for event in ({"type": "start", **said}, *events, {"type": "done"}):
            await self.before_event(event)
            await reply.event(event)
        await reply.end()

    def _list(self, request: Request, caller: Caller) -> Json:
        query = dict(parse_qsl(urlsplit(request.target).query))
        limit, offset = _number(query, "limit", 20), _number(query, "offset", 0)
        if not 1 <= limit <= 100:
            raise Refusal(400, "limit must be between 1 and 100")
        theirs = [one.id for one in self.conversations.values() if caller.owns(one)][::-1]
        page = [{"id": one} for one in theirs[offset : offset + limit]]
        return {"conversations": page, "total": len(theirs), "limit": limit, "offset": offset}


def _caller(request: Request) -> Caller:
    found = {name: request.values(name) for name in (ORG, USER, ROLES)}
    for name, values in found.items():
        if not values or not values[-1]:
            raise Refusal(400, f"Missing required header: {name}")
    roles = _roles(found[ROLES][-1])
    if not roles:
        raise Refusal(400, "At least one role is required")
    return Caller(found[ORG][-1], found[USER][-1], roles)


def _roles(value: str) -> tuple[str, ...]:
    """A JSON array, or a list with commas."""
    if not value.startswith("["):
        return tuple(role.strip() for role in value.split(",") if role.strip())
    try:
        roles = json.loads(value)
    except ValueError as error:
        raise Refusal(400, "X-External-Roles is not a JSON array") from error
    if not all(isinstance(role, str) and role for role in roles):
        raise Refusal(400, "X-External-Roles holds something that is no role")
    return tuple(roles)


def _body(request: Request) -> Json:
    try:
        body = request.json()
    except ValueError as error:
        raise Refusal(400, "Invalid JSON") from error
    if not isinstance(body, dict) or not isinstance(body.get("message"), str):
        raise Refusal(400, "message is required")
    return body


def _number(query: dict[str, str], name: str, default: int) -> int:
    value = query.get(name, str(default))
    if not value.isdecimal():
        raise Refusal(400, f"{name} must be a number")
    return int(value)
