"""What is noted of a body; what becomes of each of its members, tests/core/test_call.py asks."""

from copy import deepcopy
from typing import Any

import pytest

from gateway.core.errors import BadRequest
from gateway.core.guard import Verdict
from gateway.core.reading import MAX_MEMBERS, Reading, judge
from gateway.core.vendor import Body, Operation

CHAT = Operation(
    method="POST",
    path="/chat",
    members=frozenset({"message", "metadata"}),
    user=(Body("/metadata/user_id"),),
    conversation=(Body("/talk"),),
)


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


@pytest.mark.parametrize("kind", ["body", "query"])
def test_another_conversation_is_refused_wherever_it_stands(kind: str) -> None:
    with pytest.raises(BadRequest):
        Reading(CHAT, ()).drop(kind, "threadId", "t-1", Verdict.OTHER_CONVERSATION)
