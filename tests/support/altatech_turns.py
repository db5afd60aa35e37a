"""What the emulated AltaTech remembers of a conversation, and the forms of its agent's answer."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.support.altatech_requests import Json

EPOCH = 1_790_000_000_000  # milliseconds
TOKENS = {
    "prompt_tokens": 19,
    "completion_tokens": 10,
    "total_tokens": 29,
    "prompt_tokens_details": {"audio_tokens": 0, "text_tokens": 19},
    "completion_tokens_details": {"reasoning_tokens": 1, "audio_tokens": 0, "text_tokens": 9},
}
CREDITS = {"total_credits": 0.25, "text_input_credits": 0.1, "text_output_credits": 0.15}


@dataclass(slots=True)
class Conversation:
    id: str
    user: str  # as it was told when it was opened
    messages: list[tuple[str, str]] = field(default_factory=list)  # role, text


def tell(conversation: Conversation, asked: str, read: list[str]) -> str:
    """What the agent says; documents that it was told to read are in it."""
    said = " ".join([f"You said: {asked}", *read])
    conversation.messages.append(("assistant", said))
    return said


def blocking(conversation: Conversation, said: str) -> Json:
    """The answer with `response_mode: blocking`."""
    return {
        "create_time": EPOCH,
        "conversation_id": conversation.id,
        "message_id": f"msg_{len(conversation.messages)}",
        "output": [{"from_component_branch": "1", "content": {"text": said, "audio": []}}],
        "usage": {"tokens": TOKENS, "credits": CREDITS},
        "citations": [],
    }


def stream(conversation: Conversation, said: str, reported: str | None) -> Iterator[Json]:
    """The answer as lines; none names the conversation, unless it is told to report one."""
    also = {} if reported is None else {"conversation_id": reported}
    tool = {"name": "price", "arguments": {"total": 5, "tokens": 7}}
    yield _line(11, "MessageInfo", {"message_id": f"msg_{len(conversation.messages)}", **also})
    yield _line(5, "ToolCallRequest", tool)
    for word in said.split(" "):
        yield _line(3, "Text", word + " ")
    yield _line(10, "FlowOutput", [{"content": said, "branch": None}])
    yield _line(4, "Cost", TOKENS)
    yield _line(0, "End", None)


def _line(code: int, message: str, data: object) -> Json:
    return {"code": code, "message": message, "data": data}


def listed(conversation: Conversation, reported: str | None) -> Json:
    """An item of the list of conversations."""
    return {
        "conversation_id": conversation.id,
        "user_id": reported or conversation.user,
        "recent_chat_time": EPOCH,
        "subject": conversation.messages[0][1] if conversation.messages else "",
        "conversation_type": "API",
        "message_count": len(conversation.messages),
        "cost_credit": 0.25,
        "bot_id": "64b902a84f1ff25d1c60c10b",
    }
