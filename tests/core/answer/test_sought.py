import json
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.answer.note import Reader
from gateway.core.answer.sought import sought
from gateway.core.formats.pointer import find
from gateway.core.formats.strictjson import JsonValue
from gateway.core.profile.vendor import Body, Header, Operation

PLACES = (Body("/id"), Body("/data/id"), Body("/list/*/user"), Body("/usage/total"))
SAY = Operation(
    method="GET", path="/x", opens=PLACES[:2], answers_user=PLACES[2:3], usage=PLACES[3:]
)
NAMES = st.sampled_from(["id", "data", "list", "user", "usage", "total", "other"])
DOCUMENTS: st.SearchStrategy[JsonValue] = st.recursive(
    st.sampled_from(["c-1", "bob", 7, 1.5]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


def escaped(text: str, some: list[bool]) -> str:
    """The same JSON, with some letters of its strings written as escapes."""
    flags = iter(some)
    return "".join(f"\\u{ord(c):04x}" if c.isalpha() and next(flags, False) else c for c in text)


@given(DOCUMENTS, st.lists(st.booleans(), max_size=60))
def test_what_is_passed_over_says_nothing(document: JsonValue, some: list[bool]) -> None:
    """However its letters are written: whatever reading it would tell, is looked for."""
    wire = escaped(json.dumps(document), some).encode()
    notes = Reader(SAY, "alice", ()).read(json.loads(wire))
    assert SAY.sought.may_stand_in(wire) or not notes


@pytest.mark.parametrize(
    "text",
    [b"", b"[DONE]", b'{"delta":"my id"}', b'{"item_id":"c"}', b'{"a":"\\u4f60\\n"}', b"\xff"],
)
def test_text_without_any_of_the_names_is_passed_over(text: bytes) -> None:
    assert not SAY.sought.may_stand_in(text)


@pytest.mark.parametrize("name", ["id", "user", "total"])
@pytest.mark.parametrize("written", ["\\u{:04x}", "\\u{:04X}"])
def test_a_name_is_looked_for_whichever_of_its_letters_are_escaped(name: str, written: str) -> None:
    for size in range(1, len(name) + 1):
        for some in combinations(range(len(name)), size):
            letters = [written.format(ord(c)) if i in some else c for i, c in enumerate(name)]
            text = f'{{"{"".join(letters)}":"c-1"}}'
            assert json.loads(text) == {name: "c-1"}
            assert SAY.sought.may_stand_in(text.encode()), text


def test_where_nothing_is_looked_for_nothing_says_anything() -> None:
    found = sought((Header("mcp-session-id"),), (), ())
    assert found.signs == ()
    assert not found.checks
    assert not found.may_stand_in(b'{"id":"c-1","\\u0069d":1}')


@given(DOCUMENTS)
def test_a_way_that_is_left_out_leads_nowhere(document: JsonValue) -> None:
    begun = SAY.sought.in_document(document)
    for every, some in zip(SAY.sought.ways, begun, strict=True):
        assert [way for way in every if way in some] == list(some)
        assert not any(find(document, way) for way in every if way not in some)


def test_how_documents_begin_is_remembered_and_of_few() -> None:
    many = sought([Body(f"/n{number}/id") for number in range(10)], (), ())
    for number in range(2**10):
        document: JsonValue = {f"n{bit}": {} for bit in range(10) if number >> bit & 1}
        begun = many.in_document(document)
        assert begun is many.in_document(document)
        assert len(begun.opens) == len(document)
        assert len(many._begun) <= 256  # of all 1,024
    assert many.in_document([]) is many.ways


def test_what_an_error_names_opens_nothing() -> None:
    assert SAY.sought.ways.opens == (("id",), ("data", "id"))
    assert SAY.sought_in_error.ways.opens == ()
    assert SAY.sought_in_error.ways.names == SAY.sought.ways.names
    assert SAY.sought_in_error.ways.usage == SAY.sought.ways.usage
