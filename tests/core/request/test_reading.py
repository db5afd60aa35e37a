"""What is noted of a body; test_call.py asks what becomes of each of its members."""

import json
from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest

from gateway.core.errors import BadRequest
from gateway.core.mcp import messages as mcp
from gateway.core.profile import names
from gateway.core.profile.guard import Verdict
from gateway.core.profile.vendor import Body, Operation
from gateway.core.request.holding import MAX_MEMBERS
from gateway.core.request.reading import Reading, judge
from gateway.vendors import VENDORS

CHAT = Operation(
    method="POST",
    path="/chat",
    members=frozenset({"message", "metadata"}),
    user=(Body("/metadata/user_id"),),
    conversation=(Body("/talk"),),
)


MESSAGES = VENDORS["anthropic"].operations["messages"]
RESPONSES = VENDORS["openai"].operations["responses"]
CALL = VENDORS["mcp"].operations["call"]


def judged(document: dict[str, Any]) -> Reading:
    reading = Reading(CHAT, ("alice", ""))
    judge(reading, document)
    return reading


def test_what_may_not_pass_is_taken_out_and_noted() -> None:
    document = {"message": "hi", "debug": 1, "email": "bob", "talk": 7, "metadata": {"userId": "x"}}
    reading = judged(document)
    assert document == {"message": "hi", "talk": 7, "metadata": {}}
    assert reading.dropped == ["body:debug", "body:email", "body:metadata/userId"]
    assert reading.spoofed == ["body:email", "body:metadata/userId"]
    assert reading.conversations == ["7"]


def test_whoever_names_themselves_is_left_out_and_spoofs_nobody() -> None:
    document = {"email": "alice", "metadata": {"user_id": None}}
    assert judged(document).spoofed == []
    assert document == {"metadata": {}}


@pytest.mark.parametrize("document", [{"Talk": "c-1"}, {"metadata": {"sessionId": 1}}])
def test_another_conversation_is_refused_however_often_it_comes(document: dict[str, Any]) -> None:
    for _ in range(3):
        with pytest.raises(BadRequest):
            judged(deepcopy(document))


def test_a_member_may_be_one_of_very_many_but_not_of_more() -> None:
    """B-10, N-14."""
    assert MAX_MEMBERS == 1000
    many = {f"m{number}": 1 for number in range(MAX_MEMBERS)}
    document: dict[str, Any] = {**many}
    assert len(judged(document).dropped) == MAX_MEMBERS
    assert document == {}
    with pytest.raises(BadRequest, match="members"):
        judged({**many, "one more": 1})
    with pytest.raises(BadRequest, match="members"):
        judged({"metadata": {**many, "one more": 1}})


def test_the_names_of_many_members_are_short() -> None:
    """N-09: each word of a name is looked at, in a thousand of them for 50 ms."""
    judged({f"a.b.c.{number}" * 4: 1 for number in range(400)})
    for name in ("a.b.c." * 20, "x" * 126):
        many = {f"{name}{number}": 1 for number in range(200)}
        for document in (many, {"metadata": many}):
            with pytest.raises(BadRequest, match="names"):
                judged(document)


def of_many_names(count: int) -> list[Any]:
    """Bodies that hold `count` members, in objects of three hundred each."""
    alike = {f"m{number}": 1 for number in range(300)}
    others = [{f"m{n}_{number}": 1 for number in range(300)} for n in range(count // 300)]
    again = [alike] * (count // 300)
    message = {"jsonrpc": "2.0", "method": "tools/call"}
    batches = [
        [{**message, "id": n, "params": {"name": "t", **at(one)}} for n, one in enumerate(several)]
        for at in (lambda one: one, lambda one: {"_meta": one})
        for several in (others[:100], again[:100])
    ]
    return [
        pytest.param(MESSAGES, {"messages": others}, id="in items"),
        pytest.param(MESSAGES, {"messages": again}, id="in items, the same"),
        pytest.param(MESSAGES, {"messages": [{"content": others}]}, id="in items of items"),
        pytest.param(RESPONSES, {"input": others}, id="in items that may have an id"),
        pytest.param(RESPONSES, {"input": again}, id="in such items, the same"),
        *(pytest.param(CALL, batch, id=f"in a batch, {n}") for n, batch in enumerate(batches)),
    ]


@pytest.mark.parametrize(("operation", "body"), of_many_names(20_000))
def test_a_name_is_judged_once_however_many_objects_have_it(operation: Any, body: Any) -> None:
    """B-10, N-14, N-22: a mebibyte of names took eight seconds, in which nobody was answered."""
    before = judgements()
    documents = body if isinstance(body, list) else [body]
    with suppress(BadRequest):
        if operation.mcp:
            documents = list(mcp.parse(json.dumps(body).encode()).messages)
        judge(Reading(operation, ()), *deepcopy(documents))
    assert judgements() - before < 10_000


def judgements() -> int:
    """How often it was asked what a name means."""
    known = names._meaning.cache_info()
    return known.hits + known.misses


@pytest.mark.parametrize("kind", ["body", "query"])
def test_another_conversation_is_refused_wherever_it_stands(kind: str) -> None:
    with pytest.raises(BadRequest):
        Reading(CHAT, ()).drop(kind, "threadId", "t-1", Verdict.OTHER_CONVERSATION)
