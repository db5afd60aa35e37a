"""Dify's API as its documents show it: chats, completions and workflows, in JSON and as streams.

It believes whatever `user` a request names; a task is stopped for whoever knows its id, and a file
is found for whoever knows its id.

    async with Dify(key="app-vendor") as vendor:
        vendor.before_event = wait_for_the_test  # called with each event of a stream
        vendor.stopped                           # the tasks that were, and by whom
"""

import re
import uuid
from collections.abc import Awaitable, Callable
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.models_turns import Json
from tests.support.reply import Hold, Reply, at_once
from tests.support.vendor import RecordingVendor, Request

USAGE = {
    "prompt_tokens": 11,
    "prompt_unit_price": "0.001",
    "completion_tokens": 7,
    "total_tokens": 18,
    "total_price": "0.0001",
    "currency": "USD",
    "latency": 0.25,
}
COOKIE = "session=VENDOR-COOKIE-CANARY; Path=/; HttpOnly"


class Refusal(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        self.status = status
        self.body = {"code": code, "message": message, "status": status}


class Dify(RecordingVendor):
    """See the module."""

    def __init__(self, *, key: str = "app-vendor") -> None:
        super().__init__(self.answer)
        self.key = key
        self.conversations: dict[str, str] = {}  # and who began it
        self.messages: dict[str, str] = {}
        self.files: dict[str, bytes] = {}
        self.forms: list[list[tuple[str, str]]] = []  # names and contents of what was uploaded
        self.stopped: list[tuple[str, Any]] = []
        self.before_event: Hold = at_once
        self._number = 0

    def new_id(self) -> str:
        self._number += 1
        return str(uuid.uuid5(uuid.NAMESPACE_URL, str(self._number)))

    async def answer(self, request: Request, reply: Reply) -> None:
        """The usual handler."""
        try:
            if request.values("authorization") != [f"Bearer {self.key}"]:
                raise Refusal(401, "unauthorized", "Access token is invalid")
            await self._route(request, reply)
        except Refusal as refusal:
            await reply.json(refusal.status, refusal.body, [("set-cookie", COOKIE)])

    async def _route(self, request: Request, reply: Reply) -> None:
        path = urlsplit(request.target).path
        for method, pattern, operation in OPERATIONS:
            found = re.fullmatch(pattern, path)
            if found and method == request.method:
                await operation(self, request, reply, *found.groups())
                return
        raise Refusal(404, "not_found", "The requested URL was not found")

    async def chat(self, request: Request, reply: Reply) -> None:
        body = request.json()
        self._find_files(body)
        named = body.get("conversation_id") or ""
        if named and named not in self.conversations:
            raise Refusal(404, "not_found", "Conversation Not Exists.")
        conversation = named or self.new_id()
        self.conversations.setdefault(conversation, self._user(body))
        base = {"conversation_id": conversation, **self._message(body)}
        await self._respond(request, reply, base, f"You said {body['query']}")

    async def complete(self, request: Request, reply: Reply) -> None:
        body = request.json()
        self._find_files(body)
        await self._respond(request, reply, self._message(body), "Completed")

    async def run(self, request: Request, reply: Reply) -> None:
        body = request.json()
        self._find_files(body)
        self._user(body)
        base = {"task_id": self.new_id(), "workflow_run_id": self.new_id()}
        data = {"id": base["workflow_run_id"], "status": "succeeded", "total_tokens": 18}
        data["outputs"] = {"text": "done"}
        if body["response_mode"] == "blocking":
            await reply.json(200, {**base, "data": data}, self._fields(request))
            return
        kinds = ("workflow_started", "node_started", "workflow_finished")
        events = [{"event": kind, **base, "data": {"id": data["id"]}} for kind in kinds]
        await self._stream(request, reply, [*events[:2], {**events[2], "data": data}])

    async def _respond(self, request: Request, reply: Reply, base: Json, text: str) -> None:
        ids = {**base, "id": base["message_id"], "created_at": 1}
        end = {"metadata": {"usage": USAGE, "retriever_resources": []}}
        if request.json()["response_mode"] == "blocking":
            whole = {"event": "message", "mode": "chat", **ids, "answer": text, **end}
            await reply.json(200, whole, self._fields(request))
            return
        words = [{"event": "message", **ids, "answer": word + " "} for word in text.split(" ")]
        await self._stream(request, reply, [*words, {"event": "message_end", **ids, **end}])

    async def _stream(self, request: Request, reply: Reply, events: list[Json]) -> None:
        await reply.start_stream(self._fields(request))
        await reply.chunk(b"event: ping\n\n")
        for event in events:
            await self.before_event(event)
            await reply.event(event)
        await reply.end()

    def _message(self, body: Json) -> Json:
        message = self.new_id()
        self.messages[message] = self._user(body)
        return {"message_id": message, "task_id": self.new_id()}

    def _user(self, body: Json) -> str:
        if not body.get("user"):
            raise Refusal(400, "invalid_param", "user is required")
        return str(body["user"])

    def _find_files(self, body: Json) -> None:
        for file in body.get("files", ()):
            if file["transfer_method"] == "local_file" and file["upload_file_id"] not in self.files:
                raise Refusal(404, "not_found", "File not found")

    async def stop(self, request: Request, reply: Reply, task: str) -> None:
        self.stopped.append((task, request.json().get("user")))
        await reply.json(200, {"result": "success"}, self._fields(request))

    async def of_message(self, request: Request, reply: Reply, message: str) -> None:
        if message not in self.messages:
            raise Refusal(404, "not_found", "Message Not Exists.")
        await reply.json(200, {"result": "success", "data": []}, self._fields(request))

    async def of_conversation(self, request: Request, reply: Reply, named: str) -> None:
        if named not in self.conversations:
            raise Refusal(404, "not_found", "Conversation Not Exists.")
        await reply.json(200, {"result": "success", "id": named}, self._fields(request))

    async def listed(self, request: Request, reply: Reply) -> None:
        """Of whichever user the query names."""
        user = parse_qs(urlsplit(request.target).query).get("user", [""])[-1]
        data = [{"id": one} for one, whose in self.conversations.items() if whose == user]
        page = {"limit": 20, "has_more": False, "data": data}
        await reply.json(200, page, self._fields(request))

    async def upload(self, request: Request, reply: Reply) -> None:
        """As Python's own parser of mail reads a form: no library that the gateway reads with."""
        head = f"Content-Type: {request.values('content-type')[0]}\r\n\r\n".encode()
        form = BytesParser(policy=HTTP).parsebytes(head + request.body)
        parts = {part.get_param("name", header="content-disposition"): part for part in _of(form)}
        file = parts.get("file")
        if file is None or "user" not in parts:
            raise Refusal(400, "no_file_uploaded", "Please upload your file.")
        content = file.get_payload(decode=True)
        self.forms.append([(str(name), _text(part)) for name, part in parts.items()])
        made = {"id": self.new_id(), "name": file.get_filename(), "size": len(content)}
        self.files[made["id"]] = content
        who = {"mime_type": file.get_content_type(), "created_by": _text(parts["user"])}
        await reply.json(201, {**made, **who}, self._fields(request))

    async def about(self, request: Request, reply: Reply) -> None:
        await reply.json(200, {"name": "shop"}, self._fields(request))

    def _fields(self, request: Request) -> list[tuple[str, str]]:
        return [("set-cookie", COOKIE), ("x-version", "1.0")]


def _of(form: Message) -> list[Any]:
    parts = form.get_payload()
    assert isinstance(parts, list), "no form"
    return parts


def _text(part: Any) -> str:
    content: bytes = part.get_payload(decode=True)
    return content.decode("latin-1")


Operation = Callable[..., Awaitable[None]]
OPERATIONS: list[tuple[str, str, Operation]] = [
    ("POST", "/v1/chat-messages", Dify.chat),
    ("POST", "/v1/completion-messages", Dify.complete),
    ("POST", "/v1/workflows/run", Dify.run),
    ("POST", "/v1/files/upload", Dify.upload),
    ("POST", "/v1/(?:chat-messages|completion-messages|workflows/tasks)/([^/]+)/stop", Dify.stop),
    ("POST", "/v1/messages/([^/]+)/feedbacks", Dify.of_message),
    ("GET", "/v1/messages/([^/]+)/suggested", Dify.of_message),
    ("GET", "/v1/messages", Dify.listed),
    ("GET", "/v1/conversations", Dify.listed),
    ("POST", "/v1/conversations/([^/]+)/name", Dify.of_conversation),
    ("GET", "/v1/conversations/([^/]+)/variables", Dify.of_conversation),
    ("DELETE", "/v1/conversations/([^/]+)", Dify.of_conversation),
    ("GET", "/v1/(?:parameters|info|meta)", Dify.about),
]
