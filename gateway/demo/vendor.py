"""A small chat vendor that speaks Chatbase's API v2, with its quirks.

A `userId` is taken when a conversation is opened, and ignored afterwards without a word. So
whoever has the key and knows an id continues that conversation: who may is not the vendor's matter.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from gateway.demo.answers import Question, answer
from gateway.demo.conversations import Conversation, Conversations, Json, Message
from gateway.demo.pages import page
from gateway.demo.shop import Shop

USER_ID = re.compile(r"[a-zA-Z0-9._-]{1,128}")
WORD = re.compile(r"\S+\s*")
AGENT = "/api/v2/agents/{agent}"
CONVERSATION = AGENT + "/conversations/{conversation}"


class Refusal(Exception):
    """The vendor answers with one of its errors."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message


class ChatVendor:
    """The vendor's service. `shops` are what it answers about, by API key."""

    def __init__(self, shops: Mapping[str, Shop], *, word: float = 0.035) -> None:
        self._shops = shops
        self._word = word  # seconds between two words of a stream
        self._conversations = Conversations()

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route(AGENT + "/chat", self._chat, methods=["POST"]),
                Route(AGENT + "/conversations", self._everybodys, methods=["GET"]),
                Route(AGENT + "/users/{user}/conversations", self._users, methods=["GET"]),
                Route(CONVERSATION, self._conversation, methods=["GET"]),
                Route(CONVERSATION + "/messages", self._messages, methods=["GET"]),
                Route(CONVERSATION + "/retry", self._retry, methods=["POST"]),
                Route(
                    CONVERSATION + "/messages/{message}/feedback",
                    self._feedback,
                    methods=["PATCH"],
                ),
            ],
            exception_handlers={Refusal: _refused, 404: _unknown_path, 405: _unknown_path},
        )

    async def _chat(self, request: Request) -> Response:
        shop = self._admit(request)
        ask = await _body(request)
        text = _text(ask, "message")
        if ask.get("conversationId") is None:
            conversation = self._conversations.open(shop.agent, _user_id(ask))
        else:
            conversation = self._find(shop, ask["conversationId"])
        _check_ongoing(conversation)
        asked = conversation.say(Message("user", text))
        return self._answer(shop, conversation, asked, ask)

    async def _retry(self, request: Request) -> Response:
        shop = self._admit(request)
        conversation = self._find(shop, request.path_params["conversation"])
        ask = await _body(request)
        message = conversation.message(_text(ask, "messageId"))
        if message is None:
            raise Refusal(404, "CHAT_RETRY_MESSAGE_NOT_FOUND", "Message not found")
        asked = conversation.question_before(message)
        if asked is None:
            raise Refusal(400, "CHAT_RETRY_NO_USER_MESSAGE", "There is no user message to retry")
        _check_ongoing(conversation)
        conversation.forget_after(asked)
        return self._answer(shop, conversation, asked, ask)

    def _answer(
        self, shop: Shop, conversation: Conversation, asked: Message, ask: Json
    ) -> Response:
        streams = ask.get("stream", True)
        if not isinstance(streams, bool):
            raise _invalid("stream must be true or false")
        question = Question(shop, conversation.user, asked.text, conversation.answers)
        reply = answer(question)
        said = conversation.say(Message("assistant", reply.text))
        if reply.ends:
            conversation.status = "ended"
        metadata = {
            "userMessageId": asked.id,
            "conversationId": conversation.id,
            "userId": conversation.user,
            "finishReason": "stop",
            "usage": {"credits": 1},
        }
        if not streams:
            return JSONResponse({"data": {**said.as_json(), "metadata": metadata}})
        return StreamingResponse(
            self._stream(said, metadata),
            media_type="text/event-stream",
            headers={"x-vercel-ai-ui-message-stream": "v1", "cache-control": "no-cache"},
        )

    async def _stream(self, said: Message, metadata: Json) -> AsyncIterator[bytes]:
        """The AI SDK's UI message stream; the conversation is named first and last, as it is there.

        Chatbase's guide reads it from `finish`, its own command line from `start`.
        """
        opened = {name: metadata[name] for name in ("conversationId", "userId")}
        yield _event({"type": "start", "messageId": said.id, "messageMetadata": opened})
        yield _event({"type": "text-start", "id": said.id})
        for word in WORD.findall(said.text):
            await asyncio.sleep(self._word)
            yield _event({"type": "text-delta", "id": said.id, "delta": word})
        yield _event({"type": "text-end", "id": said.id})
        yield _event({"type": "finish", "finishReason": "stop", "metadata": metadata})
        yield b"data: [DONE]\n\n"

    async def _users(self, request: Request) -> Response:
        shop = self._admit(request)
        user = request.path_params["user"]
        return _page(request, [one.as_json() for one in self._conversations.of(shop.agent, user)])

    async def _everybodys(self, request: Request) -> Response:
        shop = self._admit(request)
        return _page(request, [one.as_json() for one in self._conversations.of(shop.agent)])

    async def _conversation(self, request: Request) -> Response:
        conversation = self._find(self._admit(request), request.path_params["conversation"])
        messages = [message.as_json() for message in conversation.messages[-20:]]
        return JSONResponse({"data": {**conversation.as_json(), "messages": messages}})

    async def _messages(self, request: Request) -> Response:
        conversation = self._find(self._admit(request), request.path_params["conversation"])
        return _page(request, [message.as_json() for message in conversation.messages])

    async def _feedback(self, request: Request) -> Response:
        conversation = self._find(self._admit(request), request.path_params["conversation"])
        message = conversation.message(request.path_params["message"])
        if message is None:
            raise Refusal(404, "RESOURCE_MESSAGE_NOT_FOUND", "Message not found")
        if message.role != "assistant":
            raise Refusal(400, "RESOURCE_MESSAGE_NOT_ASSISTANT", "Only answers can be rated")
        feedback = (await _body(request)).get("feedback", "")
        if feedback not in ("positive", "negative", None):
            raise _invalid("feedback must be positive, negative or null")
        message.feedback = feedback
        return JSONResponse({"data": message.as_json()})

    def _admit(self, request: Request) -> Shop:
        """The shop whose key the request shows, if it owns the agent in the path."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise Refusal(401, "AUTH_MISSING_API_KEY", "API key is missing")
        shop = self._shops.get(key)
        if shop is None:
            raise Refusal(401, "AUTH_INVALID_API_KEY", "API key is invalid")
        if shop.agent != request.path_params["agent"]:
            raise Refusal(404, "AGENT_NOT_FOUND", "Agent not found")
        return shop

    def _find(self, shop: Shop, conversation_id: object) -> Conversation:
        if not isinstance(conversation_id, str):
            raise _invalid("conversationId must be a string")
        conversation = self._conversations.get(conversation_id)
        if conversation is None:
            raise Refusal(404, "RESOURCE_NOT_FOUND", "Conversation not found")
        if conversation.agent != shop.agent:
            raise Refusal(400, "CHAT_CONVERSATION_MISMATCH", "The conversation is another agent's")
        return conversation


def _check_ongoing(conversation: Conversation) -> None:
    if conversation.status != "ongoing":
        raise Refusal(
            400,
            "CHAT_CONVERSATION_NOT_ONGOING",
            "This conversation has ended. Start a new one.",
        )


async def _body(request: Request) -> Json:
    try:
        document = msgspec.json.decode(await request.body())
    except msgspec.DecodeError as error:
        raise Refusal(400, "VALIDATION_INVALID_JSON", "The body is not JSON") from error
    if not isinstance(document, dict):
        raise _invalid("The body is not an object")
    return document


def _text(ask: Json, member: str) -> str:
    text = ask.get(member)
    if not isinstance(text, str) or not text.strip():
        raise _invalid(f"{member} must be a string with something in it")
    return text


def _user_id(ask: Json) -> str | None:
    user = ask.get("userId")
    if user is not None and not (isinstance(user, str) and USER_ID.fullmatch(user)):
        raise _invalid("userId must match ^[a-zA-Z0-9._-]{1,128}$")
    return user


def _page(request: Request, items: list[Json]) -> Response:
    try:
        return JSONResponse(page(items, request.query_params))
    except ValueError as error:
        raise _invalid(str(error)) from error


def _event(event: Mapping[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(event) + b"\n\n"


def _invalid(message: str) -> Refusal:
    return Refusal(400, "VALIDATION_INVALID_BODY", message)


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, Refusal):
        raise error
    return _problem(error.status, error.code, error.message)


async def _unknown_path(request: Request, error: Exception) -> Response:
    return _problem(404, "RESOURCE_NOT_FOUND", "There is nothing at this path")


def _problem(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status)
