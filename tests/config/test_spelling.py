import tomllib

from hypothesis import given
from hypothesis import strategies as st

from gateway.config.spelling import key, section, sections, string, value

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


@given(st.dictionaries(TEXTS, VALUES), st.lists(TEXTS, min_size=1, max_size=3))
def test_sections_are_read_as_they_were_written(tree: dict[str, object], path: list[str]):
    found = tomllib.loads("\n".join(sections(path, tree)))
    for name in path:
        found = found[name]
    assert found == tree


@given(st.dictionaries(TEXTS, st.dictionaries(TEXTS, st.text(max_size=120)), max_size=5))
def test_tables_keep_their_order(tree: dict[str, dict[str, str]]):
    found = tomllib.loads("\n".join(sections(["x"], tree)))["x"]
    assert list(found) == list(tree)


def test_what_no_line_has_room_for_has_lines_of_its_own():
    long = ["a" * 60, "b" * 60]
    assert sections(["x"], {"a": 1, "b": {"c": 1}, "d": long, "e": {"f": "g" * 90, "h": 1}}) == [
        f'[x]\na = 1\nb = {{ c = 1 }}\nd = [\n    "{long[0]}",\n    "{long[1]}",\n]\n',
        f'[x.e]\nf = "{"g" * 90}"\nh = 1\n',
    ]
