import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.formats import strictjson
from gateway.core.formats.strictjson import JsonValue
from gateway.core.profile.contact import (
    ATTRIBUTE,
    MAX_ATTRIBUTES,
    MAX_TEXT,
    ContactBook,
    as_kind,
    as_text,
    definitions_in,
    digest,
    fitted,
    is_attribute,
)
from gateway.core.profile.place import Body
from gateway.vendors import VENDORS

BOOK = ContactBook(
    path="/c/{agent}",
    contacts="users",
    user="external_id",
    own=frozenset({"email"}),
    others="custom",
    most=10,
)
PAIRED = ContactBook(
    path="/p", user="id", others="values", pair=("name", "value"), refused=Body("/failed/*/name")
)
SCALARS = st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.none())


def test_a_contact_has_its_own_attributes_and_others() -> None:
    contact = BOOK.contact("alice", {"email": "a@x.example", "plan": "pro", "seats": None})
    assert contact == {
        "external_id": "alice",
        "email": "a@x.example",
        "custom": {"plan": "pro", "seats": None},
    }
    assert BOOK.body([contact]) == {"users": [contact]}
    assert BOOK.contact("alice", {"email": None}) == {"external_id": "alice", "email": None}


def test_where_others_are_a_list_each_has_a_name_and_a_value() -> None:
    contact = PAIRED.contact("alice", {"plan": "pro", "email": "a@x.example"})
    assert contact == {
        "id": "alice",
        "values": [{"name": "email", "value": "a@x.example"}, {"name": "plan", "value": "pro"}],
    }
    assert PAIRED.body([contact]) == contact


@given(st.dictionaries(st.text(), SCALARS, max_size=5))
def test_no_attribute_stands_in_for_the_user_id(attributes: dict[str, str | None]) -> None:
    assert BOOK.contact("alice", attributes)["external_id"] == "alice"
    assert PAIRED.contact("alice", attributes)["id"] == "alice"


@pytest.mark.parametrize(
    ("parts", "where"),
    [
        ({"path": "contacts"}, "path"),
        ({"path": "/c/{user}"}, "path"),
        ({"path": "/c/../d"}, "path"),
        ({"definitions": "/c?x=1"}, "definitions"),
        ({"most": 0}, "most"),
        ({"most": 1001}, "most"),
        ({"contacts": ""}, "most"),
        ({"contacts": "", "most": 2}, "most"),
        ({"user": ""}, "user"),
        ({"user": "email"}, "user"),
        ({"user": "custom"}, "user"),
        ({"others": "", "pair": ("a", "b")}, "pair"),
        ({"refused": Body("x")}, "refused"),
    ],
)
def test_a_book_that_contradicts_itself_says_where(parts: dict[str, object], where: str) -> None:
    usual = {"path": "/c", "contacts": "users", "user": "id", "own": frozenset({"email"})}
    usual |= {"others": "custom", "most": 10}
    with pytest.raises(ValueError, match=f"{where}: |JSON Pointer"):
        ContactBook(**{**usual, **parts})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "known"),
    [
        ({"data": [{"name": "plan", "type": "text"}]}, {"plan": "text"}),
        ({"data": [{"name": "plan"}]}, {"plan": "text"}),
        ({"data": [{"name": "seats", "type": "number"}]}, {"seats": "number"}),
        ({"data": [{"name": "plan", "type": "text", "archived": True}]}, {}),
        ({"data": [None, 7, {}, {"type": "text"}]}, {}),
        ({"data": []}, {}),
        ({"data": {}}, None),
        ([], None),
        (None, None),
    ],
)
def test_definitions_are_what_can_be_written(
    answer: JsonValue, known: dict[str, str] | None
) -> None:
    assert definitions_in(answer) == known


