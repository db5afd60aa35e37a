"""What the chat vendor remembers: conversations, whose they are, and what was said.

As at Chatbase, a conversation takes its user when it is opened, and never again.
"""

import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

TITLE_LENGTH = 60

Json = dict[str, Any]


@dataclass(slots=True)
class Message:
    role: Literal["user", "assistant"]
    text: str
    id: str = field(default_factory=lambda: f"msg_{uuid.uuid4().hex[:16]}")
    created_at: float = field(default_factory=time.time)  # seconds since the epoch
    feedback: str | None = None

    def as_json(self) -> Json:
        return {
            "id": self.id,
            "role": self.role,
            "parts": [{"type": "text", "text": self.text}],
            "createdAt": int(self.created_at),
            "feedback": self.feedback,
        }


@dataclass(slots=True)
class Conversation:
    agent: str
    user: str | None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: Literal["ongoing", "ended"] = "ongoing"
    messages: list[Message] = field(default_factory=list)
    created_at: float = field(default_factory=time.time)
    updated_at: float = field(default_factory=time.time)
    answers: int = 0  # given so far, withdrawn ones included

    def say(self, message: Message) -> Message:
        self.messages.append(message)
        self.updated_at = message.created_at
        self.answers += message.role == "assistant"
        return message

    def message(self, message_id: str) -> Message | None:
        return next((message for message in self.messages if message.id == message_id), None)

    def question_before(self, message: Message) -> Message | None:
        """The user's message that `message` is, or answers."""
        until = self.messages.index(message) + 1
        asked = (one for one in reversed(self.messages[:until]) if one.role == "user")
        return next(asked, None)

    def forget_after(self, message: Message) -> None:
        del self.messages[self.messages.index(message) + 1 :]

    def as_json(self) -> Json:
        title = self.messages[0].text if self.messages else "New conversation"
        return {
            "id": self.id,
            "title": title if len(title) <= TITLE_LENGTH else title[: TITLE_LENGTH - 1] + "…",
            "createdAt": int(self.created_at),
            "updatedAt": int(self.updated_at),
            "userId": self.user,
            "status": self.status,
        }


class Conversations:
    """All of them, of all agents."""

    def __init__(self) -> None:
        self._by_id: dict[str, Conversation] = {}

    def open(self, agent: str, user: str | None) -> Conversation:
        conversation = Conversation(agent, user)
        self._by_id[conversation.id] = conversation
        return conversation

    def get(self, conversation_id: str) -> Conversation | None:
        return self._by_id.get(conversation_id)

    def of(self, agent: str, user: str | None = None) -> Sequence[Conversation]:
        """Those of one agent, or of one of its users; the newest first."""
        found: Iterator[Conversation] = (
            one
            for one in self._by_id.values()
            if one.agent == agent and (user is None or one.user == user)
        )
        return sorted(found, key=lambda one: one.updated_at, reverse=True)
