"""What the emulated Chatbase remembers, and what its agent answers."""

import itertools
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.support.chatbase_requests import Refusal
from tests.support.chatbase_turns import Json, Turn

EPOCH = 1_790_000_000  # of created and updated times, seconds


@dataclass(slots=True)
class Conversation:
    id: str
    agent: str
    user: str | None  # as it was told when it was opened, for good
    number: int
    status: str = "ongoing"  # ongoing, ended, taken_over, paused
    messages: list[Json] = field(default_factory=list)

    def unanswered_tool_calls(self) -> set[str]:
        return self._calls("tool-call") - self._calls("tool-result")

    def waits_for_the_agent(self) -> bool:
        """Whether every tool the agent called has answered: then it goes on without a message."""
        return bool(self._calls("tool-call")) and not self.unanswered_tool_calls()

    def _calls(self, kind: str) -> set[str]:
        last = self.messages[-1]["parts"] if self.messages else []
        return {part["toolCallId"] for part in last if part["type"] == kind}

    def truncate_before_answer(self, message_id: str | None) -> None:
        """Keep what there was up to the question that this message belongs to."""
        ids = [message["id"] for message in self.messages]
        if message_id not in ids:
            raise Refusal(404, "CHAT_RETRY_MESSAGE_NOT_FOUND")
        kept = self.messages[: ids.index(message_id) + 1]
        while kept and kept[-1]["role"] != "user":
            kept.pop()
        if not kept:
            raise Refusal(400, "CHAT_RETRY_NO_USER_MESSAGE")
        self.messages[:] = kept


class Conversations:
    """All conversations of all agents, by id."""

    def __init__(self) -> None:
        self.by_id: dict[str, Conversation] = {}
        self.new_id: Callable[[], str] = lambda: str(uuid.uuid4())
        self.reports_user: str | None = None  # whom to name in answers, instead of the truth
        self.tools = {"Where is my order?": "get_orders"}  # message → tool the agent then calls
        self.relentless = False  # whether the agent calls a tool again when one has answered
        self.count = itertools.count(1)

    def open(self, agent: str, user: str | None) -> Conversation:
        """A new conversation, also for a test that needs one the gateway has not seen made."""
        conversation = Conversation(self.new_id(), agent, user, next(self.count))
        self.by_id[conversation.id] = conversation
        return conversation

    def of_all(self, agent: str) -> list[Conversation]:
        """Newest first."""
        return [one for one in self.by_id.values() if one.agent == agent][::-1]

    def of_agent(self, agent: str, named: str) -> Conversation:
        conversation = self.by_id.get(named)
        if conversation is None:
            raise Refusal(404, "RESOURCE_NOT_FOUND")
        if conversation.agent != agent:
            raise Refusal(400, "CHAT_CONVERSATION_MISMATCH")
        return conversation

    def ongoing(self, agent: str, named: str) -> Conversation:
        conversation = self.of_agent(agent, named)
        if conversation.status != "ongoing":
            raise Refusal(400, "CHAT_CONVERSATION_NOT_ONGOING")
        return conversation

    def say(self, conversation: Conversation, role: str, parts: list[Json]) -> Json:
        number = next(self.count)
        message: Json = {
            "id": f"msg_{number}",
            "role": role,
            "parts": parts,
            "createdAt": EPOCH + number,
            "feedback": None,
        }
        conversation.messages.append(message)
        return message

    def answer(self, conversation: Conversation) -> Turn:
        """What the agent says to the last message."""
        parts = [self._part(conversation.messages[-1]["parts"][-1])]
        said = self.say(conversation, "assistant", parts)
        questions = [one["id"] for one in conversation.messages if one["role"] == "user"]
        turn = Turn(
            message_id=said["id"],
            parts=list(parts),
            user_message_id=questions[-1],
            conversation=conversation.id,
            user=self.reported_user(conversation),
            finish_reason="tool-calls" if parts[0]["type"] == "tool-call" else "stop",
            credits=1,
        )
        said["metadata"] = turn.metadata()
        return turn

    def _part(self, asked: Json) -> Json:
        if asked["type"] == "tool-result" and not self.relentless:
            return {"type": "text", "text": f"The tool says {json.dumps(asked['output'])}"}
        if tool := "again" if asked["type"] == "tool-result" else self.tools.get(asked["text"]):
            call = f"call_{next(self.count)}"
            return {"type": "tool-call", "toolCallId": call, "toolName": tool, "input": {}}
        return {"type": "text", "text": f"You said: {asked['text']}"}

    def reported_user(self, conversation: Conversation) -> str | None:
        return self.reports_user or conversation.user

    def summary(self, conversation: Conversation) -> Json:
        return {
            "id": conversation.id,
            "title": f"Conversation {conversation.number}",
            "createdAt": EPOCH + conversation.number,
            "updatedAt": EPOCH + conversation.number,
            "userId": self.reported_user(conversation),
            "status": conversation.status,
        }
