"""Recorded flows: requests of clients step by step, and the two ways they go to a vendor.

A line of `flows/NAME.ndjson` is one request, in the form `gateway replay` reads ("method", "path",
"body": text as it stands on the wire), and what else there is to say of it:

    flow     lines of one flow belong together, and begin with a vendor that knows nobody
    client   who writes it so (tests.support.clients); "type" is its content-type, where not usual
    who      the person, where not alice
    take     what the answer tells: {"conversation": "conversationId"} takes the last member of that
             name, and ${conversation} stands for it from then on; ${fresh} is a new id, and
             ${x*1000} are so many letters
    answer   what the vendor says to it; else what its emulator makes of it
    dropped  members and parameters that a vendor does not get to see
    differs  why the gateway answers otherwise (docs/what-differs.md); "ours": its status and code
"""

import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from tests.support.clients import CLIENTS, written
from tests.support.reply import Reply
from tests.support.vendor import RecordingVendor, Request
from tests.support.wire import Answer, wire

FOLDER = Path(__file__).parent / "flows"
Send = Callable[["Step"], bytes]


@dataclass(frozen=True, slots=True)
class Step:
    """One request of a flow. `place` says where it is recorded."""

    place: str
    flow: str
    client: str
    method: str
    path: str
    body: str | None = None
    type: str | None = None
    who: str = "alice"
    take: dict[str, str] = field(default_factory=dict)
    answer: dict[str, Any] | None = None
    dropped: tuple[str, ...] = ()
    differs: str = ""
    ours: tuple[int, str] = (0, "")

    def with_values(self, values: dict[str, str]) -> "Step":
        """The step with what earlier answers told, encoded as its place needs it."""
        answer = self.answer and {**self.answer, "body": _filled(self.answer["body"], values)}
        path, mark, query = self.path.partition("?")
        quoted = {name: quote(one, safe="") for name, one in values.items()}
        return replace(
            self,
            path=_filled(path, values) + mark + _filled(query, quoted),
            body=None if self.body is None else _filled(self.body, values),
            answer=answer,
        )

    def head(self) -> str:
        """The client's head, as a template."""
        head = CLIENTS[self.client]
        if self.type is None:
            return head
        return re.sub(r"(?im)^(content-type): .*$", rf"\1: {self.type}", head)


def steps(name: str) -> Iterator[Step]:
    """The requests that are recorded of a system."""
    lines = (FOLDER / f"{name}.ndjson").read_text(encoding="utf-8").rstrip("\n").split("\n")
    for number, line in enumerate(lines, 1):
        found = json.loads(line)
        found |= {name: tuple(found[name]) for name in ("dropped", "ours") if name in found}
        yield Step(place=f"{name}.ndjson:{number}", **found)


def flows(name: str) -> dict[str, list[Step]]:
    """The steps by their flow, in their order."""
    return {
        flow: list(found) for flow, found in itertools.groupby(steps(name), lambda step: step.flow)
    }


def _filled(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", value)
    return re.sub(r"\$\{x\*([0-9]+)\}", lambda found: "x" * int(found[1]), text)


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of one step: what the client got, and what the vendor did."""

    step: Step
    answer: Answer
    requests: list[Request]


async def play(
    vendor: RecordingVendor, url: str, flow: list[Step], send: Send, fresh: Iterator[str]
) -> list[Heard]:
    """Take the steps of a flow, one after the other, to whoever listens at `url`."""
    heard: list[Heard] = []
    values: dict[str, str] = {}
    usual = vendor.handler
    for recorded in flow:
        if recorded.answer is not None and "${fresh}" in recorded.answer["body"]:
            values["fresh"] = next(fresh)
        step = recorded.with_values(values)
        vendor.forget()
        vendor.handler = usual if step.answer is None else scripted(step.answer)
        answer = await wire(url, send(step))
        heard.append(Heard(step, answer, list(vendor.requests)))
        values |= {name: _told(answer.body, member) for name, member in step.take.items()}
    vendor.handler = usual
    return heard


def request(step: Step, head: str, target: str, body: str | None, token: str) -> bytes:
    """A step as its client writes it."""
    content = None if body is None else body.encode("utf-8")
    return written(head, step.method, target, token, content)


def _told(body: bytes, member: str) -> str:
    found = re.findall(rf'"{member}": ?"?([^",}}]+)', body.decode("utf-8"))
    assert found, (member, body)
    return str(found[-1])


def scripted(answer: dict[str, Any]) -> Callable[[Request, Reply], Any]:
    """A vendor that says this: `framing` is length, chunked, bytes (a chunk each), close, none."""
    content, framing = answer["body"].encode("utf-8"), answer.get("framing", "length")
    fields = [(name, value) for name, value in answer["fields"]]

    async def handler(request: Request, reply: Reply) -> None:
        if framing in {"length", "none"}:
            length = [("content-length", str(len(content)))] if framing == "length" else []
            await reply.head(answer["status"], [*fields, *length])
            await reply.raw(content)
        elif framing == "close":
            await reply.head(answer["status"], [*fields, ("connection", "close")])
            await reply.raw(content)
            reply.close()
        else:
            await reply.head(answer["status"], [*fields, ("transfer-encoding", "chunked")])
            size = 1 if framing == "bytes" else len(content)
            for begin in range(0, len(content), size or 1):
                await reply.chunk(content[begin : begin + size])
            await reply.end()

    return handler


def path_of(target: str) -> str:
    return urlsplit(target).path
