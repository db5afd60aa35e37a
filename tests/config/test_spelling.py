import tomllib

from hypothesis import given
from hypothesis import strategies as st

from gateway.config.spelling import key, section, string, value

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = TEXTS | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner))


@given(VALUES)
def test_a_value_is_read_as_it_was_written(written: object):
    assert tomllib.loads(f"x = {value(written)}") == {"x": written}


@given(TEXTS, TEXTS)
def test_so_is_a_key(name: str, text: str):
    assert tomllib.loads(f"{key(name)} = {string(text)}") == {name: text}


def test_a_section_is_its_head_and_a_line_a_member():
    assert section("[a]", {"b": 1, "c d": [True]}) == '[a]\nb = 1\n"c d" = [true]\n'
