"""One turn of the emulated Chatbase, and the four shapes in which its stream names it.

The vendor's guide, its OpenAPI document, its command line and its Android SDK each read another
place, and servers have been seen to write each of them:

    a  finish.metadata                b  finish.messageMetadata
    c  a flat message-metadata event  d  start.messageMetadata, and message-metadata.messageMetadata
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tests.support.chatbase_requests import Json

Shape = Literal["a", "b", "c", "d"]
SHAPES: tuple[Shape, ...] = ("a", "b", "c", "d")


@dataclass(frozen=True, slots=True)
class Turn:
    """An assistant's message, and what it belongs to."""

    message_id: str
    parts: list[Json]
    user_message_id: str
    conversation: str
    user: str | None
    finish_reason: str
    credits: int

    def metadata(self) -> Json:
        return {
            "userMessageId": self.user_message_id,
            "conversationId": self.conversation,
            "userId": self.user,
            "finishReason": self.finish_reason,
            "usage": {"credits": self.credits},
        }

    def unary(self) -> Json:
        """The answer with `stream: false`."""
        return {
            "data": {
                "id": self.message_id,
                "role": "assistant",
                "parts": self.parts,
                "metadata": self.metadata(),
            }
        }

    def events(self, shape: Shape) -> Iterator[Json]:
        """The answer as the events of an AI SDK UI message stream, without `[DONE]`."""
        metadata = {"messageId": self.message_id, **self.metadata()}
        start: Json = {"type": "start", "messageId": self.message_id}
        finish: Json = {"type": "finish", "finishReason": self.finish_reason}
        yield {**start, "messageMetadata": metadata} if shape == "d" else start
        yield {"type": "start-step"}
        for part in self.parts:
            yield from _part_events(part)
        yield {"type": "finish-step"}
        if shape == "c":
            yield {"type": "message-metadata", **metadata}
        if shape == "d":
            yield {"type": "message-metadata", "messageMetadata": metadata}
        if shape == "a":
            finish["metadata"] = metadata
        if shape == "b":
            finish["messageMetadata"] = metadata
        yield finish


def _part_events(part: Json) -> Iterator[Json]:
    if part["type"] == "text":
        yield {"type": "text-start", "id": "txt_0"}
        for word in part["text"].split(" "):
            yield {"type": "text-delta", "id": "txt_0", "delta": word + " "}
        yield {"type": "text-end", "id": "txt_0"}
    else:
        named = {"toolCallId": part["toolCallId"], "toolName": part["toolName"]}
        yield {"type": "tool-input-start", **named}
        yield {"type": "tool-input-available", **named, "input": part["input"]}
