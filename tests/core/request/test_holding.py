from typing import Any

import pytest

from gateway.core.errors import BadRequest
from gateway.core.profile.operation import Operation
from gateway.core.profile.place import Body
from gateway.core.request.holding import Holding
from tests.support.asking import ask, document, sent

PARTS = Operation(
    method="POST",
    path="/x",
    members=frozenset({"input", "conversation", "metadata"}),
    inner={
        "/input/*": frozenset({"type", "content"}),
        "/input/*/content/*": frozenset({"type", "text"}),
        "/conversation": frozenset(),
    },
    values={
        "/input/*/type": frozenset({"message"}),
        "/input/*/content/*/type": frozenset({"text"}),
    },
    flat=(Body("/metadata"),),
    conversation=(Body("/input/*/id"), Body("/conversation"), Body("/conversation/id")),
    opens=(Body("/id"),),
)


def check(operation: Operation, body: dict[str, Any]) -> None:
    operation.holding.of(body).check(body)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"input": "a text in place of an array"},
        {"input": None},
        {"input": []},
        {"input": [{"content": "a text"}]},
        {"input": [{"type": "message", "content": None}]},
        {"input": [{"type": "message", "content": [{"type": "text", "text": "hi"}]}]},
        {"metadata": {"a": "b", "c": 1, "d": None, "e": True}},
        {"metadata": None},
    ],
)
def test_what_a_profile_lists_passes_as_it_is(body: dict[str, Any]) -> None:
    assert document(sent(ask(PARTS, body))) == body


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"input": {"type": "message"}}, id="an object in place of an array"),
        pytest.param({"input": {"*": {"type": "mcp"}}}, id="one with a star in it"),
        pytest.param({"input": {"0": {"type": "mcp"}}}, id="an array as PHP writes it"),
        pytest.param({"input": [[{"type": "mcp"}]]}, id="an array in the array"),
        pytest.param({"input": [{"type": "mcp"}]}, id="a type that is not listed"),
        pytest.param({"input": [{"type": ["message"]}]}, id="a type in an array"),
        pytest.param({"input": [{"Type": "mcp"}]}, id="another spelling"),
        pytest.param({"input": [{"type": "message", "TYPE": "mcp"}]}, id="two spellings"),
        pytest.param({"input": ["text"]}, id="a text as an item"),
        pytest.param({"input": 7}, id="a number"),
        pytest.param({"input": [{"content": {"type": "file"}}]}, id="an object as content"),
        pytest.param({"input": [{"content": [{"type": "file"}]}]}, id="a part of another type"),
        pytest.param({"conversation": [{"id": "c"}]}, id="an array in place of an object"),
        pytest.param({"metadata": {"a": {"user_id": "bob"}}}, id="an object in what is flat"),
        pytest.param({"metadata": {"a": ["bob"]}}, id="an array in what is flat"),
        pytest.param({"metadata": ["bob"]}, id="an array in its place"),
    ],
)
def test_what_could_hide_something_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        check(PARTS, body)
    with pytest.raises(BadRequest):
        ask(PARTS, body)


def test_what_is_not_listed_deep_inside_is_left_out() -> None:
    part = {"type": "text", "text": "hi", "file_id": "file-1", "Text": "x", "user_id": "bob"}
    item = {"type": "message", "content": [part], "tools": [{"type": "mcp"}], "Ids": [{}]}
    asked = ask(PARTS, {"input": [item]})
    assert document(sent(asked)) == {
        "input": [{"type": "message", "content": [{"type": "text", "text": "hi"}]}]
    }
    assert "body:input/*/content/*/file_id" in asked.dropped
    assert asked.spoofed == ("body:input/*/content/*/user_id",)


def test_an_id_deep_inside_is_a_conversation_in_its_one_spelling() -> None:
    assert ask(PARTS, {"input": [{"id": "i1"}, {"id": "i2"}]}).conversations == ("i1", "i2")
    for name in ("ID", "i_d", "Id", "thread_id"):
        with pytest.raises(BadRequest):
            ask(PARTS, {"input": [{name: "i1"}]})


