import json
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.note import Reader
from gateway.core.sought import sought
from gateway.core.strictjson import JsonValue
from gateway.core.vendor import Body, Header, Operation

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


def test_what_an_error_names_opens_nothing() -> None:
    assert SAY.sought.opens == (("id",), ("data", "id"))
    assert SAY.sought_in_error.opens == ()
    assert SAY.sought_in_error.names == SAY.sought.names
    assert SAY.sought_in_error.usage == SAY.sought.usage
