"""What a model says in the emulators of OpenAI, Anthropic and Dify: a tool call, then an answer.

Where tools are offered and none has answered yet, it calls the first one; else it repeats what was
said, or what the tool said.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
ARGUMENTS = '{"city":"Paris"}'


@dataclass(frozen=True, slots=True)
class Turn:
    """What it says: words, or the name of a tool."""

    text: str
    tool: str | None = None

    @property
    def words(self) -> list[str]:
        return self.text.split(" ")


def answer(said: str, tools: list[str], result: str | None) -> Turn:
    """`result` is what a tool has answered last; None where none has."""
    if tools and result is None:
        return Turn("", tools[0])
    return Turn(f"The tool said {result}" if result is not None else f"You said {said}")


def ids(prefix: str) -> Iterator[str]:
    return (f"{prefix}_{n:08x}{'0' * 8}" for n in itertools.count(1))


def text_of(content: Any) -> str:
    """The text of a message, in each way that APIs write one."""
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text", "")) for part in content or () if isinstance(part, dict))
