"""What is remembered of bodies that have the same members at their top."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import BadRequest
from gateway.core.profile.shape import MAX_LENGTH, MAX_SHAPES, Shapes
from gateway.core.profile.vendor import Body, Operation
from gateway.core.request.holding import MAX_MEMBERS
from gateway.core.request.reading import Reading, judge

CHAT = Operation(
    method="POST",
    path="/chat",
    members=frozenset({"message", "stream", "input", "metadata"}),
    inner={"/input/*": frozenset({"type", "text"})},
    values={"/stream": frozenset({True, False}), "/input/*/type": frozenset({"text"})},
    flat=(Body("/metadata"),),
    user=(Body("/metadata/user_id"),),
    conversation=(Body("/talk"), Body("/input/*/id"), Body("/context/id")),
    opens=(Body("/talk"),),
)


def shapes() -> Shapes:
    return replace(CHAT).shapes


def test_a_shape_holds_what_bodies_with_these_members_concern() -> None:
    shape = shapes().of([{"message": "hi", "stream": True, "talk": "c-1", "debug": 1}])
    assert [name for name, _ in shape.holding.values] == ["stream"]
    assert shape.holding.members == ()
    assert (shape.holding.deeper, shape.holding.flat, shape.users) == ((), (), ())
    assert (list(shape.refused), shape.rooms) == (["debug"], ())
    assert shape.conversations == (("talk",),)
    assert shape.named == ("talk",)


def test_what_goes_deeper_is_looked_at_where_its_way_begins() -> None:
    shape = shapes().of([{"input": [], "metadata": {}}])
    assert [name for name, _ in shape.holding.members] == ["input"]
    assert shape.holding.values == ()
    assert (shape.holding.deeper, shape.holding.flat) == ((("input", "*"),), (("metadata",),))
    assert shape.users == (("metadata", "user_id"),)
    rooms = [("input",), ("metadata",), ("input", "*")]
    assert [room.where for room in shape.rooms] == rooms
    assert shape.conversations == (("input", "*", "id"),)
    assert shape.named == ()


def test_where_one_conversation_is_named_deeper_all_are_looked_for() -> None:
    shape = shapes().of([{"talk": 1, "context": {}}])
    assert shape.conversations == (("talk",), ("context", "id"))
    assert shape.named == ()


def test_bodies_of_one_request_have_the_members_of_all_of_them() -> None:
    several = shapes()
    both = several.of([{"message": "hi"}, {"talk": 1, "message": 2}])
    assert both is several.of([{"message": "hi", "talk": 1}])
    assert several.of([]).conversations == ()


def test_a_shape_is_worked_out_once() -> None:
    kept = shapes()
    assert kept.of([{"message": "a", "talk": 1}]) is kept.of([{"message": "b", "talk": None}])
    assert kept.of([{"message": "a"}]) is not kept.of([{"message": "a", "talk": 1}])


def test_no_more_shapes_are_kept_than_a_few_and_none_with_long_names() -> None:
    kept = shapes()
    for number in range(5 * MAX_SHAPES):
        kept.of([{f"m{number}": 1}])
        assert len(kept._known) <= MAX_SHAPES
    assert (f"m{5 * MAX_SHAPES - 1}",) in kept._known
    names = {"m" * (MAX_LENGTH - 1): 1, "n": 1}
    kept.of([names])
    assert tuple(names) in kept._known
    kept.of([{**names, "o": 1}])
    assert (*names, "o") not in kept._known


def test_very_many_members_are_refused_however_often_they_come() -> None:
    """B-10, N-14."""
    kept, many = shapes(), {f"m{number}": 1 for number in range(MAX_MEMBERS + 1)}
    for bodies in ([many], [many], [{"message": "hi"}, many]):
        with pytest.raises(BadRequest, match="members"):
            kept.of(bodies)


@pytest.mark.parametrize("name", ["Stream", "in_put", "context.id", "input[id]", "Talk"])
def test_a_disguised_member_is_refused_however_often_it_comes(name: str) -> None:
    chat = replace(CHAT)
    for body in ({name: True}, {"message": "hi", name: 1}, {name: None}, {name: 2}):
        with pytest.raises(BadRequest):
            judge(Reading(chat, ()), body)


NAMES = st.sampled_from(
    [
        "message",
        "stream",
        "Stream",
        "input",
        "metadata",
        "talk",
        "Talk",
        "context",
        "context.id",
        "userId",
        "user_id",
        "id",
        "type",
        "email",
        "x",
        "*",
    ]
)
VALUES = st.recursive(
    st.sampled_from([None, "", True, False, 1, "c-1", "text", "alice"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=6,
)
BODIES = st.lists(st.dictionaries(NAMES, VALUES, max_size=4), min_size=1, max_size=3)
REMEMBERING = replace(CHAT)


def noted(operation: Operation, bodies: list[Any]) -> object:
    reading = Reading(operation, ("alice", ""))
    try:
        judge(reading, *bodies)
    except BadRequest as error:
        return str(error)
    return bodies, reading.dropped, reading.spoofed, reading.conversations


@given(BODIES)
def test_what_is_remembered_judges_as_what_is_just_worked_out(bodies: list[Any]) -> None:
    fresh = noted(replace(CHAT), deepcopy(bodies))
    assert noted(REMEMBERING, bodies) == fresh
