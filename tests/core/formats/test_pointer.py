import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.formats.pointer import find, is_disguised, parse, put
from gateway.core.formats.strictjson import JsonObject, JsonValue

# RFC 6901 section 5.
DOCUMENT: JsonObject = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    " ": 7,
    "m~n": 8,
}


def found(document: JsonValue, pointer: str) -> list[JsonValue]:
    return list(find(document, parse(pointer)))


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/foo", ["bar", "baz"]),
        ("/foo/0", "bar"),
        ("/foo/1", "baz"),
        ("/", 0),
        ("/a~1b", 1),
        ("/c%d", 2),
        ("/e^f", 3),
        ("/g|h", 4),
        ("/i\\j", 5),
        ('/k"l', 6),
        ("/ ", 7),
        ("/m~0n", 8),
    ],
)
def test_finds_what_rfc_6901_finds(pointer: str, value: JsonValue) -> None:
    assert found(DOCUMENT, pointer) == [value]


def test_no_tokens_mean_the_whole_document() -> None:
    assert list(find(DOCUMENT, ())) == [DOCUMENT]


@pytest.mark.parametrize(
    "pointer",
    [
        *("/nothing", "/foo/2", "/foo/-", "/foo/00", "/foo/01", "/foo/-1", "/foo/+1", "/foo/1.0"),
        *("/foo/\u0661", "/foo/9999999999999999999999", "/foo/bar", "/foo/0/0", "//x"),
    ],
)
def test_finds_nothing_where_nothing_is(pointer: str) -> None:
    assert found(DOCUMENT, pointer) == []


def test_a_star_is_every_item_of_an_array() -> None:
    document: JsonValue = {"data": [{"id": 1}, {"other": 2}, 3, {"id": 4}]}
    assert found(document, "/data/*/id") == [1, 4]
    assert found(document, "/data/*") == [{"id": 1}, {"other": 2}, 3, {"id": 4}]


def test_a_star_is_no_member_but_its_own() -> None:
    assert found({"data": {"x": 1}}, "/data/*") == []
    assert found({"data": {"*": 1}}, "/data/*") == [1]


@pytest.mark.parametrize("pointer", ["", "foo", "#/foo", "/a~b", "/a~", "/~2", "/~01~", "/~~01"])
def test_refuses_what_is_no_pointer(pointer: str) -> None:
    with pytest.raises(ValueError, match="JSON Pointer"):
        parse(pointer)


def test_unescapes_once() -> None:
    assert parse("/~01") == ("~1",)
    assert parse("/~0~1") == ("~/",)


def test_puts_at_the_top_and_below() -> None:
    document: JsonObject = {"a": {"kept": 1}}
    put(document, ("b",), 2)
    put(document, ("a", "c", "d"), 3)
    assert document == {"a": {"kept": 1, "c": {"d": 3}}, "b": 2}


@pytest.mark.parametrize("blocker", ["text", 1, True, None, [], [{"c": "x"}]])
def test_whatever_is_no_object_gives_way(blocker: JsonValue) -> None:
    document: JsonObject = {"a": blocker}
    put(document, ("a", "c"), 1)
    assert document == {"a": {"c": 1}}


def test_other_spellings_of_the_name_go() -> None:
    document: JsonObject = {"USER_ID": 1, "user-id": 2, "Meta": {"x": 1}, "userIds": 3}
    put(document, ("userId",), "alice")
    put(document, ("meta", "user"), "alice")
    assert document == {"userIds": 3, "userId": "alice", "meta": {"user": "alice"}}


def test_the_order_of_members_stays() -> None:
    document: JsonObject = {"a": 1, "b": 2, "c": 3}
    put(document, ("b",), 0)
    assert list(document) == ["a", "b", "c"]


def test_changes_nothing_that_others_hold() -> None:
    shared: JsonObject = {"plan": "pro", "deep": {"x": 1}}
    document: JsonObject = {"metadata": shared}
    put(document, ("metadata", "user"), "alice")
    put(document, ("metadata", "deep", "user"), "alice")
    assert shared == {"plan": "pro", "deep": {"x": 1}}


TOKENS = st.lists(st.text(alphabet="aB_~/*0é", max_size=3), min_size=1, max_size=4).map(tuple)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet="aB_", max_size=2), inner)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(alphabet="aB_", max_size=2), VALUES), TOKENS, st.text())
def test_what_was_put_is_found_and_nothing_else(
    document: JsonObject, tokens: tuple[str, ...], value: str
) -> None:
    before = copy.deepcopy(document)
    changed = dict(document)
    put(changed, tokens, value)
    assert list(find(changed, tokens)) == [value]
    assert document == before


@given(TOKENS)
def test_parsing_undoes_writing(tokens: tuple[str, ...]) -> None:
    written = "".join("/" + t.replace("~", "~0").replace("/", "~1") for t in tokens)
    assert parse(written) == tokens


def test_other_spellings_of_an_inner_name_go() -> None:
    document: JsonObject = {"metadata": {"USER": "bob", "x": 1}}
    put(document, parse("/metadata/user"), "alice")
    assert document == {"metadata": {"x": 1, "user": "alice"}}


@pytest.mark.parametrize(
    ("document", "is_so"),
    [
        ({"a": {"b_c": 1}}, False),
        ({"a": {"b_c": 1, "bC": 2}}, True),
        ({"a": {"B-C": 2}}, True),
        ({"A": 1}, True),
        ({"a": [{"bC": 1}]}, False),
        ({"x": {"bC": 1}}, False),
        ([{"A": 1}], False),
        (None, False),
    ],
)
def test_tells_where_another_spelling_stands_on_the_way(document: JsonValue, is_so: bool) -> None:
    assert is_disguised(document, ("a", "b_c")) is is_so