def test_a_text_may_stand_in_place_of_an_object_that_is_no_item() -> None:
    sourced = Operation(
        method="POST",
        path="/x",
        members=frozenset({"source", "sources"}),
        inner={"/source": frozenset({"type"}), "/sources/*": frozenset({"type"})},
        values={"/source/type": frozenset({"url"}), "/sources/*/type": frozenset({"url"})},
    )
    check(sourced, {"source": "https://x.test", "sources": "https://x.test"})
    for body in ({"sources": ["https://x.test"]}, {"source": ["https://x.test"]}, {"source": 1}):
        with pytest.raises(BadRequest):
            check(sourced, body)


def test_a_text_is_only_taken_where_an_array_of_objects_is_listed() -> None:
    listless = Operation(
        method="POST",
        path="/x",
        members=frozenset({"input"}),
        values={"/input/*/type": frozenset({"message"})},
    )
    with pytest.raises(BadRequest):
        check(listless, {"input": '[{"type":"mcp"}]'})


def test_an_array_is_looked_through_where_no_value_in_it_is_limited() -> None:
    inner = {"/a/*": frozenset({"b"}), "/a/*/b": frozenset({"c"})}
    deep = Operation(method="POST", path="/x", members=frozenset({"a"}), inner=inner)
    check(deep, {"a": [{"b": {"c": 1}}, {"b": "text"}, "text with a b", None]})
    for hiding in ([{"b": {}}, {"b": [{"c": 1}]}], [{"b": {}}, [{"b": {}}]], {"0": {"b": {}}}):
        with pytest.raises(BadRequest):
            check(deep, {"a": hiding})


def test_one_object_among_texts_is_enough() -> None:
    with pytest.raises(BadRequest):
        check(PARTS, {"metadata": {"a": "b", "c": {"user_id": "bob"}, "d": "e"}})


def test_a_text_stands_for_the_object_in_an_item_and_never_for_the_item() -> None:
    deep = Operation(
        method="POST",
        path="/x",
        members=frozenset({"a"}),
        inner={"/a/*": frozenset({"b"}), "/a/*/b": frozenset({"type"})},
        values={"/a/*/b/type": frozenset({"url"})},
    )
    check(deep, {"a": [{"b": "text"}]})
    with pytest.raises(BadRequest):
        check(deep, {"a": ["text"]})


def test_a_text_stands_where_a_conversation_is_named_and_nowhere_on_the_way_to_one() -> None:
    named = (Body("/talk"), Body("/talk/id"), Body("/other/id"))
    talk = Operation(method="POST", path="/x", conversation=named)
    check(talk, {"talk": "c-1", "other": {"id": "c-1"}})
    check(talk, {"talk": {"id": "c-1"}})
    for body in ({"other": "c-1"}, {"other": {"ID": "c-1"}}, {"talk": {"Id": "c-1"}}, {"talk": 7}):
        with pytest.raises(BadRequest):
            check(talk, body)


def test_only_what_holds_others_is_written_with_them() -> None:
    holding = Holding((), [(("stream",), frozenset({True})), (("a", "b"), frozenset({1}))], ())
    fine = {"stream.options": 1, "b.c": 1, "ab": 1, "x": {"a": 1}}
    holding.of(fine).check(fine)
    for hiding in ("a.b", "a[b]", "A.b", "[a]", "a.", "x.a"):
        with pytest.raises(BadRequest, match="'a'"):
            holding.of({hiding: 1})
    for hiding in ("Stream", "stream_"):
        with pytest.raises(BadRequest, match="'stream'"):
            holding.of({hiding: 1})


def test_no_array_is_looked_for_in_a_body_which_is_an_object() -> None:
    body = {"0": {"type": "file"}}
    holding = Holding((), [(("*", "type"), frozenset({"text"}))], ())
    with pytest.raises(BadRequest, match="wrong type"):
        holding.of(body)
    with pytest.raises(BadRequest, match="an object in place of an array"):
        Holding([("*",)], (), ()).of(body).check(body)