def test_what_is_not_defined_is_left_out_and_named() -> None:
    said = {"email": "a@x.example", "plan": "pro", "seats": "many", "vip": None, "gone": None}
    taken, unknown = fitted(BOOK, said, {"plan": "text", "seats": "number", "vip": "boolean"})
    assert taken == {"email": "a@x.example", "plan": "pro", "vip": None}
    assert unknown == {"seats", "gone"}
    assert fitted(BOOK, said, None) == (said, frozenset())


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("pro", "text", "pro"),
        (12, "text", "12"),
        (1234567, "text", "1234567"),
        (1.5, "text", "1.5"),
        (True, "text", "true"),
        ("12", "number", 12),
        ("-1.50", "number", -1.5),
        (7, "number", 7),
        (True, "number", None),
        ("012", "number", None),
        ("12 ", "number", None),
        ("9" * 16, "number", None),
        (True, "boolean", True),
        ("true", "boolean", True),
        ("false", "boolean", False),
        ("False", "boolean", None),
        (1, "boolean", None),
        ("2026-11-22", "date", "2026-11-22"),
        ("x", "a kind of tomorrow", "x"),
    ],
)
def test_a_value_is_of_its_kind_or_is_none(value: object, kind: str, expected: object) -> None:
    found = as_kind(value, kind)  # type: ignore[arg-type]
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize("kind", ["text", "number", "boolean", "date"])
@given(value=st.one_of(st.text(), st.integers(), st.booleans()))
def test_whatever_it_is_json_can_hold_it(kind: str, value: str | int | bool) -> None:
    if is_attribute(value):
        strictjson.dumps(as_kind(value, kind))
        strictjson.dumps(as_text(value))


@pytest.mark.parametrize(
    ("value", "may"),
    [
        ("", True),
        ("x" * MAX_TEXT, True),
        ("x" * (MAX_TEXT + 1), False),
        ("\ud800", False),
        (0, True),
        (False, True),
        (None, False),
        ([], False),
        ({}, False),
        (b"x", False),
    ],
)
def test_an_attribute_is_a_short_scalar(value: object, may: bool) -> None:
    assert is_attribute(value) is may


def test_answers_name_what_was_not_taken() -> None:
    answer: JsonValue = {"failed": [{"name": "plan"}, {"name": 7}, {}, None]}
    assert PAIRED.not_taken(answer) == {"plan"}
    assert PAIRED.not_taken(None) == BOOK.not_taken(answer) == frozenset()


def test_a_digest_tells_one_from_another() -> None:
    one = digest([{"a": 1}])
    assert one == digest([{"a": 1}])
    assert len({one, digest([{"a": "1"}]), digest([{"a": True}]), digest([{"b": 1}])}) == 4
    assert digest([math.inf]) == digest([None])  # JSON has neither


def test_the_contacts_of_the_shipped_profiles_are_out_of_reach_of_their_operations() -> None:
    for vendor in VENDORS.values():
        if vendor.contacts is not None:
            paths = {vendor.contacts.path, vendor.contacts.definitions}
            reached = {operation.path for operation in vendor.operations.values()}
            assert paths.isdisjoint(reached)


@pytest.mark.parametrize(
    ("name", "may"),
    [
        ("plan", True),
        ("a", True),
        ("a" * 64, True),
        ("a" * 65, False),
        ("7", False),
        ("a b", False),
    ],
)
def test_an_attribute_has_a_plain_name(name: str, may: bool) -> None:
    assert bool(ATTRIBUTE.fullmatch(name)) is may


def test_the_limits_are_these() -> None:
    assert (MAX_TEXT, MAX_ATTRIBUTES) == (1000, 50)
    assert not ContactBook(path="/c", user="id").removes


def test_a_book_is_kept_by_agent_where_its_path_says_so() -> None:
    assert (BOOK.by_agent, PAIRED.by_agent) == (True, False)


def test_what_has_no_place_in_a_contact_is_not_in_it() -> None:
    alone = ContactBook(path="/c", user="id")
    assert alone.contact("alice", {"plan": "pro"}) == {"id": "alice"}
    assert PAIRED.contact("alice", {}) == {"id": "alice"}


def test_a_value_that_is_not_of_its_kind_is_left_out_even_where_it_is_defined() -> None:
    assert fitted(BOOK, {"seats": "many"}, {"seats": "number"}) == ({}, {"seats"})
    assert fitted(BOOK, {"seats": "many"}, {}) == ({}, {"seats"})
